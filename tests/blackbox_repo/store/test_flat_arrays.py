import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.store import flat_arrays
from blackbox_repo.store.flat_arrays import TYPES, flat_arrays_content, read_flat_arrays


def write_flat_arrays(path, arrays, said=None):
    path.write_bytes(flat_arrays_content(arrays, said))


def round_trip(folder, arrays):
    path = folder / "x.parquet"
    write_flat_arrays(path, arrays)
    return read_flat_arrays(path.read_bytes(), path)


def same(one, other):
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 0, 2), (2, 3, 4), (1001,)])
def test_every_bit_of_an_array_of_any_type_and_shape_comes_back(kind, shape, tmp_path):
    memory = np.arange(8 * int(np.prod(shape)) + 8, dtype=np.uint64) * 2654435761 % 251
    array = np.frombuffer(memory.astype(np.uint8).tobytes(), kind if kind != "bool" else np.uint8)
    array = array[: int(np.prod(shape))].reshape(shape)
    array = array % 2 == 1 if kind == "bool" else array
    assert same(round_trip(tmp_path, {"trees.x": array})["trees.x"], array)


def test_numbers_that_are_equal_and_differ_in_bits_come_back(tmp_path):
    odd = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308])
    whole = np.array([-(2**63), 2**63 - 1, 0, -1])
    found = round_trip(tmp_path, {"odd": odd, "narrow": odd[:-2].astype(np.float32), "whole": whole})
    assert list(found) == ["odd", "narrow", "whole"]
    assert same(found["odd"], odd)
    assert same(found["narrow"], odd[:-2].astype(np.float32))
    assert same(found["whole"], whole)


def test_arrays_that_are_not_contiguous_come_back(tmp_path):
    array = np.arange(24.0).reshape(4, 6)
    found = round_trip(tmp_path, {"a": array.T, "b": array[::2, ::3], "c": array[:, 1] > 8})
    assert found["a"].tolist() == array.T.tolist()
    assert found["b"].tolist() == array[::2, ::3].tolist()
    assert found["c"].tolist() == (array[:, 1] > 8).tolist()


def test_arrays_that_were_read_cannot_be_changed(tmp_path):
    found = round_trip(tmp_path, {"a": np.zeros((2, 2)), "b": np.array(True)})
    for array in found.values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1


def test_equal_arrays_make_equal_files(tmp_path):
    arrays = {"a": np.linspace(0, 1, 999), "b": np.arange(999, dtype=np.int16)}
    for name in ("one", "other"):
        write_flat_arrays(tmp_path / name, arrays, {"task": "t"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert pq.read_metadata(tmp_path / "one").metadata[b"task"] == b"t"


def test_any_reader_of_parquet_reads_the_numbers(tmp_path):
    write_flat_arrays(tmp_path / "x.parquet", {"a": np.array([[1, 2], [3, 4]], dtype=np.uint8)})
    assert pq.read_table(tmp_path / "x.parquet").to_pylist() == [{"a": [1, 2, 3, 4]}]


def test_numbers_take_fewer_bytes_than_they_have(tmp_path):
    narrow = np.cumsum(np.abs(np.sin(np.arange(100_000.0)))).astype(np.float32)
    write_flat_arrays(tmp_path / "x.parquet", {"a": narrow.astype(np.float64), "b": np.arange(100_000) % 7})
    assert (tmp_path / "x.parquet").stat().st_size < 0.3 * 1_600_000


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "0 arrays of 0 bytes are no surrogate"),
        ({"a/b": np.zeros(1)}, "name of an array 'a/b' must be"),
        ({"a": np.zeros(1, np.float16)}, "'a' has the type float16"),
        ({"a": np.zeros(1, np.uint64)}, "'a' has the type uint64"),
        ({"a": np.array(["x"])}, "'a' has the type <U1"),
        ({"a": np.array([{}])}, "'a' has the type object"),
        ({"a": np.zeros((1,) * 9)}, "9 axes"),
    ],
)
def test_what_is_no_array_of_a_surrogate_is_not_written(arrays, message, tmp_path):
    with pytest.raises(FormatError, match=message):
        write_flat_arrays(tmp_path / "x.parquet", arrays)
    assert list(tmp_path.iterdir()) == []


# --- what somebody has tampered with ----------------------------------------------------------------------


def column(values, kind=None, shape="[2]"):
    metadata = {} if shape is None else {"shape": shape}
    return pa.field("a", pa.list_(kind or pa.float64()), metadata=metadata), values


def written(folder, *columns, **options):
    fields, values = zip(*columns, strict=True)
    arrays = [pa.array(each, field.type) for each, field in zip(values, fields, strict=True)]
    path = folder / "x.parquet"
    options = {"use_dictionary": False, **options}
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path, **options)
    return path


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (column([[1.0, 2.0], [3.0, 4.0]]), "has 2 rows in 1 groups"),
        (column([]), "has 0 rows"),
        (column([None]), "has nulls"),
        (column([[1.0, None]]), "has nulls"),
        (column([[1.0]]), r"has 1 values, but the shape \(2,\)"),
        (column([[1.0, 2.0]], shape="[2, 1e3]"), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape="[-2, -1]"), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape="[true, 2]"), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape="[" * 999), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape=json.dumps([1] * 9 + [2])), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape="2"), "needs a list of lengths"),
        (column([[1.0, 2.0]], shape=None), "needs a list of lengths"),
        (column([["x", "y"]], pa.string()), "must be a list of one of int8"),
        (column([[[1.0], [2.0]]], pa.list_(pa.float64())), "must be a list of one of int8"),
        (column([[1, 2]], pa.uint64()), "must be a list of one of int8"),
        ((pa.field("a", pa.float64()), [1.0]), "must be a list of one of int8"),
        ((pa.field("../a", pa.list_(pa.float64())), [[1.0]]), "name of an array"),
    ],
)
def test_a_file_that_is_not_of_flat_arrays_is_refused(column, message, tmp_path):
    path = written(tmp_path, column)
    with pytest.raises(FormatError, match=message):
        read_flat_arrays(path.read_bytes(), path)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    path = written(tmp_path, column([[1.0, 2.0]]), column([[1.0, 2.0]]))
    with pytest.raises(FormatError, match="all of different names"):
        read_flat_arrays(path.read_bytes(), path)


def test_what_is_no_parquet_is_refused(tmp_path):
    for content in (b"", b"PAR1PAR1", b"x" * 100):
        with pytest.raises(FormatError, match="is not readable parquet"):
            read_flat_arrays(content, tmp_path / "x.parquet")


def test_no_few_bytes_become_many_in_memory(tmp_path):
    """A dictionary with one value, repeated: a few bytes that could take any memory."""
    numbers = pa.array(np.zeros(1_000_000))
    lists = pa.ListArray.from_arrays(pa.array([0, 1_000_000], pa.int32()), numbers)
    field = pa.field("a", lists.type, metadata={"shape": "[1000000]"})
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_arrays([lists], schema=pa.schema([field])), path, use_dictionary=True)
    with pytest.raises(FormatError, match="has the encoding (RLE_DICTIONARY|PLAIN_DICTIONARY)"):
        read_flat_arrays(path.read_bytes(), path)


def test_arrays_that_are_too_large_together_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    write_flat_arrays(path, {"a": np.zeros(1000), "b": np.zeros(1000)})
    monkeypatch.setattr(flat_arrays, "MOST_BYTES", 7000)
    with pytest.raises(FormatError, match="would take 16000 bytes in memory, but a surrogate 7000"):
        read_flat_arrays(path.read_bytes(), path)
    with pytest.raises(FormatError, match="2 arrays of 16000 bytes are no surrogate"):
        write_flat_arrays(path, {"a": np.zeros(1000), "b": np.zeros(1000)})


def test_no_flipped_byte_does_more_than_raise_or_change_a_number(tmp_path):
    path = tmp_path / "x.parquet"
    write_flat_arrays(path, {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(9, dtype=np.int8)})
    content = path.read_bytes()
    read = 0
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 0x55
        try:
            found = read_flat_arrays(bytes(changed), path)
        except FormatError:
            continue
        read += 1
        assert all(str(array.dtype) in TYPES for array in found.values())
    assert read < len(content) / 3
