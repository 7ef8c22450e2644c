"""What a library shares with its process, its own during each call: random state, output, warnings.

Python's and numpy's global generators, ``sys.stdout`` and the filters of warnings belong to a whole process.
So one thread at a time calls a library: who enters a context of this module holds ``ALONE`` until it leaves.
"""

from __future__ import annotations

import logging
import random  # noqa: TID251  the library's state is set and put back, nothing is drawn here
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np

ALONE = threading.RLock()
"""Held while a library has the process's global places."""


class GlobalRandomState:
    """A context in which the global generators are the library's; around it they are the user's.

    What the library draws in one block goes on in the next one, whatever happens between them.

    Args:
        seed: Of both generators, from 0 to 2**32 - 1.
    """

    def __init__(self, seed: int) -> None:
        with ALONE:
            outside = _states()
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002, TID251  the global one is what libraries draw from
            self._inside = _states()
            _set(outside)

    def __enter__(self) -> None:
        ALONE.acquire()
        self._outside = _states()
        _set(self._inside)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._inside = _states()
        _set(self._outside)
        ALONE.release()


def _states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002, TID251  see above


def _set(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002, TID251  see above


@contextmanager
def hushed() -> Iterator[None]:
    """Nothing is printed and no warning shown, and numpy raises nothing, whatever ``np.seterr`` says.

    Other threads print as ever. A bare root logger gets no handler, as ``logging.warning`` would give it.
    """
    root, silent = logging.getLogger(), logging.NullHandler()
    with ALONE, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        root.addHandler(silent)
        output = sys.stdout = _Muted(sys.stdout)
        try:
            yield
        finally:
            output.end()
            root.removeHandler(silent)


class _Muted:
    """Standard output without what one thread writes.

    Args:
        outside: The user's, to which other threads go on writing.
    """

    def __init__(self, outside: Any) -> None:
        self._outside, self._thread = outside, threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outside, name)

    def write(self, text: str) -> int:
        """Write what another thread says."""
        return len(text) if threading.get_ident() == self._thread else int(self._outside.write(text))

    def end(self) -> None:
        """Put the user's output back; should somebody have redirected it since, let all pass."""
        self._thread = 0
        if sys.stdout is self:
            sys.stdout = self._outside
