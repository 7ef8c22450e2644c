"""Copies of large tables: found by what the manifest says, made of checked files, and never needed."""

from __future__ import annotations

import functools
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import cache, load_blackbox, verify
from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import IntegrityError
from blackbox_repo.manifest import Manifest
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.storage import save_tables
from blackbox_repo.table import Coded, Table, TabularBlackbox

ROWS, EPOCHS = 9_000, 100


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = tmp_path / "copies"
    monkeypatch.setenv("BLACKBOX_CACHE", str(where))
    return where


@functools.cache
def made(rows: int = ROWS, *, ragged: bool = False) -> TabularBlackbox:
    """A table of every kind of column; 10.8 MB of numbers for 9,000 rows."""
    numbers = np.arange(rows)
    lengths = np.where(numbers % 7 == 0, 3, EPOCHS) if ragged else np.full(rows, EPOCHS)
    loss = np.sqrt(np.arange(lengths.sum(), dtype=np.float64)).astype(np.float32)
    loss[5] = np.nan
    schema = Schema(
        Space(
            {
                "number": Integer(0, rows),
                "rate": Float(0, 1),
                "kind": Categorical(("a", "b")),
                "on": Categorical((False, True)),
            }
        ),
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (
            Objective("loss", "min"),
            Objective("elapsed_time", "none", "s", cumulative=True),
            Objective("parameters", "none", constant=True),
        ),
        target="loss",
        time="elapsed_time",
    )
    table = Table(
        hyperparameters={
            "number": Coded.of(range(rows)),
            "rate": Coded.of_array(numbers % 10 / 10),
            "kind": Coded.of("ab"[number % 2] for number in range(rows)),
            "on": Coded.of(number % 3 == 0 for number in range(rows)),
        },
        seeds=np.full(rows, 777),
        points={"loss": loss, "elapsed_time": np.concatenate([np.arange(1.0, n + 1) / 7 for n in lengths])},
        lengths=lengths,
        constants={"parameters": numbers / 3},
        status=(numbers % 3).astype(np.uint8),
        labels={"official": Coded.of(f"|{number}|" for number in range(rows))},
    )
    return TabularBlackbox(schema, table, name="made/a")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(made(), tmp_path_factory.mktemp("original") / "made")


@pytest.fixture
def where(original: Path, tmp_path: Path) -> Path:
    """A blackbox of one task, just written."""
    return Path(shutil.copytree(original, tmp_path / "made"))


def saved(blackbox: TabularBlackbox, where: Path) -> Path:
    manifest = Manifest(
        "made", "1", "made up", "CC0-1.0", "nobody", "", "none", blackbox.schema, {}, labels=("official",)
    )
    save_tables(where, manifest, {"a": blackbox.table})
    return where


def damage(where: Path) -> None:
    """Another last byte for the table's file."""
    file = where / "a.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def read(where: Path) -> Any:
    return load_blackbox(where)["a"]


@pytest.mark.parametrize("ragged", [False, True])
def test_a_second_load_maps_the_copy_and_finds_the_same(ragged: bool, tmp_path: Path, folder: Path) -> None:
    blackbox = made(ragged=ragged)
    where = saved(blackbox, tmp_path / "made")
    first = read(where)
    (copy,) = folder.iterdir()
    os.utime(copy, (0, 4e9))
    (where / "a.parquet").write_bytes(b"x" * (where / "a.parquet").stat().st_size)  # it is not looked into
    second = read(where)
    assert first.digest() == second.digest() == blackbox.digest()
    assert (second.configurations()[8], second.seeds(second.configurations()[8])) == (
        {"number": 8, "rate": 0.8, "kind": "a", "on": False},
        (777,),
    )
    assert second.label("official")[:2] == ["|0|", "|1|"]
    assert [first.curve(c).status for c in first.configurations()[:3]] == ["ok", "diverged", "crashed"]
    for name in ("loss", "elapsed_time", "parameters"):
        assert np.array_equal(second.values(name), first.values(name), equal_nan=True)
        assert not second.values(name).flags.writeable
    assert second.curve(second.configurations()[3])["loss"].dtype == np.float32


def test_a_small_table_has_no_copy(tmp_path: Path, folder: Path) -> None:
    read(saved(made(1_000), tmp_path / "made"))
    assert not folder.exists()


def test_a_file_that_changed_after_the_copy_was_made_is_checked_again(where: Path, folder: Path) -> None:
    read(where)
    (copy,) = folder.iterdir()
    damage(where)
    os.utime(copy, (1, 1))
    with pytest.raises(IntegrityError, match="is corrupted"):
        read(where)


def test_a_file_that_is_gone_is_missed_though_there_is_a_copy(where: Path) -> None:
    read(where)
    (where / "a.parquet").unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        read(where)


def test_a_table_with_another_meaning_has_another_copy(where: Path, tmp_path: Path, folder: Path) -> None:
    read(where)
    blackbox = made()
    doubled = replace(blackbox.schema.fidelity, values=tuple(range(2, 2 * EPOCHS + 1, 2)))
    other = TabularBlackbox(replace(blackbox.schema, fidelity=doubled), blackbox.table, name="other/a")
    again = read(saved(other, tmp_path / "other"))
    assert again.schema.fidelity.values[:2] == (2, 4)
    assert len(list(folder.iterdir())) == 2


def test_a_copy_that_was_cut_off_is_made_again(where: Path, folder: Path) -> None:
    digest = read(where).digest()
    (copy,) = folder.iterdir()
    whole = copy.read_bytes()
    for left in (0, 100, len(whole) // 2, len(whole) - 1):
        copy.write_bytes(whole[:left])
        assert read(where).digest() == digest
        assert copy.read_bytes() == whole


def test_verification_reads_the_file_itself(where: Path, folder: Path) -> None:
    read(where)
    (copy,) = folder.iterdir()
    damage(where)
    os.utime(copy, (0, 4e9))
    (finding,) = verify(where)
    assert "is corrupted" in finding.problem


@pytest.mark.parametrize("named", ["", "file/below"])
def test_without_a_folder_to_write_to_there_are_no_copies(
    named: str, where: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BLACKBOX_CACHE", named and str(tmp_path / named))
    before = sorted(tmp_path.rglob("*"))
    assert read(where).digest() == read(where).digest() == made().digest()
    assert sorted(tmp_path.rglob("*")) == before


def test_by_default_they_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BLACKBOX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "blackbox-repo" / "tables"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "blackbox-repo" / "tables"
