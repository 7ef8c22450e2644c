"""Schedulers that raise or ask for what cannot be: what is said, and what is kept of the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.text.console import Interrupted
from simulator import ASHA, Conditions, Run, SchedulerError, Stop, simulate
from simulator.errors import RunError

ROOT = Path(__file__).parents[2]


class Fragile(ASHA):
    """Breaks at a call, counted by its name."""

    breaks = ("suggest", 0)
    calls = 0

    def _count(self, name: str) -> None:
        if name == self.breaks[0]:
            self.calls += 1
            if self.calls == self.breaks[1]:
                raise KeyError("no such rung")

    def suggest(self) -> Any:
        self._count("suggest")
        return super().suggest()

    def on_report(self, trial: Any, report: Any) -> Any:
        self._count("on_report")
        return super().on_report(trial, report)

    def on_end(self, trial: Any) -> None:
        self._count("on_end")
        super().on_end(trial)


@pytest.mark.parametrize("conditions", [None, Conditions(decision_time=0.5)])
@pytest.mark.parametrize(
    ("call", "about"),
    [("suggest", ""), ("on_report", " about trial "), ("on_end", " about trial ")],
)
def test_a_scheduler_that_raises_is_named_with_call_trial_and_time(
    make_tiny: Any, call: str, about: str, conditions: Any
) -> None:
    class Broken(Fragile):
        breaks = (call, 5)

    with pytest.raises(SchedulerError) as caught:
        simulate(make_tiny(27), Broken, workers=3, stop=Stop(time=50_000), conditions=conditions)
    message = str(caught.value)
    assert message.startswith(f"Broken.{call}() at the simulated second ")
    assert f"raised KeyError('no such rung'){about}" in message
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_run_so_far_is_that_of_a_scheduler_that_goes_on(make_tiny: Any) -> None:
    class Broken(Fragile):
        breaks = ("on_report", 30)

    circumstances: dict[str, Any] = {"workers": 3, "stop": Stop(time=50_000)}
    with pytest.raises(RunError) as caught:
        simulate(make_tiny(27), Broken, **circumstances)
    kept = caught.value.run
    assert kept is not None
    assert kept.reason == "error"
    whole = simulate(make_tiny(27), Fragile, **circumstances)
    before = kept.records[kept.records["time"] < kept.end]
    told = [record for record in before.tolist() if record[6] != 6]
    assert told == whole.records[: len(before)].tolist()[: len(told)]
    assert "interrupted" in kept.trial_columns["status"]


def test_what_it_asks_for_that_cannot_be_keeps_the_run_too(play: Any, job: Any) -> None:
    with pytest.raises(SchedulerError, match="which is no Start, Resume or None") as caught:
        play([job(2), 7], workers=1)
    assert caught.value.run is not None
    assert caught.value.run.trial_columns["status"] == ["completed"]


def test_the_command_line_keeps_it_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "from simulator import ASHA\n\n\nclass Broken(ASHA):\n    def on_end(self, trial):\n"
        "        raise ValueError(f'cannot end {trial.number}')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-m", "simulator", "run", "nasbench-nlp", "--scheduler", "py:broken:Broken"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "Broken.on_end() at the simulated second" in finished.stderr
    assert "raised ValueError('cannot end " in finished.stderr
    folder = finished.stderr.strip().rpartition("the run so far is in ")[2]
    assert Run.load(tmp_path / folder).reason == "error"


def test_one_that_raises_when_all_is_over_is_told_apart_from_the_run(make_tiny: Any) -> None:
    """Every end is in the record once, though the scheduler broke when it was told the first of them."""

    class Broken(Fragile):
        breaks = ("on_end", 1)

    stop = Stop(time=100)
    with pytest.raises(SchedulerError, match=r"Broken\.on_end\(\) .* about trial 0") as caught:
        simulate(make_tiny(10_000), Broken, workers=3, stop=stop)
    assert caught.value.run is not None
    assert caught.value.run.digest == simulate(make_tiny(10_000), Fragile, workers=3, stop=stop).digest


@pytest.mark.parametrize("status", [0, 1, None, "bye"])
@pytest.mark.parametrize("conditions", [None, Conditions(decision_time=0.5)])
@pytest.mark.parametrize("call", ["suggest", "on_report", "on_end"])
def test_one_that_leaves_the_program_is_named_and_the_run_so_far_is_kept(
    make_tiny: Any, call: str, conditions: Any, status: Any
) -> None:
    class Leaving(ASHA):
        pass

    def leave(self: Any, *_: Any) -> None:
        sys.exit(status)

    setattr(Leaving, call, leave)
    with pytest.raises(SchedulerError, match=rf"Leaving\.{call}\(\) .* raised SystemExit\(") as caught:
        simulate(make_tiny(27), Leaving, workers=3, stop=Stop(time=50_000), conditions=conditions)
    assert caught.value.run is not None
    assert caught.value.run.reason == "error"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted(15)])
def test_an_interruption_is_not_the_schedulers(make_tiny: Any, error: BaseException) -> None:
    class Caught(ASHA):
        def suggest(self) -> Any:
            raise error

    with pytest.raises(type(error)):
        simulate(make_tiny(27), Caught, workers=3, stop=Stop(time=50_000))
