"""A published root in a folder and in memory: its index, its versions, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox_repo import Source, list_blackboxes, load_blackbox, publish
from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.index import version_order
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.publish import mirror, remove

NAME = "nasbench-macro"
PACKAGE = Source(["package"])


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty place for a root: a folder, or memory of this process, as a file system of fsspec."""
    if request.param == "folder":
        yield str(tmp_path / "root")
        return
    fsspec = pytest.importorskip("fsspec", reason="the extra s3 is not installed")
    yield "memory://team/boxes"
    fsspec.filesystem("memory").rm("/team", recursive=True)


def test_a_root_is_written_listed_and_read(root: str) -> None:
    done = publish(NAME, root)
    assert (done.name, done.version, done.files, done.new) == (NAME, "1.0", 1, True)
    source = Source([root])
    assert list_blackboxes(source) == [NAME]
    loaded = load_blackbox(NAME, source=source)
    assert (loaded.digest, loaded.origin) == (done.digest, root)
    assert loaded["cifar10"].digest() == load_blackbox(NAME, source=PACKAGE)["cifar10"].digest()
    assert load_blackbox(f"{root}/{NAME}").digest == done.digest


def test_the_newest_version_counts_and_others_can_be_asked_for(root: str) -> None:
    for version in ("1.9", "1.10", "1.10-beta"):
        assert publish(NAME, root, version=version, source=PACKAGE).version == version
    source = Source([root])
    assert load_blackbox(NAME, source=source).manifest.version == "1.10-beta"
    assert load_blackbox(NAME, version="1.9", source=source).manifest.version == "1.9"
    with pytest.raises(UnknownName, match="unknown version '2.0' of 'nasbench-macro'"):
        load_blackbox(NAME, version="2.0", source=source)
    assert sorted(["1.10", "1.9", "1", "2.0", "10", "1.9a"], key=version_order) == [
        "1",
        "1.9",
        "1.9a",
        "1.10",
        "2.0",
        "10",
    ]


def test_removed_versions_are_gone_and_garbage_is_collected_when_it_is_old(root: str) -> None:
    publish(NAME, root)
    publish("icml-deepar", root)
    remove(NAME, "1.0", root)
    assert list_blackboxes(Source([root])) == ["icml-deepar", "icml-deepar.forest"]
    assert collect_garbage(root) == []
    assert len(collect_garbage(root, grace=-60)) == 1
    assert collect_garbage(root, grace=-60) == []
    assert load_blackbox("icml-deepar", source=Source([root]))["electricity"]
    with pytest.raises(UnknownName, match="unknown blackbox 'nasbench-macro' of .*; known: 'icml-deepar'"):
        remove(NAME, "1.0", root)


def test_a_version_of_ones_own_is_published_though_the_usual_root_has_another(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(NAME, tmp_path / "boxes")
    publish(NAME, tmp_path / "boxes", version="0.9", source=PACKAGE)
    publish(NAME, root, version="0.8", source=PACKAGE)
    monkeypatch.setenv("BLACKBOX_ROOTS", f"{root}\n{tmp_path / 'boxes'}")
    assert publish(NAME, root).version == "1.0"
    assert publish("icml-deepar", root).new
    monkeypatch.setenv("BLACKBOX_ROOTS", root)
    assert not publish("icml-deepar", root).new


def test_a_root_is_copied_with_all_its_versions(root: str, tmp_path: Path) -> None:
    publish(NAME, root)
    publish(NAME, root, version="2.0", source=PACKAGE)
    publish("icml-deepar", root)
    copied = [(done.name, done.version, done.new) for done in mirror(root, tmp_path / "copy")]
    deepar = [("icml-deepar", "1.0", True), ("icml-deepar.forest", "1.0", True)]
    assert copied == [*deepar, (NAME, "1.0", True), (NAME, "2.0", True)]
    assert [done.new for done in mirror(root, tmp_path / "copy")] == [False] * 4
    source = Source([tmp_path / "copy"])
    assert load_blackbox(NAME, source=source).digest == load_blackbox(NAME, source=Source([root])).digest


def test_a_root_without_an_index_is_listed_by_looking(tmp_path: Path) -> None:
    publish(NAME, tmp_path / "root")
    index = tmp_path / "root" / "index.json"
    written = index.read_bytes()
    index.unlink()
    assert list_blackboxes(Source([tmp_path / "root"])) == [NAME]
    publish(NAME, tmp_path / "root", source=PACKAGE)
    assert index.read_bytes() == written


def test_what_an_old_index_lacks_is_found(tmp_path: Path) -> None:
    root, source = tmp_path / "root", Source([tmp_path / "root"])
    publish("icml-deepar", root)
    old = (root / "index.json").read_bytes()
    publish(NAME, root)
    publish("icml-deepar", root, version="1.1", source=PACKAGE)
    (root / "index.json").write_bytes(old)
    assert load_blackbox(NAME, source=source)["cifar10"]
    assert load_blackbox("icml-deepar", version="1.1", source=source).manifest.version == "1.1"
    assert load_blackbox("icml-deepar", source=source).manifest.version == "1.0"
    collect_garbage(root)
    assert load_blackbox("icml-deepar", source=source).manifest.version == "1.1"


def test_an_index_that_contradicts_a_manifest_is_refused_and_made_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(NAME, root)
    index = root / "index.json"
    data = json.loads(index.read_bytes())
    data["blackboxes"][NAME]["1.0"]["manifest"] = "0" * 64
    index.write_text(json.dumps(data))
    with pytest.raises(IntegrityError, match="index.json is damaged.*bb-repo gc"):
        load_blackbox(NAME, source=Source([root]))
    collect_garbage(root)
    assert load_blackbox(NAME, source=Source([root]))["cifar10"]


def test_a_damaged_object_is_refused_and_can_be_written_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish(NAME, root)
    (path,) = (root / "objects").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="is corrupted"):
        load_blackbox(NAME, source=Source([root]))["cifar10"]
    assert publish(NAME, root, source=PACKAGE).files == 0
    assert publish(NAME, root, source=PACKAGE, repair=True).files == 1
    assert path.read_bytes() == content
    path.write_bytes(content[:-9])  # another size is noticed without reading
    assert publish(NAME, root, source=PACKAGE).files == 1


def test_a_folder_of_blackboxes_or_of_anything_else_is_not_published_into(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidOption, match="neither empty nor a published root"):
        publish(NAME, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(InvalidOption, match="cannot be published in"):
        publish(NAME, "package")


def test_a_damaged_blackbox_is_not_published(tmp_path: Path) -> None:
    publish("icml-deepar", tmp_path / "root")
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in (PACKAGE_FOLDER / NAME).iterdir():
        (mine / file.name).write_bytes(
            file.read_bytes()[:-1] if file.suffix == ".parquet" else file.read_bytes()
        )
    with pytest.raises(IntegrityError, match="is corrupted"):
        publish(mine, tmp_path / "root")
    assert list_blackboxes(Source([tmp_path / "root"])) == ["icml-deepar", "icml-deepar.forest"]


@pytest.mark.parametrize("version", ["../2", "1/2", "", ".hidden", "1.", "con", "1 2", "²x/"])
def test_a_version_that_is_no_plain_name_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="version"):
        publish(NAME, tmp_path / "root", version=version)
    publish(NAME, tmp_path / "root")
    with pytest.raises((FormatError, UnknownName), match="version"):
        load_blackbox(NAME, version=version, source=Source([tmp_path / "root"]))


def test_one_objective_is_read_from_its_parts(root: str) -> None:
    publish("nasbench201-final", root)
    source = Source([root], objectives=["valid_error"])
    some = load_blackbox("nasbench201-final", source=source)["cifar100"]
    whole = load_blackbox("nasbench201-final", source=PACKAGE)["cifar100"]
    assert [objective.name for objective in some.schema.objectives] == ["valid_error"]
    assert some.values("valid_error").tobytes() == whole.values("valid_error").tobytes()
