from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blackbox_repo.text import console

ROOT = Path(__file__).parents[3]
SCRIPT = """
import os, signal
import typer
from blackbox_repo.text import console
from blackbox_repo.errors import InvalidOption

app = console.CommandLine("bb-try")

@app.command(cls=console.StrictCommand)
def fail(kind: str) -> None:
    if kind == "ours":
        raise InvalidOption("workers=0\\n   must be at least 1")
    if kind == "system":
        open("/nowhere/file")
    if kind == "bug":
        raise ZeroDivisionError("a bug\x1b[31m")
    if kind == "interrupt":
        with console.interruptible(lambda: "half of it is kept\x1b"):
            os.kill(os.getpid(), signal.SIGINT)
    if kind == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
    if kind == "status":
        raise typer.Exit(7)
    if kind == "parameter":
        raise typer.BadParameter("no such colour")
    for line in range(100_000):
        print(line)

@app.command()
def other() -> None:
    pass

app()
"""


def bb_try(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("ours", "workers=0 must be at least 1"),
        ("system", "/nowhere/file: No such file or directory"),
        ("parameter", "Invalid value: no such colour (see bb-try fail --help)"),
    ],
)
def test_an_error_is_one_line_and_status_2(kind: str, line: str) -> None:
    result = bb_try("fail", kind)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"bb-try: error: {line}\n")


def test_wrong_usage_points_to_the_help_of_the_command() -> None:
    result = bb_try("fail", "ours", "--depth=3")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("bb-try: error: No such option")
    assert result.stderr.endswith("(see bb-try fail --help)\n")
    assert result.stderr.count("\n") == 1


def test_a_bug_keeps_its_traceback() -> None:
    result = bb_try("fail", "bug")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("ZeroDivisionError: a bug\\x1b[31m\n")


def test_an_interrupt_says_what_was_kept() -> None:
    result = bb_try("fail", "interrupt")
    told = "bb-try: interrupted; half of it is kept\\x1b\n"
    assert (result.returncode, result.stdout, result.stderr) == (130, "", told)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_command_that_is_terminated_says_so() -> None:
    result = bb_try("fail", "terminate")
    assert (result.returncode, result.stdout, result.stderr) == (143, "", "bb-try: terminated\n")


def test_signals_are_heard_as_before_when_a_command_has_ended() -> None:
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    app = console.command_line("bb-try", "Nothing.")
    app.command()(lambda: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bb-try", "--version"])
        with pytest.raises(SystemExit):
            console.run(app, "bb-try")
    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_command_keeps_its_own_exit_status() -> None:
    assert bb_try("fail", "status").returncode == 7
    assert bb_try("other").returncode == 0


def test_a_closed_pipe_is_silent() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, "fail", "print"]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(timeout=20) == 141
