"""What a library shares with its process, its own during each call: random state, output, warnings.

Python's and numpy's global generators, ``sys.stdout`` and the filters of warnings belong to a whole process.
So one thread at a time calls a library: a context of this module holds ``PROCESS_LOCK`` until it is left.
"""

from __future__ import annotations

import logging
import random  # noqa: TID251  the library's state is set and put back, nothing is drawn here
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from types import TracebackType
from typing import Any

import numpy as np

PROCESS_LOCK = threading.RLock()
"""Held while a library has what belongs to the whole process."""
_RANDOM: Any = np.random  # noqa: TID251  its global generator is what libraries draw from
_NUMPY = _RANDOM.get_state.__self__
"""The ``RandomState`` whose methods numpy's functions are."""
_SILENT = logging.NullHandler()


class GlobalRandomState:
    """A context in which the global generators are the library's; around it they are the user's.

    What the library draws in one block goes on in the next one, whatever happens between them. Entering and
    leaving take some 30 us, nearly all for Python's generator, whose state can only be copied; numpy's
    bit generators are exchanged.

    Args:
        seed: The seed of both generators, from 0 to 2**32 - 1.
    """

    def __init__(self, seed: int) -> None:
        self._python = random.Random(seed).getstate()  # noqa: S311  of a library's search
        generator = MT19937(0)
        generator.state = _RANDOM.RandomState(seed).get_state(legacy=False)  # as after np.random.seed(seed)
        self._numpy: _NumpyState = (generator, {"has_gauss": 0})

    def __enter__(self) -> None:
        PROCESS_LOCK.acquire()
        self._users = random.getstate()
        random.setstate(self._python)
        self._users_numpy = _exchange_numpy(self._numpy)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._numpy = _exchange_numpy(self._users_numpy)
        self._python = random.getstate()
        random.setstate(self._users)
        PROCESS_LOCK.release()


def library_seed(seed: int) -> int:
    """The seed of a run in the range that all libraries take, from 1 to 2**31 - 1.

    It is a hash, so any whole number will do, however large, and negative ones too; two of them are the same
    seed of the library with a chance of 1 in 2**31. 0 is left out, as some libraries take it for none.
    """
    hashed = blake2b(f"library seed {int(seed)}".encode(), digest_size=8).digest()
    return 1 + int.from_bytes(hashed, "little") % (2**31 - 1)


_NumpyState = tuple[Any, dict[str, Any]]
"""A bit generator, and the normal draw that numpy keeps beside it: it always makes two, for two calls."""


class MT19937(np.random.MT19937):  # noqa: TID251  numpy's global generator is one of these
    """A library's bit generator, which has the lock of the user's while it is in the place of that.

    So another thread that draws meanwhile, and may hold the lock or wait for it, never draws at the same time
    as the library. A bit generator calls itself by the name of its class, so the name is numpy's.
    """

    shared_lock: Any = None

    @property
    def lock(self) -> Any:  # type: ignore[override]
        return self.shared_lock or super().lock

    def __reduce__(self) -> Any:
        """Copies, such as a library makes of numpy's global generator, are numpy's own."""
        plain = np.random.MT19937(0)  # noqa: TID251  see above
        plain.state = self.state
        return plain.__reduce__()


def _exchange_numpy(wanted: _NumpyState) -> _NumpyState:
    """Put a bit generator in the place of numpy's global one; what was there, to be put back."""
    before = _RANDOM.get_bit_generator()
    with before.lock:
        with _without_words():
            kept = _NUMPY.get_state(legacy=False)
        if isinstance(wanted[0], MT19937):
            wanted[0].shared_lock = before.lock
        _RANDOM.set_bit_generator(wanted[0])  # which drops the normal draw that was kept
        if wanted[1]["has_gauss"]:
            with _without_words():
                _NUMPY.set_state(wanted[1])
    return before, kept


@contextmanager
def _without_words() -> Iterator[None]:
    """Within it, the state of numpy's global generator is nothing but the normal draw that it keeps.

    That can only be read together with the state of the bit generator, whose 624 words take 50 microseconds
    to copy, so something without words stands in its place.
    """
    generator = _NUMPY._bit_generator  # noqa: SLF001  there is no other way
    _NUMPY._bit_generator = _WORDLESS  # noqa: SLF001
    try:
        yield
    finally:
        _NUMPY._bit_generator = generator  # noqa: SLF001


class _Wordless:
    """A bit generator, as far as ``RandomState`` reads and sets its state."""

    @property
    def state(self) -> dict[str, Any]:
        return {"bit_generator": "MT19937", "state": None}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        pass


_WORDLESS = _Wordless()


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is printed and no warning shown, and numpy raises nothing, whatever ``np.seterr`` says.

    Other threads print as ever. A bare root logger gets no handler, as ``logging.warning`` would give it.
    """
    root = logging.getLogger()
    with PROCESS_LOCK, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        root.addHandler(_SILENT)
        output = sys.stdout = _Muted(sys.stdout)
        try:
            yield
        finally:
            output.end()
            root.removeHandler(_SILENT)


class _Muted:
    """Standard output without what one thread writes.

    Args:
        outside: The user's standard output, to which other threads go on writing.
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
