"""How a run ends whose scheduler has paused trials for good (T5)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Float, Integer
from blackbox_repo.space import Configuration, Space
from simulator import (
    CONTINUE,
    Decision,
    Report,
    Run,
    SchedulerError,
    SimulationError,
    Start,
    Stop,
    Trial,
    simulate,
)
from simulator.testing.problems import Rough, schema_of
from simulator.wrappers.isolated import Isolated

BOX = Rough(schema_of(Space({"x": Float(0, 1)})), smooth=True)


class Bounded:
    """Three trials to the second epoch, and no more."""

    def __init__(self, *_: Any) -> None:
        self.started = 0

    def suggest(self) -> Start | None:
        self.started += 1
        return Start({"x": self.started / 10}, until=2) if self.started <= 3 else None

    def on_report(self, trial: Trial, report: Report) -> Decision:
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Nothing to do."""


def abandoning(answer: Any) -> type:
    class Abandoning(Bounded):
        def abandoned(self) -> Collection[int]:
            if isinstance(answer, BaseException):
                raise answer
            return answer  # type: ignore[no-any-return]

    return Abandoning


def ended(scheduler: Any, **changes: Any) -> Run:
    options: dict[str, Any] = {"workers": 2, "stop": Stop(time=1e6), **changes}
    return simulate(BOX, scheduler, **options)


def test_paused_trials_stall_a_run_unless_all_of_them_are_abandoned_T5() -> None:
    assert ended(Bounded).reason == "stalled"
    assert ended(abandoning({0, 2})).reason == "stalled"
    run = ended(abandoning(range(99)))
    assert run.reason == "exhausted"
    assert list(run.trial_columns["status"]) == ["paused"] * 3


def test_limits_are_told_before_it_matters_what_is_abandoned_T14() -> None:
    assert ended(abandoning(range(3)), stop=Stop(trials_started=3)).reason == "trials_started"


def test_who_looks_on_does_not_hide_it(tmp_path: Path) -> None:
    made = abandoning([0, 1, 2])
    plain = ended(made)
    observed = [ended(made, log=tmp_path / "log"), ended(made, call_timeout=60), ended(Isolated(made))]
    assert {run.digest for run in observed} == {plain.digest}


@pytest.mark.parametrize("answer", [RuntimeError("no idea"), SystemExit(0), None, 3])
def test_an_answer_that_is_none_is_an_error_of_the_scheduler(answer: Any) -> None:
    with pytest.raises(SchedulerError, match=r"Abandoning.abandoned\(\) raised ") as caught:
        ended(abandoning(answer))
    assert caught.value.run is not None


class Endless(Blackbox):
    """The third epoch of one configuration comes after the end of time."""

    name = "endless"
    schema = schema_of(Space({"x": Integer(0, 2)}))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        elapsed = [10.0, 20.0, 1e30 if configuration["x"] == 1 else 30.0]
        values: dict[str, Any] = dict.fromkeys((o.name for o in self.schema.objectives), [1.0] * 3)
        return LearningCurve.of(self.schema, {**values, "elapsed_time": elapsed}, seed=seed or 0)


class InTurn(Bounded):
    def suggest(self) -> Start | None:
        self.started += 1
        return Start({"x": self.started - 1}) if self.started <= 3 else None


def test_a_time_that_is_none_and_is_found_at_the_end_keeps_the_run_T1() -> None:
    """The limit ends the run before the second report of the second trial, whose third time is read then."""
    with pytest.raises(SimulationError, match="reaches beyond 292 years") as caught:
        simulate(Endless(), InTurn(), workers=3, stop=Stop(reports=4))
    run = caught.value.run
    assert (run.reason, run.seconds) == ("reports", 20.0)
    assert list(run.segment_columns["outcome"]) == ["interrupted"] * 3
    assert len(run.reports()) >= 4
