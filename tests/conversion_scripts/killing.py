"""Kills ``bb-convert --download`` at a point, and looks at what is left and what the next one makes of it.

    python killing.py steps|times POINTS FOLDER URL   prints a JSON list: what came of each of so many points

A point is a change on the disk, or a moment; the points are drawn. At every other one an older version of the
blackbox is there and is replaced. The raw files are at URL/known.csv and URL/unknown.csv.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blackbox_repo import keyed_random
from blackbox_repo.errors import UnknownName
from blackbox_repo.repository import load_blackbox, verify
from blackbox_repo.roots.source import Source
from blackbox_repo.store.lock import exclusive
from conversion_scripts import cli
from tests.kill_points import count_steps, forked, killed_after

RECIPE = """
import numpy as np
from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.manifest import Defect
from blackbox_repo.table import Coded, Table
from conversion_scripts.raw import RawFile
from conversion_scripts.recipe import Conversion, Recipe

SCHEMA = Schema(Space({"x": Integer(0, 9999)}), Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")

def convert(raw):
    def table(task):
        runs = raw.csv(f"mine/{task}.csv")
        once = np.ones(len(runs["x"]), dtype=int)
        points = {"loss": np.array(runs["loss"], dtype=float)}
        return Table({"x": Coded.of(map(int, runs["x"]))}, 0 * once, points, once)
    return Conversion(SCHEMA, LazyTables(("known", "unknown"), table))

FILES = (
    RawFile("mine/known.csv", url="URL/known.csv", sha256="SHA256"),
    RawFile("mine/unknown.csv", url="URL/unknown.csv"),
)
MINE = Recipe("mine", "Mine", "MIT", "Me", "", "VERSION", FILES, (Defect("few", "kept"),), convert)
"""


def make_raw_file(task: str) -> bytes:
    """A file of 2,000 runs."""
    rows = [f"{x},{keyed_random.unit('loss', task, x)}" for x in range(2000)]
    return "\n".join(["x,loss", *rows, ""]).encode()


def convert() -> None:
    sys.argv = ["bb-convert", "py:mine:MINE", "--download", "--out", "out"]
    cli.main()


def make_folder(folder: Path, url: str, version: str) -> Path:
    """A user's folder with the recipe of this version."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(make_raw_file("known")).hexdigest()
    text = RECIPE.replace("URL", url).replace("SHA256", sha256).replace("VERSION", version)
    (folder / "mine.py").write_text(text)
    return folder


def digest(folder: Path) -> str:
    """The digest of the files of a blackbox; empty if there is none."""
    content = [(path.name, path.read_bytes().hex()) for path in sorted(folder.glob("*"))]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest() if folder.is_dir() else ""


def load(home: Path) -> str:
    """What a reader finds in the user's own folder: nothing, or the version of a blackbox that is whole."""
    os.environ["BLACKBOX_HOME"] = str(home)
    source = Source(roots=["user"])
    try:
        problems = [finding.problem for finding in verify("mine", source=source) if finding.problem]
    except UnknownName:
        return "nothing"
    return problems[0] if problems else load_blackbox("mine", source=source).manifest.version


def measure(folder: Path) -> float:
    """How many seconds a conversion takes."""
    begun = time.perf_counter()
    assert forked(folder, convert) == 0
    return time.perf_counter() - begun


def outcome(folder: Path, kill: Callable[[Path], int]) -> dict[str, Any]:
    """What is there after a conversion was killed, and after the next one."""
    box = folder / "out" / "mine"
    killed, found = kill(folder), load(folder / "out")
    status = forked(folder, convert)
    for file in (folder / "raw" / "mine").glob("[!.]*"):
        with exclusive(file):
            pass  # it has no owner, even if its file was left
    left = sorted(
        str(path.relative_to(folder)) for top in ("out", "raw") for path in (folder / top).rglob("*")
    )
    return {"killed": killed, "found": found, "status": status, "digest": digest(box), "left": left}


def main(kind: str, points: int, place: Path, url: str) -> None:
    old = make_folder(place / "old", url, "0.9")
    assert forked(old, convert) == 0
    whole = make_folder(place / "whole", url, "1.0")
    steps = count_steps(whole, convert)
    seconds = min(measure(make_folder(place / f"timed {repeat}", url, "1.0")) for repeat in range(3))

    def kill(point: int) -> Callable[[Path], int]:
        if kind == "steps":
            return lambda folder: forked(folder, convert, 1 + keyed_random.integer(steps, "steps", point))
        return lambda folder: killed_after(folder, convert, seconds * keyed_random.unit("times", point))

    outcomes = []
    for point in range(points):
        folder = place / str(point)
        if point % 2:
            shutil.copytree(old / "out", folder / "out")
        outcomes.append(outcome(make_folder(folder, url, "1.0"), kill(point)))
    sys.stdout.write(json.dumps({"steps": steps, "digest": digest(whole / "out/mine"), "outcomes": outcomes}))


if __name__ == "__main__":
    os.environ["no_proxy"] = "*"
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
