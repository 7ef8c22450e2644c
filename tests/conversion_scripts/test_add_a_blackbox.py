"""docs/add-a-blackbox.md, done as a new user would: its files are written, its commands typed."""

from __future__ import annotations

import doctest
import json
import operator
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.repository import load_blackbox
from conversion_scripts.raw import RawFile, RawFolder

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-blackbox.md").read_text(encoding="utf-8")
MODULES = {
    "bb-convert": "conversion_scripts",
    "bb-repo": "blackbox_repo",
    "bb-sim": "simulator",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The user's folder, with the two files of the page."""
    (tmp_path / "raw" / "digits").mkdir(parents=True)
    (tmp_path / "raw" / "digits" / "runs.csv").write_text(blocks("csv")[0])
    (tmp_path / "my_recipes.py").write_text(blocks("python")[0])
    return tmp_path


def run(command: str, folder: Path, warnings: str = "error") -> subprocess.CompletedProcess[str]:
    name, *arguments = shlex.split(command)
    return subprocess.run(
        [sys.executable, "-W", warnings, "-m", MODULES[name], *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BLACKBOX_PATH": "boxes", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def typed(command: str, folder: Path) -> str:
    done = run(command, folder)
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def convert(folder: Path, out: str = "boxes") -> subprocess.CompletedProcess[str]:
    return run(f"bb-convert py:my_recipes:DIGITS --raw raw --out {out}", folder)


def test_the_page_works_as_it_stands(folder: Path) -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert [command.split()[0] for command in commands] == ["bb-convert", "bb-repo", "bb-sim"]
    made, verified, simulated = [typed(command, folder) for command in commands]
    assert made == blocks("text")[0]
    assert verified.split()[-4:] == ["digits", "digits", "digits.parquet", "ok"]
    assert "valid_error" in simulated
    digits = load_blackbox(folder / "boxes" / "digits")["digits"]
    configuration = {"learning_rate": 0.01, "layers": 2}
    assert digits.curve(configuration, seed=1)["valid_error"].tolist() == [9.9, 6.4, 5.0]
    assert digits.curve(configuration, seed=0)["elapsed_time"].tolist() == [10.2, 20.1, 30.5]
    lost = digits.curve({"learning_rate": 1.0, "layers": 1})
    assert (len(lost), lost.status, lost["valid_error"][0]) == (2, "diverged", 88.7)
    assert np.isnan(lost["valid_error"][1])


def install(folder: Path) -> None:
    """Install the package ``package`` into ``site``, as ``pip install .`` does."""
    pytest.importorskip("hatchling")
    (folder / "package" / "lab_tables" / "__init__.py").touch()
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    )
    subprocess.run([*pip, "--target", folder / "site", folder / "package"], check=True)


def prints(code: str, folder: Path) -> str:
    """What a fresh Python prints that finds the installed package."""
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder / 'site'}"},
        capture_output=True,
        check=True,
        text=True,
    )
    return found.stdout


def test_a_package_of_its_own_brings_the_blackbox_along(folder: Path) -> None:
    convert(folder, "package/lab_tables")
    (folder / "package" / "pyproject.toml").write_text(blocks("toml")[0])
    install(folder)
    code = (
        "import sys, blackbox_repo; print(blackbox_repo.load_blackbox('digits'), 'lab_tables' in sys.modules)"
    )
    assert prints(code, folder) == "<blackbox digits: 1 tasks> False\n"


def test_a_package_of_its_own_brings_the_recipe_along(folder: Path) -> None:
    (folder / "package" / "lab_tables").mkdir(parents=True)
    (folder / "package" / "pyproject.toml").write_text("\n".join(blocks("toml")))
    (offers,) = [block for block in blocks("python") if "OFFERS = " in block]
    (folder / "package" / "lab_tables" / "recipes.py").write_text(blocks("python")[0] + offers)
    install(folder)
    code = "from blackbox_repo.recipes import describe_recipe; print(describe_recipe('digits'))"
    assert prints(code, folder).startswith(
        "no root has it, but a recipe makes it: bb-convert py:lab_tables.recipes:DIGITS "
    )


def test_the_example_is_short() -> None:
    assert len(blocks("python")[0].splitlines()) < 80


@pytest.mark.parametrize("command", [("check",), ("format", "--diff")])
def test_the_example_could_go_into_the_project_as_it_stands(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--stdin-filename", "conversion_scripts/digits.py", "-"],
        input=blocks("python")[0],
        cwd=ROOT,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) in [(0, ""), (0, "All checks passed!\n")]


OLD_IMPORTS = {
    "from blackbox_repo.store.manifest import Defect, TuningDefaults": (
        "from blackbox_repo.manifest import Default, Defect"
    ),
    "default=TuningDefaults(": "default=Default(",
    "from conversion_scripts.readers.points import": "from conversion_scripts.points import",
    "import ABOVE_0, PERCENT": "import ABOVE_0, PERCENT\nfrom conversion_scripts.completeness import Whole",
    "    convert=convert,": "    convert=convert,\n    whole=Whole(1, 3),",
}


def test_a_recipe_as_the_page_taught_it_before_still_works_and_warns(folder: Path) -> None:
    text = blocks("python")[0]
    for new, old in OLD_IMPORTS.items():
        assert text.count(new) == 1
        text = text.replace(new, old)
    assert convert(folder, "new").returncode == 0
    (folder / "my_recipes.py").write_text(text)
    done = run("bb-convert py:my_recipes:DIGITS --raw raw --out old", folder, warnings="default")
    assert done.returncode == 0
    for old, new in (
        ("the module blackbox_repo.manifest", "blackbox_repo.store.manifest"),
        ("blackbox_repo.store.manifest.Default", "blackbox_repo.store.manifest.TuningDefaults"),
        ("the module conversion_scripts.points", "conversion_scripts.readers.points"),
        ("conversion_scripts.expected_size.Whole", "conversion_scripts.expected_size.ExpectedSize"),
        ("the argument whole of conversion_scripts.recipe.Recipe", "expected_size"),
    ):
        assert f"bb-convert: warning: {old} is called {new} now" in done.stderr
    files = [(folder / out / "digits" / "digits.parquet").read_bytes() for out in ("new", "old")]
    assert files[0] == files[1]


def lines_without(*left_out: int) -> str:
    lines = blocks("csv")[0].splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines) if number not in left_out)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (lines_without(2), "1 row has a point at epoch 3 where that at 2 should be"),
        (lines_without(1), "1 row has a point at epoch 2 where that at 1 should be"),
        (lines_without(2, 5), "2 rows have a point at epoch 3 where that at 2 should be"),
        (
            lines_without() + "0.001,3,0,2,22.5,26.0\n",
            "1 point of the same configuration, seed and epoch as another (first: learning_rate=0.001",
        ),
        (
            lines_without().replace("0,3,4.8", "0,4,4.8"),
            "1 row has a point at epoch 4 where that at 3 should",
        ),
        (
            lines_without().replace(",4.8,", ",-4.8,"),
            "valid_error=-4.8, which must be at least 0 and at most",
        ),
        (lines_without().replace(",4.8,", ",,"), "ValueError: could not convert string to float: ''"),
    ],
)
def test_a_file_that_lacks_or_doubles_an_epoch_is_refused(folder: Path, content: str, problem: str) -> None:
    (folder / "raw" / "digits" / "runs.csv").write_text(content)
    done = convert(folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert problem in done.stderr
    assert not (folder / "boxes").exists()


def test_the_lines_may_come_in_any_order(folder: Path) -> None:
    header, *lines = blocks("csv")[0].splitlines(keepends=True)
    for name, order in (("boxes", lines), ("mixed", [lines[0], *reversed(lines[1:])])):
        (folder / "raw" / "digits" / "runs.csv").write_text("".join([header, *order]))
        assert convert(folder, name).returncode == 0
    first, second = (load_blackbox(folder / name / "digits")["digits"] for name in ("boxes", "mixed"))
    for configuration in first.configurations():
        for seed in first.seeds(configuration):
            curves = [box.curve(configuration, seed=seed) for box in (first, second)]
            assert np.array_equal(curves[0]["valid_error"], curves[1]["valid_error"], equal_nan=True)


def test_the_functions_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    found = doctest.DocTestParser().get_doctest(blocks("pycon")[0], {}, "page", None, 0)
    assert doctest.DocTestRunner().run(found) == doctest.TestResults(0, 4)
    names: dict[str, Any] = {
        "json": json,
        "itemgetter": operator.itemgetter,
        "Any": Any,
        "RawFolder": RawFolder,
    }
    (logs,) = [block for block in blocks("python") if "def logs" in block]
    exec(logs, names)  # noqa: S102  the page is ours
    (tmp_path / "digits").mkdir()
    with zipfile.ZipFile(tmp_path / "digits" / "logs.zip", "w") as archive:
        for name, content in {"b/2.json": '{"x": 2}', "README": "no", "a/1.json": '{"x": 1}'}.items():
            archive.writestr(name, content)
    assert names["logs"](RawFolder(tmp_path, [RawFile("digits/logs.zip")])) == [{"x": 1}, {"x": 2}]


def test_the_raw_file_of_the_second_example_has_the_size_that_it_says() -> None:
    assert f"size={len(blocks('csv')[0])}," in blocks("python")[-1]
