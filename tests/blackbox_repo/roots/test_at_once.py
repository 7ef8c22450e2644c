"""Several processes publish, collect garbage, remove and fetch at the same moment in one root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox_repo.roots.shelf import write_settings
from tests.servers.fixtures import S3Server, make_bucket
from tests.servers.proxy import FaultyProxy

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests/blackbox_repo/roots/racing.py"
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
ROUNDS = [1, pytest.param(20, marks=pytest.mark.slow)]
NAME, OTHER = ["nasbench-macro", "1.0"], ["nmt-hpo", "1.0"]
LEFT = {
    "the same": [NAME],
    "two versions": [NAME, ["nasbench-macro", "1.1"]],
    "eight versions": [["nasbench-macro", f"1.{number}"] for number in range(8)],
    "different names": [NAME, OTHER, ["nmt-hpo.forest", "1.0"]],
    "with gc": [NAME],
    "with gc without grace": [NAME],
}


def race(what: str, rounds: int, folder: Path, address: str = "", **environment: str) -> list[dict[str, Any]]:
    """What came of each round; in none of them is anything wrong that a reader sees afterwards."""
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, what, str(rounds), folder / "rounds", address],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(found) == rounds
    for each in found:
        assert each["wrong"] == [], each
        assert each["index"] == each["manifests"], each
    return found


@dataclass(frozen=True)
class Place:
    """Where roots are written: below an address, or in folders."""

    address: str
    settings: str
    knows_conditions: bool

    def race(self, what: str, rounds: int, folder: Path) -> list[dict[str, Any]]:
        return race(what, rounds, folder, self.address, BLACKBOX_CONFIG=self.settings)


@pytest.fixture(params=["folder", "moto", pytest.param("s3rver", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    settings = tmp_path / "config.toml"
    settings.touch()
    if request.param == "folder":
        yield Place("", str(settings), knows_conditions=True)
        return
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    server: S3Server = request.getfixturevalue(request.param)
    with FaultyProxy(server.address) as proxy:
        bucket = make_bucket(server, proxy)
        write_settings(settings, bucket.url, bucket.options)
        yield Place(bucket.url, str(settings), server.knows_conditions)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("what", LEFT)
def test_all_succeed(what: str, rounds: int, tmp_path: Path, place: Place) -> None:
    if rounds == 1 and place.address and what != "two versions":
        pytest.skip("servers take long; the slow tests have them")
    for each in place.race(what, rounds, tmp_path):
        assert set(each["said"]) == {"done"}, each
        assert each["index"] == LEFT[what], each


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_two_contents_of_one_version_one_stands(rounds: int, tmp_path: Path, place: Place) -> None:
    for each in place.race("different content", rounds, tmp_path):
        done = [title for title, said in zip("ab", each["said"], strict=True) if said == "done"]
        told = [said for said in each["said"] if said.startswith("VersionExists: ")]
        assert each["title"] in done, each
        assert len(done) + len(told) == 2, each
        assert each["index"] == [NAME], each
        assert len(told) == 1 or not place.knows_conditions, each


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_version_is_removed_while_it_is_fetched(rounds: int, tmp_path: Path, place: Place) -> None:
    for each in place.race("removed while fetched", rounds, tmp_path):
        fetched, removed = each["said"]
        assert removed == "done"
        assert fetched == "done" or "it was removed just now" in fetched, each
        assert each["index"] == [NAME], each
