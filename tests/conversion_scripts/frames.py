"""Raw files as an independent reader sees them, and our tables as data frames, to be compared by pandas."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from blackbox_repo.table import STATUSES, Table
from conversion_scripts.raw import RawFolder
from conversion_scripts.recipe import Conversion
from conversion_scripts.registry import load_recipe

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "data_cache"
RAW = ROOT.parent / "shared" / "data"
needs_raw = pytest.mark.skipif(not RAW.is_dir(), reason=f"the raw data are not in {RAW}")


def raw_bytes(name: str) -> bytes:
    path = RAW / name
    return path.read_bytes() if path.exists() else gzip.decompress((RAW / f"{name}.gz").read_bytes())


def raw_pickle(name: str) -> Any:
    return pickle.loads(raw_bytes(name))  # noqa: S301, TID251  the second, independent reader


def converted(name: str) -> Conversion:
    """What a recipe makes of the raw files."""
    recipe = load_recipe(name)
    return recipe.convert(RawFolder(RAW, recipe.files))


def frame(table: Table) -> pd.DataFrame:
    """A row a point, numbered in the column ``point``."""
    row = np.repeat(np.arange(len(table)), table.lengths)
    coded = {**table.hyperparameters, **table.labels}
    columns: dict[str, Any] = {
        name: pd.Series([*column.values, None])[column.codes[row]].to_numpy()
        for name, column in coded.items()
    }
    columns["seed"] = table.seeds[row]
    columns["point"] = np.arange(len(row)) - np.repeat(
        np.cumsum(table.lengths) - table.lengths, table.lengths
    )
    if table.status is not None:
        columns["status"] = np.array(STATUSES)[table.status[row]]
    columns |= table.points
    return pd.DataFrame(columns | {name: column[row] for name, column in table.constants.items()})


def stored(blackbox: str, task: str) -> pd.DataFrame:
    """A file of data_cache as pandas reads it."""
    found = pq.read_table(CACHE / blackbox / f"{task}.parquet").to_pandas(strings_to_categorical=False)
    for name in found.select_dtypes("category"):
        found[name] = found[name].astype(found[name].cat.categories.dtype)
    return found


def same(found: pd.DataFrame, expected: pd.DataFrame, keys: list[str]) -> None:
    """Equal bit by bit, row by row in the order of the keys, which name a row; a NaN equals a NaN."""
    found, expected = (part.set_index(keys).sort_index() for part in (found, expected))
    assert found.index.is_unique
    assert set(found.columns) == set(expected.columns)
    pd.testing.assert_frame_equal(
        found, expected[found.columns], check_exact=True, check_dtype=False, check_index_type=False
    )
