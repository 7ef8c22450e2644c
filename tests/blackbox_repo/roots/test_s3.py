"""A root in a bucket, on two servers that speak S3: published, listed, loaded, in part and from the cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo import describe, list_blackboxes, load_blackbox
from blackbox_repo.errors import RootUnavailable, UnknownName, VersionExists
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.index import Index, IndexEntry
from blackbox_repo.roots.publish import mirror, publish, remove
from blackbox_repo.table import TabularBlackbox
from tests.blackbox_repo.roots.shelf import PACKAGE, Shelf, edited_copy

SMALL = "nasbench-macro"


def same_values(loaded: object, name: str, task: str) -> bool:
    assert isinstance(loaded, TabularBlackbox)
    ours = load_blackbox(name, source=PACKAGE)[task]
    assert isinstance(ours, TabularBlackbox)
    return all(np.array_equal(loaded.table.points[o], ours.table.points[o]) for o in loaded.table.points)


def test_what_is_published_is_listed_and_loads_the_same(shelf: Shelf) -> None:
    done = publish(SMALL, shelf.url, source=PACKAGE)
    assert (done.files, done.new) == (1, True)
    (task,) = describe(SMALL, source=PACKAGE).tasks.values()
    assert shelf.paths() == ["index.json", f"manifests/{SMALL}/1.0.json", f"objects/{task.sha256}"]
    assert list_blackboxes(shelf.source) == [SMALL]
    loaded = load_blackbox(SMALL, source=shelf.source)
    assert (loaded.digest, loaded.origin, loaded.folder) == (done.digest, shelf.url, None)
    assert same_values(loaded["cifar10"], SMALL, "cifar10")


def test_a_list_is_one_request(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    list_blackboxes(shelf.source)
    assert [(r.method, r.where) for r in shelf.proxy.requests] == [("GET", f"/{shelf.place('index.json')}")]


def test_a_list_of_200_blackboxes_is_one_request(shelf: Shelf) -> None:
    entry = IndexEntry.of(describe(SMALL, source=PACKAGE), "0" * 64)
    names = [f"box-{number:03}" for number in range(200)]
    shelf.write("index.json", Index({name: {"1.0": entry} for name in names}).text().encode())
    shelf.proxy.forget()
    assert list_blackboxes(shelf.source) == names
    assert len(shelf.proxy.requests) == 1
    assert shelf.proxy.received < 200_000


def test_a_root_that_is_copied_is_asked_once_for_its_index(shelf: Shelf, tmp_path: Path) -> None:
    for version in ("1.0", "1.1"):
        publish(SMALL, shelf.url, version=version, source=PACKAGE)
    publish("icml-deepar", shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    assert len(list(mirror(shelf.url, tmp_path / "copy"))) == 4  # the surrogates are the fourth
    assert len([r for r in shelf.proxy.requests if r.where == f"/{shelf.place('index.json')}"]) == 1


def test_what_was_loaded_is_not_downloaded_again(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    load_blackbox(SMALL, source=shelf.source)["cifar10"]
    shelf.proxy.forget()
    assert same_values(load_blackbox(SMALL, source=shelf.source)["cifar10"], SMALL, "cifar10")
    assert [r.where for r in shelf.proxy.requests] == [f"/{shelf.place('index.json')}"]


def test_offline_opens_no_connection(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    load_blackbox(SMALL, source=shelf.source)["cifar10"]
    shelf.proxy.forget()
    offline = replace(shelf.source, offline=True)
    assert same_values(load_blackbox(SMALL, source=offline)["cifar10"], SMALL, "cifar10")
    assert shelf.proxy.requests == []


def test_offline_says_what_is_missing(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    offline = replace(shelf.source, offline=True)
    shelf.proxy.forget()
    with pytest.raises(RootUnavailable, match=f"{shelf.url} was never asked on this machine"):
        load_blackbox(SMALL, source=offline)
    load_blackbox(SMALL, source=shelf.source)
    shelf.proxy.forget()
    with pytest.raises(RootUnavailable, match=r"cifar10\.parquet.*bb-repo fetch"):
        load_blackbox(SMALL, source=offline)["cifar10"]
    assert shelf.proxy.requests == []


def test_publishing_again_writes_nothing(shelf: Shelf) -> None:
    first = publish(SMALL, shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    again = publish(SMALL, shelf.url, source=PACKAGE)
    assert (again.digest, again.files, again.new) == (first.digest, 0, False)
    assert shelf.proxy.asked("PUT") == []


def test_a_version_is_never_overwritten(shelf: Shelf, tmp_path: Path) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    before = {path: shelf.read(path) for path in shelf.paths()}
    with pytest.raises(VersionExists, match="another --version"):
        publish(edited_copy(tmp_path / "edited", "Mine"), shelf.url)
    assert {path: shelf.read(path) for path in before} == before


def test_versions_share_files_and_the_newest_is_loaded(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    again = publish(SMALL, shelf.url, version="1.10", source=PACKAGE)
    publish(SMALL, shelf.url, version="1.9", source=PACKAGE)
    assert (again.files, again.bytes, again.new) == (0, 0, True)
    assert len([path for path in shelf.paths() if path.startswith("objects/")]) == 1
    assert load_blackbox(SMALL, source=shelf.source).manifest.version == "1.10"
    assert load_blackbox(SMALL, version="1.9", source=shelf.source).manifest.version == "1.9"
    with pytest.raises(UnknownName, match="1.0"):
        load_blackbox(SMALL, version="3", source=shelf.source)


def test_only_the_tasks_that_are_used_are_downloaded(shelf: Shelf) -> None:
    publish("fcnet-final", shelf.url, source=PACKAGE)
    loaded = load_blackbox("fcnet-final", source=shelf.source)
    shelf.proxy.forget()
    assert same_values(loaded["protein_structure"], "fcnet-final", "protein_structure")
    wanted = loaded.manifest.tasks["protein_structure"]
    assert {r.where for r in shelf.proxy.requests} == {f"/{shelf.place(f'objects/{wanted.sha256}')}"}
    assert wanted.bytes < shelf.proxy.received < wanted.bytes + 5000


@pytest.mark.parametrize(
    ("name", "task", "objective"),
    [("fcnet-final", "naval_propulsion", "valid_mse"), ("nasbench201-final", "cifar100", "valid_error")],
)
def test_one_objective_of_one_task_moves_few_bytes(
    shelf: Shelf, name: str, task: str, objective: str
) -> None:
    publish(name, shelf.url, source=PACKAGE)
    total = sum(entry.bytes for entry in describe(name, source=PACKAGE).tasks.values())
    shelf.proxy.forget()
    part = load_blackbox(name, source=replace(shelf.source, objectives=(objective,)))[task]
    assert shelf.proxy.received < 0.15 * total  # with the index, the manifest and all headers
    assert [o.name for o in part.schema.objectives] == [objective]
    assert same_values(part, name, task)


def test_a_root_whose_index_is_gone_is_listed_by_looking(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    shelf.files.rm_file(shelf.place("index.json"))
    assert list_blackboxes(shelf.source) == [SMALL]
    assert same_values(load_blackbox(SMALL, source=shelf.source)["cifar10"], SMALL, "cifar10")


def test_an_index_that_is_older_than_the_objects_hides_nothing(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    old = shelf.read("index.json")
    publish(SMALL, shelf.url, version="2.0", source=PACKAGE)
    publish("nmt-hpo", shelf.url, source=PACKAGE)
    shelf.write("index.json", old)
    assert load_blackbox(SMALL, version="2.0", source=shelf.source).manifest.version == "2.0"
    assert load_blackbox("nmt-hpo", source=shelf.source).origin == shelf.url
    collect_garbage(shelf.url)  # writes the index again
    assert list_blackboxes(shelf.source) == [SMALL, "nmt-hpo", "nmt-hpo.forest"]
    assert load_blackbox(SMALL, source=shelf.source).manifest.version == "2.0"


def test_what_was_removed_is_gone_and_garbage_too(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    publish("nmt-hpo", shelf.url, source=PACKAGE)
    remove(SMALL, "1.0", shelf.url)
    assert list_blackboxes(shelf.source) == ["nmt-hpo", "nmt-hpo.forest"]
    assert len(collect_garbage(shelf.url)) == 0  # it is too young
    assert len(collect_garbage(shelf.url, grace=-60)) == 1  # the server's clock counts in whole seconds
    kept = load_blackbox("nmt-hpo", source=shelf.source)
    assert all(kept[task] for task in kept)


def test_a_bucket_is_mirrored_to_a_folder_and_back(shelf: Shelf, tmp_path: Path) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    publish(SMALL, shelf.url, version="2.0", source=PACKAGE)
    assert [each.version for each in mirror(shelf.url, tmp_path / "copy")] == ["1.0", "2.0"]
    found = {str(p.relative_to(tmp_path / "copy")): p for p in (tmp_path / "copy").rglob("*") if p.is_file()}
    assert {path: found[path].read_bytes() for path in shelf.paths()} == {
        path: shelf.read(path) for path in shelf.paths()
    }
    assert [each.new for each in mirror(tmp_path / "copy", shelf.url)] == [False, False]


def test_a_forked_process_asks_the_bucket_by_itself(shelf: Shelf) -> None:
    publish(SMALL, shelf.url, source=PACKAGE)
    loaded = load_blackbox(SMALL, source=shelf.source)  # this process has used the connection
    child = os.fork()
    if child == 0:
        os._exit(0 if same_values(loaded["cifar10"], SMALL, "cifar10") else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_commands_find_the_bucket_by_the_variables_of_aws(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, **shelf.bucket.environment, "PYTHONPATH": str(Path(__file__).parents[3])}
    (tmp_path / "empty.toml").touch()
    environment["BLACKBOX_CONFIG"] = str(tmp_path / "empty.toml")

    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", "-m", "blackbox_repo", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert "1 file, 0.05 MB written" in run("publish", SMALL, shelf.url)
    listed = json.loads(run("list", "--json", "--root", shelf.url))
    assert [each["name"] for each in listed] == [SMALL]
    assert "is removed" in run("remove", SMALL, "1.0", shelf.url)
    assert list_blackboxes(shelf.source) == []
