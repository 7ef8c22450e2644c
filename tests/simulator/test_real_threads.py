"""Threads that really sleep give the order of reports that simulate() foretells.

The curves are chosen so that no two events are near each other. If the machine was so busy that something
came later than the smallest distance, the run shows nothing, and is made once more at half the speed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blackbox_repo import keyed_random
from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Configuration, Space
from simulator import Decision, Report, Resume, Run, Start, Stop, Trial, simulate
from simulator.kernel.events import Kind
from simulator.registry import scheduler_factory
from tests.simulator.real_cluster import RealCluster

EPOCHS = range(1, 7)
ATTEMPTS = 4


def world(salt: int) -> Blackbox:
    """An epoch takes 40 to 199 s, as is drawn for each configuration."""
    schema = Schema(
        Space({"x": Integer(0, 99)}),
        Fidelity("epoch", tuple(EPOCHS)),
        (Objective("loss", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="loss",
        time="elapsed_time",
    )

    def train(configuration: Configuration, seed: int) -> dict[str, list[float]]:
        x = configuration["x"]
        pace = 40 + keyed_random.integer(160, "pace", salt, x)
        level, slope = keyed_random.unit("level", x), 0.5 + keyed_random.unit("slope", x)
        return {
            "loss": [level + slope / epoch for epoch in EPOCHS],
            "elapsed_time": [pace * epoch for epoch in EPOCHS],
        }

    return from_function(schema, train, name=f"well separated {salt}")


class Witness:
    """Hands everything on to a scheduler, for so many jobs, and writes it down."""

    def __init__(self, name: str, blackbox: Blackbox, jobs: int) -> None:
        settings = {"eta": 2} if name.startswith("asha") else {}
        self._scheduler = scheduler_factory(name, settings)(blackbox.schema, 0)
        self._left = jobs
        self.lines: list[tuple[Any, ...]] = []

    def suggest(self) -> Start | Resume | None:
        if not self._left:
            return None
        self._left -= 1
        suggestion = self._scheduler.suggest()
        self.lines.append(("suggested", suggestion))
        return suggestion

    def on_report(self, trial: Trial, report: Report) -> Decision:
        decision = self._scheduler.on_report(trial, report)
        self.lines.append(("reported", trial, report.fidelity, report["loss"], decision))
        return decision

    def on_end(self, trial: Trial) -> None:
        fidelity = None if trial.last_report is None else trial.last_report.fidelity
        self.lines.append(("ended", replace(trial, last_report=None), fidelity))
        self._scheduler.on_end(trial)


def smallest_distance(run: Run) -> float:
    """Simulated seconds between two events of different trials."""
    kinds = (Kind.REPORT, Kind.END, Kind.STOPPED)
    events = [(int(r["time"]) / 1e9, int(r["trial"])) for r in run.records if Kind(int(r["kind"])) in kinds]
    pairs = zip(events, events[1:], strict=False)
    return min(after[0] - before[0] for before, after in pairs if after[1] != before[1])


def compare(name: str, salt: int, jobs: int, workers: int, distance: float) -> int:
    """Simulate, then run really with ``distance`` real seconds between events; how many runs were needed."""
    blackbox = world(salt)
    foretold = Witness(name, blackbox, jobs)
    run = simulate(blackbox, foretold, workers=workers, stop=Stop(time=1e6))
    simulated = smallest_distance(run)
    for attempt in range(ATTEMPTS):
        real = distance * 2**attempt
        witness = Witness(name, blackbox, jobs)
        cluster = RealCluster(blackbox, witness, workers, scale=real / simulated)
        cluster.run()
        if cluster.latest < real:
            assert witness.lines == foretold.lines
            return attempt + 1
    pytest.fail(f"this machine is too busy: {ATTEMPTS} times something came {real} s too late or more")


@pytest.mark.parametrize(
    ("name", "salt", "jobs"), [("asha", 661, 10), ("asha-promotion", 622, 16)], ids=["stops", "resumes"]
)
def test_two_real_seconds_come_as_they_were_foretold(name: str, salt: int, jobs: int) -> None:
    compare(name, salt, jobs, workers=3, distance=0.025)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "salt", "jobs"),
    [("asha", 123, 24), ("asha-promotion", 420, 30), ("median-stopping", 260, 20)],
    ids=["stops", "resumes", "median"],
)
def test_half_a_real_minute_comes_as_it_was_foretold(name: str, salt: int, jobs: int) -> None:
    compare(name, salt, jobs, workers=4, distance=0.05)
