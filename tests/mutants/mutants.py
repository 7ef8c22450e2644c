"""Breaks the kernel and the schedulers in small ways, one at a time, and looks whether a test notices.

    tests/mutants/run                        a sample of 40, half an hour of one core
    tests/mutants/run --count 200 --jobs 2   a larger one; another --seed gives others
    tests/mutants/run simulator/kernel/cluster.py   of these modules only

A fault that no test notices must stand in docs/mutants.md, with the reason; exit status 1 if one does not.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.sampler import Mutant, mutants  # noqa: E402

PAGE = ROOT / "docs" / "mutants.md"
KERNEL = ("simulator/clock.py", "simulator/settings/decision_time.py")
STORIES = ("clock", "errors", "expensive_samplers", "independent", "limits", "training_seeds")
STAGES = {
    "kernel": (
        (
            *(f"tests/simulator/test_{name}.py" for name in STORIES),
            *("tests/simulator/kernel", "tests/simulator/settings", "tests/simulator/results/test_run.py"),
        ),
        ("tests/simulator/test_oracle.py", "tests/simulator/test_laws.py"),
        ("tests/golden",),
    ),
    "schedulers": (
        ("tests/simulator/schedulers", "tests/simulator/test_rungs.py"),
        ("tests/golden", "tests/simulator/test_schedulers.py"),
    ),
}
"""Tests by what is broken, the quickest first."""
MEMORY = 4 * 2**30
"""Bytes that a broken run may fill."""


@dataclass(frozen=True)
class Try:
    """A fault in a module."""

    module: str
    mutant: Mutant

    @property
    def row(self) -> str:
        """As docs/mutants.md has it, but for the reason."""
        return f"| {self.module} | `{self.mutant.before}` | `{self.mutant.after}` |".replace("||", "or")

    @property
    def kind(self) -> str:
        return "schedulers" if "/schedulers/" in self.module else "kernel"


def modules() -> list[str]:
    """What is broken if nothing else is said."""
    apart = ("__init__", "registry", "listing")
    schedulers = sorted(path.stem for path in (ROOT / "simulator/schedulers").glob("*.py"))
    return [
        *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "simulator/kernel").glob("[!_]*.py"))),
        *KERNEL,
        *(f"simulator/schedulers/{name}.py" for name in schedulers if name not in apart),
    ]


def sample(names: list[str], count: int, seed: int) -> list[Try]:
    """So many faults, evenly among all there are; the same ones for the same sources and seed."""
    tries = [Try(name, mutant) for name in names for mutant in mutants((ROOT / name).read_text())]
    order = {one: hashlib.sha256(f"{seed} {one.row}".encode()).digest() for one in tries}
    return sorted(order, key=lambda one: order[one])[:count]


class Copy:
    """A copy of the project in which one module is broken at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("simulator", "blackbox_repo", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)
        (folder / "data_cache").symlink_to(ROOT / "data_cache")

    def killed_by(self, one: Try, limits: dict[tuple[str, ...], float]) -> str:
        """The first test that notices, ``"time"`` if one does not end, or nothing."""
        path = self.folder / one.module
        original = path.read_text()
        path.write_text(one.mutant.source)
        try:
            for tests in STAGES[one.kind]:
                found = self.test(tests, limits[tests])
                if found:
                    return found
        finally:
            path.write_text(original)
        return ""

    def test(self, tests: tuple[str, ...], seconds: float) -> str:
        """The first test that fails, ``"time"``, or nothing."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--no-header",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self.folder)}
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "time"
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return "" if done.returncode == 0 else (lines or ["no test could be run"])[0]


def patience(copy: Copy, kinds: set[str]) -> dict[tuple[str, ...], float]:
    """How long each stage may take: four times as long as without a fault, which must pass."""
    limits = {}
    for kind in sorted(kinds):
        for tests in STAGES[kind]:
            began = time.monotonic()
            failed = copy.test(tests, 3600)
            if failed:
                raise SystemExit(f"without any fault: {failed}")
            limits[tests] = 20 + 4 * (time.monotonic() - began)
    return limits


def main() -> int:
    """Print a line for each fault; 0 if tests notice all but those that docs/mutants.md explains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("module", nargs="*", help="by default the kernel and all schedulers")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    tries = sample(asked.module or modules(), asked.count, asked.seed)
    explained = PAGE.read_text() if PAGE.exists() else ""
    survived, unknown = 0, 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        copies: queue.Queue[Copy] = queue.Queue()
        for number in range(asked.jobs):
            copies.put(Copy(Path(folder, str(number))))
        limits = patience(copies.queue[0], {one.kind for one in tries})

        def attempt(one: Try) -> str:
            copy = copies.get()
            try:
                return copy.killed_by(one, limits)
            finally:
                copies.put(copy)

        for one, killer in zip(tries, pool.map(attempt, tries), strict=True):
            known = one.row in explained
            survived, unknown = survived + (not killer), unknown + (not killer and not known)
            verdict = (killer and "noticed") or ("SURVIVED, explained" if known else "SURVIVED")
            print(f"{verdict:20} {one.row} {killer.removeprefix('FAILED ')[:90]}", flush=True)  # noqa: T201
    print(f"{len(tries)} faults, {survived} not noticed, {unknown} of these not explained")  # noqa: T201
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
