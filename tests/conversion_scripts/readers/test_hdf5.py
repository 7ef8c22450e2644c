from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers import hdf5

h5py = pytest.importorskip("h5py")

NUMBERS = np.arange(400, dtype="f4").reshape(4, 100)
SHAPE = NUMBERS.shape


def file_with(write: Callable[[Any], object]) -> io.BytesIO:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as data:
        write(data.create_group("key"))
    return stream


def read(write: Callable[[Any], object]) -> np.ndarray:
    with hdf5.open_file(file_with(write), "a.h5", "ours") as data:
        return hdf5.read_columns(data, ["key"], {"x": SHAPE})["x"][0]


def refused(write: Callable[[Any], object], message: str) -> None:
    with pytest.raises(FormatError, match=rf"^a\.h5: x of key {message}"):
        read(write)


@pytest.mark.parametrize(
    "dtype", ["f2", "<f4", ">f4", "f8", "i1", "i2", ">i4", "i8", "u1", ">u2", "u4", "u8"]
)
def test_plain_numbers_of_any_width_and_byte_order_are_read(dtype: str) -> None:
    small = NUMBERS % 100
    found = read(lambda group: group.create_dataset("x", data=small.astype(dtype)))
    assert found.dtype == np.dtype(dtype)
    assert np.array_equal(found, small)


@pytest.mark.parametrize(
    "settings",
    [
        {"chunks": (2, 30)},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True, "chunks": (4, 7)},
        {"maxshape": (None, None)},
        {"chunks": (4, 65_536), "maxshape": (None, None), "compression": "gzip"},  # a megabyte, and no more
    ],
)
def test_packed_and_chunked_numbers_are_read(settings: dict[str, Any]) -> None:
    assert np.array_equal(read(lambda group: group.create_dataset("x", data=NUMBERS, **settings)), NUMBERS)


def test_external_raw_storage_is_refused_and_its_file_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"not part of the archive " * 100)
    parts = [(str(secret), 0, h5py.h5f.UNLIMITED)]
    refused(lambda group: group.create_dataset("x", SHAPE, "f4", external=parts), "lies in other files")


def test_external_links_and_links_by_name_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["key/x"] = NUMBERS

    def write(group: Any) -> None:
        group["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/key/x")

    refused(write, r"is a link to another place \(ExternalLink\)")

    def by_name(group: Any) -> None:
        group["y"] = NUMBERS
        group["x"] = h5py.SoftLink("/key/y")

    refused(by_name, r"is a link to another place \(SoftLink\)")

    def above(group: Any) -> None:
        del group.file["key"]
        group.file["key"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/key")

    with pytest.raises(FormatError, match=r"^a\.h5: key is a link to another place \(ExternalLink\)"):
        read(above)


def test_a_virtual_data_set_is_refused_with_its_source_and_without(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "there.h5", "w") as other:
        other["x"] = NUMBERS
    for source in ("there.h5", "nowhere.h5"):
        layout = h5py.VirtualLayout(SHAPE, "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / source), "x", SHAPE)
        refused(lambda group, made=layout: group.create_virtual_dataset("x", made), "is put together")


def test_what_was_never_written_is_refused_in_whole_or_part() -> None:
    message = "was never written, or not all of it: it would be read as zeros"
    refused(lambda group: group.create_dataset("x", SHAPE, "f4"), message)
    refused(lambda group: group.create_dataset("x", SHAPE, "f4", chunks=(1, 100)), message)

    def half(group: Any) -> None:
        group.create_dataset("x", SHAPE, "f4", chunks=(1, 100), fillvalue=7)[:3] = NUMBERS[:3]

    refused(half, message)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.full(SHAPE, b"0.5"), r"\|S3"),
        (NUMBERS.astype(complex), "complex128"),
        (NUMBERS > 3, "bool"),
        (NUMBERS.astype([("a", "f4"), ("b", "f4")]), r"\[\('a', '<f4'\), \('b', '<f4'\)\]"),
        (NUMBERS.astype("V4"), r"\|V4"),
        (np.full(SHAPE, "0.5", dtype=h5py.string_dtype()), "object"),
        (NUMBERS.astype(h5py.enum_dtype({"A": 1}, basetype="i4")), "int32"),
        (NUMBERS.astype(np.longdouble), "float128|longdouble"),
    ],
)
def test_other_kinds_than_plain_numbers_are_refused(values: np.ndarray, kind: str) -> None:
    if values.dtype == np.dtype("f8"):
        pytest.skip("this platform's long double is a double")
    refused(
        lambda group: group.create_dataset("x", data=values, dtype=values.dtype),
        f"holds ({kind}), not plain numbers",
    )


def test_a_group_or_nothing_where_a_data_set_should_be_is_refused() -> None:
    refused(lambda group: group.create_group("x"), "is a group, not a dataset")
    refused(lambda group: None, "is not there$")
    refused(lambda group: group.create_dataset("x", data=h5py.Empty("f4")), r"has the shape None, not")
    refused(lambda group: group.create_dataset("x", data=NUMBERS[:3]), r"has the shape \(3, 100\), not \(4")


def test_a_data_set_or_nothing_where_a_group_should_be_is_refused() -> None:
    def write(group: Any) -> None:
        group.file["other"] = NUMBERS
        group.file["kind"] = np.dtype("f4")

    stream = file_with(write)
    for key, problem in (("other", "is a dataset, not a group"), ("kind", "is a datatype"), ("no", "is not")):
        with (
            pytest.raises(FormatError, match=rf"^a\.h5: {key} {problem}"),
            hdf5.open_file(stream, "a.h5", "ours") as found,
        ):
            hdf5.read_columns(found, [key], {"x": SHAPE})


def test_chunks_out_of_proportion_are_refused_before_they_are_unpacked() -> None:
    def write(group: Any) -> None:
        group.create_dataset("x", SHAPE, "f4", chunks=(4, 100_000), maxshape=(None, None), compression="gzip")
        group["x"][:] = NUMBERS

    refused(write, r"has 1600 bytes, but unpacks to 1600000 \(its chunks are of the shape \(4, 100000\)\)")


def test_filters_of_others_or_one_twice_are_refused() -> None:
    refused(
        lambda group: group.create_dataset("x", data=NUMBERS, compression="lzf"),
        r"is compressed by the filters \[32000\]; only deflate, shuffle, fletcher32 may be used, each once",
    )

    def twice(group: Any) -> None:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(SHAPE)
        for _ in range(2):
            settings.set_filter(h5py.h5z.FILTER_DEFLATE, h5py.h5z.FLAG_OPTIONAL, (9,))
        kind, space = h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(SHAPE)
        made = h5py.h5d.create(group.id, b"x", kind, space, settings)
        made.write_direct_chunk((0, 0), zlib.compress(zlib.compress(bytes(1 << 26), 9), 9))

    refused(twice, r"is compressed by the filters \[1, 1\]")


def test_a_stored_chunk_far_larger_than_it_should_unpack_to_is_refused() -> None:
    def write(group: Any) -> None:
        made = group.create_dataset("x", SHAPE, "f4", chunks=SHAPE, compression="gzip")
        made.id.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 26), 9))

    refused(write, r"has a chunk of \d+ bytes, but should have 1600 unpacked")


def test_columns_of_two_types_are_refused_instead_of_converted() -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as data:
        data["a/x"], data["b/x"] = NUMBERS, NUMBERS.astype("f8")
    with (
        pytest.raises(FormatError, match=r"^a\.h5: x of b holds float64, but that of others float32$"),
        hdf5.open_file(stream, "a.h5", "ours") as found,
    ):
        hdf5.read_columns(found, ["a", "b"], {"x": SHAPE})


def test_names_from_the_file_are_reported_without_their_control_characters() -> None:
    stream = file_with(lambda group: group.create_dataset("x\x1b[2J", data=NUMBERS[:1]))
    with (
        pytest.raises(FormatError, match=r"^a\.h5: x\\x1b\[2J of key has the shape"),
        hdf5.open_file(stream, "a.h5", "ours") as found,
    ):
        hdf5.read_columns(found, ["key"], {"x\x1b[2J": SHAPE})
