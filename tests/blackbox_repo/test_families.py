from __future__ import annotations

import itertools

import pytest

from blackbox_repo import TabularBlackbox, load_blackbox
from blackbox_repo.errors import InvalidConfiguration, UnknownName
from blackbox_repo.families.nasbench201 import (
    EDGES,
    OPERATIONS,
    architecture_of,
    configuration_of,
    index_of,
    query_by_arch,
)

# architecture 0 of the official order
FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"


@pytest.fixture(scope="module")
def final() -> TabularBlackbox:
    blackbox = load_blackbox("nasbench201-final")["cifar100"]
    assert isinstance(blackbox, TabularBlackbox)
    return blackbox


def test_string_and_configuration_are_two_names_of_one_cell() -> None:
    assert configuration_of(FIRST) == {
        "op_1_from_0": "avg_pool_3x3",
        "op_2_from_0": "nor_conv_1x1",
        "op_2_from_1": "skip_connect",
        "op_3_from_0": "nor_conv_1x1",
        "op_3_from_1": "skip_connect",
        "op_3_from_2": "skip_connect",
    }
    for operations in itertools.product(OPERATIONS, repeat=6):
        configuration = dict(zip(EDGES, operations, strict=True))
        assert configuration_of(architecture_of(configuration)) == configuration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        FIRST[:-1],
        FIRST.replace("avg", "max"),
        FIRST + "+|none~0|",
        FIRST.replace("~2", "~3"),
        FIRST.replace("+", ""),
    ],
)
def test_what_is_no_architecture_string_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfiguration, match="is no architecture string of NAS-Bench-201; one is"):
        configuration_of(text)


def test_a_configuration_without_an_edge_is_no_cell() -> None:
    with pytest.raises(InvalidConfiguration, match=r"it lacks \['op_3_from_2'\]"):
        architecture_of(dict.fromkeys(EDGES[:-1], "none"))


def test_a_cell_is_asked_by_its_string_or_index(final: TabularBlackbox) -> None:
    by_string, by_index = query_by_arch(final, FIRST, seed=1), query_by_arch(final, 0, seed=1)
    assert by_string.at(200) == by_index.at(200)
    assert by_string.seed == 1
    assert by_index.at(200) == final.curve(configuration_of(FIRST), seed=1).at(200)
    with pytest.raises(UnknownName, match="unknown index 15625"):
        query_by_arch(final, 15_625)


@pytest.mark.parametrize("index", [0, 11, 284, 15_624])
def test_index_and_string_lead_back_to_each_other(final: TabularBlackbox, index: int) -> None:
    configuration = final.labelled("index", index)
    assert index_of(final, configuration) == index
    assert index_of(final, architecture_of(configuration)) == index
