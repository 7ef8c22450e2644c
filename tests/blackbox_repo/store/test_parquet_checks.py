"""Files that would fill the memory are refused by what they say of themselves, before anything is decoded."""

from __future__ import annotations

import json
import tracemalloc
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import FormatError
from tests.blackbox_repo import malicious


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return malicious.blackbox(tmp_path)


def replace_file(folder: Path, table: pa.Table, rows: int | None = None, **options: Any) -> int:
    """Another table, for which the manifest vouches; its size."""
    file = folder / "a.parquet"
    pq.write_table(table, file, compression="zstd", **options)
    content = file.read_bytes()
    data = json.loads((folder / "manifest.json").read_text())
    data["tasks"]["a"] |= {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    if rows is not None:
        data["tasks"]["a"]["rows"] = rows
    malicious.write_json(folder, data)
    return len(content)


def refusal(folder: Path) -> str:
    allocated = pa.total_allocated_bytes()
    peak = pa.default_memory_pool().max_memory()
    tracemalloc.start()
    with pytest.raises(FormatError) as caught:
        load_blackbox(folder)["a"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000
    assert pa.default_memory_pool().max_memory() - max(peak, allocated) < 50_000_000
    return str(caught.value)


def original(folder: Path) -> pa.Table:
    return pq.ParquetFile(folder / "a.parquet").read(use_threads=False)


ROWS = 8_000_000


def many(folder: Path) -> pa.Table:
    """Millions of equal rows in a few kilobytes."""
    table = original(folder).slice(2, 1)
    codes = pa.array(np.zeros(ROWS, dtype=np.int32))
    columns = {}
    for name in table.column_names:
        value = table[name].combine_chunks()
        value = value.dictionary_decode() if pa.types.is_dictionary(value.type) else value
        if pa.types.is_nested(value.type):
            value = pa.array([0.5])
        columns[name] = pa.DictionaryArray.from_arrays(codes, value)
    return pa.table(columns)


def test_more_rows_than_the_manifest_says_are_not_decoded(folder: Path) -> None:
    size = replace_file(folder, many(folder))
    assert size < 1_000_000
    assert f"has {ROWS} rows, but the manifest says 6" in refusal(folder)


def test_rows_out_of_proportion_to_the_file_are_not_decoded_whatever_the_manifest_says(folder: Path) -> None:
    replace_file(folder, many(folder), rows=ROWS)
    assert "in memory, too many" in refusal(folder)


def test_lists_longer_than_the_fidelity_are_not_decoded(folder: Path) -> None:
    table = original(folder)
    longer = pa.array([[0.5] * 1_500_000] * 6, pa.list_(pa.float64()))
    table = table.set_column(table.column_names.index("loss"), "loss", longer)
    replace_file(folder, table)
    assert "the column 'loss' of" in refusal(folder)


def test_one_long_text_for_all_rows_is_one(folder: Path) -> None:
    table = original(folder)
    index = table.column_names.index("arch")
    replace_file(folder, table.set_column(index, "arch", pa.array(["x" * 50_000_000] * 6)))
    assert "the column 'arch' of" in refusal(folder)


def test_values_that_repeat_a_prefix_are_not_decoded(folder: Path) -> None:
    table = original(folder)
    index = table.column_names.index("arch")
    table = table.set_column(index, "arch", table["arch"].combine_chunks().dictionary_decode())
    replace_file(folder, table, use_dictionary=False, column_encoding={"arch": "DELTA_BYTE_ARRAY"})
    assert "has the encoding DELTA_BYTE_ARRAY, which is not read" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seed[0] = None", "the column 'seed' has 1 nulls"),
        ("status[0] = None", "a status is None, but must be one of"),
        ("a point of loss moved from row 2", "points of 'score', but"),
        ("loss twice", "has the column 'loss' 2 times"),
        ("one more column", "has the column 'more', which the manifest does not list"),
        ("depth missing", "lacks the columns ['depth']"),
        ("no rows", "has 0 rows, but the manifest says 6"),
        ("seed as double", "the column 'seed' of"),
        ("depth[0] = 7", "row 0 of 'mine/a' has depth=7, which is inactive there"),
        ("layers[0] = None", "row 0 of 'mine/a' has no 'layers'"),
        ("split without metadata", "split='\"sqrt\"' in the table of 'mine/a' is none of"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(folder: Path, change: str, message: str) -> None:
    table = original(folder)
    assert malicious.write_changed(folder, malicious.table_changes(folder)[change], table) is not None
    assert message in refusal(folder)
