from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from blackbox_repo.text.progress import LineReporter, report_progress

if TYPE_CHECKING:
    import pytest


def test_a_line_says_the_step_and_the_bytes() -> None:
    lines = LineReporter("box")
    lines.step("reading")
    lines.amount("runs.zip", 30_000_000, 100_000_000)
    assert lines.line(90) == "box, 1.5 min: reading: runs.zip, 30 of 100 MB"
    lines.amount("runs.zip", 60_000_000, 100_000_000)
    assert lines.line(120) == "box, 2.0 min: reading: runs.zip, 60 of 100 MB, 1.00 MB/s, 0.7 min left"
    lines.amount("unknown", 5_000_000, 0)
    assert lines.line(120) == "box, 2.0 min: reading: unknown, 5 MB"
    lines.step("writing")
    assert lines.line(150) == "box, 2.5 min: writing"


def test_without_a_terminal_there_is_a_line_now_and_then_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("blackbox_repo.text.progress.EVERY", 0.01)
    computed, line = threading.Event(), LineReporter.line

    def watched(lines: LineReporter, seconds: float) -> str:
        said = line(lines, seconds)
        if said.endswith("computing"):
            computed.set()
        return said

    monkeypatch.setattr(LineReporter, "line", watched)
    with report_progress("box") as reporter:
        reporter.step("computing")
        assert computed.wait(20)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "box, 0.0 min: computing" in shown.err.splitlines()
    assert not any("_beat" in thread.name for thread in threading.enumerate())


def test_a_terminal_shows_the_step_and_the_bytes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    with report_progress("box") as reporter:
        reporter.step("reading")
        reporter.amount("runs.zip", 30_000_000, 100_000_000)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "box: reading: runs.zip" in shown.err
    assert "30.0/100.0 MB" in shown.err


def test_a_short_command_without_a_terminal_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with report_progress("box") as reporter:
        reporter.step("reading")
        reporter.amount("runs.zip", 1, 2)
    assert capsys.readouterr() == ("", "")
