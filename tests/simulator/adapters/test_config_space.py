"""Spaces of this project as those of ConfigSpace, and back."""

from __future__ import annotations

import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Condition, Space
from simulator.adapters.config_space import decode, encode, from_config_space, to_config_space
from tests.simulator.adapters.contract import SPACE

library = pytest.importorskip("ConfigSpace")


def test_spaces_go_there_and_back() -> None:
    there = from_config_space(to_config_space(SPACE, 0))
    assert there.domains == SPACE.domains
    assert {name: set(given) for name, given in there.conditions.items()} == {
        name: set(given) for name, given in SPACE.conditions.items()
    }


def test_conditions_need_no_tree() -> None:
    domains = {"a": Categorical(("p", "q")), "n": Integer(1, 3), "c": Float(0, 1), "one": Integer(2, 2)}
    space = Space(domains, {"c": (Condition("a", ("p",)), Condition("n", (2, 3)))})
    there = from_config_space(to_config_space(space, 0))
    assert there.domains == {**domains, "one": Constant(2)}
    assert set(there.conditions["c"]) == set(space.conditions["c"])


def test_configurations_go_there_and_back() -> None:
    written = to_config_space(SPACE, 0)
    for number in range(50):
        configuration = SPACE.sample("any", number)
        assert decode(SPACE, encode(written, configuration)) == pytest.approx(configuration)
    for sampled in written.sample_configuration(50):
        assert SPACE.check(decode(SPACE, sampled))


def test_a_seed_decides_what_is_sampled() -> None:
    def sampled(seed: int) -> list[dict[str, object]]:
        return [decode(SPACE, given) for given in to_config_space(SPACE, seed).sample_configuration(9)]

    assert sampled(1) == sampled(1) != sampled(2)


def test_what_has_no_counterpart_is_refused() -> None:
    space = library.ConfigurationSpace(seed=0)
    space.add(library.NormalFloatHyperparameter("x", mu=0, sigma=1, lower=-1, upper=1))
    with pytest.raises(InvalidSpace, match="'x' is .*for which there is no domain here"):
        from_config_space(space)
    space = library.ConfigurationSpace({"n": (1, 9), "c": (0.0, 1.0)}, seed=0)
    space.add(library.GreaterThanCondition(space["c"], space["n"], 3))
    with pytest.raises(InvalidSpace, match="which is a GreaterThanCondition"):
        from_config_space(space)
    space = library.ConfigurationSpace({"n": (1, 9)}, seed=0)
    space.add(library.ForbiddenEqualsClause(space["n"], 3))
    with pytest.raises(InvalidSpace, match="there are no forbidden clauses here"):
        from_config_space(space)
    ordered = Space({"o": Ordinal((1, 4, 9)), "x": Float(2, 2)})
    assert from_config_space(to_config_space(ordered, 0)).domains["x"] == Constant(2.0)
