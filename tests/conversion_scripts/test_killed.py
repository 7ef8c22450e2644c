"""A conversion that is killed leaves nothing half-visible and no lock, and the next one succeeds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blackbox_repo.transfer.host import Host, Page
from tests.conversion_scripts.killing import make_raw_file

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
WHOLE = [
    *("out/mine", "out/mine/README.md", "out/mine/known.parquet", "out/mine/manifest.json"),
    *("out/mine/manifest.sha256", "out/mine/unknown.parquet"),
    *("raw/mine", "raw/mine/known.csv", "raw/mine/unknown.csv"),
]


def check_killed(kind: str, points: int, folder: Path, host: Host) -> None:
    host.pages = {f"/{task}.csv": Page(make_raw_file(task)) for task in ("known", "unknown")}
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "tests/conversion_scripts/killing.py",
            kind,
            str(points),
            folder,
            host.address,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] > 30
    assert len(found["outcomes"]) == points
    for point, outcome in enumerate(found["outcomes"]):
        assert outcome["killed"] == -signal.SIGKILL or kind == "times", outcome
        assert outcome["found"] in ("1.0", "0.9" if point % 2 else "nothing"), outcome
        assert (outcome["status"], outcome["digest"], outcome["left"]) == (0, found["digest"], WHOLE), outcome


@pytest.mark.parametrize("kind", ["steps", "times"])
def test_a_conversion_killed_at_some_points(kind: str, tmp_path: Path, host: Host) -> None:
    check_killed(kind, 4, tmp_path, host)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["steps", "times"])
def test_a_conversion_killed_at_50_points(kind: str, tmp_path: Path, host: Host) -> None:
    check_killed(kind, 50, tmp_path, host)
