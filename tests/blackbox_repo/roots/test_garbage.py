"""Garbage is collected beside publishers, and what commands that were stopped have left is put right."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from blackbox_repo import Source, list_blackboxes, load_blackbox, publish
from blackbox_repo.errors import IntegrityError, VersionExists
from blackbox_repo.roots.folder_storage import FolderStorage
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.publish import mirror, remove
from blackbox_repo.roots.storage import Entry
from blackbox_repo.store.lock import exclusive
from blackbox_repo.store.manifest import CHECKSUM_FILE, MANIFEST_FILE
from tests.blackbox_repo.roots.shelf import PACKAGE

NAME, OTHER = "nasbench-macro", "nmt-hpo"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a blackbox that was published long ago."""
    publish(NAME, tmp_path / "root", source=PACKAGE)
    for path in (tmp_path / "root" / "objects").iterdir():
        os.utime(path, (0, 0))
    return tmp_path / "root"


def edited_copy(folder: Path, title: str) -> Path:
    """A blackbox of ours under another title, so with another manifest."""
    shutil.copytree(PACKAGE_FOLDER / NAME, folder)
    content = json.dumps({**json.loads((folder / MANIFEST_FILE).read_bytes()), "title": title}).encode()
    (folder / MANIFEST_FILE).write_bytes(content)
    (folder / CHECKSUM_FILE).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST_FILE}\n")
    return folder


def load(root: Path) -> object:
    return load_blackbox(NAME, source=Source((root,)))["cifar10"]


@pytest.mark.parametrize("when", ["objects", "manifests"])
def test_a_file_that_a_publisher_needs_meanwhile_stays(
    when: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(NAME, "1.0", root)
    listed, published = FolderStorage.list, []

    def list_and_publish(storage: FolderStorage, folder: str) -> list[Entry]:
        found = listed(storage, folder)
        if folder == when and not published:
            published.append(when)
            publish(NAME, root, version="2.0", source=PACKAGE)
        return found

    monkeypatch.setattr(FolderStorage, "list", list_and_publish)
    assert collect_garbage(root) == []
    assert published == [when]
    assert load(root)


def test_what_gc_has_removed_before_the_manifest_was_there_is_written_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(NAME, "1.0", root)
    create, collected = FolderStorage.create, []

    def collect_and_create(storage: FolderStorage, path: str, content: bytes) -> bool:
        collected.extend(collect_garbage(root, grace=-60) if path.startswith("manifests") else [])
        return create(storage, path, content)

    monkeypatch.setattr(FolderStorage, "create", collect_and_create)
    assert publish(NAME, root, version="2.0", source=PACKAGE).files == 2
    assert len(collected) == 1
    assert load(root)


def test_gc_removes_no_file_that_is_not_named_by_a_hash(root: Path) -> None:
    for path in ("objects/notes.txt", "objects/ab/cdef", "objects/" + "g" * 64, "notes.txt"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text("mine")
    (root / "objects" / ("a" * 64)).write_text("garbage")
    assert [entry.path for entry in collect_garbage(root, grace=-60)] == ["objects/" + "a" * 64]
    assert (root / "objects/notes.txt").exists()
    assert (root / "objects/ab/cdef").exists()


def test_a_version_whose_removal_was_stopped_is_published_anew(root: Path, tmp_path: Path) -> None:
    (root / "manifests" / NAME / "1.0.json").unlink()  # the index was not written
    with pytest.raises(LookupError, match="it was removed just now"):
        load(root)
    done = publish(edited_copy(tmp_path / "edited", "Mine"), root)
    assert load_blackbox(NAME, source=Source((root,))).digest == done.digest
    assert collect_garbage(root) == []


def test_a_mirror_that_is_stopped_lists_what_it_has_copied(root: Path, tmp_path: Path) -> None:
    publish(OTHER, root, source=PACKAGE)
    sha256 = next(iter(load_blackbox(OTHER).manifest.tasks.values())).sha256
    damaged = root / "objects" / sha256
    damaged.write_bytes(b"?" + damaged.read_bytes()[1:])
    with pytest.raises(IntegrityError, match=damaged.name):
        list(mirror(root, tmp_path / "copy"))
    assert list_blackboxes(Source((tmp_path / "copy",))) == [NAME]
    assert (tmp_path / "copy" / "index.json").exists()
    publish(OTHER, root, source=PACKAGE, repair=True)
    assert [done.new for done in mirror(root, tmp_path / "copy")] == [False, True, True]
    assert (tmp_path / "copy" / "index.json").read_bytes() == (root / "index.json").read_bytes()


def test_locks_and_partial_files_of_killed_writers_are_removed_and_those_of_others_stay(root: Path) -> None:
    dead, alive = root / "objects" / ("a" * 64), root / "objects" / ("b" * 64)
    with exclusive(alive):
        for target in (dead, alive):
            target.with_name(f".{target.name}.partial").write_text("begun")
        dead.with_name(f".{dead.name}.lock").write_text("number 1")
        collect_garbage(root)
        assert sorted(path.name for path in root.rglob(".*")) == [
            f".{alive.name}.lock",
            f".{alive.name}.partial",
        ]


def test_a_version_with_other_content_is_refused_with_repair_too(root: Path, tmp_path: Path) -> None:
    edited = edited_copy(tmp_path / "edited", "Mine")
    with pytest.raises(VersionExists, match="another --version"):
        publish(edited, root, repair=True)
    assert load(root)
