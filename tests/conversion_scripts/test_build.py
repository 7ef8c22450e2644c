from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.manifest import read_manifest
from blackbox_repo.schema import Schema
from blackbox_repo.storage import load_task
from blackbox_repo.table import Table
from conversion_scripts.build import build
from conversion_scripts.raw import RawFolder
from conversion_scripts.recipe import Conversion, Recipe

ROOT = Path(__file__).parents[2]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_recipe_becomes_a_folder(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    manifest = build(recipe, raw, tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == ["tiny/digits.parquet", "tiny/manifest.json"]
    assert manifest == read_manifest(tmp_path / "out" / "tiny")
    assert manifest.tasks["digits"].title == "The digits"
    assert manifest.card[0].what == "it is tiny"
    assert manifest.recipe == "bb-convert tiny"
    (source,) = manifest.sources
    assert (source.repository, source.commit) == ("someone/runs", "0123456789abcdef")
    assert source.bytes == (raw / "runs.json").stat().st_size
    best = manifest.tasks["digits"].best["loss"]
    assert (best.value, best.configuration, best.fidelity) == (0.125, {"x": 2}, 2)
    digits = load_task(tmp_path / "out" / "tiny", manifest, "digits")
    assert digits.curve({"x": 2})["loss"].tolist() == [0.75, 0.125]


def test_two_runs_give_the_same_bytes(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        build(recipe, raw, tmp_path / out)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_steps_are_reported(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    build(recipe, raw, tmp_path / "out", report=steps.append)
    assert steps == ["reading and converting", "checking digits", "writing"]


def test_an_exception_leaves_nothing(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    def fail(raw: RawFolder) -> Conversion:
        raise KeyError(raw.json("runs.json")["x"][0])

    with pytest.raises(KeyError):
        build(replace(recipe, convert=fail), raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failure_while_writing_leaves_the_old_version(
    recipe: Recipe, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(recipe, raw, tmp_path / "out")
    before = content(tmp_path / "out")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("blackbox_repo.storage.write_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(replace(recipe, title="Another"), raw, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_the_next_version_replaces_the_old(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    build(changed(lambda made: {"old": made.tables["digits"]}), raw, tmp_path / "out")
    build(recipe, raw, tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == ["tiny/digits.parquet", "tiny/manifest.json"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]


def test_what_is_no_blackbox_is_not_replaced(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "tiny").mkdir(parents=True)
    (tmp_path / "out" / "tiny" / "thesis.tex").write_text("precious")
    with pytest.raises(FormatError, match="it is not a blackbox"):
        build(recipe, raw, tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == ["tiny/thesis.tex"]


def test_a_table_that_breaks_a_rule_is_not_written(
    changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    def with_nan(made: Conversion) -> dict[str, Table]:
        points = {**made.tables["digits"].points, "loss": np.array([np.nan, 0.25, 0.5, 0.75])}
        return {"digits": replace(made.tables["digits"], points=points)}

    with pytest.raises(FormatError, match="tiny/digits is refused: 1 row has NaN in 'loss'"):
        build(changed(with_nan), raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_are_those_of_the_recipe(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=re.escape("tiny/digits has the labels [], not ('official',)")):
        build(replace(recipe, labels=("official",)), raw, tmp_path / "out")


def test_an_objective_that_is_nan_throughout_has_no_best_value(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path, schema: Schema
) -> None:
    def all_nan(made: Conversion) -> dict[str, Table]:
        points = {**made.tables["digits"].points, "loss": np.full(4, np.nan)}
        return {"digits": replace(made.tables["digits"], points=points)}

    manifest = build(replace(changed(all_nan), nan_allowed=("loss",)), raw, tmp_path / "out")
    assert list(manifest.tasks["digits"].best) == ["elapsed_time"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_writing_leaves_nothing(tmp_path: Path, raw: Path, number: int, status: int) -> None:
    # the child says that it writes, and then waits to be stopped
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys, time, typer\n"
        "from pathlib import Path\n"
        "from blackbox_repo import console\n"
        "from blackbox_repo.folders import appearing\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def convert() -> None:\n"
        "    with appearing(Path(sys.argv[0]).parent / 'out' / 'tiny', print) as partial:\n"
        "        (partial / 'half.parquet').write_text('half')\n"
        "        print('writing', flush=True)\n"
        "        time.sleep(60)\n"
        "console.run(app, 'slow')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    child.send_signal(number)
    _, errors = child.communicate(timeout=20)
    assert (child.returncode, errors) == (status, "")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_manifest_is_json_without_nan(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    build(recipe, raw, tmp_path / "out")
    text = (tmp_path / "out" / "tiny" / "manifest.json").read_text()
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
