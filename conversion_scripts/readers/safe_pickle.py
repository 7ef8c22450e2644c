"""The only unpickler of this project: it makes plain containers, numbers, text and numpy arrays.

A pickle is a program. It may only name what is in ``ALLOWED``, and call it only as the picklers of Python and
numpy do: ``list(bytes(10**10))`` would fill the memory, and so would an array of a made-up shape.
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from reprlib import repr as short  # the full text of a nested object may be out of proportion
from typing import Any, BinaryIO, ClassVar

import numpy as np

from blackbox_repo.errors import FormatError
from blackbox_repo.text.plain_text import printable
from conversion_scripts.readers.pickle_keys import Keys
from conversion_scripts.readers.pickle_size import check_size

TORCH_LIMIT = 1 << 28
_SCALAR = np.float64(0).__reduce__()[0]
_CORES = ("numpy.core", "numpy._core")  # numpy 1 and numpy 2 name the same functions differently
_SHOWN = 200  # characters of a name that a message shows
_PLAIN_DTYPE = re.compile(r"[biufcSU][1-9]\d{0,3}")  # a number, or a text of fixed length


class _Allowed:
    """A callable that a pickle may name and call with arguments of certain types, and cannot change.

    Args:
        name: Its name in messages.
        build: The function that makes the result of a call.
        takes: The tuples of argument types with which it may be called.
    """

    __slots__ = ("_build", "_takes", "name")

    def __init__(self, name: str, build: Callable[..., Any], takes: Iterable[tuple[type, ...]]) -> None:
        self.name, self._build, self._takes = name, build, tuple(takes)

    def __call__(self, *arguments: Any) -> Any:
        types = tuple(map(type, arguments))
        if types not in self._takes:
            given = ", ".join(kind.__name__ for kind in types)
            raise FormatError(
                f"the pickle calls {self.name}({given}), which plain containers, numbers and numpy arrays "
                f"do not need; it was not run"
            )
        return self._build(*arguments)

    def __setstate__(self, state: object) -> None:
        raise FormatError(f"the pickle changes {self.name}; it was not run")


class _Dtype:
    """A numpy dtype of numbers or text while the pickle builds it."""

    __slots__ = ("dtype",)

    def __init__(self, text: str, align: int, copy: int) -> None:
        if not _PLAIN_DTYPE.fullmatch(text):
            raise FormatError(
                f"the pickle has an array of the dtype {short(text)}; only numbers and text are read"
            )
        self.dtype = np.dtype(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state
        if structure[:3] != [None, None, None] or order not in tuple("<>|="):
            raise FormatError("the pickle has an array with fields; only those of numbers and text are read")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """An array that takes its content only from bytes in the pickle."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, shape, kind, fortran, content = state
        if type(kind) is not _Dtype or type(content) is not bytes:
            raise FormatError("the pickle has an array of objects; only those of numbers and text are read")
        super().__setstate__((version, shape, kind.dtype, fortran, content))


def _make_from_list(
    kind: Callable[..., Any], key: Callable[[Any], Any] = lambda item: item
) -> Callable[..., Any]:
    """A function that makes a container of a list and empties the list, so that no list is copied often."""

    def build(items: list[Any] | None = None) -> Any:
        Keys().admit((), list(map(key, items or ())))
        made = kind(items or ())
        if items:
            items.clear()
        return made

    return build


def _scalar(kind: _Dtype, content: bytes) -> Any:
    return _SCALAR(kind.dtype, content)


def _defaultdict(factory: _Allowed | None = None) -> Any:
    return defaultdict(factory)


def _builtin(kind: type, build: Callable[..., Any], *takes: tuple[type, ...]) -> dict[tuple[str, str], Any]:
    name = kind.__name__
    return dict.fromkeys(
        [("builtins", name), ("__builtin__", name)], _Allowed(f"builtins.{name}", build, takes)
    )


def _multiarray(name: str, build: Callable[..., Any], *takes: tuple[type, ...]) -> dict[tuple[str, str], Any]:
    modules = [f"{core}.multiarray" for core in _CORES]
    return {(module, name): _Allowed(f"{module}.{name}", build, takes) for module in modules}


ALLOWED: dict[tuple[str, str], _Allowed] = {
    key: allowed
    for kind in (bool, bytes, dict, float, int, list, str, tuple)
    for key, allowed in _builtin(kind, kind, ()).items()
}
ALLOWED |= _builtin(complex, complex, (float, float))
ALLOWED |= _builtin(set, _make_from_list(set), (), (list,))
ALLOWED |= _builtin(frozenset, _make_from_list(frozenset), (), (list,))
ALLOWED |= {
    ("collections", "OrderedDict"): _Allowed(
        "collections.OrderedDict", _make_from_list(OrderedDict, itemgetter(0)), ((), (list,))
    ),
    ("collections", "defaultdict"): _Allowed(
        "collections.defaultdict", _defaultdict, ((), (type(None),), (_Allowed,))
    ),
    ("numpy", "dtype"): _Allowed("numpy.dtype", _Dtype, ((str, bool, bool), (str, int, int))),
    ("numpy", "ndarray"): _Allowed("numpy.ndarray", _Array, ()),
}
ALLOWED |= _multiarray("_reconstruct", lambda *_: _Array(0), (_Allowed, tuple, bytes))
ALLOWED |= _multiarray("scalar", _scalar, (_Dtype, bytes))


def find_plain(module: str, name: str) -> Any:
    """The object that a name in a pickle stands for.

    Args:
        module: The module of the name.
        name: The name in the module.

    Raises:
        FormatError: The name is not in ``ALLOWED``.
    """
    try:
        return ALLOWED[module, name]
    except KeyError:
        named = printable(f"{module}.{name}"[:_SHOWN])
        raise FormatError(
            f"the pickle names {named}, which is not among the plain containers, numbers and "
            f"numpy arrays that are read; nothing of it was run"
        ) from None


def refuse_outside(pid: object) -> Any:
    """Refuse a persistent id, which refers to an object outside the pickle.

    Args:
        pid: The persistent id.

    Raises:
        FormatError: Always.
    """
    raise FormatError(
        f"the pickle refers to the outside object {short(pid)}; only self-contained ones are read"
    )


class Opcodes(dict[int, Callable[[Any], None]]):
    """The method for each opcode; an unknown opcode raises an error."""

    def __missing__(self, code: int) -> Callable[[Any], None]:
        raise pickle.UnpicklingError(f"invalid load key, {chr(code)!r}.")  # as Python's faster one says


class SafeUnpickler(pickle._Unpickler):  # noqa: SLF001  the pure Python one can be overridden
    """Python's own unpickler; it finds names only in ``ALLOWED``, and checks keys before they are hashed."""

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    find_class = staticmethod(find_plain)
    persistent_load = staticmethod(refuse_outside)
    dispatch: ClassVar[Opcodes] = Opcodes(pickle._Unpickler.dispatch)  # noqa: SLF001

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.keys = Keys()

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([key], [value])

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._fill(items[::2], items[1::2])

    def _fill(self, keys: list[Any], values: list[Any]) -> None:
        filled = self.stack[-1]
        if not isinstance(filled, dict):
            raise FormatError(f"the pickle sets items of a {type(filled).__name__}; it was not run")
        self.keys.admit(filled, keys)
        for key, value in zip(keys, values, strict=True):
            filled[key] = value

    def load_additems(self) -> None:
        items, filled = self.pop_mark(), self.stack[-1]
        if not isinstance(filled, set):
            raise FormatError(f"the pickle adds items to a {type(filled).__name__}; it was not run")
        self.keys.admit(filled, items)
        filled.update(items)

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        Keys().admit((), items)
        self.append(frozenset(items))

    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset
    for _extension in (
        pickle.EXT1,
        pickle.EXT2,
        pickle.EXT4,
    ):  # these name objects by numbers that the process has registered
        del dispatch[_extension[0]]


def unpickle(content: bytes, name: str = "the pickle") -> Any:
    """The content of a pickle, if it is plain data.

    Args:
        content: The pickle.
        name: The name of the pickle in messages.

    Raises:
        FormatError: The pickle names anything that is not plain data, would take memory or time out of
            proportion to its size, refers to something outside, or is damaged.
    """
    try:
        check_size(content)
        return SafeUnpickler(io.BytesIO(content)).load()
    except FormatError as err:
        raise FormatError(f"{name}: {err}") from err
    except Exception as err:  # a damaged pickle raises almost anything
        raise FormatError(f"{name} is not a readable pickle: {err}") from err


def unpickle_torch(content: bytes, name: str = "the torch file", limit: int = TORCH_LIMIT) -> Any:
    """The content of a file of ``torch.save``, if it is plain lists and dicts; torch is not needed.

    Args:
        content: The zip file, of which only the member ``*/data.pkl`` is read.
        name: The name of the file in messages.
        limit: The largest size that the member may unpack to, in bytes.

    Raises:
        FormatError: The content is not such a zip file, the member is above the limit, or :func:`unpickle`
            refuses its pickle.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
            if len(members) != 1:
                raise FormatError(f"{name} has {len(members)} members */data.pkl, but a torch file has one")
            if members[0].file_size > limit:
                raise FormatError(
                    f"{name} unpacks to {members[0].file_size} bytes, more than the limit of {limit}"
                )
            return unpickle(archive.read(members[0]), name)
    except (zipfile.BadZipFile, EOFError) as err:
        raise FormatError(f"{name} is not a readable torch file: {err}") from err
