"""A library that draws from Python's and numpy's global random state, with such a state of its own."""

from __future__ import annotations

import random  # noqa: TID251  the library's state is set and put back, nothing is drawn here
from types import TracebackType
from typing import Any

import numpy as np


class GlobalRandomState:
    """A context in which the global generators are the library's; around it they are the user's.

    What the library draws in one block goes on in the next one, whatever happens between them.

    Args:
        seed: Of both generators.
    """

    def __init__(self, seed: int) -> None:
        outside = _states()
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002, TID251  the global one is what libraries draw from
        self._inside = _states()
        _set(outside)

    def __enter__(self) -> None:
        self._outside = _states()
        _set(self._inside)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._inside = _states()
        _set(self._outside)


def _states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002, TID251  see above


def _set(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002, TID251  see above
