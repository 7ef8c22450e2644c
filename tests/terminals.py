"""Commands in a pseudo-terminal, as a user has them."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PATIENCE = 60


@dataclass(frozen=True)
class Shown:
    """What a command showed in a terminal, without styles and movements of the cursor, and how it ended."""

    status: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def environment(**more: str) -> dict[str, str]:
    """The environment of a command that finds this checkout; nothing in it says how wide a terminal is."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


def in_terminal(*command: str, folder: Path, width: int = 80, interrupt: str = "", **variables: str) -> Shown:
    """Run a module of ours in a terminal.

    Args:
        command: The module and its arguments.
        folder: Where it runs.
        width: Columns of the terminal.
        interrupt: The command and its children get the signal of Ctrl-C once this text has been shown.
        variables: More of the environment.
    """
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment(**variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = _read(ours, interrupt, child.pid)
    finally:
        if child.poll() is None:
            child.wait(_PATIENCE)
        os.close(ours)
    text = _CONTROL.sub("", shown.decode("utf-8", "replace")).replace("\r\n", "\n")
    return Shown(child.returncode, text)


def _read(terminal: int, interrupt: str, group: int) -> bytes:
    shown, deadline, awaited = b"", time.perf_counter() + _PATIENCE, interrupt.encode()
    while time.perf_counter() < deadline:
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # Linux says so when the other end is closed
            return shown
        if not part:
            return shown
        shown += part
        if awaited and awaited in shown:
            os.killpg(group, signal.SIGINT)
            awaited = b""
    raise TimeoutError(shown.decode("utf-8", "replace"))
