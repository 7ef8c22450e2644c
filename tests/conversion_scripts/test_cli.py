from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conversion_scripts.registry import RECIPES, load_recipe

ROOT = Path(__file__).parents[2]


def bb_convert(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "conversion_scripts.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        check=False,
    )


def fails_with(result: subprocess.CompletedProcess[str], line: str) -> None:
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"bb-convert: error: {line}\n")


def test_list_shows_every_recipe() -> None:
    result = bb_convert("--list")
    assert (result.returncode, result.stderr) == (0, "")
    for name in RECIPES:
        assert name in result.stdout
        assert load_recipe(name).license in result.stdout


def test_list_of_one_shows_its_raw_files() -> None:
    result = bb_convert("nasbench-macro", "--list")
    assert result.returncode == 0
    assert "nas_bench_macro/nas-bench-macro_cifar10.json" in result.stdout
    assert "xiusu/NAS-Bench-Macro" in result.stdout


def test_help_teaches_with_an_example() -> None:
    result = bb_convert("--help")
    assert result.returncode == 0
    assert "bb-convert nasbench-macro --raw ~/raw --out ~/blackboxes" in result.stdout


def test_an_unknown_recipe_is_answered_with_the_nearest(tmp_path: Path) -> None:
    fails_with(
        bb_convert("nasbench-makro", "--raw", tmp_path),
        "unknown recipe 'nasbench-makro'; "
        "did you mean 'nasbench-macro' or 'nasbench-nlp' or 'nasbench201-final'?",
    )


def test_nothing_given() -> None:
    fails_with(bb_convert(), "give the NAME of a recipe, or --list to see them; --help has an example")
    fails_with(
        bb_convert("taskset"),
        "give the folder with the raw files as --raw; bb-convert taskset --list shows them",
    )


def test_a_wrong_option_is_one_line() -> None:
    result = bb_convert("--rwa", "x")
    assert result.returncode == 2
    assert result.stderr.startswith("bb-convert: error: No such option: --rwa")
    assert result.stderr.count("\n") == 1


def test_a_missing_raw_folder(tmp_path: Path) -> None:
    fails_with(
        bb_convert("taskset", "--raw", tmp_path / "nowhere", "--out", tmp_path / "out"),
        f"the raw folder '{tmp_path / 'nowhere'}' does not exist or is no folder",
    )
    assert not (tmp_path / "out").exists()


def test_a_raw_folder_without_the_files(tmp_path: Path) -> None:
    fails_with(
        bb_convert("icml-deepar", "--raw", tmp_path, "--out", tmp_path / "out"),
        f"the raw folder '{tmp_path}' lacks 1 of the 1 files needed: 'icml2020/DeepAR.csv.zip' "
        "(src/blackbox/offline_evaluations/DeepAR.csv.zip of "
        "geoalgo/A-Quantile-based-Approach-for-Hyperparameter-Transfer-Learning at commit 31cdb2ff2957)",
    )


def test_a_raw_file_with_another_content(tmp_path: Path) -> None:
    (tmp_path / "icml2020").mkdir()
    (tmp_path / "icml2020" / "DeepAR.csv.zip").write_bytes(b"PK")
    result = bb_convert("icml-deepar", "--raw", tmp_path, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "is not the file that this recipe knows: its sha256 is " in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data").is_dir(), reason="the raw data are not here")
def test_an_out_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("I am a file")
    result = bb_convert("nasbench-macro", "--raw", ROOT.parent / "shared" / "data", "--out", tmp_path / "out")
    fails_with(result, f"{tmp_path / 'out'}: File exists")


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data").is_dir(), reason="the raw data are not here")
def test_a_conversion_ends_with_one_line_about_what_it_made(tmp_path: Path) -> None:
    result = bb_convert("icml-deepar", "--raw", ROOT.parent / "shared" / "data", "--out", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / 'icml-deepar'}: 11 tasks, 2,510 training runs, 0.16 MB of parquet\n"
    assert json.loads((tmp_path / "icml-deepar" / "manifest.json").read_text())["name"] == "icml-deepar"


def test_every_recipe_bears_its_name_and_states_where_its_files_are_from() -> None:
    for name in RECIPES:
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.card
        for file in recipe.files:
            assert len(file.sha256) == 64, file
            assert len(file.commit) == 40, file
            assert file.url.startswith("https://"), file
