"""Configurations out of the values that a library suggests."""

from __future__ import annotations

import math

import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.space import Condition, Space
from simulator.adapters.values import at_position, has_single_value, to_configuration

SPACE = Space(
    {
        "kind": Categorical(("a", 3, True)),
        "lr": Float(1e-5, 1e-1, log=True),
        "depth": Integer(2, 9),
        "order": Ordinal((1, 4, 9)),
        "version": Constant("v1"),
    },
    {"depth": (Condition("kind", ("a",)),)},
)


def test_numbers_beyond_an_end_become_that_end() -> None:
    given = {"kind": "a", "lr": 0.1 * (1 + 1e-9), "depth": 1, "order": 4}
    assert to_configuration(SPACE, given) == {
        "kind": "a",
        "lr": 0.1,
        "depth": 2,
        "order": 4,
        "version": "v1",
    }


def test_what_is_inactive_or_no_hyperparameter_is_left_out_and_choices_may_be_positions() -> None:
    given = {"other": 1, "depth": 5, "order": 2.0, "lr": 0.01, "kind": 1}
    found = to_configuration(SPACE, given, at_position)
    assert list(found.items()) == [("kind", 3), ("lr", 0.01), ("order", 9), ("version", "v1")]


def test_a_number_that_is_none_is_refused_by_the_name_of_its_hyperparameter() -> None:
    with pytest.raises(InvalidConfiguration, match="lr=nan is not finite"):
        to_configuration(SPACE, {"kind": 3, "lr": math.nan, "order": 4})


def test_there_is_nothing_to_choose_where_there_is_one_value() -> None:
    assert [has_single_value(domain) for domain in SPACE.domains.values()] == [False] * 4 + [True]
    assert has_single_value(Float(2, 2))
    assert has_single_value(Integer(2, 2))
