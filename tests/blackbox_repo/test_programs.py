"""What the console scripts call."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from blackbox_repo import programs

try:
    import tomllib
except ModuleNotFoundError:  # CPython 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_console_script_runs_its_command_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _, function = SCRIPTS[name].partition(":")
    monkeypatch.setattr(sys, "argv", [name, "-h"])
    with pytest.raises(SystemExit) as end:
        getattr(importlib.import_module(module), function)()
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"Usage: {name} ")


def test_ctrl_c_while_modules_are_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(module: str) -> None:
        raise KeyboardInterrupt(module)

    monkeypatch.setattr(importlib, "import_module", interrupted)
    with pytest.raises(SystemExit) as end:
        programs.bb_sim()
    assert end.value.code == 130
    assert capsys.readouterr() == ("", "bb-sim: interrupted before it began\n")


@pytest.mark.parametrize(
    ("module", "program"),
    [
        ("blackbox_repo", "bb-repo"),
        ("blackbox_repo.cli", "bb-repo"),
        ("conversion_scripts", "bb-convert"),
        ("conversion_scripts.cli", "bb-convert"),
        ("simulator", "bb-sim"),
        ("simulator.cli", "bb-sim"),
    ],
)
def test_python_m_starts_the_same_programs(module: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "-h"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith(f"Usage: {program} ")
