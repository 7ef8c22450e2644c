"""Mappings, lists and arrays that can be read and not changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class FrozenDict(dict[_Key, _Value]):
    """A dict that refuses to be changed; ``dict(it)`` is one that does not."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this mapping cannot be changed, since others read it too; change dict(it) instead")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> FrozenDict[_Key, _Value]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict[_Key, _Value]:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict[_Key, _Value]], tuple[dict[_Key, _Value]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[_Value]):
    """A list that refuses to be changed; ``list(it)`` is one that does not."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this list cannot be changed, since others read it too; change list(it) instead")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = clear = pop = sort = reverse = _refuse

    def __copy__(self) -> FrozenList[_Value]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenList[_Value]:
        return self

    def __reduce__(self) -> tuple[type[FrozenList[_Value]], tuple[list[_Value]]]:
        return FrozenList, (list(self),)


def frozen(value: Any) -> Any:
    """Mappings, sequences and arrays, however deep, as equal ones that cannot be changed; others as they are.

    The memory of arrays is shared, so the caller must not keep the arrays.
    """
    if isinstance(value, Mapping):
        return FrozenDict({key: frozen(part) for key, part in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([frozen(part) for part in value])
    return sealed(value) if isinstance(value, np.ndarray) else value


def sealed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory as an array that numpy refuses to make writable; the caller must not keep ``array``."""
    return np.asarray(np.ascontiguousarray(array).data.toreadonly())


def owned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A sealed array with these values: a copy, unless ``array`` cannot be made writable either."""
    view = array.view()
    try:
        view.flags.writeable = True
    except ValueError:
        return array
    return sealed(array.copy())
