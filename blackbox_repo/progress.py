"""What a long command tells on stderr while it works: a bar in a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TransferSpeedColumn,
)
from rich.text import Text

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
    if not terminal.is_terminal:
        yield Lines(name)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Bytes(), _Speed())
    with Progress(*columns, console=terminal, transient=True) as progress:
        yield _Bar(name, progress)


class Lines:
    """A line every half minute at most, so that a short command stays silent."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], object] = lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201
    ) -> None:
        self._name, self._clock, self._write = name, clock, write
        self._step, self._next = "", clock() + EVERY

    def step(self, text: str) -> None:
        """What it does now."""
        self._step = text
        self._tell(text)

    def amount(self, file: str, done: int, total: int) -> None:
        """How much of a file is done."""
        of = f" of {total / 1e6:,.0f}" if total else ""
        self._tell(f"{self._step}: {file}, {done / 1e6:,.0f}{of} MB")

    def _tell(self, text: str) -> None:
        if self._clock() >= self._next:
            self._write(f"{self._name}: {text}")
            self._next = self._clock() + EVERY


class _Bar:
    """One line of a terminal: the step, and how much of a file is done."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._step, self._line = "", progress.add_task(name, total=None)

    def step(self, text: str) -> None:
        self._step = text
        self._progress.update(self._line, description=f"{self._name}: {text}", completed=0, total=None)

    def amount(self, file: str, done: int, total: int) -> None:
        text = f"{self._name}: {self._step}: {file}"
        self._progress.update(self._line, description=text, completed=done, total=total or None)


class _Bytes(DownloadColumn):
    """Bytes, where there are any."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.completed else Text("")


class _Speed(TransferSpeedColumn):
    """Bytes a second, where there are any."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.completed else Text("")
