"""A surrogate is fitted once on a machine, whatever happens to those who fit it or to what they kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from blackbox_repo import load_blackbox, views
from blackbox_repo.errors import CacheWarning
from blackbox_repo.find_surrogate import find_surrogate
from blackbox_repo.store import cache_folder
from blackbox_repo.store.fitted_storage import save_surrogate
from blackbox_repo.store.surrogate_cache import fit_once, keep, kept, path_of
from blackbox_repo.surrogate.fit import Fitting, fit_surrogate
from blackbox_repo.surrogate.quality import judge
from tests.blackbox_repo.small_tables import make_blackbox

ASKED = {"rate": 0.02, "kind": "adam"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path))
    monkeypatch.setattr(cache_folder, "_told", set())


@pytest.fixture
def mine(tmp_path: Path):
    return load_blackbox(make_blackbox(tmp_path))


def fitting(mine, task="a", model="forest", **more):
    settings = {} if model == "knn" else {"trees": 5}
    return Fitting.of(mine[task], model, settings=settings, **more)


def said(fitting):
    """What was said while it was fitted; nothing if it was not."""
    told = []
    surrogate = fit_once(fitting, told.append)
    return surrogate, told


def fits(fitting, monkeypatch):
    """How often it is fitted when it is wanted."""
    count = []
    original = Fitting.fit
    with monkeypatch.context() as patch:
        patch.setattr(Fitting, "fit", lambda self, *a, **k: count.append(1) or original(self, *a, **k))
        surrogate = fit_once(fitting)
    return len(count), surrogate


@pytest.mark.parametrize("model", ["forest", "knn", "extra_trees"])
def test_it_is_fitted_once(mine, model, monkeypatch):
    first, made = fits(fitting(mine, model=model), monkeypatch)
    second, found = fits(fitting(mine, model=model), monkeypatch)
    assert (first, second, len(kept())) == (1, 0, 1)
    assert made.digest() == found.digest() == fitting(mine, model=model).fit().digest()
    assert (made.info, made.name) == (found.info, found.name)
    assert made.curve(ASKED)["loss"].tolist() == found.curve(ASKED)["loss"].tolist()


def test_what_is_fitted_otherwise_is_another_one(mine, tmp_path):
    base = fitting(mine)
    others = [
        fitting(mine, "b"),
        fitting(mine, seed=1),
        Fitting.of(mine["a"], "forest", settings={"trees": 6}),
        replace(base, options=replace(base.options, seeds="separate")),
        fitting(mine, space=replace(base.space, candidates=None).__class__({**base.space.domains})),
    ]
    paths = [path_of(each) for each in (base, *others)]
    assert len(set(paths)) == len(paths) - 1  # an equal space is the same one


@pytest.mark.parametrize("damage", ["flipped", "cut off", "empty", "a folder", "a link to nothing"])
def test_a_damaged_one_is_fitted_again(mine, damage, monkeypatch):
    fit_once(fitting(mine))
    (path,) = kept()
    content = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "a link to nothing":
        path.symlink_to("nowhere")
    else:
        changed = bytes([*content[:500], content[500] ^ 1, *content[501:]])
        path.write_bytes({"flipped": changed, "cut off": content[:-9], "empty": b""}[damage])
    count, surrogate = fits(fitting(mine), monkeypatch)
    assert (count, surrogate.digest()) == (1, fitting(mine).fit().digest())
    assert path.read_bytes() == content
    assert fits(fitting(mine), monkeypatch)[0] == 0


def test_what_is_kept_may_get_its_quality_later(mine, monkeypatch):
    surrogate = fit_once(fitting(mine))
    assert surrogate.info.quality is None
    report = judge(fitting(mine)).report
    keep(fitting(mine), surrogate.judged(report))
    count, found = fits(fitting(mine), monkeypatch)
    assert (count, found.info.quality) == (0, report)


def test_without_a_cache_it_is_fitted_each_time(mine, monkeypatch):
    monkeypatch.setenv("BLACKBOX_CACHE", "")
    assert [fits(fitting(mine), monkeypatch)[0] for _ in range(2)] == [1, 1]
    assert kept() == []


def test_a_view_without_a_digest_and_a_foreign_estimator_are_not_kept(mine):
    assert path_of(fitting(mine)) is not None
    assert path_of(replace(fitting(mine), left_out=frozenset([1]))) is None
    assert path_of(replace(fitting(mine), model=object())) is None


def test_a_folder_of_somebody_else_is_not_used(mine, tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "surrogates"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.warns(
        CacheWarning, match="but only you may write to it.*each process fits surrogates for itself"
    ):
        assert fits(fitting(mine), monkeypatch)[0] == 1
    assert list(folder.iterdir()) == []


def test_two_processes_that_want_it_at_once_fit_it_once(mine, tmp_path):
    program = f"""
from pathlib import Path
from blackbox_repo import load_blackbox
from blackbox_repo.store.surrogate_cache import fit_once
from blackbox_repo.surrogate.fit import Fitting
fitting = Fitting.of(load_blackbox({str(mine.folder)!r})["a"], "forest", settings={{"trees": 400}})
original = Fitting.fit
def fit(self, *arguments):
    print("fitted", flush=True)
    return original(self, *arguments)
Fitting.fit = fit
print(fit_once(fitting).digest())
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [process.communicate()[0].split() for process in running]
    assert sum("fitted" in answer for answer in answers) == 1
    assert len({answer[-1] for answer in answers}) == 1
    assert len(kept()) == 1


# --- finding one ------------------------------------------------------------------------------------------


def test_a_stored_one_comes_first(mine, monkeypatch):
    made = {task: fit_surrogate(mine[task], "forest", settings={"trees": 3}) for task in mine}
    assert find_surrogate(mine["a"], "knn").info.model == "knn"
    save_surrogate(mine.folder / "surrogates" / "forest", mine.manifest, made)
    found = find_surrogate(mine["a"], "forest")
    assert (found.name, found.info.settings) == ("mine.forest/a", {"trees": 3})
    assert len(kept()) == 1


def test_a_view_of_a_table_has_a_surrogate_of_its_own(mine):
    made = {task: fit_surrogate(mine[task], "knn", settings={"neighbours": 2}) for task in mine}
    save_surrogate(mine.folder / "surrogates" / "knn", mine.manifest, made)
    cut = views.up_to(mine["a"], 2)
    found = find_surrogate(cut, "knn")
    assert found.info.table == cut.digest()
    assert found.curve(ASKED)["loss"].shape == (2,)
    assert find_surrogate(mine["a"], "knn").info.settings == {"neighbours": 2}


def test_it_answers_for_what_the_table_lacks(mine):
    combined = views.with_surrogate(mine["a"], find_surrogate(mine["a"], "knn"))
    assert not combined.holds(ASKED)
    assert combined.curve(ASKED)["elapsed_time"].tolist() == sorted(combined.curve(ASKED)["elapsed_time"])
