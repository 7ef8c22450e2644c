"""Which of a configuration's trainings a trial replays (T17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.errors import InvalidOption
from blackbox_repo.keyed_random import Stream, number_of
from blackbox_repo.space import configuration_text
from simulator import PAUSE, Conditions, Resume, Run, SchedulerError, Start, Stop, simulate

Job = Callable[..., Start]


@pytest.fixture
def trained(tiny: Blackbox) -> Blackbox:
    """Five trainings of each configuration; the loss tells which."""

    def values(configuration: dict[str, Any], seed: int) -> dict[str, Any]:
        return {"loss": [seed + 0.5] * 4, "elapsed_time": [configuration["pace"] * k for k in (1, 2, 3, 4)]}

    return from_function(tiny.schema, values, seeds=(0, 1, 2, 3, 4))


def seeds_of(run: Run) -> list[int]:
    seeds: list[int] = run.trial_columns["seed"]
    reports = run.report_columns
    told = set(zip(reports["trial"].tolist(), reports["loss"].tolist(), strict=True))
    assert told == {(trial, seed + 0.5) for trial, seed in enumerate(seeds)}
    return seeds


@pytest.fixture
def seeds(trained: Blackbox, scripted: Any) -> Callable[..., list[int]]:
    """The trainings that the trials of a script replay."""

    def run(script: Sequence[Any], seed: int = 0, decisions: Any = None, **conditions: Any) -> list[int]:
        under, stop = Conditions(**conditions), Stop(time=1e5)
        scheduler = scripted(script, decisions)
        return seeds_of(simulate(trained, scheduler, workers=2, stop=stop, seed=seed, conditions=under))

    return run


def test_two_schedulers_that_try_a_configuration_see_the_same_training_T17(
    seeds: Callable[..., list[int]], job: Job
) -> None:
    forwards = seeds([job(pace) for pace in range(1, 21)])
    assert seeds([job(pace) for pace in range(20, 0, -1)]) == forwards[::-1]
    assert set(forwards) == {0, 1, 2, 3, 4}
    assert seeds([job(pace) for pace in range(1, 21)], seed=1) != forwards


def test_when_it_is_tried_again_it_has_a_training_of_its_own_whatever_came_between_T17_T16(
    seeds: Callable[..., list[int]], job: Job
) -> None:
    again = seeds([job(3)] * 10)
    assert len(set(again)) > 1
    assert seeds([job(3), job(8), job(3), job(9), job(3)])[::2] == again[:3]


def test_a_fixed_seed_is_everybodys_and_must_be_there_T17(seeds: Callable[..., list[int]], job: Job) -> None:
    assert seeds([job(1), job(2), job(2)], training_seed=3) == [3, 3, 3]
    with pytest.raises(SchedulerError, match="7"):
        seeds([job(1)], training_seed=7)
    with pytest.raises(InvalidOption, match="conditions.training_seed is 'any', but must be a whole number"):
        Conditions(training_seed="any")  # type: ignore[arg-type]


def test_a_resumed_trial_goes_on_with_its_training_T17(
    seeds: Callable[..., list[int]], job: Job, after: Callable[..., Any]
) -> None:
    """The losses of both segments are those of one seed."""
    before = seeds([job(3)])
    assert seeds([job(3), after(("end", 0), Resume(0))], decisions={(0, 2): PAUSE}) == before


def test_a_training_is_drawn_by_the_configuration_and_how_often_it_was_tried_before_T17_T16(
    seeds: Callable[..., list[int]], job: Job
) -> None:
    configuration = number_of(configuration_text({"pace": 3.0, "level": 0}))
    stream = Stream(7, "training seed")
    assert seeds([job(3)] * 10, seed=7) == [stream.integer(5, configuration, before) for before in range(10)]
