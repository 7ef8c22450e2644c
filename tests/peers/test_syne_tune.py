"""Syne Tune's simulator and ours, with the same table and the same scheduler: word for word the same run.

Needs syne-tune >= 0.16, or 0.13 for schedulers that pause; ``tests/peers/run`` installs both and starts this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.table import TabularBlackbox
from simulator import Conditions, Delays, Stop, simulate
from simulator.adapters.syne_tune import SyneTune
from tests.peers import tables
from tests.peers.tables import ELAPSED, EPOCHS, METRIC, RESOURCE

pytest.importorskip("syne_tune", reason="tests/peers/run installs it")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

from syne_tune.optimizer.scheduler import SchedulerDecision, TrialScheduler, TrialSuggestion  # noqa: E402

from tests.peers.journal import Journal  # noqa: E402
from tests.peers.syne_tune_simulator import MAX_RESOURCE, Theirs, run_there, space_of  # noqa: E402

NUDGE = 0.002
"""Seconds by which their clock moves for each stop, delays apart."""
ROUNDING = 4e-9
"""Our nanoseconds against their floats."""
DEFAULTS = Conditions(Delays(0.05, 0.05, 0.05, 0.05, 0.05), poll=5)
"""What Syne Tune does unless it is told otherwise, in our words."""

Make = Callable[[dict[str, Any], int], TrialScheduler]


def newer_schedulers() -> dict[str, Make]:
    from syne_tune.optimizer.baselines import ASHA, RandomSearch
    from syne_tune.optimizer.schedulers.median_stopping_rule import MedianStoppingRule

    def random(space: dict[str, Any], seed: int) -> TrialScheduler:
        return RandomSearch(space, [METRIC], random_seed=seed)

    return {
        "random": random,
        "asha-stopping": lambda space, seed: ASHA(
            space, METRIC, RESOURCE, EPOCHS, random_seed=seed, brackets=2
        ),
        "median": lambda space, seed: MedianStoppingRule(random(space, seed), RESOURCE, metric=METRIC),
    }


def older_schedulers() -> dict[str, Make]:
    from syne_tune.optimizer.schedulers.fifo import FIFOScheduler
    from syne_tune.optimizer.schedulers.hyperband import HyperbandScheduler
    from syne_tune.optimizer.schedulers.median_stopping_rule import MedianStoppingRule

    goal = {"searcher": "random", "metric": METRIC, "mode": "min", "search_options": {"debug_log": False}}

    def random(space: dict[str, Any], seed: int) -> TrialScheduler:
        return FIFOScheduler(space, random_seed=seed, **goal)

    def asha(kind: str, **bound: Any) -> Make:
        """With a ``max_resource_attr`` jobs end by themselves at a rung; else they are told to pause."""
        settings = {**goal, **bound, "resource_attr": RESOURCE, "type": kind}
        fixed = {MAX_RESOURCE: EPOCHS} if "max_resource_attr" in bound else {}
        return lambda space, seed: HyperbandScheduler({**space, **fixed}, random_seed=seed, **settings)

    return {
        "random": random,
        "asha-stopping": asha("stopping", max_t=EPOCHS),
        "asha-promotion-that-pauses": asha("promotion", max_t=EPOCHS),
        "asha-promotion-of-bounded-jobs": asha("promotion", max_resource_attr=MAX_RESOURCE),
        "median": lambda space, seed: MedianStoppingRule(random(space, seed), RESOURCE, metric=METRIC),
    }


try:
    SCHEDULERS = older_schedulers()
except ImportError:
    SCHEDULERS = newer_schedulers()
every_run = pytest.mark.parametrize(
    ("name", "seed", "workers"),
    [(name, seed, workers) for name in SCHEDULERS for seed, workers in ((0, 4), (1, 4), (2, 13))],
)
wikitext = cache(tables.wikitext)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))


def run_here(
    blackbox: TabularBlackbox, make: Callable[[], Journal], workers: int, conditions: Conditions
) -> Journal:
    """Through the adapter of this project, which gives a scheduler the random state that it is made with."""
    made: list[Journal] = []

    def journal() -> Journal:
        made.append(make())
        return made[-1]

    stop = Stop(time=1e9)
    simulate(blackbox, SyneTune(journal), workers=workers, stop=stop, conditions=conditions)
    return made[-1]


def both(blackbox: TabularBlackbox, make: Callable[[], Journal], workers: int, how: Theirs) -> list[Journal]:
    """The journals of two runs: theirs and ours, with the same delays and looks."""
    theirs = make()
    run_there(blackbox, theirs, workers, how)
    return [theirs, run_here(blackbox, make, workers, DEFAULTS if how.sleep else Conditions())]


def tuned(name: str, seed: int, blackbox: TabularBlackbox, workers: int, how: Theirs) -> list[Journal]:
    def make() -> Journal:
        np.random.seed(seed)  # noqa: NPY002, TID251  from which the newer ones draw, whatever their own seed
        return Journal(SCHEDULERS[name](space_of(blackbox), seed), METRIC, RESOURCE, limit=80)

    return both(blackbox, make, workers, how)


def later(theirs: Journal, ours: Journal) -> float:
    """By how many seconds the times of the same reports differ at most."""
    return max(abs(there - here) for there, here in zip(theirs.times, ours.times, strict=True))


# --- nothing differs ---------------------------------------------------------------------------------------


@every_run
def test_without_delays_and_looks_every_word_is_the_same(name: str, seed: int, workers: int) -> None:
    theirs, ours = tuned(name, seed, wikitext(), workers, Theirs())
    assert ours.lines == theirs.lines
    assert len(ours.only("start", "resume")) == 80
    stops = len(ours.only("remove"))
    assert (stops == 0) == (name == "random")
    assert later(theirs, ours) <= NUDGE * stops + ROUNDING


@every_run
@pytest.mark.parametrize("pace", [0.2, 0.02])
def test_with_their_defaults_and_two_rules_corrected_every_word_is_the_same(
    name: str, seed: int, workers: int, pace: float
) -> None:
    theirs, ours = tuned(name, seed, wikitext(pace), workers, Theirs(delay=0.05, sleep=5, corrected=True))
    assert ours.lines == theirs.lines
    assert len(ours.only("start", "resume")) == 80
    assert later(theirs, ours) <= ROUNDING


# --- what differs, rule by rule ----------------------------------------------------------------------------


STOP, PAUSE = SchedulerDecision.STOP, SchedulerDecision.PAUSE
AS_IT_IS = Theirs(delay=0.05, sleep=5)


class Script(TrialScheduler):
    """Starts the configurations 0, 1, 2, ... of a table, and decides as is written for (trial, epoch)."""

    def __init__(self, decisions: Mapping[tuple[int, int], str] | None = None) -> None:
        self.decisions = decisions or {}
        self.started = 0
        self.results: list[dict[str, Any]] = []

    def suggest(self) -> TrialSuggestion:
        self.started += 1
        group, member = divmod(self.started - 1, 2)
        return TrialSuggestion.start_suggestion({"group": group, "member": member})

    def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
        self.results.append(result)
        return self.decisions.get((trial.trial_id, int(result[RESOURCE])), SchedulerDecision.CONTINUE)


class PausesOnce(Script):
    """Resumes trial 0, after it paused, as its second job."""

    def suggest(self) -> TrialSuggestion:
        return super().suggest() if not self.started else TrialSuggestion.resume_suggestion(0)


class Clones(Script):
    """Its second trial starts from the checkpoint of the first."""

    def suggest(self) -> TrialSuggestion:
        first = super().suggest()
        first.checkpoint_trial_id = 0 if self.started == 2 else None
        return first


def told(scheduler: Script, trials: int) -> Journal:
    return Journal(scheduler, METRIC, RESOURCE, limit=trials)


def heard(journal: Journal) -> list[str]:
    return [f"{trial}@{epoch:g}" for _, trial, epoch, *_ in journal.only("result")]


def arrivals(journal: Journal, trial: int) -> list[float]:
    """The seconds at which the reports of a trial arrived."""
    results = zip(journal.only("result"), journal.times, strict=True)
    return [round(time, 6) for (_, number, *_), time in results if number == trial]


def test_T9_their_tuner_waits_for_each_stop_in_turn_ours_for_none() -> None:
    """Three jobs are stopped in the look at 5 s, each signal and end takes 0.05 s; a fourth one goes on.

    Their look ends at 5 + 3 * (0.1 + NUDGE) s, when three new jobs start, and their tuner looks every 5 s
    from then on (T13: ours looks at multiples). In ours the workers are free at 5.1 s; it looks at 10 s.
    """
    blackbox = tables.paced(2, 2, 2, 4, 2, 2, 2, 2)
    stops = {(trial, 1): STOP for trial in range(3)}
    theirs, ours = both(blackbox, lambda: told(Script(stops), 7), 4, AS_IT_IS)
    assert arrivals(ours, 3) == arrivals(theirs, 3) == [4.1, 8.1, 12.1, 16.1]
    for trial in (4, 5, 6):
        assert arrivals(theirs, trial) == [7.406, 9.406, 11.406, 13.406]
        assert arrivals(ours, trial) == [12.1, 14.1, 16.1, 18.1]
    theirs, ours = both(blackbox, lambda: told(Script(stops), 7), 4, Theirs(0.05, 5, corrected=True))
    assert (theirs.lines, arrivals(theirs, 6)) == (ours.lines, arrivals(ours, 6))


def test_T12_they_hear_of_a_look_trial_by_trial_we_in_the_order_of_arrival() -> None:
    theirs, ours = both(tables.paced(1, 1.4), lambda: told(Script(), 2), 2, AS_IT_IS)
    assert heard(theirs)[:7] == ["0@1", "0@2", "0@3", "0@4", "1@1", "1@2", "1@3"]
    assert heard(ours)[:7] == ["0@1", "1@1", "0@2", "1@2", "0@3", "0@4", "1@3"]
    assert later(theirs, ours) > 1
    assert [arrivals(theirs, trial) for trial in (0, 1)] == [arrivals(ours, trial) for trial in (0, 1)]


def test_T12_both_ask_for_work_when_all_that_has_arrived_by_a_look_is_told() -> None:
    """Trial 0 ends at 4.1 s, trial 1 reports at 4.6 s, the look is at 5 s: they tell the end last."""
    theirs, ours = both(tables.paced(1, 4.5, 1, 1), lambda: told(Script(), 3), 2, AS_IT_IS)
    end, report = ("complete", 0, 4.0), ("result", 1, 1.0, 2.0, "CONTINUE")
    asked = ("add", 2, {"group": 1, "member": 0})
    assert [line for line in theirs.lines if line in (end, report, asked)] == [report, end, asked]
    assert [line for line in ours.lines if line in (end, report, asked)] == [end, report, asked]


def test_T6_their_elapsed_time_begins_anew_when_a_trial_resumes_ours_is_the_curves() -> None:
    results = []
    for how in (None, Theirs()):
        scheduler = PausesOnce({(0, 2): PAUSE})
        if how is None:
            run_here(tables.paced(3, 3), partial(told, scheduler, 2), 1, Conditions())
        else:
            run_there(tables.paced(3, 3), told(scheduler, 2), 1, how)
        results.append([(result[RESOURCE], float(result[ELAPSED])) for result in scheduler.results])
    ours, theirs = results
    assert ours == [(1, 3.0), (2, 6.0), (3, 9.0), (4, 12.0)]
    assert theirs == [(1, 3.0), (2, 6.0), (3, 3.0), (4, 6.0)]


def test_T8_they_cannot_simulate_a_start_from_a_checkpoint() -> None:
    """As in population based training: they copy a folder of checkpoints that no simulation writes."""
    ours = run_here(tables.paced(3, 3), lambda: told(Clones(), 2), 1, Conditions())
    assert heard(ours) == ["0@1", "0@2", "0@3", "0@4"]  # and trial 1 begins at its end
    with pytest.raises(FileNotFoundError):
        run_there(tables.paced(3, 3), told(Clones(), 2), 1, Theirs())
