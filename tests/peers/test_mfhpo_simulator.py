"""mfhpo-simulator and ours: the same configurations, workers, times and losses, each trained to its end.

Needs mfhpo-simulator; ``tests/peers/run`` installs it and starts this.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blackbox_repo import keyed_random
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.space import Configuration
from simulator import CONTINUE, Call, Conditions, Decision, Report, Start, Stop, Trial, simulate
from tests.peers import tables
from tests.peers.tables import ELAPSED, METRIC

theirs = pytest.importorskip("benchmark_simulator", reason="tests/peers/run installs it")
pytestmark = pytest.mark.filterwarnings("ignore:.*larger than the number of CPU cores", "ignore:CPU count")

Row = tuple[int, float, float, int, int]
"""Worker, time of the result, loss, group, member."""
ROUNDING = 1e-6
"""Floats of up to three million seconds, added up 200 times, against our nanoseconds."""
wikitext = cache(tables.wikitext)


class Chaotic:
    """Each configuration is a new one, and depends on all losses that were told before and on their order."""

    def __init__(self, blackbox: Blackbox, seed: int) -> None:
        self._left, self._seed = list(blackbox.configurations()), seed
        self.history: list[str] = []

    def next(self) -> Configuration:
        self.history.append("asked")
        return self._left.pop(keyed_random.integer(len(self._left), self._seed, " ".join(self.history)))

    def told(self, loss: float) -> None:
        self.history.append(f"told {loss!r}")


class ForThem(Chaotic):
    """As mfhpo-simulator asks and tells."""

    def ask(self) -> tuple[Configuration, None, None]:
        return self.next(), None, None

    def tell(self, eval_config: Configuration, results: Mapping[str, float], **_: Any) -> None:
        self.told(results["loss"])


class ForUs(Chaotic):
    """As our simulator asks and tells."""

    def suggest(self) -> Start:
        return Start(self.next())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        self.last = report[METRIC]
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        self.told(self.last)


@pytest.fixture
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their simulator measures how long sampling takes: no time (T12)."""
    module = "benchmark_simulator._simulator._worker_manager_for_ask_and_tell.time"
    monkeypatch.setattr(module, SimpleNamespace(time=lambda: 0.0))


def run_there(blackbox: Blackbox, optimizer: ForThem, workers: int, results: int, folder: Path) -> Any:
    """Their simulator, when it has run."""

    def train(eval_config: Configuration, **_: Any) -> dict[str, float]:
        curve = blackbox.curve(eval_config)
        return {"loss": float(curve[METRIC][-1]), "runtime": float(curve[ELAPSED][-1])}

    simulator = theirs.ObjectiveFuncWrapper(
        obj_func=train,
        n_workers=workers,
        n_evals=results,
        n_actual_evals_in_opt=results + workers,
        ask_and_tell=True,
        expensive_sampler=True,
        store_config=True,
        save_dir_name="peer",
        tmp_dir=str(folder),
    )
    simulator.simulate(optimizer)
    return simulator


def rows_there(simulator: Any) -> list[Row]:
    found = simulator.get_results()
    names = ("worker_index", "cumtime", "loss", "group", "member")
    return list(zip(*(found[name] for name in names), strict=True))


def rows_here(
    blackbox: Blackbox, optimizer: ForUs, workers: int, results: int, conditions: Conditions | None = None
) -> list[Row]:
    stop = Stop(trials_completed=results)
    run = simulate(blackbox, optimizer, workers=workers, stop=stop, conditions=conditions)
    jobs = [job for job in run.segments().to_pylist() if job["outcome"] == "completed"]
    rows = []
    for job in sorted(jobs, key=lambda job: job["ended"]):
        configuration = run.configuration(job["trial"])
        loss = float(blackbox.curve(configuration)[METRIC][-1])
        rows.append((job["worker"], job["ended"], loss, configuration["group"], configuration["member"]))
    return rows


def without_time(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(worker, *rest) for worker, _, *rest in rows]


@pytest.mark.usefixtures("no_clock")
@pytest.mark.parametrize("workers", [1, 4, 13])
@pytest.mark.parametrize("seed", range(3))
def test_without_its_clock_all_results_come_in_the_same_order_at_the_same_times(
    seed: int, workers: int, tmp_path: Path
) -> None:
    blackbox = wikitext()
    there = rows_there(run_there(blackbox, ForThem(blackbox, seed), workers, 200, tmp_path))
    here = rows_here(blackbox, ForUs(blackbox, seed), workers, 200)
    assert without_time(here) == without_time(there)
    assert len(here) == 200
    assert max(abs(a[1] - b[1]) for a, b in zip(here, there, strict=True)) <= ROUNDING


def test_T12_its_clock_adds_the_measured_time_of_sampling_ours_does_not(tmp_path: Path) -> None:
    blackbox = wikitext()
    simulator = run_there(blackbox, ForThem(blackbox, 0), 4, 60, tmp_path)
    sampled = simulator.get_optimizer_overhead()
    spent = sum(sampled["after_sample"]) - sum(sampled["before_sample"])
    there, here = rows_there(simulator), rows_here(blackbox, ForUs(blackbox, 0), 4, 60)
    later = [b[1] - a[1] for a, b in zip(here, there, strict=True)]
    assert without_time(here) == without_time(there)  # the results are hours apart
    assert -ROUNDING <= min(later) <= max(later) <= spent + ROUNDING
    assert max(later) > ROUNDING


class Costly(Chaotic):
    """Asking takes it the longer the more it knows; the order in which it is told results does not matter."""

    def __init__(self, blackbox: Blackbox, unit: float) -> None:
        super().__init__(blackbox, 0)
        self._unit, self._news = unit, list[float]()
        self.known = 0

    def next(self) -> Configuration:
        for loss in sorted(self._news):
            super().told(loss)
        self._news.clear()
        return super().next()

    def told(self, loss: float) -> None:
        self._news.append(loss)
        self.known += 1

    @property
    def seconds(self) -> float:
        return self._unit * (1 + self.known)


class CostlyForThem(Costly, ForThem):
    """It moves their clock."""

    now = 0.0

    def ask(self) -> tuple[Configuration, None, None]:
        self.now += self.seconds
        return super().ask()


class CostlyForUs(Costly, ForUs):
    """It learns nothing before it was asked once for each worker, which is their simulator's rule."""

    def __init__(self, blackbox: Blackbox, unit: float, workers: int) -> None:
        super().__init__(blackbox, unit)
        self._workers, self._early = workers, list[float]()

    def suggest(self) -> Start:
        self._workers -= 1
        if self._workers < 0:
            for loss in self._early:
                super().told(loss)
            self._early.clear()
        return super().suggest()

    def told(self, loss: float) -> None:
        self._early.append(loss)

    def thinks(self, call: Call) -> float:
        return self.seconds if call.kind == "suggest" else 0.0


@pytest.mark.parametrize("unit", [30.0, 300.0])
@pytest.mark.parametrize("workers", [4, 13])
def test_T12_where_asking_takes_the_longer_the_more_is_known_every_time_is_the_same(
    workers: int, unit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trainings take hours and asking minutes to hours: both tell what has arrived before they ask."""
    blackbox = wikitext()
    theirs, ours = CostlyForThem(blackbox, unit), CostlyForUs(blackbox, unit, workers)
    module = "benchmark_simulator._simulator._worker_manager_for_ask_and_tell.time"
    monkeypatch.setattr(module, SimpleNamespace(time=lambda: theirs.now))
    there = rows_there(run_there(blackbox, theirs, workers, 60, tmp_path))
    here = rows_here(blackbox, ours, workers, 60, Conditions(decision_time=ours.thinks))
    there.sort(key=lambda row: row[1])
    assert [row[2:] for row in here[:50]] == [row[2:] for row in there[:50]]
    assert max(abs(a[1] - b[1]) for a, b in zip(here[:50], there, strict=False)) <= ROUNDING


@pytest.mark.usefixtures("no_clock")
def test_T4_of_two_results_at_one_instant_it_tells_one_asks_and_tells_the_other(tmp_path: Path) -> None:
    blackbox = tables.paced(2, 2, 2, 2)
    theirs, ours = ForThem(blackbox, 0), ForUs(blackbox, 0)
    run_there(blackbox, theirs, 2, 2, tmp_path)
    rows_here(blackbox, ours, 2, 3)
    kinds = [[line.partition(" ")[0] for line in optimizer.history] for optimizer in (theirs, ours)]
    assert kinds[0] == ["asked", "asked", "told", "asked", "told"]
    assert kinds[1][:6] == ["asked", "asked", "told", "told", "asked", "asked"]
