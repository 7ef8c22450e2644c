"""A command that is killed at any point leaves nothing half-visible and no lock; the next one continues."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import Source, publish
from tests.blackbox_repo.roots.killing import NAMES
from tests.blackbox_repo.roots.shelf import write_settings
from tests.servers import proxy as faults
from tests.servers.fixtures import Bucket, S3Server, Site, WebServer, make_bucket
from tests.servers.proxy import FaultyProxy

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
PIECE = 8192
IN_HAND = 1 << 16  # bytes that a download has in memory before it writes them
KINDS = ["steps", pytest.param("times", marks=pytest.mark.slow)]
FEW_AND_MANY = [2, pytest.param(50, marks=pytest.mark.slow)]


def kill(
    command: str, kind: str, points: int, folder: Path, address: str = "", **environment: str
) -> list[dict[str, Any]]:
    """What came of each point; what must hold after each is checked here."""
    script = ROOT / "tests/blackbox_repo/roots/killing.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", script, command, kind, str(points), folder, address],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["outcomes"]) == points
    for outcome in found["outcomes"]:
        assert outcome["killed"] == -signal.SIGKILL or kind == "times", outcome
        seen = outcome["seen"]
        allowed = ["nasbench-macro 1.0 is only in the index"] if command == "remove" else []
        assert [wrong for wrong in seen["wrong"] if wrong not in allowed] == [], outcome
        visible = {path: digest for path, digest in seen["left"].items() if "/." not in f"/{path}"}
        done_before = command == "remove" and visible == found["whole"]["left"]
        assert outcome["status"] == (2 if done_before else 0), outcome
        assert outcome["after"]["wrong"] == [], outcome
        if command != "fetch":  # whose index is that of another address
            assert outcome["after"]["left"] == found["whole"]["left"], outcome
        assert [path for path in outcome["after"]["left"] if "/." in f"/{path}"] == [], outcome
    outcomes: list[dict[str, Any]] = found["outcomes"]
    return outcomes


@pytest.fixture
def slow_site(nginx: WebServer, tmp_path: Path) -> Site:
    """A root on a server that sends slowly, under as many addresses as are asked for."""
    folder = nginx.folder / tmp_path.name
    for name in NAMES:
        publish(name, folder / "root", source=Source(("package",)))
    for point in (*range(50), "steps", *(f"timed-{repeat}" for repeat in range(3))):
        (folder / str(point)).symlink_to(folder / "root")
    proxy = FaultyProxy(nginx.address)
    proxy.plan(faults.dripping(PIECE, 0.02), "GET", "/objects/")
    return Site(nginx, folder, proxy)


@pytest.mark.parametrize("points", FEW_AND_MANY)
@pytest.mark.parametrize("kind", KINDS)
def test_fetch(kind: str, points: int, tmp_path: Path, slow_site: Site) -> None:
    with slow_site.proxy as proxy:
        kill("fetch", kind, points, tmp_path, slow_site.url)
        size = sum(path.stat().st_size for path in (slow_site.folder / "root/objects").iterdir())
        for point in range(points):
            asked = proxy.asked("GET", f"/{point}/objects/")
            moved = sum(request.received for request in asked)
            assert moved < size + 1000 * len(asked) + 4 * PIECE + IN_HAND, [
                vars(request) for request in asked
            ]


@pytest.mark.parametrize("points", FEW_AND_MANY)
@pytest.mark.parametrize("kind", KINDS)
def test_mirror(kind: str, points: int, tmp_path: Path, slow_site: Site) -> None:
    with slow_site.proxy:
        kill("mirror", kind, points, tmp_path, slow_site.url)


@pytest.mark.parametrize("points", FEW_AND_MANY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["publish", "gc", "remove"])
def test_in_a_folder(command: str, kind: str, points: int, tmp_path: Path) -> None:
    kill(command, kind, points, tmp_path)


@pytest.mark.parametrize("points", FEW_AND_MANY)
@pytest.mark.parametrize("command", ["publish", "gc"])
@pytest.mark.slow
def test_in_a_bucket(command: str, points: int, tmp_path: Path, moto: S3Server) -> None:
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    with FaultyProxy(moto.address) as proxy:
        bucket: Bucket = make_bucket(moto, proxy)
        proxy.plan(faults.delayed(0.005))
        write_settings(tmp_path / "config.toml", bucket.url, bucket.options)
        kill(command, "times", points, tmp_path, bucket.url, BLACKBOX_CONFIG=str(tmp_path / "config.toml"))
