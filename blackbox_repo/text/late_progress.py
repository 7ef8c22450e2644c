"""Progress of work that is seldom needed: nothing is shown, and nothing imported, until it is reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blackbox_repo.text.progress import ProgressReporter


@contextmanager
def report_once_used(name: str) -> Iterator[ProgressReporter]:
    """As :func:`blackbox_repo.text.progress.report_progress`, from the first report on.

    Args:
        name: Name of the work; every line begins with it.
    """
    with ExitStack() as stack:
        yield _LateReporter(name, stack)


class _LateReporter:
    def __init__(self, name: str, stack: ExitStack) -> None:
        self._name, self._stack = name, stack

    @cached_property
    def _reporter(self) -> ProgressReporter:
        from blackbox_repo.text.progress import report_progress  # rich takes long to import

        return self._stack.enter_context(report_progress(self._name))

    def step(self, text: str) -> None:
        self._reporter.step(text)

    def amount(self, file: str, done: int, total: int) -> None:
        self._reporter.amount(file, done, total)
