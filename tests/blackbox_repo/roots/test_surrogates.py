"""Surrogates of a blackbox are found beside its tables, in the same root, and in the user's own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox, publish, verify
from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, PinMismatch, UnknownName
from blackbox_repo.repository import LoadedBlackbox
from blackbox_repo.roots.find import locate
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.pins import pins_text
from blackbox_repo.roots.publish import mirror, publish_all
from blackbox_repo.roots.surrogates import find_surrogates
from blackbox_repo.store.fitted_storage import save_surrogate
from blackbox_repo.surrogate.fit import fit_surrogate
from tests.blackbox_repo.small_tables import make_blackbox
from tests.servers.fixtures import Site

ASKED = {"rate": 0.02, "kind": "adam"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLACKBOX_LOCK", raising=False)


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """A folder with a blackbox and its surrogates of k nearest neighbours."""
    make_blackbox(tmp_path / "boxes")
    fit(load_blackbox("mine", source=Source(["boxes"])))
    return tmp_path / "boxes"


def fit(tables: LoadedBlackbox, folder: Path | None = None, neighbours: int = 5) -> None:
    settings = {"neighbours": neighbours}
    made = {task: fit_surrogate(tables[task], "knn", settings=settings) for task in tables}
    assert tables.folder is not None
    save_surrogate((folder or tables.folder) / "surrogates" / "knn", tables.manifest, made)


def load(*roots: str | Path, name: str = "mine", **more: bool) -> LoadedBlackbox:
    return load_blackbox(name, source=Source(list(roots), surrogate="knn", **more))


def neighbours(found: LoadedBlackbox) -> object:
    return found.manifest.fitted().settings["neighbours"]


def test_they_lie_beside_their_tables(boxes: Path) -> None:
    found = load(boxes)
    assert (found.manifest.name, list(found), found.origin) == ("mine.knn", ["a", "b"], str(boxes))
    table = load_blackbox("mine", source=Source([boxes]))["a"]
    fitted = fit_surrogate(table, "knn", settings={"neighbours": 5})
    assert found["a"].digest() == fitted.digest()
    assert found["a"].curve(ASKED)["loss"].tolist() == fitted.curve(ASKED)["loss"].tolist()


def test_they_have_a_name_of_their_own(boxes: Path) -> None:
    source = Source([boxes])
    assert load_blackbox("mine.knn", source=source).digest == load(boxes).digest
    assert load_blackbox(boxes / "mine" / "surrogates" / "knn").digest == load(boxes).digest
    with pytest.raises(UnknownName, match="unknown version '2' of 'mine.knn'"):
        load_blackbox("mine.knn", version="2", source=source)
    for name in ("mine.", ".knn", "mine.forest", "mine.knn.knn", "mine..knn"):
        with pytest.raises(UnknownName):
            load_blackbox(name, source=source)


def test_some_objectives_of_them_can_be_loaded(boxes: Path) -> None:
    found = load_blackbox("mine", source=Source([boxes], surrogate="knn", objectives=["score"]))["a"]
    whole = load(boxes)["a"]
    assert [objective.name for objective in found.schema.objectives] == ["score"]
    assert found.curve(ASKED)["score"].tolist() == whole.curve(ASKED)["score"].tolist()


def test_the_path_of_a_blackbox_leads_to_its_surrogates(boxes: Path) -> None:
    found = load_blackbox(boxes / "mine", source=Source(surrogate="knn"))
    assert found.manifest.name == "mine.knn"


def test_the_user_may_have_some_of_tables_elsewhere(boxes: Path) -> None:
    tables = load_blackbox("mine", source=Source([boxes]))
    shutil.rmtree(boxes / "mine" / "surrogates")
    with pytest.raises(UnknownName, match="unknown surrogate 'knn' of 'mine'.* bb-repo fit mine --model knn"):
        load(boxes)
    fit(tables, Path(os.environ["BLACKBOX_HOME"]) / "mine", neighbours=3)
    assert (load(boxes).origin, neighbours(load(boxes))) == ("user", 3)
    assert load_blackbox("mine.knn").origin == "user"
    fit(tables)
    assert (load(boxes).origin, neighbours(load(boxes))) == (str(boxes), 5)


def test_those_of_other_tables_are_refused(boxes: Path, tmp_path: Path) -> None:
    make_blackbox(tmp_path / "others", scale=1.5)
    shutil.copytree(boxes / "mine" / "surrogates", tmp_path / "others" / "mine" / "surrogates")
    said = "'knn' of 'mine' was fitted to another table of the task 'a'.*bb-repo fit mine --model knn"
    with pytest.raises(IntegrityError, match=said):
        load("others")
    assert [finding.problem[:10] for finding in verify("mine", source=Source(["others"]))] == [
        *("", "", "the surrog", "", "")
    ]
    fit(load_blackbox("mine", source=Source(["others"])), Path(os.environ["BLACKBOX_HOME"]) / "mine")
    assert load("others").origin == "user"


def test_those_of_another_blackbox_are_refused(boxes: Path) -> None:
    make_blackbox(boxes, "other")
    shutil.copytree(boxes / "mine" / "surrogates", boxes / "other" / "surrogates")
    with pytest.raises(IntegrityError, match="'knn' of 'other' was fitted to 'mine'; it was not used"):
        load(boxes, name="other")


def test_a_blackbox_without_the_key_is_no_surrogate(boxes: Path) -> None:
    make_blackbox(boxes / "mine" / "surrogates", "tables")
    with pytest.raises(FormatError, match="'tables' has no fitted surrogates"):
        load_blackbox("mine", source=Source([boxes], surrogate="tables"))


@pytest.mark.parametrize("wrong", ["", "../knn", 7, True, ("knn",)])
def test_the_name_of_a_model_is_plain(wrong: object) -> None:
    with pytest.raises(InvalidOption, match="surrogate is .* but must be the name of a model"):
        Source(surrogate=wrong)  # type: ignore[arg-type]


def test_verifying_a_blackbox_verifies_its_surrogates(boxes: Path) -> None:
    source = Source([boxes])
    assert [finding.task for finding in verify("mine", source=source)] == [
        "a",
        "b",
        "mine.knn/a",
        "mine.knn/b",
    ]
    (boxes / "mine" / "surrogates" / "knn" / "b.parquet").write_bytes(b"x")
    problems = {finding.task: finding.problem for finding in verify("mine", source=source)}
    assert [task for task, problem in problems.items() if problem] == ["mine.knn/b"]
    assert "b.parquet is corrupted" in problems["mine.knn/b"]
    assert [f.task for f in verify("mine", source=replace(source, surrogate="knn"))] == ["a", "b"]


# --- published roots --------------------------------------------------------------------------------------


def test_a_folder_is_published_with_its_surrogates(boxes: Path) -> None:
    published = publish("mine", "root", source=Source([boxes]))
    assert (published.name, published.new) == ("mine", True)
    found = load("root")
    assert (found.manifest.name, found.manifest.version) == ("mine.knn", "1.0")
    assert (found.origin, found.digest) == ("root", load(boxes).digest)
    assert found["b"].digest() == load(boxes)["b"].digest()
    assert not publish("mine", "root", source=Source([boxes])).new
    assert [finding.problem for finding in verify("mine.knn", source=Source(["root"]))] == ["", ""]


def test_another_version_is_published_with_its_surrogates(boxes: Path) -> None:
    source = Source([boxes])
    publish("mine", "root", source=source)
    publish("mine", "root", version="2.0", source=source)
    for version in ("1.0", "2.0"):
        found = load_blackbox("mine", version=version, source=Source(["root"], surrogate="knn"))
        assert found.manifest.version == version
    assert [each.manifest.name for each in find_surrogates(locate("mine", Source(["root"])))] == []
    assert [
        each.manifest.name for each in find_surrogates(locate("mine", Source(["root"])), Source(["root"]))
    ] == ["mine.knn"]


def test_a_mirror_has_the_surrogates_too(boxes: Path) -> None:
    assert [each.name for each in mirror(boxes, "root")] == ["mine", "mine.knn"]
    assert [each.name for each in mirror("root", "copy")] == ["mine", "mine.knn"]
    assert [each.name for each in publish_all(["mine"], "third", source=Source([boxes]))] == [
        "mine",
        "mine.knn",
    ]
    for root in ("root", "copy", "third"):
        assert load(root)["a"].digest() == load(boxes)["a"].digest()


def test_collecting_garbage_leaves_the_files_of_surrogates(boxes: Path) -> None:
    publish("mine", "root", source=Source([boxes]))
    (Path("root") / "objects" / ("0" * 64)).write_bytes(b"left over")
    assert [entry.size for entry in collect_garbage("root", grace=0)] == [9]
    assert load("root")["a"].digest()


def test_what_is_fitted_again_needs_another_version(boxes: Path) -> None:
    publish("mine", "root", source=Source([boxes]))
    fit(load_blackbox("mine", source=Source([boxes])), neighbours=3)
    publish("mine.knn", "root", version="1.0.1", source=Source([boxes]))
    assert neighbours(load_blackbox("mine.knn", source=Source(["root"]))) == 3
    assert neighbours(load("root")) == 5


# --- the lock file, and no network ------------------------------------------------------------------------


def test_the_lock_file_pins_surrogates(boxes: Path) -> None:
    source = Source([boxes])
    Path("blackboxes.lock").write_text(pins_text([locate("mine", source)]))
    with pytest.raises(
        PinMismatch, match=r"'mine.knn' is not in blackboxes.lock.*bb-repo lock mine.knn mine@1.0"
    ):
        load(boxes)
    Path("blackboxes.lock").unlink()
    Path("blackboxes.lock").write_text(pins_text([locate("mine", source), locate("mine.knn", source)]))
    assert load(boxes)["a"].digest()
    shutil.rmtree(boxes / "mine" / "surrogates")
    fit(load_blackbox("mine", source=source), neighbours=2)
    with pytest.raises(PinMismatch, match="'mine.knn' of .* is not the one in blackboxes.lock"):
        load(boxes)


def test_a_pinned_surrogate_is_taken_from_any_root(boxes: Path) -> None:
    publish("mine", "root", source=Source([boxes]))
    Path("blackboxes.lock").write_text(pins_text([locate(n, Source([boxes])) for n in ("mine", "mine.knn")]))
    for root in (boxes, "root"):
        assert load(root).digest == load_blackbox("mine.knn", source=Source([root])).digest


def test_what_was_fetched_is_loaded_offline(boxes: Path, web: Site, empty_cache: Callable[[], Path]) -> None:
    del empty_cache
    publish("mine", web.folder, source=Source([boxes]))
    online = load(web.url)
    assert online["a"].digest() == load(boxes)["a"].digest()
    web.proxy.requests.clear()
    assert load(web.url, offline=True)["a"].digest() == online["a"].digest()
    assert list(web.proxy.requests) == []
