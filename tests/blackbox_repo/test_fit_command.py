"""bb-repo fit as its users see it, and what it does for those who stop it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import Source, load_blackbox
from blackbox_repo.cli.fitting import parse_settings
from blackbox_repo.errors import InvalidOption
from blackbox_repo.fit_tables import FitOrder, fit_tables
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.store.surrogate_cache import kept
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.report import Report
from tests.blackbox_repo.small_tables import make_blackbox
from tests.blackbox_repo.test_cli import Finished, bb_repo, refuses

__all__ = ["bb_repo"]


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``mine`` lies in a folder that is searched; the cache and the user's own folder are empty."""
    make_blackbox(tmp_path / "boxes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


def stored(model: str = "forest", folder: str = "home") -> Path:
    return Path(folder) / "mine" / "surrogates" / model


def test_it_stores_surrogates_with_their_quality(bb_repo: Callable[..., Finished]) -> None:
    finished = bb_repo("fit", "mine", "--set", "trees=7")
    assert finished.status == 0
    task, *_ = lines = finished.out.splitlines()
    assert task.split() == ["task", "objective", "rank", "correlation", "R2", "schedulers", "fitted", "to"]
    assert [line.split()[:2] for line in lines[1:3]] == [["a", "loss"], ["b", "score"]]
    assert "bb-sim run mine/a --off-table forest uses it" in lines[-1]
    manifest = read_manifest(stored())
    assert manifest.recipe == "bb-repo fit mine --model forest --set trees=7"
    for fitted in manifest.fitted().tasks.values():
        assert isinstance(fitted.quality, Report)
        assert fitted.quality.rank is not None
        assert fitted.quality.rank > 0.5
    found = load_blackbox("mine", source=Source(surrogate="forest"))
    assert found["a"].info.table == load_blackbox("mine")["a"].digest()


def test_programs_get_json(bb_repo: Callable[..., Finished]) -> None:
    finished = bb_repo("fit", "mine", "--model", "knn", "--task", "b", "--json")
    found = json.loads(finished.out)
    assert found["folder"] == str(Path("home").resolve() / "mine" / "surrogates" / "knn")
    (task,) = found["tasks"]
    assert (task["task"], task["objective"], task["rows"], task["of"]) == ("b", "score", 24, 24)
    assert -1 <= task["rank"] <= 1


def test_info_tells_which_surrogates_there_are_and_how_good(bb_repo: Callable[..., Finished]) -> None:
    assert "surrogate" not in bb_repo("info", "mine").out
    bb_repo("fit", "mine", "--model", "knn")
    told = bb_repo("info", "mine").out
    assert "surrogate knn (user)" in told
    assert told.splitlines()[-2].split()[:2] == ["a", "loss"]
    own = bb_repo("info", "mine.knn").out
    assert "surrogate of  mine 1.0" in own
    assert "fitted with   model knn, seed 0" in own
    assert json.loads(bb_repo("info", "mine.knn", "--json").out)["surrogate"]["of"]["blackbox"] == "mine"


def test_a_surrogate_that_ranks_too_badly_is_refused_with_its_figures(
    bb_repo: Callable[..., Finished],
) -> None:
    refuses(
        bb_repo("fit", "mine", "--model", "knn", "--set", "neighbours=24", "--min-rank", "0.99"),
        "min_rank=0.99 refuses the surrogate 'knn' of 'mine/a'",
        "have the rank correlation",
        "and R2",
    )
    assert not stored("knn").exists()
    refuses(bb_repo("fit", "mine", "--min-rank", "2"), "--min-rank")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("mine", "--model", "tree"), ("unknown surrogate 'tree'",)),
        (("mine", "--set", "tres=7"), ("unknown setting 'tres'", "did you mean 'trees'")),
        (("mine", "--set", "trees"), ("--set trees must be NAME=VALUE",)),
        (("mine", "--set", "trees=0"), ("trees",)),
        (("mine", "--task", "c"), ("unknown task 'c' of 'mine'",)),
        (("mine", "--noise", "--seeds", "separate"), ("take seeds='merged' with it",)),
        (("yahpo-lcbench", "--task", "3945"), ("lists no configurations",)),
        (("nasbench-nlp",), ("no surrogate can learn 'nasbench-nlp/wikitext-2'",)),
        (("nowhere",), ("unknown blackbox 'nowhere'",)),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_a_line(
    bb_repo: Callable[..., Finished], arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    refuses(bb_repo("fit", *arguments), *parts)
    assert not Path("home").exists()


def test_settings_are_json_or_text() -> None:
    found = parse_settings(["trees=7", "kind=half", "others=null", "x=0.5", 'y="7"', "z="])
    assert found == {"trees": 7, "kind": "half", "others": None, "x": 0.5, "y": "7", "z": ""}
    for wrong in (["=1"], ["a=1", "a=2"]):
        with pytest.raises(InvalidOption, match="with each name once"):
            parse_settings(wrong)


def test_another_folder_is_named_in_full(bb_repo: Callable[..., Finished]) -> None:
    finished = bb_repo("fit", "mine", "--model", "knn", "--out", "else")
    assert finished.out.splitlines()[-1].startswith("load_blackbox('else/mine/surrogates/knn') loads it")
    assert load_blackbox(stored("knn", "else"))["a"].digest()
    bb_repo("fit", "mine", "--model", "knn", "--out", "boxes")
    told = bb_repo("fit", "mine", "--model", "knn").out.splitlines()[-1]
    assert "boxes/mine/surrogates/knn is found first by the names alone" in told


# --- several tasks, one after the other --------------------------------------------------------------------


def order(**more: Any) -> FitOrder:
    return FitOrder("forest", settings={"trees": 5}, **more)


def test_tasks_may_be_fitted_one_after_the_other() -> None:
    tables = load_blackbox("mine")
    fit_tables(tables, order(), stored(), tasks=["b"])
    first = (stored() / "b.parquet").read_bytes()
    assert list(fit_tables(tables, order(), stored(), tasks=["a"]).tasks) == ["a", "b"]
    assert (stored() / "b.parquet").read_bytes() == first


def test_those_that_were_fitted_otherwise_are_not_lost() -> None:
    tables = load_blackbox("mine")
    fit_tables(tables, order(), stored())
    before = read_manifest(stored())
    with pytest.raises(InvalidOption, match="surrogates of a that were fitted in another way.*--out"):
        fit_tables(tables, order(seed=1), stored(), tasks=["b"])
    assert read_manifest(stored()) == before
    assert fit_tables(tables, order(seed=1), stored()).fitted().seed == 1


def test_those_of_tables_that_have_changed_since_then_go(tmp_path: Path) -> None:
    fit_tables(load_blackbox("mine"), order(), stored())
    make_blackbox(tmp_path / "boxes", scale=1.5)
    assert list(fit_tables(load_blackbox("mine"), order(seed=1), stored(), tasks=["b"]).tasks) == ["b"]


def test_the_spread_of_separate_seeds_is_judged() -> None:
    options = FitOptions(seeds="separate")
    manifest = fit_tables(load_blackbox("mine"), order(options=options), stored(), tasks=["a"])
    report = manifest.fitted().tasks["a"].quality
    assert report is not None
    assert report.objectives["loss"].predicted_seeds
    found = load_blackbox(stored())["a"]
    assert found.seeds({"rate": 0.001, "kind": "sgd"}) == (0, 7)


def test_what_is_said_names_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    fit_tables(load_blackbox("mine"), order(), stored(), say=said.append)
    assert said[0] == "a (1 of 2): fitting"
    assert "b (2 of 2): fold 5 of 5" in said


def test_one_that_is_killed_leaves_nothing_half_written_and_loses_nothing_finished() -> None:
    program = [sys.executable, "-m", "blackbox_repo.cli", "fit", "mine", "--set", "trees=500", "--json"]
    running = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not kept() and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert running.returncode == -signal.SIGKILL
    assert not stored().exists()
    finished = kept()
    assert len(finished) == 1
    content = finished[0].read_bytes()
    tables = load_blackbox("mine")
    (path,) = kept()
    assert path.read_bytes() == content
    fit_tables(tables, FitOrder("forest", settings={"trees": 500}), stored(), tasks=["a"])
    assert read_manifest(stored()).fitted().tasks["a"].quality is not None
    assert len(kept()) == 1
    assert [each.name for each in stored().parent.iterdir()] == ["forest"]


def test_one_that_is_interrupted_says_what_is_kept() -> None:
    program = [sys.executable, "-m", "blackbox_repo.cli", "fit", "mine", "--set", "trees=500"]
    running = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while not kept() and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert (running.returncode, out) == (130, "")
    assert "interrupted; nothing was written to" in err
    assert "what was fitted is kept, and the same command continues there" in err
    assert not stored().exists()
