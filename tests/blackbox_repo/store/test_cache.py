"""Copies of large tables: found by what the manifest says, made of checked files, and never needed."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import load_blackbox, verify
from blackbox_repo.errors import CacheWarning, IntegrityError, InvalidOption
from blackbox_repo.store import cache, cache_folder
from blackbox_repo.table import TabularBlackbox
from tests.blackbox_repo.store.large_table import EPOCHS, made, saved

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = tmp_path / "copies"
    monkeypatch.setenv("BLACKBOX_CACHE", str(where))
    monkeypatch.setattr(cache_folder, "_told", set())
    return where


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(made(), tmp_path_factory.mktemp("original") / "made")


@pytest.fixture
def where(original: Path, tmp_path: Path) -> Path:
    """A blackbox of one task, just written."""
    return Path(shutil.copytree(original, tmp_path / "made"))


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


def test_a_file_from_a_clock_that_is_fast_has_a_copy_all_the_same(where: Path, folder: Path) -> None:
    os.utime(where / "a.parquet", (4e9, 4e9))
    read(where)
    (copy,) = folder.iterdir()
    made_at = copy.stat().st_ino
    read(where)
    assert copy.stat().st_ino == made_at


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_in_the_place_of_a_copy_is_not_opened(where: Path, folder: Path) -> None:
    load_blackbox(where)["a"]
    (copy,) = folder.glob("*.arrow")
    copy.unlink()
    os.mkfifo(copy)
    assert load_blackbox(where)["a"].digest() == made().digest()


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_in_the_place_of_a_copy_is_replaced(where: Path, folder: Path, tmp_path: Path) -> None:
    load_blackbox(where)["a"]
    (copy,) = folder.iterdir()
    for target in (copy.name, str(tmp_path / "nothing")):
        copy.unlink()
        copy.symlink_to(target)
        assert load_blackbox(where)["a"].digest() == made().digest()
        assert not copy.is_symlink()
    assert not (tmp_path / "nothing").exists()


def test_verification_reads_the_file_itself(where: Path, folder: Path) -> None:
    read(where)
    (copy,) = folder.iterdir()
    damage(where)
    os.utime(copy, (0, 4e9))
    (finding,) = verify(where)
    assert "is corrupted" in finding.problem


def test_without_a_cache_there_are_no_copies(
    where: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOX_CACHE", "")
    before = sorted(tmp_path.rglob("*"))
    assert read(where).digest() == read(where).digest() == made().digest()
    assert sorted(tmp_path.rglob("*")) == before


def told(action: Callable[[], object]) -> list[str]:
    """What is warned of while something is done twice."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        action(), action()
    assert {warning.category for warning in found} <= {CacheWarning}
    return [str(warning.message) for warning in found]


def test_a_folder_that_cannot_be_made_is_told_once_and_is_no_obstacle(
    where: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "file" / "below"))
    before = sorted(tmp_path.rglob("*"))
    found: list[Any] = []
    (message,) = told(lambda: found.append(read(where).digest()))
    assert message == (
        f"the cache folder '{tmp_path}/file/below' cannot be written to (Not a directory); mend that, or "
        f"name another folder in BLACKBOX_CACHE; until then, each process decodes large tables for itself"
    )
    assert found == [made().digest()] * 2
    assert sorted(tmp_path.rglob("*")) == before


IN_A_PROGRAM = """
import sys
from blackbox_repo import load_blackbox
load_blackbox(sys.argv[1])["a"]
load_blackbox(sys.argv[1])["a"]
"""
IN_A_COMMAND = """
import sys, typer
from blackbox_repo import load_blackbox
from blackbox_repo.text import console

app = typer.Typer()

@app.command()
def load(name: str) -> None:
    load_blackbox(name)["a"]

console.run(app, "load")
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize(
    ("program", "beginning"),
    [(IN_A_PROGRAM, "blackbox_repo:0: CacheWarning: "), (IN_A_COMMAND, "load: warning: ")],
)
def test_a_warning_is_one_line(program: str, beginning: str, where: Path, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", program, where], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == ""
    assert done.stderr == (
        f"{beginning}the cache folder '{folder}' has the mode 777, but only you may write to it, as what "
        f"lies there is believed; chmod 700 it if it is yours, or name another folder in BLACKBOX_CACHE; "
        f"until then, each process decodes large tables for itself\n"
    )


def test_by_default_they_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BLACKBOX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "blackbox-repo" / "tables"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "blackbox-repo" / "tables"


@pytest.mark.parametrize(
    ("platform", "found"),
    [("macos.MacOS", "Library/Caches/blackbox-repo/tables"), ("unix.Unix", ".cache/blackbox-repo/tables")],
)
def test_the_cache_lies_where_the_operating_system_has_it(
    platform: str, found: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BLACKBOX_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    module, _, name = platform.partition(".")
    kind = getattr(importlib.import_module(f"platformdirs.{module}"), name)
    monkeypatch.setattr("platformdirs.PlatformDirs", kind)
    assert cache.folder() == tmp_path / found


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLACKBOX_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache/blackbox-repo"))
    assert cache.folder() is None


# --- copies are not believed --------------------------------------------------------------------------------


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    content = bytearray(whole)
    content[place] ^= 1 << bit
    return bytes(content)


def outcome(where: Path) -> str:
    """The digest of all that is read, or ``"damaged"``."""
    try:
        blackbox = read(where)
        configurations = blackbox.configurations()
        for row in (0, len(configurations) // 2, -1):
            blackbox.curve(configurations[row])["loss"].sum()
        return str(blackbox.digest()) + "".join(map(str, blackbox.label("official")[:5]))
    except IntegrityError as err:
        return (
            "damaged" if "the decoded copy of a table, was damaged and is removed" in str(err) else str(err)
        )


def test_no_flipped_bit_of_a_copy_changes_a_value(where: Path, folder: Path) -> None:
    expected = outcome(where)
    (copy,) = folder.iterdir()
    whole = copy.read_bytes()
    places = [len(whole) * step // 25 + 7 * step for step in range(25)]
    places += [whole.index(made().table.points["loss"][1000:1016].tobytes()) + 3, len(whole) - 300, 300]
    for number, place in enumerate(places):
        copy.write_bytes(flipped(whole, place, number % 8))
        assert outcome(where) in (expected, "damaged"), place
        assert outcome(where) == expected, place  # the second time there is no such copy any more


def test_a_damaged_block_is_noticed_by_whoever_reads_in_it_and_by_nobody_else(
    where: Path, folder: Path
) -> None:
    read(where)
    (copy,) = folder.iterdir()
    whole = copy.read_bytes()
    copy.write_bytes(flipped(whole, whole.index(made().table.points["loss"][1000:1016].tobytes()), 3))
    blackbox = read(where)
    configurations = blackbox.configurations()
    assert np.array_equal(
        blackbox.curve(configurations[-1])["loss"], made().curve(configurations[-1])["loss"]
    )
    for row in (10, 0, 20):  # of 100 points each, in the first 2048
        with pytest.raises(IntegrityError, match="was damaged and is removed: try again"):
            blackbox.curve(configurations[row])
    for ask in (blackbox.digest, lambda: blackbox.values("loss"), lambda: blackbox.table):
        with pytest.raises(IntegrityError, match="was damaged"):
            ask()
    assert list(folder.iterdir()) == []


def test_verification_finds_a_damaged_copy(where: Path, folder: Path) -> None:
    read(where)
    (copy,) = folder.iterdir()
    whole = copy.read_bytes()
    copy.write_bytes(flipped(whole, whole.index(made().table.points["loss"][1000:1016].tobytes()), 3))
    (finding,) = verify(where)
    assert "was damaged" in finding.problem
    (finding,) = verify(where)
    assert finding.problem == ""


posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@posix
def test_the_folder_is_the_users_own_whatever_the_umask(where: Path, folder: Path) -> None:
    before = os.umask(0)
    try:
        read(where)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 1


@posix
def test_a_copy_that_others_can_write_to_is_made_again(where: Path, folder: Path) -> None:
    read(where)
    (copy,) = folder.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.chmod(0o622)
    assert read(where).digest() == made().digest()
    assert copy.stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(where: Path, folder: Path, mode: int) -> None:
    read(where)
    (copy,) = folder.iterdir()
    copy.write_bytes(b"x")
    folder.chmod(mode)
    found: list[Any] = []
    (message,) = told(lambda: found.append(read(where).digest()))
    assert f"the cache folder '{folder}' has the mode {mode:o}, but only you may write to it" in message
    assert found == [made().digest()] * 2
    assert copy.read_bytes() == b"x"


@posix
def test_a_folder_or_copy_of_somebody_else_is_not_used(
    where: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(where)
    manifest = load_blackbox(where).manifest
    wanted = cache.Wanted(
        where / "a.parquet", manifest.tasks["a"].sha256, manifest.schema_of("a"), ("official",)
    )
    assert cache.find(wanted) is not None
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert cache.find(wanted) is None


def test_relative_paths_name_no_cache(tmp_path: Path, where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLACKBOX_CACHE", "here")
    with pytest.raises(InvalidOption, match="BLACKBOX_CACHE is 'here', but must be an absolute path"):
        read(where)
    monkeypatch.delenv("BLACKBOX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder() in (tmp_path / "home" / ".cache" / "blackbox-repo" / "tables", None)


KILLED = """
import os, signal, sys
from blackbox_repo import load_blackbox

def hook(event, arguments):
    if event == "os.rename" and str(arguments[0]).endswith(".partial"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
load_blackbox(sys.argv[1])["a"]
"""


@posix
def test_what_a_killed_writer_left_is_removed_by_the_next(where: Path, tmp_path: Path, folder: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, where], cwd=ROOT, check=False)
    assert killed.returncode == -9
    (left,) = folder.glob(".*.partial")
    assert left.stat().st_size > 8_000_000
    assert left in cache.copies()
    other = saved(made(ragged=True), tmp_path / "other")
    read(other)
    assert [path.suffix for path in folder.iterdir()] == [".arrow"]


def test_a_full_disk_leaves_no_copy_and_is_no_obstacle(
    where: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    found: list[Any] = []
    (message,) = told(lambda: found.append(read(where).digest()))
    assert "cannot be written to (No space left on device)" in message
    assert found == [made().digest()] * 2
    assert list(folder.iterdir()) == []
