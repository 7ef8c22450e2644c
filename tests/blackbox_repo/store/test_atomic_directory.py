from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from blackbox_repo.errors import AlreadyLocked
from blackbox_repo.store import atomic_directory as folders
from blackbox_repo.store.atomic_directory import atomic_directory, recover, reserve
from blackbox_repo.store.lock import exclusive

ROOT = Path(__file__).parents[3]

KILLED = """
import os, signal, sys
from pathlib import Path
from blackbox_repo.store.atomic_directory import atomic_directory

folder, number = Path(sys.argv[1]), int(sys.argv[2])
WATCHED = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree")
count = 0

def hook(event, arguments):
    global count
    if event in WATCHED and str(folder.parent) in str(arguments):
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
with atomic_directory(folder, lambda existing: None) as partial:
    (partial / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (partial / name).write_text("new")
"""


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


NEW = {"a": "new", "b": "new", "sub/c": "new"}


def write(folder: Path, text: str) -> None:
    with atomic_directory(folder, lambda existing: None) as partial:
        (partial / "sub").mkdir()
        for name in NEW:
            (partial / name).write_text(text)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
@pytest.mark.parametrize("before", [{}, {"a": "old", "b": "old", "sub/c": "old"}], ids=["new", "replaced"])
def test_a_writer_killed_at_any_file_operation_loses_nothing_and_leaves_nothing(
    tmp_path: Path, before: dict[str, str]
) -> None:
    outcomes = []
    for number in range(1, 200):
        folder = tmp_path / str(number) / "box"
        folder.parent.mkdir()
        if before:
            write(folder, "old")
        killed = subprocess.run([sys.executable, "-c", KILLED, folder, str(number)], cwd=ROOT, check=False)
        recover(folder)
        outcomes.append(content(folder))
        with reserve(folder, lambda existing: None):
            pass
        assert [path.name for path in folder.parent.iterdir()] == ["box"] * folder.exists()
        if killed.returncode == 0:
            break
    assert len(outcomes) > 15
    assert all(outcome in (before, NEW) for outcome in outcomes)
    assert outcomes[0] == before
    assert outcomes[-1] == NEW
    assert sorted(outcomes, key=lambda outcome: outcome == NEW) == outcomes  # once it is there it stays


def test_a_writer_killed_between_two_renames_has_finished(tmp_path: Path) -> None:
    write(tmp_path / ".box.old", "old")
    write(tmp_path / ".box.partial", "new")
    recover(tmp_path / "box")
    assert content(tmp_path / "box") == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["box"]


def test_what_was_to_be_replaced_comes_back_if_there_is_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / ".box.old", "old")
    recover(tmp_path / "box")
    assert content(tmp_path / "box")["a"] == "old"


def test_recovery_where_nothing_is_left_touches_nothing(tmp_path: Path) -> None:
    recover(tmp_path / "no" / "box")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_works_is_not_recovered(tmp_path: Path) -> None:
    occupied = []

    def look() -> None:
        try:
            recover(tmp_path / "box")
        except AlreadyLocked as err:
            occupied.append(err)

    with atomic_directory(tmp_path / "box", lambda existing: None) as partial:
        (partial / "a").write_text("new")
        other = threading.Thread(target=look)
        other.start()
        other.join()
    assert len(occupied) == 1
    assert content(tmp_path / "box") == {"a": "new"}


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "box", "old")
    with pytest.raises(KeyError), atomic_directory(tmp_path / "box", lambda existing: None) as partial:
        (partial / "a").write_text({}["nothing"])
    assert content(tmp_path / "box")["a"] == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["box"]


def test_whoever_holds_the_place_may_write_it(tmp_path: Path) -> None:
    with reserve(tmp_path / "box", lambda existing: None):
        write(tmp_path / "box", "new")
    assert content(tmp_path / "box") == NEW


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    done = []

    def second() -> None:
        write(tmp_path / "box", "second")
        done.append(True)

    with atomic_directory(tmp_path / "box", lambda existing: None) as partial:
        (partial / "a").write_text("first")
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        assert not done
    other.join()
    assert content(tmp_path / "box") == dict.fromkeys(NEW, "second")


def test_the_current_folder_and_a_link_to_one_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "here")
    write(Path(), "new")
    write(tmp_path / "link", "new")
    assert content(tmp_path / "here") == content(tmp_path / "real") == NEW
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "link", "real"]


def test_everything_is_synced_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = []
    renamed = Path.rename

    def rename(path: Path, target: Path) -> Path:
        happened.append(f"{path.name} -> {target.name}")
        return renamed(path, target)

    monkeypatch.setattr(folders, "sync_to_disk", lambda path: happened.append(path.name))
    monkeypatch.setattr(Path, "rename", rename)
    write(tmp_path / "box", "new")
    assert sorted(happened[:5]) == [".box.partial", "a", "b", "c", "sub"]
    assert happened[5:] == [".box.partial -> box", tmp_path.name]


def test_where_a_file_system_cannot_sync_or_lock_there_is_a_folder_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr("fcntl.flock", refuse)
    write(tmp_path / "box", "new")
    assert content(tmp_path / "box") == NEW


def test_a_full_disk_that_is_noticed_when_syncing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write(tmp_path / "box", "new")
    assert caught.value.filename == str(tmp_path / "box")
    assert list(tmp_path.iterdir()) == []


def test_locks_of_one_place_exclude_other_threads(tmp_path: Path) -> None:
    found = []

    def other() -> None:
        with pytest.raises(AlreadyLocked), exclusive(tmp_path / "box"):
            pass
        found.append(True)

    with exclusive(tmp_path / "box"), exclusive(tmp_path / "box"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [True]
