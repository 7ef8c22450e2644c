from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox
from blackbox_repo.text.progress import LineReporter
from conversion_scripts import cli
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import all_recipes, load_recipe
from tests.blackbox_repo.transfer.host import Host, Page

ROOT = Path(__file__).parents[2]
# raw files that have not been seen here, and whose publisher gives no SHA-256
UNKNOWN_HASH: set[str] = {
    "data_2k_lw.zip",
    "nats_bench/NATS-sss-v1_0-50262-simple",
    "nats_bench/NATS-tss-v1_0-3ffb9-simple",
    "fcnet_tabular_benchmarks.tar.gz",
    "hpob/meta-dataset-descriptors.json",
    "pd1/pd1.tar.gz",
    *(f"yahpo_v1.0/iaml_{learner}/model.onnx" for learner in ("ranger", "rpart", "super", "xgboost")),
    *(f"yahpo_v1.0/rbv2_{learner}/model.onnx" for learner in ("aknn", "glmnet", "ranger", "super", "svm")),
    "yahpo_v1.0/nb301/model.onnx",
}


def bb_convert(
    *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    plain = {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **plain, **env}
    return subprocess.run(
        [sys.executable, "-m", "conversion_scripts", *map(str, arguments)],
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
    for name in all_recipes():
        assert name in result.stdout
        assert load_recipe(name).license in result.stdout


def test_list_of_one_shows_its_raw_files() -> None:
    result = bb_convert("nasbench-macro", "--list")
    assert result.returncode == 0
    assert "nas_bench_macro/nas-bench-macro_cifar10.json" in result.stdout
    assert "xiusu/NAS-Bench-Macro" in result.stdout


def test_list_of_one_shows_every_packing_and_what_is_by_hand() -> None:
    rows = [line.split() for line in bb_convert("nasbench201", "--list").stdout.splitlines()[-3:]]
    page = "https://github.com/D-X-Y/NATS-Bench/blob/00201cc9d0f0eccf21c3abbffd4872905f0df66c/README.md"
    assert rows == [
        [
            "nats_bench/NATS-tss-v1_0-3ffb9-simple",
            "~1,100.0",
            "unknown",
            "by",
            "hand",
            f"{page}#preparation-and-download",
        ],
        ["or", "nats_bench/NATS-tss-v1_0-3ffb9-simple.tar", "unknown", "by", "hand"],
        ["or", "nats_bench/NATS-tss-v1_0-3ffb9.pickle.pbz2", "unknown", "by", "hand"],
    ]
    rows = [line.split() for line in bb_convert("lcbench", "--list").stdout.splitlines()[-4::2]]
    assert rows[0] == ["data_2k_lw.zip", "~340.0", "unknown", "yes", load_recipe("lcbench").files[0].url]
    assert rows[1][:4] == ["or", "data_2k.zip", "unknown", "by"]
    rows = [line.split() for line in bb_convert("yahpo-lcbench", "--list").stdout.splitlines()]
    assert ["yahpo_v1.0/lcbench/model.onnx", "~2.2", "known", "yes"] in [row[:4] for row in rows]
    assert ["or", "yahpo_data.zip", "unknown", "by", "hand"] in [row[:5] for row in rows]
    rows = [line.split() for line in bb_convert("fcnet", "--list").stdout.splitlines()[-2:]]
    assert [row[0] for row in rows] == ["fcnet_tabular_benchmarks.tar.gz", "or"]
    assert rows[1] == ["or", "that", "archive", "unpacked", "unknown", "by", "hand"]


def test_help_teaches_with_an_example() -> None:
    result = bb_convert("--help")
    assert result.returncode == 0
    assert "bb-convert nasbench-macro --raw ~/raw --out ~/blackboxes" in result.stdout


def test_an_unknown_recipe_is_answered_with_the_nearest(tmp_path: Path) -> None:
    fails_with(
        bb_convert("taskst", "--raw", tmp_path),
        "unknown recipe 'taskst'; did you mean 'taskset' or 'taskset-imdb'? "
        "(your own recipe is py:module:attribute)",
    )


def test_nothing_given() -> None:
    fails_with(bb_convert(), "give the NAME of a recipe, or --list to see them; --help has an example")
    fails_with(
        bb_convert("taskset"),
        "give the folder with the raw files as --raw, or --download to fetch them; "
        "bb-convert taskset --list shows them",
    )


def test_a_wrong_option_is_one_line() -> None:
    result = bb_convert("--rwa", "x")
    assert result.returncode == 2
    assert result.stderr.startswith("bb-convert: error: No such option")
    assert result.stderr.count("\n") == 1


def test_a_missing_raw_folder(tmp_path: Path) -> None:
    fails_with(
        bb_convert("taskset", "--raw", tmp_path / "nowhere", "--out", tmp_path / "out"),
        f"the raw folder '{tmp_path / 'nowhere'}' does not exist or is not a folder",
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
    made, loading = result.stdout.splitlines()
    assert made == f"{tmp_path / 'icml-deepar'}: 11 tasks, 2,510 training runs, 0.16 MB of parquet"
    assert loading == (
        f"load_blackbox('{tmp_path / 'icml-deepar'}') loads it; its name alone is that of "
        f"{ROOT / 'data_cache' / 'icml-deepar'}, which is found first"
    )
    assert json.loads((tmp_path / "icml-deepar" / "manifest.json").read_text())["name"] == "icml-deepar"


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data").is_dir(), reason="the raw data are not here")
def test_a_surrogate_has_no_training_runs(tmp_path: Path) -> None:
    result = bb_convert("yahpo-iaml_glmnet", "--raw", ROOT.parent / "shared" / "data", "--out", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{tmp_path / 'yahpo-iaml_glmnet'}: 4 tasks, a surrogate network, 0.")


MINE = """
import numpy as np
from blackbox_repo.domains import Integer
from blackbox_repo.store.manifest import Defect
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table
from conversion_scripts.raw import RawFile
from conversion_scripts.recipe import Conversion, Recipe

SCHEMA = Schema(Space({"x": Integer(1, 9)}), Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")

def convert(raw):
    runs = raw.csv("mine/runs.csv")
    size = len(runs["x"])
    points = {"loss": np.array(runs["loss"], dtype=float)}
    x, once = {"x": Coded.of(map(int, runs["x"]))}, np.ones(size, dtype=int)
    return Conversion(SCHEMA, {"digits": Table(x, 0 * once, points, once)})

FILE = RawFile("mine/runs.csv", url="URL", sha256="SHA256", size=SIZE)
MINE = Recipe("mine", "Mine", "MIT", "Me", "", "1", (FILE,), (Defect("few", "kept"),), convert)
NUMBER = 3
"""
RUNS = b"x,loss\n1,0.5\n2,0.25\n"


def write_recipe(folder: Path, url: str, content: bytes = RUNS, *, hashed: bool = True) -> None:
    digest = hashlib.sha256(content).hexdigest() if hashed else ""
    text = MINE.replace("URL", url).replace("SHA256", digest)
    (folder / "mine.py").write_text(text.replace("SIZE", str(len(content))))


def test_a_recipe_of_ones_own_is_fetched_and_converted(host: Host, tmp_path: Path) -> None:
    host.pages = {"/runs": Page(RUNS)}
    write_recipe(tmp_path, host.url("/runs"))
    result = bb_convert("py:mine:MINE", "--download", "--out", "out", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")  # no terminal, no progress bar
    assert result.stdout.splitlines() == [
        "out/mine: 1 task, 2 training runs, 0.00 MB of parquet",
        "its raw files are kept in raw",
        "load_blackbox('out/mine') loads it; with BLACKBOX_ROOTS=out its name alone does",
    ]
    assert (tmp_path / "raw" / "mine" / "runs.csv").read_bytes() == RUNS
    manifest = json.loads((tmp_path / "out" / "mine" / "manifest.json").read_text())
    assert manifest["recipe"] == "bb-convert py:mine:MINE"
    assert manifest["sources"][0]["url"] == host.url("/runs")
    again = bb_convert("py:mine:MINE", "--download", "--raw", "raw", "--out", "out", cwd=tmp_path)
    assert again.stdout == result.stdout
    assert host.asked == [("/runs", "")]


def test_surrogates_are_fitted_to_what_was_converted(host: Host, tmp_path: Path) -> None:
    content = b"x,loss\n" + b"".join(b"%d,%d\n" % (x, (x - 4) ** 2) for x in range(1, 10))
    host.pages = {"/runs": Page(content)}
    write_recipe(tmp_path, host.url("/runs"), content)
    wrong = bb_convert("py:mine:MINE", "--download", "--out", "out", "--surrogate", "tree", cwd=tmp_path)
    assert "unknown surrogate 'tree'; did you mean" in wrong.stderr
    assert host.asked == []
    result = bb_convert("py:mine:MINE", "--download", "--out", "out", "--surrogate", "knn", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "out/mine/surrogates/knn: 0.00 MB" in result.stdout.splitlines()
    found = load_blackbox(tmp_path / "out" / "mine", source=Source(surrogate="knn"))["digits"]
    assert found.evaluate({"x": 4})["loss"] < found.evaluate({"x": 9})["loss"]
    again = bb_convert("py:mine:MINE", "--raw", "raw", "--out", "out", cwd=tmp_path)
    assert again.returncode == 0
    assert (tmp_path / "out" / "mine" / "surrogates" / "knn" / "digits.parquet").is_file()


def test_by_default_it_lies_in_the_users_own_folder_where_its_name_finds_it(
    host: Host, tmp_path: Path
) -> None:
    host.pages = {"/runs": Page(RUNS)}
    write_recipe(tmp_path, host.url("/runs"))
    home = {"BLACKBOX_HOME": str(tmp_path / "boxes")}
    result = bb_convert("py:mine:MINE", "--download", cwd=tmp_path, env=home)
    assert (result.returncode, result.stderr) == (0, "")
    made = tmp_path / "boxes" / "mine"
    assert result.stdout.splitlines() == [
        f"{made}: 1 task, 2 training runs, 0.00 MB of parquet",
        "its raw files are kept in raw",
        "load_blackbox('mine') loads it",
    ]
    assert (made / "manifest.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes", "mine.py", "raw"]


def test_an_own_folder_that_depends_on_where_the_command_runs_is_refused(tmp_path: Path) -> None:
    write_recipe(tmp_path, "https://example.org/x")
    convert = ("py:mine:MINE", "--raw", ".")
    fails_with(
        bb_convert(*convert, cwd=tmp_path, env={"BLACKBOX_HOME": "boxes"}),
        "BLACKBOX_HOME is 'boxes', but must be an absolute path",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py"]


def test_offline_nothing_is_fetched(host: Host, tmp_path: Path) -> None:
    write_recipe(tmp_path, host.url("/runs"))
    offline = {"BLACKBOX_OFFLINE": "1"}
    fails_with(
        bb_convert("py:mine:MINE", "--download", cwd=tmp_path, env=offline),
        "--download opens connections, which BLACKBOX_OFFLINE forbids; give the raw files as --raw",
    )
    assert host.asked == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "runs.csv").write_bytes(RUNS)
    result = bb_convert("py:mine:MINE", "--raw", ".", "--out", "out", cwd=tmp_path, env=offline)
    assert (result.returncode, result.stderr) == (0, "")


def test_what_a_recipe_needs_is_looked_for_before_anything_is_fetched(host: Host, tmp_path: Path) -> None:
    write_recipe(tmp_path, host.url("/runs"))
    text = (tmp_path / "mine.py").read_text()
    (tmp_path / "mine.py").write_text(text.replace(", convert)", ", convert, needs=('h5py', 'no_such'))"))
    fails_with(
        bb_convert("py:mine:MINE", "--download", cwd=tmp_path),
        "the recipe 'mine' needs no_such: pip install no_such",
    )
    assert host.asked == []


def test_the_error_says_how_to_get_a_file_that_no_host_gives(host: Host, tmp_path: Path) -> None:
    write_recipe(tmp_path, host.url("/gone"))
    result = bb_convert("py:mine:MINE", "--download", cwd=tmp_path)
    digest = hashlib.sha256(RUNS).hexdigest()
    fails_with(
        result,
        f"the raw file 'mine/runs.csv' could not be downloaded: {host.url('/gone')}: HTTP 404 Not Found. "
        f"By hand: get it from {host.url('/gone')} and put it at raw/mine/runs.csv; its sha256 is {digest}",
    )
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["mine.py"]


def test_a_terminal_shows_a_progress_bar(host: Host, tmp_path: Path) -> None:
    host.pages = {"/runs": Page(RUNS)}
    write_recipe(tmp_path, host.url("/runs"))
    output = bb_convert("py:mine:MINE", "--download", cwd=tmp_path, env={"FORCE_COLOR": "1", "TERM": "xterm"})
    assert output.returncode == 0
    assert "mine/runs.csv" in output.stderr


def test_a_full_disk_is_named_with_its_folder(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk."""
    write_recipe(tmp_path, "https://example.org/x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "runs.csv").write_bytes(RUNS)
    code = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); "
        "sys.argv[1:] = ['py:mine:MINE', '--raw', '.', '--out', 'out']; "
        "runpy.run_module('conversion_scripts.cli', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 2
    assert re.fullmatch(r"bb-convert: error: out/mine: .*File too large.*\n", result.stderr)
    assert not (tmp_path / "out").exists()


def test_a_conversion_tells_what_it_does_and_what_it_has_read(
    recipe: Recipe, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    class Told(LineReporter):
        def step(self, text: str) -> None:
            super().step(text)
            lines.append(self.line(0))

        def amount(self, file: str, done: int, total: int) -> None:
            super().amount(file, done, total)
            lines.append(self.line(0))

    monkeypatch.setattr("conversion_scripts.cli.report_progress", lambda name: nullcontext(Told(name)))
    (raw / "runs.json.gz").write_bytes(gzip.compress((raw / "runs.json").read_bytes()))
    (raw / "runs.json").unlink()
    cli._convert(recipe, raw, tmp_path, "bb-convert tiny")
    assert lines[0] == "bb-convert tiny, 0.0 min: reading and converting"
    assert "bb-convert tiny, 0.0 min: reading and converting: runs.json, 0 of 0 MB" in lines
    assert lines[-1] == "bb-convert tiny, 0.0 min: writing digits (1 of 1)"


def test_a_bomb_is_stopped_at_the_size_that_the_recipe_knows(tmp_path: Path) -> None:
    write_recipe(tmp_path, "https://example.org/x")
    (tmp_path / "raw" / "mine").mkdir(parents=True)
    packed = gzip.compress(bytes(1 << 26))
    assert len(packed) < 100_000
    (tmp_path / "raw" / "mine" / "runs.csv.gz").write_bytes(packed)
    fails_with(
        bb_convert("py:mine:MINE", "--raw", "raw", "--out", "out", cwd=tmp_path),
        f"raw/mine/runs.csv.gz unpacks to more than the limit of {len(RUNS)} bytes",
    )
    assert not (tmp_path / "out").exists()


def test_a_raw_file_of_another_layout_is_one_line_and_with_debug_a_traceback(tmp_path: Path) -> None:
    write_recipe(tmp_path, "https://example.org/x", RUNS.replace(b"loss", b"cost"), hashed=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "runs.csv").write_bytes(RUNS.replace(b"loss", b"cost"))
    lines = (tmp_path / "mine.py").read_text().splitlines()
    place = next(number for number, text in enumerate(lines, start=1) if 'runs["loss"]' in text)
    line = (
        f"the recipe 'mine' fails in line {place} of mine.py: KeyError: 'loss' (--debug shows where). If the "
        "recipe is right, runs.csv is not what it expects. The SHA-256 of mine/runs.csv is not known: if the "
        "file is truncated or is another one, delete it and fetch it again"
    )
    convert = ("py:mine:MINE", "--raw", ".", "--out", "out")
    fails_with(bb_convert(*convert, cwd=tmp_path), line)
    result = bb_convert(*convert, "--debug", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert 'points = {"loss": np.array(runs["loss"], dtype=float)}' in result.stderr
    assert result.stderr.endswith(f"bb-convert: error: {line}\n")


def test_a_bug_in_a_recipe_keeps_its_traceback(tmp_path: Path) -> None:
    content = RUNS.replace(b"loss", b"cost")
    write_recipe(tmp_path, "https://example.org/x", content)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "runs.csv").write_bytes(content)
    result = bb_convert("py:mine:MINE", "--raw", ".", "--out", "out", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Traceback")
    assert result.stderr.endswith("KeyError: 'loss'\n")


def test_the_place_is_looked_at_before_anything_is_fetched_or_read(host: Host, tmp_path: Path) -> None:
    host.pages = {"/runs": Page(RUNS)}
    write_recipe(tmp_path, host.url("/runs"))
    (tmp_path / "out" / "mine").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "thesis.tex").write_text("precious")
    (tmp_path / "file").write_text("I am a file")
    convert = ("py:mine:MINE", "--download", "--out")
    fails_with(
        bb_convert(*convert, "out", cwd=tmp_path), "out/mine holds no manifest.json: it is not a blackbox"
    )
    fails_with(bb_convert(*convert, "file", cwd=tmp_path), f"{tmp_path / 'file'}: File exists")
    assert host.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine.py", "out"]


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("py:mine", "the recipe 'py:mine' must be written py:module:attribute"),
        ("py:nowhere:X", "the recipe 'py:nowhere:X' cannot be imported: No module named 'nowhere'"),
        (
            "py:mine:X",
            "the recipe 'py:mine:X' cannot be imported: module 'mine' has no attribute 'X'",
        ),
        ("py:mine:NUMBER", "'py:mine:NUMBER' is not a Recipe of conversion_scripts.recipe: 3"),
    ],
)
def test_what_is_no_recipe_of_ones_own(tmp_path: Path, reference: str, line: str) -> None:
    write_recipe(tmp_path, "https://example.org/x")
    fails_with(bb_convert(reference, "--raw", tmp_path, cwd=tmp_path), line)


def test_the_list_says_licence_size_and_whether_the_files_can_be_downloaded() -> None:
    lines = bb_convert("--list").stdout.splitlines()
    assert lines[0].split() == ["recipe", "files", "MB", "download", "licence", "title"]
    (line,) = [line for line in lines if line.startswith("taskset ")]
    assert line.split()[:5] == ["taskset", "3", "9.4", "yes", "Apache-2.0"]
    (line,) = [line for line in lines if line.startswith("lcbench ")]
    assert line.split()[:5] == ["lcbench", "1", "~340.0", "yes", "Apache-2.0"]
    (line,) = [line for line in lines if line.startswith("nats-sss ")]
    assert line.split()[:5] == ["nats-sss", "1", "by", "hand", "MIT"]  # its size is not published


def test_the_list_fits_a_narrow_terminal_with_its_names_whole() -> None:
    lines = bb_convert("--list", env={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert set(all_recipes()) <= {line.split()[0] for line in lines}
    (line,) = [line for line in lines if line.startswith("hpob-4796 ")]
    assert line.split()[1:] == ["2", ">261.0", "yes"]  # one of the two files has no known size


def test_every_recipe_bears_its_name_and_states_where_its_files_are_from() -> None:
    for name in all_recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.card
        for file in recipe.files:
            assert len(file.sha256) == 64 or file.name in UNKNOWN_HASH, file
            assert len(file.commit) == 40 or not file.repository, file
            assert file.url or file.path, file
            assert all(url.startswith("https://") for url in (file.url, *file.mirrors) if url), file
