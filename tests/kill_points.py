"""Kills processes with SIGKILL: at the n-th thing that they do to the disk, or after some time.

Every process is a fork of this one, which has imported everything already. Scripts use this, not tests: a
process with threads must not be forked.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.link"}


class Steps:
    """Counts what this process changes on the disk, and kills it at one of the steps."""

    def __init__(self, last: int) -> None:
        self.count, self.last = 0, last
        sys.addaudithook(self.audit)
        os.fsync = self.around(os.fsync)
        pq.write_table = self.around(pq.write_table)

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in CHANGES or writes:
            self.step()

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **more: Any) -> Any:
            self.step()
            answer = function(*arguments, **more)
            self.step()
            return answer

        return stepping


def forked(folder: Path, act: Callable[[], None], last: int | None = None) -> int:
    """Run it in a process of its own, in a folder, which is killed at its last step; its status."""
    child = os.fork()
    if child == 0:
        _run(folder, act, None if last is None else Steps(last))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def count_steps(folder: Path, act: Callable[[], None]) -> int:
    """How many steps it takes in a process of its own, in a folder, if nothing kills it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        steps = Steps(0)
        _run(folder, act, steps, lambda: os.write(writing, b"%d" % steps.count))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        count = int(pipe.read())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return count


def killed_after(folder: Path, act: Callable[[], None], seconds: float) -> int:
    """Run it in a process of its own, which is killed after so many seconds; its status."""
    child = os.fork()
    if child == 0:
        _run(folder, act, None)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)  # it is ours until it is waited for, even if it has ended
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(
    folder: Path, act: Callable[[], None], steps: Steps | None, tell: Callable[[], object] = lambda: None
) -> None:
    """Do it in silence, and end this process."""
    status = 1
    try:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open("/dev/null", os.O_WRONLY), stream)
        act()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        tell()
        os._exit(status)
