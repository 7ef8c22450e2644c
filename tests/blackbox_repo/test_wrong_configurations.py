"""What each real blackbox answers to a configuration, fidelity, seed or objective that it does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import (
    ConfigurationNotInTable,
    InvalidConfiguration,
    UnknownFidelity,
    UnknownName,
    UnknownSeed,
)
from blackbox_repo.repository import load_blackbox

# a task of each kind -> a hyperparameter of it, and values that are not in its domain
TASKS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "nasbench201-final/cifar100": (
        "op_3_from_1",
        ("nor_conv_5x5", "NONE", 1, True, None, ("none",), ["none"]),
    ),
    "nasbench-nlp/wikitext-2": ("architecture", (999, 1000000.5, "1000000", True, None, float("nan"))),
    "taskset/imdb_patch32_GRU64_avg_bs128": (
        "learning_rate",
        (0.0, -1e-3, 11.0, "0.1", True, None, float("nan")),
    ),
    "fcnet-final/protein_structure": ("n_units_1", (17, 0, "16", True, None, float("inf"))),
    "icml-deepar/electricity": ("num_cells", (-1, "many", True, None)),
    "nasbench-macro/cifar10": ("layer_1", ("conv", 3.5, True, None)),
    "yahpo-lcbench/3945": ("batch_size", (15, 513, 64.5, "64", True, None, [64], float("nan"))),
}


@cache
def loaded(name: str) -> Blackbox:
    blackbox, task = name.split("/")
    return load_blackbox(blackbox)[task]


def good(blackbox: Blackbox) -> dict[str, Any]:
    """A configuration that the blackbox holds."""
    return dict(blackbox.schema.space.sample("wrong configurations", 0))


@pytest.fixture(params=list(TASKS))
def case(request: pytest.FixtureRequest) -> tuple[Blackbox, str, tuple[Any, ...]]:
    return loaded(request.param), *TASKS[request.param]


def asked(blackbox: Blackbox) -> list[Callable[[Mapping[str, Any]], object]]:
    """All the ways to ask about one configuration."""
    return [
        blackbox.curve,
        blackbox.evaluate,
        lambda configuration: blackbox.curves([good(blackbox), configuration]),
    ]


def test_the_good_configuration_is_there(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    blackbox, name, _ = case
    configuration = good(blackbox)
    assert name in configuration
    for ask in asked(blackbox):
        ask(configuration)
    assert configuration == good(blackbox)


def test_a_value_outside_the_domain_is_named(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    blackbox, name, wrong = case
    for value in wrong:
        for ask in asked(blackbox):
            with pytest.raises(InvalidConfiguration) as caught:
                ask({**good(blackbox), name: value})
            assert str(caught.value).startswith(f"{name}={value!r} is ")


def test_a_missing_hyperparameter_is_named(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    blackbox, name, _ = case
    configuration = good(blackbox)
    del configuration[name]
    for ask in asked(blackbox):
        with pytest.raises(InvalidConfiguration, match=f"lacks the hyperparameter '{name}'"):
            ask(configuration)


def test_an_extra_hyperparameter_is_named(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    blackbox, name, _ = case
    for ask in asked(blackbox):
        with pytest.raises(InvalidConfiguration) as caught:
            ask({**good(blackbox), f"{name}s": 1})
        assert f"has an unknown hyperparameter '{name}s'; did you mean '{name}'" in str(caught.value)


@pytest.mark.parametrize("configuration", [None, [1], "text", 7])
def test_what_is_no_mapping_is_refused(
    case: tuple[Blackbox, str, tuple[Any, ...]], configuration: Any
) -> None:
    with pytest.raises(
        InvalidConfiguration, match="a configuration is a mapping from hyperparameter to value"
    ):
        case[0].curve(configuration)


def test_an_unknown_fidelity_is_named(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    blackbox = case[0]
    fidelity = blackbox.schema.fidelity
    for value in (7.5, -1, 10**9, "all", float("nan")):
        with pytest.raises(UnknownFidelity) as caught:
            blackbox.evaluate(good(blackbox), value)  # type: ignore[arg-type]
        assert str(caught.value) == f"{fidelity.name}={value!r} is not in {fidelity.describe()}"


def test_an_unknown_seed_is_named(case: tuple[Blackbox, str, tuple[Any, ...]]) -> None:
    with pytest.raises(UnknownSeed, match="12345"):
        case[0].curve(good(case[0]), seed=12345)


def test_an_unknown_objective_is_answered_with_the_nearest(
    case: tuple[Blackbox, str, tuple[Any, ...]],
) -> None:
    blackbox = case[0]
    target = blackbox.schema.target
    with pytest.raises(UnknownName, match=f"unknown objective '{target}s'; did you mean '{target}'"):
        blackbox.curve(good(blackbox))[f"{target}s"]
    with pytest.raises(UnknownName, match=f"did you mean '{target}'"):
        blackbox.values(f"{target}s")


def test_a_configuration_between_the_rows_is_not_in_the_table() -> None:
    taskset = loaded("taskset/imdb_patch32_GRU64_avg_bs128")
    between = {**good(taskset), "learning_rate": 0.123}
    with pytest.raises(ConfigurationNotInTable, match="is not among the 1,?000 configurations of 'taskset/"):
        taskset.curve(between)


def test_an_unknown_task_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'cifar100'"):
        load_blackbox("nasbench201-final")["cifar-100"]
