"""Read columns of plain numbers in HDF5 files, if they lie in the file itself and are not too large.

HDF5 can read a data set from any other file, gives zeros for what was never written, and unpacks a few bytes
to gigabytes. A data set that does any of this is refused before any of it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.text.plain_text import printable

CHUNK_LIMIT = 1 << 20  # bytes that a chunk may unpack to, unless the data set has more
# HDF5's own filters; none may come twice, as each deflation can multiply the bytes by a thousand
_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
_KINDS = {
    "f": (2, 4, 8),
    "i": (1, 2, 4, 8),
    "u": (1, 2, 4, 8),
}  # kind of a plain number -> its sizes in bytes


@contextmanager
def open_file(stream: BinaryIO, name: str, what: str) -> Iterator[Any]:
    """An HDF5 file as h5py's ``File``.

    Args:
        stream: The file as a seekable stream.
        name: The name of the file in messages.
        what: The benchmark that the file should belong to, for messages.

    Raises:
        FormatError: The file is not an HDF5 file, or reading it failed.
    """
    import h5py

    try:
        with h5py.File(stream, "r") as data:
            yield data
    except FormatError as err:
        raise FormatError(f"{name}: {err}") from err
    except (KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as err:
        raise FormatError(f"{name} is not an HDF5 file of {what}: {printable(str(err))}") from err


def read_columns(file: Any, keys: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """The same data sets of several groups, each stacked along a new first axis.

    Args:
        file: The file as :func:`open_file` gives it.
        keys: The names of the groups; at least one.
        shapes: The shape of each data set, by the name that it has in every group.

    Returns:
        An array for each data set, whose first axis is the groups.

    Raises:
        FormatError: A data set has another shape or type than it should, or another type than in the first
            group; it lies in another file, was never written, or would unpack out of proportion. The message
            does not name the file.
    """
    arrays: dict[str, Array] = {}
    for row, key in enumerate(keys):
        group = _get_linked(file, key, "Group", printable(key))
        for column, shape in shapes.items():
            name = printable(f"{column} of {key}")
            found = _get_linked(group, column, "Dataset", name)
            _check(found, shape, name)
            if row == 0:
                arrays[column] = np.empty((len(keys), *shape), dtype=found.dtype)
            values = arrays[column]
            if found.dtype != values.dtype:
                raise FormatError(f"{name} holds {found.dtype}, but that of others {values.dtype}")
            found.read_direct(values[row])
    return arrays


def _get_linked(group: Any, name: str, kind: str, shown: str) -> Any:
    """The group or data set of that name, which must lie in the file itself."""
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        raise FormatError(f"{shown} is not there")
    if not isinstance(link, h5py.HardLink):
        raise FormatError(
            f"{shown} is a link to another place ({type(link).__name__}), which is not followed"
        )
    found = group[name]
    if type(found).__name__ != kind:
        raise FormatError(f"{shown} is a {type(found).__name__.lower()}, not a {kind.lower()}")
    return found


def _check(found: Any, shape: tuple[int, ...], name: str) -> None:
    _check_type(found, name)
    if found.shape != shape:
        raise FormatError(f"{name} has the shape {found.shape}, not {shape}")
    _check_storage(found, name)


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
        raise _unwritten_error(name)


def _check_chunks(found: Any, settings: Any, name: str) -> None:
    filters = [settings.get_filter(k)[0] for k in range(settings.get_nfilters())]
    if len(set(filters)) < len(filters) or not set(filters) <= set(_FILTERS):
        allowed = ", ".join(_FILTERS.values())
        raise FormatError(
            f"{name} is compressed by the filters {filters}; only {allowed} may be used, each once"
        )
    size = math.prod(found.chunks) * found.dtype.itemsize
    if size > max(CHUNK_LIMIT, found.nbytes):
        raise FormatError(
            f"{name} has {found.nbytes} bytes, but unpacks to {size} (its chunks are of the shape "
            f"{found.chunks}), which is out of proportion"
        )
    counts = [-(-length // chunk) for length, chunk in zip(found.shape, found.chunks, strict=True)]
    if found.id.get_num_chunks() < math.prod(counts):
        raise _unwritten_error(name)
    for index in range(math.prod(counts)):
        packed = found.id.get_chunk_info(index)
        if packed.size > size + size // 8 + 1024:  # compression may add so much to incompressible data
            raise FormatError(f"{name} has a chunk of {packed.size} bytes, but should have {size} unpacked")


def _unwritten_error(name: str) -> FormatError:
    return FormatError(f"{name} was never written, or not all of it: it would be read as zeros")
