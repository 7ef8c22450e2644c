"""A full disk and a cache that cannot be written: nothing half-visible, and all goes on afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox, publish
from blackbox_repo.store import cache
from tests.blackbox_repo.roots.damage import attempt
from tests.blackbox_repo.roots.shelf import PACKAGE
from tests.servers.fixtures import WebServer

ROOT = Path(__file__).parents[3]
MOUNT, UNMOUNT = shutil.which("mount"), shutil.which("umount")
NAME, TASK = "icml-xgboost", "a6a"
SPACE = 1_000_000  # bytes of the small disk, fewer than the files of the blackbox have


@contextmanager
def mounted(where: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes, if this process may mount one."""
    where.mkdir()
    if MOUNT is None or UNMOUNT is None:
        pytest.skip("there is no mount")
    command = [MOUNT, "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(where)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield where
    finally:
        subprocess.run([UNMOUNT, "-l", str(where)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", SPACE) as where:
        yield where


def remount(disk: Path, option: str) -> None:
    subprocess.run([str(MOUNT), "-o", f"remount,{option}", str(disk)], check=True)


def grow(disk: Path) -> None:
    """Free some space."""
    remount(disk, "size=50000000")


@pytest.fixture(scope="module")
def site(nginx: WebServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A root on a web server."""
    folder = nginx.folder / tmp_path_factory.mktemp("site").name
    publish(NAME, folder, source=PACKAGE)
    return f"{nginx.address}/{folder.name}"


def bb_repo(*arguments: object, **environment: object) -> tuple[int, str]:
    """The exit status of a command, and what it said on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "blackbox_repo", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def hidden(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*"))


def same(source: Source, name: str = NAME) -> bool:
    ours, found = load_blackbox(name, source=PACKAGE), load_blackbox(name, source=source)
    return all(found[task].digest() == ours[task].digest() for task in ours)


def test_the_cache_is_full(disk: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, said = bb_repo("fetch", NAME, "--root", site, BLACKBOX_CACHE=disk)
    assert status == 2
    assert said.count("\n") == 1
    assert f"the download cannot be kept in {disk}" in said
    assert "No space left on device; free some space, or name another folder in BLACKBOX_CACHE" in said
    kept = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
    assert kept > SPACE / 2
    assert [path for path in hidden(disk) if not path.endswith(".part")] == []
    grow(disk)
    assert bb_repo("fetch", NAME, "--root", site, BLACKBOX_CACHE=disk) == (0, "")
    assert hidden(disk) == []
    monkeypatch.setenv("BLACKBOX_CACHE", str(disk))
    assert same(Source((site,), offline=True))


def test_a_task_is_loaded_though_its_copy_finds_no_space(
    disk: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOX_CACHE", str(disk))
    monkeypatch.setattr(cache, "SMALLEST", 0)
    (disk / "ballast").write_bytes(bytes(600_000))
    with pytest.warns(UserWarning, match="No space left on device"):
        found = load_blackbox(NAME, source=Source((site,)))[TASK]
    assert found.digest() == load_blackbox(NAME, source=PACKAGE)[TASK].digest()
    assert hidden(disk) == []


def test_the_folder_to_publish_in_is_full(disk: Path) -> None:
    root = disk / "root"
    status, said = bb_repo("publish", NAME, root)
    assert status == 2
    assert said.count("\n") == 1
    assert f"{root}/objects/" in said
    assert "cannot be written: No space left on device; free some space and run the same command" in said
    assert not (root / "manifests").exists()
    assert hidden(root) == []
    status, said = bb_repo("list", "--root", root)
    assert (status, said) == (0, "bb-repo: warning: the roots have no blackboxes; see bb-repo config\n")
    grow(disk)
    written = {path: path.stat().st_ino for path in root.glob("objects/*")}
    assert len(written) > 0
    assert bb_repo("publish", NAME, root) == (0, "")
    assert {path: path.stat().st_ino for path in written} == written  # they were not written again
    assert same(Source((str(root),)))
    assert hidden(root) == []


def fill(disk: Path, pages: int) -> None:
    """Leave so many pages of space."""
    found = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes((found.f_bavail - pages) * found.f_bsize))


def test_a_manifest_or_the_index_finds_no_space(disk: Path) -> None:
    root, failed = disk / "root", 0
    publish("nasbench-macro", root, source=PACKAGE)
    listed = (root / "index.json").read_bytes()
    for pages in range(6):
        fill(disk, pages)
        _, error = attempt(lambda: publish("nasbench-macro", root, version="2.0", source=PACKAGE))
        (disk / "ballast").unlink()
        assert hidden(root) == []
        assert same(Source((str(root),)), "nasbench-macro")
        if error is not None:
            failed += 1
            assert "No space left on device; free some space and run the same command again" in str(error)
            assert (root / "index.json").read_bytes() == listed
    assert 0 < failed < 6
    assert list(load_blackbox("nasbench-macro", version="2.0", source=Source((str(root),))))


def test_a_lock_file_stays_when_the_new_one_finds_no_space(disk: Path) -> None:
    pins = disk / "blackboxes.lock"
    assert bb_repo("lock", "nasbench-macro", "--out", pins) == (0, "")
    before = pins.read_bytes()
    fill(disk, 1)  # which a lock takes
    status, said = bb_repo("lock", "nasbench-macro", "nmt-hpo", "--out", pins)
    assert (status, said) == (2, f"bb-repo: error: {pins}: No space left on device\n")
    assert pins.read_bytes() == before
    assert hidden(disk) == []
    (disk / "ballast").unlink()
    assert bb_repo("lock", "nasbench-macro", "nmt-hpo", "--out", pins) == (0, "")
    assert pins.read_bytes() != before


def test_the_users_own_folder_is_full(disk: Path) -> None:
    fill(disk, 10)
    command = ["tabulate", "yahpo-lcbench", "--configurations", 200, "--task", "3945", "--out", disk / "home"]
    status, said = bb_repo(*command)
    assert status == 2
    assert said.count("\n") == 1
    assert str(disk) in said
    assert "No space left on device" in said
    assert [path.name for path in disk.iterdir()] == ["ballast"]
    (disk / "ballast").unlink()
    assert bb_repo(*command) == (0, "")
    assert hidden(disk) == []
    assert list(load_blackbox("yahpo-lcbench-200", source=Source((disk / "home",))))


@pytest.fixture
def read_only(tmp_path: Path, site: str) -> Iterator[Path]:
    """A cache with one task, on a disk that is mounted for reading only."""
    with mounted(tmp_path / "disk", 50_000_000) as disk:
        assert bb_repo("fetch", f"{NAME}/{TASK}", "--root", site, BLACKBOX_CACHE=disk) == (0, "")
        remount(disk, "ro")
        yield disk


def test_a_cache_that_is_read_only_is_read(
    read_only: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOX_CACHE", str(read_only))
    ours = load_blackbox(NAME, source=PACKAGE)[TASK].digest()
    for offline in (False, True):
        source = Source((site,), offline=offline)
        assert load_blackbox(NAME, source=source)[TASK].digest() == ours
    assert bb_repo("fetch", f"{NAME}/{TASK}", "--root", site) == (0, "")
    status, said = bb_repo("fetch", NAME, "--root", site)
    assert (status, said.count("\n")) == (2, 1)
    assert f"the download cannot be kept in {read_only}" in said
    assert "Read-only file system; make it writable, or name another folder in BLACKBOX_CACHE" in said
