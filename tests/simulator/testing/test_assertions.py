from functools import partial
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator import ASHA, RandomSearch, Stop
from simulator.testing import PROBLEMS, assert_contract, assert_deterministic, assert_speed
from tests.simulator.testing.test_contract import Global, Hashing, Lazy, Seeding, Sharing, Unseeded

FEW = {"stop": Stop(trials_started=6)}


class Slow(RandomSearch):
    def suggest(self) -> Any:
        sum(number * number for number in range(50_000))
        return super().suggest()


@pytest.mark.parametrize("make", [ASHA, partial(ASHA, eta=4), lambda schema, seed: ASHA(schema, seed, eta=4)])
def test_what_is_deterministic_passes(make: Any) -> None:
    assert_deterministic(make, **FEW)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Sharing, "two runs on 'it' differ.*start of trial 0"),
        (Global, "two runs on 'it' differ"),
        (Seeding, "leaves Python's or numpy's global random state changed"),
        (Hashing, "another process gives another run on 'conditional': it depends on hash"),
    ],
)
def test_what_is_not_is_caught_and_its_kind_is_named(make: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_deterministic(make, **FEW)


def test_an_instance_cannot_run_twice() -> None:
    with pytest.raises(InvalidOption, match="a factory .* is needed, not 3"):
        assert_deterministic(3)
    with pytest.raises(UnknownName, match="unknown setting 'stopp' of a simulation"):
        assert_deterministic(ASHA, stopp=1)


def test_the_contract_in_one_assertion() -> None:
    small = {"tiny": PROBLEMS["tiny"]}
    assert_contract(RandomSearch, problems=small)
    with pytest.raises(
        AssertionError, match="it goes on whatever happens to its trials of 'tiny': under 'ideal'"
    ):
        assert_contract(Lazy, problems=small)
    with pytest.raises(AssertionError, match="another seed gives another run: seeds 1 and 2 try the same"):
        assert_contract(Unseeded, problems=small)


def test_a_slow_scheduler_is_told_by_how_much() -> None:
    few = {"blackbox": "nasbench-nlp/wikitext-2", **FEW}
    assert assert_speed(RandomSearch, 5, **few) < 5
    with pytest.raises(
        AssertionError, match=r"takes .* times as long as one of RandomSearch, but may take 2 times"
    ):
        assert_speed(Slow, 2, **few)
