"""How a run ends whose scheduler has paused trials for good (T5)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.domains import Float
from blackbox_repo.space import Space
from simulator import CONTINUE, Decision, Report, Run, SchedulerError, Start, Stop, Trial, simulate
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
