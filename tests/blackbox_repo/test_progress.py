from __future__ import annotations

from typing import TYPE_CHECKING

from blackbox_repo.progress import EVERY, Lines, told

if TYPE_CHECKING:
    import pytest


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    now, lines = [0.0], list[str]()
    teller = Lines("box", lambda: now[0], lines.append)
    teller.step("reading")
    for megabyte in range(1, 101):
        now[0] += 1.0
        teller.amount("runs.zip", megabyte * 1_000_000, 100_000_000)
    teller.step("writing")
    now[0] += EVERY
    teller.step("writing digits")
    teller.amount("unknown", 5_000_000, 0)
    now[0] += EVERY
    teller.amount("unknown", 5_000_000, 0)
    assert lines == [
        "box: reading: runs.zip, 30 of 100 MB",
        "box: reading: runs.zip, 60 of 100 MB",
        "box: reading: runs.zip, 90 of 100 MB",
        "box: writing digits",
        "box: writing digits: unknown, 5 MB",
    ]


def test_a_terminal_shows_the_step_and_the_bytes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    with told("box") as teller:
        teller.step("reading")
        teller.amount("runs.zip", 30_000_000, 100_000_000)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "box: reading: runs.zip" in shown.err
    assert "30.0/100.0 MB" in shown.err


def test_a_short_command_without_a_terminal_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with told("box") as teller:
        teller.step("reading")
        teller.amount("runs.zip", 1, 2)
    assert capsys.readouterr() == ("", "")
