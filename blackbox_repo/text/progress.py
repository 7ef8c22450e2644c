"""What a long command tells on stderr while it works: a bar in a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from blackbox_repo.text.plain_text import printable

EVERY = 30.0  # seconds until the first line, and between two


class Teller(Protocol):
    """Whom a command tells what it does."""

    def step(self, text: str) -> None:
        """What it does now, in a few words."""

    def amount(self, file: str, done: int, total: int) -> None:
        """How many bytes of a file are done, and how many there are; 0 if nobody knows."""


@contextmanager
def told(name: str) -> Iterator[Teller]:
    """A teller for as long as the command works.

    Args:
        name: What its lines begin with.
    """
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        step = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn("line"), step, BarColumn(), _Bytes(), _Speed())
        with Progress(*columns, TimeElapsedColumn(), console=terminal, transient=True) as progress:
            yield _Bar(name, progress)
        return
    lines, ended = Lines(name), Event()
    beat = Thread(target=_beat, args=(lines, ended), daemon=True)
    beat.start()
    try:
        yield lines
    finally:
        ended.set()
        beat.join()


def _beat(lines: Lines, ended: Event) -> None:
    seconds = EVERY
    while not ended.wait(EVERY):
        print(lines.line(seconds), file=sys.stderr, flush=True)  # noqa: T201  this is what it is for
        seconds += EVERY


class Lines:
    """The line that says how far a command is; told every half minute, a short command stays silent."""

    def __init__(self, name: str) -> None:
        self._name, self._step, self._amount = name, "", ""

    def step(self, text: str) -> None:
        """What it does now."""
        self._step, self._amount = text, ""

    def amount(self, file: str, done: int, total: int) -> None:
        """How much of a file is done."""
        of = f" of {total / 1e6:,.0f}" if total else ""
        self._amount = f": {file}, {done / 1e6:,.0f}{of} MB"

    def line(self, seconds: float) -> str:
        """What there is to say after so many seconds."""
        return printable(f"{self._name}, {seconds / 60:.1f} min: {self._step}{self._amount}")


class _Bar:
    """One line of a terminal: the step, and how much of a file is done."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._step, self._line = "", progress.add_task(name, total=None)

    def step(self, text: str) -> None:
        self._step = text
        shown = printable(f"{self._name}: {text}")
        self._progress.update(self._line, description=shown, completed=0, total=None)

    def amount(self, file: str, done: int, total: int) -> None:
        text = printable(f"{self._name}: {self._step}: {file}")
        self._progress.update(self._line, description=text, completed=done, total=total or None)


class _Bytes(DownloadColumn):
    """Bytes, where there are any."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.completed else Text("")


class _Speed(TransferSpeedColumn):
    """Bytes a second, where there are any."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.completed else Text("")
