"""A file of arrays is mapped as it was written, or refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of_hypothesis

from blackbox_repo.curve import Array
from blackbox_repo.store import array_file

KINDS = ("<u1", "<i4", "<u8", "<f4", "<f8")
some_arrays = st.dictionaries(
    st.text(max_size=5),
    st.sampled_from(KINDS).flatmap(lambda kind: arrays_of_hypothesis.arrays(kind, st.integers(0, 40))),
    max_size=4,
)


def written(path: Path, checked: dict[str, Array], others: dict[str, Array]) -> bytes:
    with io.BytesIO() as file:
        array_file.write(file, checked, others)
        content = file.getvalue()
    path.write_bytes(content)
    path.chmod(0o600)
    return content


@given(checked=some_arrays, others=some_arrays)
def test_what_is_mapped_is_what_was_written(
    checked: dict[str, Array], others: dict[str, Array], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "arrays"
    others = {f"other {name}": array for name, array in others.items()}
    written(path, checked, others)
    found, state = array_file.read(path)
    assert state.st_size == path.stat().st_size
    assert list(found) == [*checked, *others]
    for name, array in {**checked, **others}.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
        assert not found[name].flags.writeable


def test_arrays_are_mapped_and_begin_at_multiples_of_64_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a", {"x": np.arange(3, dtype=np.uint8)}, {"y": np.arange(5.0)})
    found, _ = array_file.read(tmp_path / "a")
    assert [array.ctypes.data % 64 for array in found.values()] == [0, 0]
    with (tmp_path / "a").open("r+b") as file:  # a mapped page changes with the file
        file.seek(-64, os.SEEK_END)
        file.write(np.float64(7.5).tobytes())
    assert found["y"][0] == 7.5
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
        found["y"].flags.writeable = True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written(tmp_path / "a", {"x": np.arange(100), "z": np.arange(3)}, {"y": np.arange(5.0)})
    return tmp_path / "a"


def test_every_changed_byte_of_the_checked_part_is_noticed(path: Path) -> None:
    whole = path.read_bytes()
    _, size, end, _ = struct.unpack_from("<8sQQQ", whole)
    assert (size, len(whole) - end) == (len(whole), 64)
    used = [*range(36), *range(64, end)]
    for place in used:
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"the file (was cut off|is damaged)"):
            array_file.read(path)


@pytest.mark.parametrize("left", [0, 10, 63, 64, 500, -1])
def test_a_file_that_was_cut_off_is_refused(left: int, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"is not a file of arrays|was cut off"):
        array_file.read(path)


def test_a_longer_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(64))
    with pytest.raises(ValueError, match="was cut off"):
        array_file.read(path)


@pytest.mark.parametrize(
    "entry",
    [
        ["O", 1, 0],
        ["<U1", 1, 0],
        [">i4", 1, 0],
        ["<f8", 10**9, 0],
        ["<f8", -2, 0],
        ["<f8", 1, 10**9],
        ["<f8", 1],
    ],
)
def test_a_header_that_was_made_up_maps_no_memory_outside_the_file(entry: list[object], path: Path) -> None:
    """Its checksum is right."""
    header = str({"x": entry}).replace("'", '"').encode().ljust(64)
    prefix = struct.pack("<8sQQQ", array_file.MARK, 256, 256, 64)
    total = zlib.crc32(header + bytes(128), zlib.crc32(prefix))
    path.write_bytes((prefix + struct.pack("<I", total)).ljust(64, b"\0") + header + bytes(128))
    with pytest.raises((ValueError, TypeError)):
        array_file.read(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_to_is_refused(mode: int, path: Path) -> None:
    array_file.read(path)
    path.chmod(mode)
    with pytest.raises(ValueError, match="is not a file of arrays of this user"):
        array_file.read(path)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_links_and_pipes_are_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OSError, match="symbolic links"):
        array_file.read(tmp_path / "link")
    with pytest.raises(ValueError, match="is not a file of arrays"):
        array_file.read(tmp_path / "pipe")
