"""docs/add-a-blackbox.md, done as a new user would: its files are written, its commands typed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.repository import load_blackbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-blackbox.md").read_text(encoding="utf-8")
MODULES = {
    "bb-convert": "conversion_scripts.cli",
    "bb-repo": "blackbox_repo.cli",
    "bb-sim": "simulator.cli",
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


def typed(command: str, folder: Path) -> str:
    name, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", MODULES[name], *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BLACKBOX_PATH": "boxes", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


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


def test_the_raw_file_of_the_second_example_has_the_size_that_it_says() -> None:
    assert f"size={len(blocks('csv')[0])}," in blocks("python")[1]
