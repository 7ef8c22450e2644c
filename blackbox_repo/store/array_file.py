"""A file of arrays, which processes map into their memory: nothing is decoded, and all of them share it.

It begins with 64 bytes: a mark, the size of the file, where its checked part ends, the length of the header,
and a checksum. The header, a JSON object, says of each array what its numbers are, how many, and where they
begin, counted from the end of the header. The arrays are uncompressed.
"""

from __future__ import annotations

import json
import mmap
import os
import stat
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.frozen import sealed
from blackbox_repo.store.cache_folder import is_private

MARK = b"BBARRAYS"
_PREFIX = struct.Struct("<8sQQQ")
_SUM = struct.Struct("<I")
_START = 64  # of the header, and what arrays are aligned to
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_KINDS = "iuf"


def write(file: BinaryIO, checked: Mapping[str, Array], others: Mapping[str, Array]) -> None:
    """Write arrays of numbers.

    Args:
        file: Where to write.
        checked: Name -> an array of one dimension that is checked whenever the file is mapped.
        others: The same for arrays that are not, because that takes too long.
    """
    place, placed = 0, {}
    for name, array in (*checked.items(), *others.items()):
        placed[name] = [array.dtype.str, len(array), place]
        place = _aligned(place + array.nbytes)
    header = json.dumps(placed).encode()
    header += b" " * (_aligned(len(header)) - len(header))
    body = b"".join(map(_padded, checked.values()))
    end = _START + len(header) + len(body)
    prefix = _PREFIX.pack(MARK, _START + len(header) + place, end, len(header))
    total = zlib.crc32(body, zlib.crc32(header, zlib.crc32(prefix)))
    file.write((prefix + _SUM.pack(total)).ljust(_START, b"\0") + header + body)
    for array in others.values():
        file.write(np.ascontiguousarray(array).data)
        file.write(bytes(_aligned(array.nbytes) - array.nbytes))


def read(path: Path) -> tuple[dict[str, Array], os.stat_result]:
    """Map the arrays of a file, read-only; those that are checked are as they were written.

    Returns:
        Name -> array; and the state of the file.

    Raises:
        OSError: There is no such file.
        ValueError: It is not a regular file of this user, was cut off, or its checked part is damaged.
    """
    handle = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not is_private(found) or found.st_size < _START:
            raise ValueError(f"{path} is not a file of arrays of this user")
        content = mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(handle)
    return {name: _mapped(content, *entry) for name, entry in _header(content).items()}, found


def _header(content: mmap.mmap) -> dict[str, list[Any]]:
    """Name -> type, length and place in the file, after the checksum was compared."""
    mark, size, end, length = _PREFIX.unpack_from(content)
    (total,) = _SUM.unpack_from(content, _PREFIX.size)
    if mark != MARK or size != len(content) or not _START + length <= end <= size:
        raise ValueError("the file was cut off, or is none of arrays")
    with memoryview(content) as view, view[: _PREFIX.size] as prefix, view[_START:end] as checked:
        if zlib.crc32(checked, zlib.crc32(prefix)) != total:
            raise ValueError("the file is damaged")
    start = _START + length
    placed = json.loads(content[_START:start])
    return {name: [kind, count, start + place] for name, (kind, count, place) in placed.items()}


def _mapped(content: mmap.mmap, kind: str, count: int, place: int) -> Array:
    dtype = np.dtype(kind)
    if dtype.kind not in _KINDS or not dtype.isnative or count < 0:
        raise ValueError(f"the file has {count} numbers of the type {kind}")
    return np.frombuffer(content, dtype, count, place) if count else sealed(np.empty(0, dtype))


def _padded(array: Array) -> bytes:
    return array.tobytes().ljust(_aligned(array.nbytes), b"\0")


def _aligned(place: int) -> int:
    return -(-place // _START) * _START
