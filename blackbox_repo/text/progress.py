"""Progress of a long command on stderr: a bar in a terminal, elsewhere a line every half minute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from blackbox_repo.text.plain_text import printable

EVERY = 30.0  # seconds until the first line, and between two lines


class ProgressReporter(Protocol):
    """What a command calls to report its progress."""

    def step(self, text: str) -> None:
        """Report what the command does now.

        Args:
            text: The step in a few words.
        """

    def amount(self, file: str, done: int, total: int) -> None:
        """Report how much of a file is done.

        Args:
            file: Name of the file.
            done: Number of bytes that are done.
            total: Size of the file in bytes; 0 if it is not known.
        """


@contextmanager
def report_progress(name: str) -> Iterator[ProgressReporter]:
    """Within this, the reporter that is given shows progress on stderr.

    Args:
        name: Name of the command; every line begins with it.
    """
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        step = text_column("{task.description}")
        columns = (
            SpinnerColumn("line"),
            step,
            BarColumn(),
            _OnceStarted(DownloadColumn()),
            _OnceStarted(TransferSpeedColumn()),
            _OnceStarted(TimeRemainingColumn()),
            TimeElapsedColumn(),
        )
        with make_bar(*columns, console=terminal) as bar:
            yield _BarReporter(name, bar)
        return
    reporter, ended = LineReporter(name), Event()
    printer = Thread(target=_print_lines, args=(reporter, ended), daemon=True)
    printer.start()
    try:
        yield reporter
    finally:
        ended.set()
        printer.join()


def make_bar(*columns: ProgressColumn, console: Console | None = None) -> Progress:
    """A progress bar on stderr that disappears at its end.

    Args:
        *columns: What it shows; by default a description, a bar, and the remaining time.
        console: Another place than stderr.
    """
    return Progress(*columns, console=console or Console(stderr=True), transient=True)


def text_column(template: str) -> TextColumn:
    """A column of text that is shown as it is, without markup.

    Args:
        template: A format string with the fields of the task, such as ``{task.description}``.
    """
    return TextColumn(template, markup=False)


def _print_lines(reporter: LineReporter, ended: Event) -> None:
    seconds = EVERY
    while not ended.wait(EVERY):
        print(reporter.line(seconds), file=sys.stderr, flush=True)  # noqa: T201  this is what it is for
        seconds += EVERY


class LineReporter:
    """Reports progress as a line of text; a command that is shorter than half a minute prints none.

    Args:
        name: Name of the command.
    """

    def __init__(self, name: str) -> None:
        self._name, self._step = name, ""
        self._file, self._done, self._total = "", 0, 0
        self._before: tuple[str, int, float] | None = None  # file, bytes and seconds of the last line

    def step(self, text: str) -> None:
        """Note what the command does now."""
        self._step, self._file = text, ""

    def amount(self, file: str, done: int, total: int) -> None:
        """Note how much of a file is done."""
        self._file, self._done, self._total = file, done, total

    def line(self, seconds: float) -> str:
        """The line to print; from the second of a file on with the rate and the time that is left.

        Args:
            seconds: How long the command has been running.
        """
        of = f" of {self._total / 1e6:,.0f}" if self._total else ""
        amount = f": {self._file}, {self._done / 1e6:,.0f}{of} MB{self._rate(seconds)}" if self._file else ""
        self._before = self._file, self._done, seconds
        return printable(f"{self._name}, {seconds / 60:.1f} min: {self._step}{amount}")

    def _rate(self, seconds: float) -> str:
        if self._before is None or self._before[0] != self._file or seconds <= self._before[2]:
            return ""
        rate = (self._done - self._before[1]) / (seconds - self._before[2])
        left = f", {(self._total - self._done) / rate / 60:.1f} min left" if rate > 0 and self._total else ""
        return f", {rate / 1e6:.2f} MB/s{left}"


class _BarReporter:
    """Reports progress as one line of a terminal: the step, and how much of a file is done."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._step, self._line = "", progress.add_task(name, total=None)

    def step(self, text: str) -> None:
        self._step = text
        description = printable(f"{self._name}: {text}")
        self._progress.update(self._line, description=description, completed=0, total=None)

    def amount(self, file: str, done: int, total: int) -> None:
        text = printable(f"{self._name}: {self._step}: {file}")
        self._progress.update(self._line, description=text, completed=done, total=total or None)


class _OnceStarted(ProgressColumn):
    """Another column, which stays empty until there are bytes to count."""

    def __init__(self, column: ProgressColumn) -> None:
        super().__init__()
        self._column = column

    def render(self, task: Task) -> RenderableType:
        return self._column.render(task) if task.completed else Text("")
