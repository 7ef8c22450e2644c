"""A process that is killed at any file operation loses nothing that was finished, and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


def check_killed(kind: str, points: int, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests/simulator/killing.py", kind, str(points), folder],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] > 30
    assert len(found["outcomes"]) == min(points, found["steps"])
    for outcome in found["outcomes"]:
        assert outcome["killed"] == -signal.SIGKILL, outcome
        assert outcome["digest"] == found["digest"], outcome
        assert outcome["left"] == ["x"], outcome
        # 2: nothing had been begun, or all had been finished already
        assert outcome["statuses"] in ([0], [2], [2, 0]), outcome


@pytest.mark.parametrize("kind", ["log", "save"])
def test_a_run_killed_at_some_file_operations_is_whole_after_the_next_one(kind: str, tmp_path: Path) -> None:
    check_killed(kind, 6, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["log", "save"])
def test_a_run_killed_at_50_file_operations_is_whole_after_the_next_one(kind: str, tmp_path: Path) -> None:
    check_killed(kind, 50, tmp_path)
