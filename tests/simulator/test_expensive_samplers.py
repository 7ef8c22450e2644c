"""Samplers whose every suggestion costs more the more they know: nine cases of mfhpo-simulator's tests (T12).

A suggestion takes one second, and one more for each result that the sampler knows; results are told in no
time. The right times are those of mfhpo-simulator's own tests, which check them against real clocks and
processes. One rule of theirs is the sampler's own here: it learns no result before it has been asked once for
each worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from simulator import CONTINUE, Call, Conditions, Decision, Report, Start, Stop, Trial, simulate


@dataclass(frozen=True)
class Expected:
    """How long each training takes, and at which seconds they end."""

    workers: int
    trainings: tuple[float, ...]
    ends: tuple[float, ...]


CASES = {
    "slow now and then": Expected(4, (4, 6, 6, 5, 5, 3, 3, 3), (5, 8, 9, 9, 12, 14, 19, 26)),
    "slow from the first on": Expected(2, (0.9,) * 8, (1.9, 2.9, 4.9, 7.9, 11.9, 16.9, 22.9, 29.9)),
    "slow with too many workers": Expected(4, (0.9,) * 8, (1.9, 2.9, 3.9, 4.9, 8.9, 13.9, 19.9, 26.9)),
    "never two at once": Expected(4, (5, 13, 8, 16, 13, 7, 2, 3), (6, 11, 15, 20, 21, 21, 21, 28)),
    "chance 1": Expected(
        4,
        (1, 3, 4, 2, 6, 1, 1, 2, 5, 5, 2, 2, 3),
        (2, 5, 6, 7, 11, 12, 16, 24, 35, 44, 51, 62, 75),
    ),
    "chance 2": Expected(4, (1, 5, 5, 5, 2, 3, 6, 2, 3, 3), (2, 7, 8, 8, 9, 13, 22, 25, 34, 43)),
    "chance 3": Expected(
        4,
        (3, 6, 4, 6, 5, 6, 5, 4, 5, 4, 4, 5, 3),
        (4, 7, 8, 10, 11, 16, 20, 25, 34, 42, 52, 64, 74),
    ),
    "chance 4": Expected(
        4,
        (4, 6, 3, 5, 6, 4, 6, 3, 4, 5, 4, 2, 5, 2, 2),
        (5, 6, 8, 9, 13, 14, 21, 25, 34, 44, 53, 62, 77, 87, 101),
    ),
    "chance 5": Expected(4, (4, 4, 1, 4, 5, 1, 6, 5), (4, 5, 6, 8, 11, 11, 21, 27)),
}


class Sampler:
    """Trains so many configurations, and counts what it is told."""

    def __init__(self, case: Expected) -> None:
        self.case = case
        self.asked = self.known = 0

    def suggest(self) -> Start | None:
        if self.asked == len(self.case.trainings):
            return None
        self.asked += 1
        return Start({"pace": self.case.trainings[self.asked - 1], "level": 0})

    def on_report(self, trial: Trial, report: Report) -> Decision:
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        self.known += 1

    def seconds(self, call: Call) -> float:
        if call.kind != "suggest":
            return 0
        return 1 + self.known * (self.asked > self.case.workers)


@pytest.mark.parametrize("name", CASES)
def test_a_suggestion_knows_all_results_that_have_arrived_when_it_is_asked_for_T12(
    name: str, make_tiny: Any
) -> None:
    case = CASES[name]
    sampler = Sampler(case)
    run = simulate(
        make_tiny(epochs=1),
        sampler,
        workers=case.workers,
        stop=Stop(trials_completed=len(case.trainings)),
        conditions=Conditions(decision_time=sampler.seconds),
    )
    assert sorted(run.segments().to_pydict()["ended"]) == pytest.approx(case.ends, abs=1e-9)
