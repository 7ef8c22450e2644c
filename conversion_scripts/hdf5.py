"""Columns of numbers in HDF5 files, as far as they lie in the file itself: written, plain, and not too large.

HDF5 may fetch a data set from any other file, give zeros for what was never written, and unpack a few bytes
to gigabytes. What needs that is refused before any of it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.plain_text import printable

CHUNK_LIMIT = 1 << 20  # bytes that a chunk may unpack to, unless the data set has more
# the filters of HDF5 itself; none may come twice, for each deflation multiplies the bytes by up to a thousand
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
_KINDS = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}  # of a plain number -> its bytes


@contextmanager
def opened(stream: BinaryIO, name: str, what: str) -> Iterator[Any]:
    """An HDF5 file as h5py's ``File``.

    Args:
        stream: The file, seekable.
        name: What messages call it.
        what: Whose file it should be.

    Raises:
        FormatError: It is none, or is not as it should be.
    """
    import h5py

    try:
        with h5py.File(stream, "r") as data:
            yield data
    except FormatError as err:
        raise FormatError(f"{name}: {err}") from err
    except (KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as err:
        raise FormatError(f"{name} is no HDF5 file of {what}: {printable(str(err))}") from err


def dataset(group: Any, path: Sequence[str], shape: tuple[int, ...]) -> Any:
    """A data set of plain numbers whose bytes lie in the file.

    Args:
        group: Where the path begins.
        path: The names that lead there.
        shape: Which it must have.

    Raises:
        FormatError: It has another shape or type, lies elsewhere, was never written, or would unpack to more
            than is in proportion. The message does not say in which file.
    """
    name = printable(" of ".join(path[:-3:-1]))
    found = _followed(group, path, name)
    _check_type(found, name)
    if found.shape != shape:
        raise FormatError(f"{name} has the shape {found.shape}, not {shape}")
    _check_storage(found, name)
    return found


def stacked(group: Any, keys: Sequence[str], column: str, shape: tuple[int, ...]) -> Array:
    """One data set of each of these groups, one after the other along a new first axis; errors as there."""
    first = dataset(group, (keys[0], column), shape)
    values = np.empty((len(keys), *shape), dtype=first.dtype)
    for row, key in enumerate(keys):
        found = dataset(group, (key, column), shape)
        if found.dtype != first.dtype:
            name = printable(f"{column} of {key}")
            raise FormatError(f"{name} holds {found.dtype}, but that of others {first.dtype}")
        found.read_direct(values[row])
    return values


def _followed(group: Any, path: Sequence[str], name: str) -> Any:
    """What the path leads to, over links within the file only."""
    import h5py

    for part in path:
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            raise FormatError(f"{name} is not there: nothing is called {printable(part)}")
        if not isinstance(link, h5py.HardLink):
            raise FormatError(
                f"{name} is a link to another place ({type(link).__name__}), which is not followed"
            )
        group = group[part]
    if not isinstance(group, h5py.Dataset):
        raise FormatError(f"{name} is a {type(group).__name__.lower()}, not a data set")
    return group


def _check_type(found: Any, name: str) -> None:
    import h5py

    kind = found.id.get_type()
    plain = isinstance(kind, h5py.h5t.TypeFloatID | h5py.h5t.TypeIntegerID)
    if not plain or found.dtype.itemsize not in _KINDS.get(found.dtype.kind, ()):
        raise FormatError(f"{name} holds {printable(str(found.dtype))}, not plain numbers")


def _check_storage(found: Any, name: str) -> None:
    import h5py

    if found.external:
        raise FormatError(f"{name} lies in other files (external storage), which are not opened")
    if found.is_virtual:
        raise FormatError(f"{name} is put together from other files (virtual), which are not opened")
    settings = found.id.get_create_plist()
    if settings.get_layout() == h5py.h5d.CHUNKED:
        _check_chunks(found, settings, name)
    elif found.id.get_storage_size() < found.nbytes:
        raise _unwritten(name)


def _check_chunks(found: Any, settings: Any, name: str) -> None:
    filters = [settings.get_filter(k)[0] for k in range(settings.get_nfilters())]
    if len(set(filters)) < len(filters) or not set(filters) <= set(_FILTERS):
        allowed = ", ".join(_FILTERS.values())
        raise FormatError(f"{name} is packed by the filters {filters}; only {allowed} are read, each once")
    size = math.prod(found.chunks) * found.dtype.itemsize
    if size > max(CHUNK_LIMIT, found.nbytes):
        raise FormatError(
            f"{name} has {found.nbytes} bytes, but unpacks to {size} (its chunks are of the shape "
            f"{found.chunks}), which is out of proportion"
        )
    counts = [-(-length // chunk) for length, chunk in zip(found.shape, found.chunks, strict=True)]
    if found.id.get_num_chunks() < math.prod(counts):
        raise _unwritten(name)
    for index in range(math.prod(counts)):
        packed = found.id.get_chunk_info(index)
        if packed.size > size + size // 8 + 1024:  # what packing may add to what cannot be packed
            raise FormatError(f"{name} has a chunk of {packed.size} bytes, but should have {size} unpacked")


def _unwritten(name: str) -> FormatError:
    return FormatError(f"{name} was never written, or not all of it: it would be read as zeros")
