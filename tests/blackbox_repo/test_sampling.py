from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import Categorical, Condition, Float, Integer, Space
from blackbox_repo.domains import Constant, Domain, Ordinal
from blackbox_repo.sampling import Sampler

SKEWED = Space(
    {"k": Categorical(("a", "b")), "n": Integer(1, 400, log=True)}, {"n": (Condition("k", ("b",)),)}
)
DOMAINS: list[Domain] = [
    Float(1e-5, 0.1, log=True), Float(-3, 7.5), Float(2.0, 2.0), Float(1e-300, 1e300, log=True),
    Float(0, 5e-324), Float(1e308, 1.7e308, log=True), Integer(1, 9), Integer(16, 512, log=True),
    Integer(-5, 10**12), Integer(1, 10**15, log=True), Integer(0, 10**25), Integer(1, 10**25, log=True),
    Categorical(("p", 0.5, 1, False)), Ordinal((1, 2, 4)), Constant("c"),
]  # fmt: skip


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_a_block_of_positions_gives_the_values_that_come_singly(domain: Domain) -> None:
    positions = np.concatenate([np.arange(500) / 500, [2.0**-53, 1 - 2.0**-53]])
    with np.errstate(all="raise"):
        block = domain.at_all(positions)
    singly = [domain.at(position) for position in positions.tolist()]
    assert block == singly
    assert list(map(type, block)) == list(map(type, singly))
    assert [domain.check(value) for value in block] == block


@given(st.integers(0, 2**40), st.integers(1, 80), st.integers() | st.text())
def test_a_block_of_configurations_is_what_single_draws_give(first: int, count: int, seed: Any) -> None:
    spaces = [
        SKEWED,
        Space({str(number): domain for number, domain in enumerate(DOMAINS)}),
        Space({"x": Float(0, 1)}, candidates=[{"x": k / 10} for k in range(7)]),
    ]
    for space in spaces:
        singly = [space.sample(seed, "x", number) for number in range(first, first + count)]
        assert space.samples(seed, "x", first, count=count) == singly


def taken(sampler: Sampler, portion: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while more := sampler.take(portion):
        found += more
    return found


@pytest.mark.parametrize("portion", [1, 7, 1000])
@pytest.mark.parametrize(
    "space",
    [
        Space({"a": Integer(1, 50), "b": Categorical(("x", "y", "z"))}),
        Space({"a": Integer(0, 60), "b": Integer(0, 60)}),
        Space({"x": Float(0, 1), "k": Integer(1, 9)}, candidates=[{"x": k / 7, "k": 3} for k in range(7)]),
        Space({"x": Float(0.5, 0.5), "k": Integer(1, 30)}),
        SKEWED,
        Space({"n": Integer(1, 3000, log=True)}),
    ],
    ids=["grid", "network", "table", "degenerate", "conditional", "log"],
)
def test_a_finite_space_gives_each_configuration_once_and_ends(space: Space, portion: int) -> None:
    found = taken(Sampler(space, 0, "test"), portion)
    assert len(found) == space.size == len({space.identity(c) for c in found})
    assert found == taken(Sampler(space, 0, "test"), 13)
    assert found != taken(Sampler(space, 1, "test"), 13)


def test_known_configurations_are_not_drawn() -> None:
    space = Space({"a": Integer(1, 5), "b": Categorical(("x", "y"))})
    known = [{"a": 1, "b": "x"}, {"a": 5, "b": "y"}]
    found = taken(Sampler(space, 0, known=known), 3)
    assert len(found) == 8
    assert not [configuration for configuration in found if configuration in known]


def test_duplicates_come_for_ever_if_one_wants_them() -> None:
    space = Space({"a": Integer(1, 3)})
    sampler = Sampler(space, 0, "test", duplicates=True)
    drawn = sampler.take(300)
    assert drawn[:300] == [space.sample(0, "test", number) for number in range(300)]
    assert {c["a"] for c in drawn} == {1, 2, 3}


def test_of_very_many_configurations_those_that_were_drawn_are_remembered() -> None:
    space = Space({f"x{number}": Integer(1, 100) for number in range(10)})
    found = Sampler(space, 0, "test").take(1000)[:1000]
    assert found == space.samples(0, "test", 0, count=1000)
    again = Sampler(space, 0, "test", known=found[:10]).take(990)[:990]
    assert again == found[10:]


def test_a_space_without_end_gives_what_single_draws_give() -> None:
    space = Space({"x": Float(0, 1), "a": Integer(1, 3)})
    assert Sampler(space, 4, "test").take(5)[:5] == [space.sample(4, "test", number) for number in range(5)]


def test_what_conditions_and_logarithms_make_likely_comes_early() -> None:
    """``{"k": "a"}`` has half of all chances, and small numbers most of the rest."""
    found = [Sampler(SKEWED, seed).take(40)[:40] for seed in range(200)]
    first = Counter(order[0]["k"] for order in found)
    assert abs(first["a"] - 100) < 4 * math.sqrt(50)
    middle = np.mean([np.median([c["n"] for c in order if "n" in c]) for order in found])
    assert middle < 60  # of the whole space it is 200


def test_the_first_of_a_permuted_space_is_uniform() -> None:
    space = Space({"a": Integer(0, 63), "b": Integer(0, 63)})
    first = [Sampler(space, seed, "random search").take(1)[0] for seed in range(800)]
    counts = np.bincount([c["a"] // 16 * 4 + c["b"] // 16 for c in first], minlength=16)
    assert abs(((counts - 50) ** 2 / 50).sum() - 15) < 4 * math.sqrt(30)
