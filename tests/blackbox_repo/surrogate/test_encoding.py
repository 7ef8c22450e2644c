"""Configurations as rows of numbers."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import Categorical, Condition, Constant, Float, Integer, Ordinal, Space, load_blackbox
from blackbox_repo.distance import coordinate
from blackbox_repo.errors import InvalidOption
from blackbox_repo.surrogate.encoding import Encoding

HALF = math.sqrt(0.5)
SPACE = Space(
    {
        "lr": Float(1e-4, 1, log=True),
        "optimizer": Categorical(("adam", "sgd")),
        "momentum": Float(0.1, 0.9),
        "nesterov": Categorical((True, False)),
        "units": Integer(1, 5),
        "width": Ordinal((16, 32, 256)),
        "share": Ordinal((0.0, 0.1, 0.4)),
        "size": Ordinal(("s", "m", "l")),
        "version": Constant(3),
        "large": Integer(0, 2**60),
        "huge": Integer(1, 10**22, log=True),
    },
    {"momentum": (Condition("optimizer", ("sgd",)),), "nesterov": (Condition("optimizer", ("sgd",)),)},
)
REST = {"units": 2, "width": 64, "share": 0.1, "size": "m", "version": 3, "large": 2**60, "huge": 1}


def test_each_hyperparameter_has_its_features() -> None:
    encoding = Encoding(SPACE)
    adam = SPACE.check({"lr": 0.01, "optimizer": "adam", **REST, "width": 32})
    sgd = SPACE.check({"lr": 1, "optimizer": "sgd", "momentum": 0.9, "nesterov": False, **REST, "width": 256})
    assert encoding.names == (
        *("lr", "optimizer=adam", "optimizer=sgd", "momentum", "nesterov=True", "nesterov=False"),
        *("units", "width", "share", "size", "version", "large", "huge"),
    )
    rest = [0.25, 0.5, 0, 1, 0]  # share by value, size by rank, version, large, huge
    assert encoding.row(adam).tolist() == [0.5, HALF, 0, -2, 0, 0, 0.25, 0.25, *rest]
    assert encoding.row(sgd).tolist() == [1, 0, HALF, 1, 0, HALF, 0.25, 1, *rest]


@given(st.integers(0, 2**40), st.integers(1, 100))
def test_rows_are_bit_for_bit_those_of_single_configurations(seed: int, count: int) -> None:
    encoding, drawn = Encoding(SPACE), SPACE.samples(seed, 0, count=count)
    rows = encoding.rows(drawn)
    assert rows.tobytes() == np.array([encoding.row(one) for one in drawn]).tobytes()
    lr, units = SPACE.domains["lr"], SPACE.domains["units"]
    assert rows[:, 0].tolist() == [coordinate(lr, one["lr"]) for one in drawn]
    assert rows[:, 6].tolist() == [coordinate(units, one["units"]) for one in drawn]


def test_a_table_is_encoded_by_column_as_by_configuration() -> None:
    table = load_blackbox("nmt-hpo")["zh-en"]
    encoding, configurations = Encoding(table.schema.space), table.configurations()
    rows = encoding.rows(configurations)
    assert rows.tobytes() == encoding.rows([dict(one) for one in configurations]).tobytes()
    assert len({row.tobytes() for row in rows}) == len(configurations)


@pytest.mark.parametrize("values", [(1, 2**60, 2**60 + 1), (0.0, 1.0, 1 + 1e-14), (-1.7e308, 0, 1.7e308)])
def test_ordinals_that_their_values_do_not_tell_apart_have_ranks(values: tuple[Any, ...]) -> None:
    space = Space({"x": Ordinal(values)})
    assert Encoding(space).rows([{"x": value} for value in values]).tolist() == [[0], [0.5], [1]]


def test_a_pickled_encoding_encodes_the_same() -> None:
    drawn = SPACE.sample(1)
    again = pickle.loads(pickle.dumps(Encoding(SPACE)))  # noqa: S301, TID251  our own
    assert again.row(drawn).tobytes() == Encoding(SPACE).row(drawn).tobytes()


def test_the_rows_of_a_table_are_encoded_in_a_wider_space() -> None:
    table = Space({"lr": Ordinal((1e-3, 1e-2, 1e-1)), "layers": Ordinal((1, 2, 3))})
    rows = [table.configuration(index) for index in range(9)]
    wide = Encoding(Space({"lr": Float(1e-4, 1, log=True), "layers": Integer(1, 5)}))
    found = wide.rows_of_table(rows, table, "tiny/grid")
    assert found[0].tolist() == [0.25, 0]
    assert found[-1].tolist() == [0.75, 0.5]
    assert Encoding(table).rows_of_table(rows, table, "tiny/grid")[0].tolist() == [0, 0]


def test_a_space_that_lacks_a_configuration_of_the_table_is_refused() -> None:
    table = Space({"lr": Ordinal((1e-3, 1e-2, 1e-1))})
    narrow = Encoding(Space({"lr": Float(1e-2, 1)}))
    with pytest.raises(
        InvalidOption, match=r"every configuration of 'tiny/grid', but lr=0.001 is not in .*continuous\(\)"
    ):
        narrow.rows_of_table([{"lr": 1e-3}], table, "tiny/grid")
