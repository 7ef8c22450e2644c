"""Lists, mappings and arrays that whoever is handed them can read, and cannot change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from blackbox_repo.curve import Array


def frozen(value: Any) -> Any:
    """A copy of lists, mappings and arrays, however deep, that cannot be changed; anything else as it is.

    The copies are equal to what they were made of, and are pickled and written as JSON in the same way.
    """
    if isinstance(value, Mapping):
        return FrozenDict({key: frozen(part) for key, part in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([frozen(part) for part in value])
    return read_only(value) if isinstance(value, np.ndarray) else value


def read_only(array: Array) -> Array:
    """A view that numpy cannot be told to make writable again."""
    content = np.ascontiguousarray(array).view(np.uint8).data.toreadonly()
    return np.asarray(content).view(array.dtype)


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError(f"results of a run cannot be changed; change a copy of this {type(self).__name__}")


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed."""

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __setitem__ = __delitem__ = append = extend = insert = remove = _refuse
    clear = pop = sort = reverse = _refuse
    __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)
