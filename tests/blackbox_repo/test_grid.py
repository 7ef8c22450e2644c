from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import Categorical, Condition, Float, Integer, InvalidSpace, Ordinal, Space
from blackbox_repo import grid as grids
from blackbox_repo.domains import Value
from blackbox_repo.errors import TooEntangled


@st.composite
def finite_spaces(draw: Any) -> Space:
    names = "abcdef"[: draw(st.integers(1, 6))]
    domains, conditions = {}, {}
    for index, name in enumerate(names):
        domains[name] = draw(
            st.sampled_from([Integer(2, 4), Categorical(("x", "y")), Ordinal((1, 2.5, 7)), Integer(5, 5)])
        )
        parents = draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=2)) if index else []
        chosen = [
            Condition(parent, tuple(draw(st.lists(st.sampled_from(domains[parent].values), min_size=1))))
            for parent in parents
        ]
        if chosen:
            conditions[name] = tuple(chosen)
    return Space(domains, conditions)


def listed(space: Space) -> list[dict[str, Value]]:
    """All configurations, by trying every combination."""
    found = {}
    for values in itertools.product(*(domain.values or () for domain in space.domains.values())):
        kept: dict[str, Value] = {}
        for name, value in zip(space.domains, values, strict=True):
            if space.is_active(name, kept):
                kept[name] = value
        found[space.identity(kept)] = kept
    return list(found.values())


@given(finite_spaces())
def test_a_finite_space_is_counted_through_each_configuration_once(space: Space) -> None:
    expected, size = listed(space), space.size
    assert size == len(expected)
    assert space.enumeration is not None
    counted = list(space.enumeration)
    assert sorted(map(str, counted)) == sorted(map(str, expected))
    assert [space.check(configuration) for configuration in counted] == counted
    assert [list(configuration) for configuration in counted] == [list(space.check(c)) for c in counted]
    assert space.enumeration.block(range(size)) == counted
    assert [space.configuration(index) for index in range(size)] == counted


def test_what_conditions_tie_together_turns_as_one_in_declared_order() -> None:
    space = Space(
        {"k": Categorical(("a", "b")), "n": Integer(1, 2), "z": Categorical((True, False))},
        {"n": (Condition("k", ("b",)),)},
    )
    assert [tuple(c.values()) for c in space.grid(3)] == [
        ("a", True), ("a", False), ("b", 1, True), ("b", 1, False), ("b", 2, True), ("b", 2, False),
    ]  # fmt: skip


def test_a_parent_with_very_many_values_is_counted_at_once() -> None:
    space = Space(
        {"n": Integer(0, 10**12), "extra": Categorical(("p", "q", "r"))},
        {"extra": (Condition("n", (7, 10**11)),)},
    )
    assert space.size == 10**12 + 1 + 4
    assert space.configuration(6) == {"n": 6}
    assert [space.configuration(index) for index in (7, 9)] == [
        {"n": 7, "extra": "p"},
        {"n": 7, "extra": "r"},
    ]
    assert space.configuration(10) == {"n": 8}
    assert space.configuration(space.size - 1) == {"n": 10**12}


def test_integers_beyond_64_bits_are_counted() -> None:
    space = Space({"n": Integer(-5, 10**30), "k": Categorical(("a", "b"))})
    assert space.size == 2 * (10**30 + 6)
    assert space.configuration(space.size - 1) == {"n": 10**30, "k": "b"}
    tied = Space({"n": Integer(0, 10**30), "k": Integer(1, 2)}, {"k": (Condition("n", (10**29,)),)})
    assert tied.size == 10**30 + 2
    assert tied.configuration(10**29 + 1) == {"n": 10**29, "k": 2}


def test_a_grid_of_any_size_is_computed_point_by_point() -> None:
    grid = Space({f"x{k}": Float(0, 1) for k in range(100)}).grid(3)
    assert grid.size == 3**100
    assert grid[3**100 - 1] == {f"x{k}": 1.0 for k in range(100)}
    assert list(grid[3**99].values()) == [0.5, *[0.0] * 99]
    assert grid.block([0, 1])[1]["x99"] == 0.5
    with pytest.raises(IndexError, match="grid index"):
        grid[3**100]


def test_many_independent_pairs_of_parents_and_children_are_counted() -> None:
    parents = {f"p{k}": Categorical((True, False)) for k in range(30)}
    children = {f"c{k}": Integer(1, 3) for k in range(30)}
    conditions = {f"c{k}": (Condition(f"p{k}", (True,)),) for k in range(30)}
    assert Space({**parents, **children}, conditions).size == 4**30


def test_conditions_that_are_too_entangled_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "MOST_STATES", 50)
    parents = {f"p{k}": Categorical((True, False)) for k in range(8)}
    children = {f"c{k}": Integer(1, 3) for k in range(8)}
    conditions = {f"c{k}": (Condition(f"p{k}", (True,)), Condition("p0", (True,))) for k in range(8)}
    space = Space({**parents, **children}, conditions)
    assert space.size is None
    with pytest.raises(TooEntangled, match="the conditions between 'p0' and 'c7' are too entangled"):
        space.grid(3)
    with pytest.raises(InvalidSpace, match="only a finite space can be enumerated"):
        space.configuration(0)
