"""The test that is running, as far as the assertions need to know it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Test:
    """A running test.

    Args:
        file: Where it stands.
        name: Its class, function and parameters, as pytest writes them.
        regenerate: Whether files to compare with are to be written anew.
        notes: What is worth telling even though it passes.
        files: Names of files that it has compared with.
    """

    file: Path
    name: str
    regenerate: bool
    notes: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    __test__ = False


_running: ContextVar[Test | None] = ContextVar("simulated schedulers: the running test", default=None)


@contextmanager
def entered(test: Test) -> Iterator[None]:
    """Within this, ``test`` is the running one."""
    token = _running.set(test)
    try:
        yield
    finally:
        _running.reset(token)


def running() -> Test | None:
    """The running test, if pytest runs one."""
    return _running.get()
