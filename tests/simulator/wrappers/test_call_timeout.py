"""Schedulers that hang are named, and patience changes no result."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import ASHA, Conditions, Run, SchedulerError, Stop, cli, simulate

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")


@pytest.fixture(autouse=True)
def _no_finalizers() -> Iterator[None]:
    """Nothing that other tests have left is finalized while a call is interrupted."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Hanging(ASHA):
    """Hangs in one of its calls; ``stubborn`` as one that catches what it can."""

    where, stubborn = "suggest", False

    def _hang(self, name: str) -> None:
        while name == self.where:
            try:
                time.sleep(5)
            except Exception:
                if not self.stubborn:
                    raise

    def suggest(self) -> Any:
        self._hang("suggest")
        return super().suggest()

    def on_report(self, trial: Any, report: Any) -> Any:
        self._hang("on_report")
        return super().on_report(trial, report)

    def on_end(self, trial: Any) -> None:
        self._hang("on_end")
        super().on_end(trial)


@pytest.mark.parametrize(
    ("call", "about"), [("suggest", ""), ("on_report", " about trial 0"), ("on_end", " about trial 0")]
)
@pytest.mark.parametrize("kind", [{}, {"stubborn": True}])
def test_a_call_that_hangs_is_named(tiny: Any, call: str, about: str, kind: dict[str, Any]) -> None:
    hanging: Any = type("Hanging", (Hanging,), {"where": call, **kind})
    began = time.perf_counter()
    with pytest.raises(SchedulerError) as caught:
        simulate(tiny, hanging, workers=1, stop=Stop(time=50_000), call_timeout=0.05)
    assert time.perf_counter() - began < 3
    message = str(caught.value)
    assert message.startswith(f"Hanging.{call}() at the simulated second ")
    assert message.endswith(f"raised TimeoutError('no answer in 0.05 s of real time (call_timeout)'){about}")
    assert caught.value.run is not None


def test_a_loop_that_never_sleeps_is_interrupted_too(tiny: Any) -> None:
    class Busy(ASHA):
        def suggest(self) -> Any:
            while True:
                pass

    with pytest.raises(SchedulerError, match="no answer in 0.05 s"):
        simulate(tiny, Busy, workers=1, stop=Stop(time=5), call_timeout=0.05)


def work_and_catch() -> None:
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: S110
            pass


def suppress_all() -> None:
    while True:
        with suppress(BaseException):
            time.sleep(5)


def suppress_twice() -> None:
    while True:
        with suppress(BaseException):
            suppress_all()


def answer_late() -> None:
    with suppress(BaseException):
        time.sleep(5)


def raise_something_else() -> None:
    try:
        time.sleep(5)
    except BaseException as err:
        raise RuntimeError("something else") from err


@pytest.mark.parametrize(
    "hang",
    [work_and_catch, suppress_all, suppress_twice, answer_late, raise_something_else],
)
def test_a_scheduler_that_catches_every_interruption_is_named_all_the_same(tiny: Any, hang: Any) -> None:
    class Catching(ASHA):
        def suggest(self) -> Any:
            hang()
            return super().suggest()

    with pytest.raises(SchedulerError, match=r"raised TimeoutError\('no answer in 0.05 s of real time"):
        simulate(tiny, Catching, workers=1, stop=Stop(time=50_000), call_timeout=0.05)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_patience_changes_no_result_and_leaves_signals_as_they_were(make_tiny: Any, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGALRM)
    circumstances: dict[str, Any] = {
        "workers": 3,
        "stop": Stop(time=50_000),
        "conditions": Conditions(decision_time=2),
    }
    runs = [
        simulate(make_tiny(27), ASHA, call_timeout=limit, log=tmp_path / f"{limit}.jsonl", **circumstances)
        for limit in (None, 30)
    ]
    assert runs[0].digest == runs[1].digest
    assert runs[0].header == runs[1].header
    logs = [(tmp_path / f"{limit}.jsonl").read_bytes() for limit in (None, 30)]
    assert logs[0] == logs[1]
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("patience", [0, -1, True, "5", float("nan"), float("inf")])
def test_patience_is_a_number_above_0(tiny: Any, patience: Any) -> None:
    with pytest.raises(InvalidOption, match="call_timeout is .*, but must be a number of real seconds"):
        simulate(tiny, ASHA, workers=1, stop=Stop(time=5), call_timeout=patience)


def test_where_signals_do_not_reach_another_way_is_named(tiny: Any) -> None:
    caught: list[Exception] = []

    def elsewhere() -> None:
        try:
            simulate(tiny, ASHA, workers=1, stop=Stop(time=5), call_timeout=5)
        except InvalidOption as err:
            caught.append(err)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "signals reach the main thread only" in str(caught[0])
    assert "run the scheduler as a process of its own" in str(caught[0])


def test_somebody_elses_timer_is_left_alone(tiny: Any) -> None:
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with pytest.raises(InvalidOption, match="somebody else's timer is running"):
            simulate(tiny, ASHA, workers=1, stop=Stop(time=5), call_timeout=5)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.mark.parametrize("option", ["--call-timeout", "--patience"])
def test_the_command_line_has_a_call_timeout_under_its_old_name_too(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hanging.py").write_text(
        "import time\nfrom simulator import ASHA\n\n\n"
        "class Hanging(ASHA):\n    def on_report(self, trial, report):\n"
        "        time.sleep(10)\n"
    )
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    command = f"bb-sim run nasbench-nlp --trials 5 {option} 0.05 --scheduler py:hanging:Hanging"
    monkeypatch.setattr(sys, "argv", command.split())
    with pytest.raises(SystemExit):
        cli.main()
    signal.signal(signal.SIGTERM, handler)
    said = capsys.readouterr().err
    assert "no answer in 0.05 s of real time (" in said
    renamed = "bb-sim: warning: the option --patience is called --call-timeout now; the old name works"
    assert (renamed in said) == (option == "--patience")
    (folder,) = (tmp_path / "runs").iterdir()
    assert Run.load(folder).reason == "error"
    assert not {"patience", "call_timeout"} & json.loads((folder / "run.json").read_text()).keys()
