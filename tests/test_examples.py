"""Every example runs, in seconds, and says something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path, run_python: Callable[..., str]) -> None:
    assert run_python(str(example))


def test_the_scheduler_of_the_examples_runs_on_the_command_line(
    run_python: Callable[..., str], tmp_path: Path
) -> None:
    command = "run nasbench-nlp --scheduler py:own_scheduler:WorseHalf --set scheduler.epoch=10"
    assert f"bb-sim {command}" in (FOLDER / "own_scheduler.py").read_text(encoding="utf-8")
    options = ["--out", str(tmp_path / "run"), "--json"]
    shown = run_python("-m", "simulator", *command.split(), *options, folder=FOLDER)
    assert '"ended_by": "time"' in shown
