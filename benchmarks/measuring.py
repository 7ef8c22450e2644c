"""How benchmarks measure, in turns with a peer or in fresh processes, and how they print what they found.

Times are of the processor (user and system), not of a clock on the wall: other programs then matter less.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from simulator.kernel import simulation

ROOT = Path(__file__).parents[1]
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
PACKAGES = (
    *("numpy", "pyarrow", "pandas", "scikit-learn", "xgboost", "xgboost-cpu"),
    *("syne-tune", "mfhpo-simulator", "yahpo-gym", "onnxruntime"),
)


@dataclass(frozen=True)
class Effort:
    """How often everything is measured, and how much of it.

    Args:
        rounds: Measurements of each row.
        trials: Trials of a simulated run.
        queries: Queries, curves or draws in a loop.
        results: Final results that an optimizer is told.
        hours: Simulated hours of a run on a surrogate.
    """

    rounds: int
    trials: int
    queries: int
    results: int
    hours: float


FULL, QUICK = Effort(5, 1000, 1000, 100, 6.0), Effort(1, 40, 20, 10, 0.05)


@dataclass(frozen=True)
class Measured:
    """The figures of all rounds: what the row is about, and for a pair the seconds of both sides."""

    values: Sequence[float]
    ours: Sequence[float] = ()
    theirs: Sequence[float] = ()


@dataclass(frozen=True)
class Row:
    """One thing to measure.

    Args:
        name: The environment that it is measured in, a slash, and a short name.
        what: What is done, for people.
        unit: The unit of the values; ``"x"`` for how many times faster than the peer.
        measure: Given the number of rounds, measures.
        mark: What is promised: the least value for a rate or a ratio, else the most.
        slow: Measured only if it is asked for by name.
    """

    name: str
    what: str
    unit: str
    measure: Callable[[int], Measured]
    mark: float | None = None
    slow: bool = False

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.unit == "x" or self.unit.endswith("/s")

    def result(self, rounds: int) -> dict[str, Any]:
        """Measure, and say what came of it as JSON."""
        measured = self.measure(rounds)
        middle = statistics.median(measured.values)
        holds = self.mark is None or (middle >= self.mark if self.at_least else middle <= self.mark)
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "mark": self.mark,
            "at_least": self.at_least,
            "median": middle,
            "smallest": min(measured.values),
            "largest": max(measured.values),
            "holds": holds if self.mark is not None else None,
            "ours_s": statistics.median(measured.ours) if measured.ours else None,
            "theirs_s": statistics.median(measured.theirs) if measured.theirs else None,
            "rounds": len(measured.values),
            "machine": machine(),
            "versions": versions(),
            "date": date.today().isoformat(),
        }


# --- measuring ----------------------------------------------------------------------------------------------


def cpu_seconds(action: Callable[[], object]) -> float:
    """Seconds of the processor that an action takes."""
    gc.collect()
    began = time.process_time()
    action()
    return time.process_time() - began


def in_turns(
    ours: Callable[[], object], theirs: Callable[[], object], *, warm: bool = True
) -> Callable[[int], Measured]:
    """The same work done twice, in turns, so that whatever else the machine does meets both.

    Args:
        ours: What we do.
        theirs: What the peer does.
        warm: Whether each is done once before, for its imports and caches.
    """

    def measure(rounds: int) -> Measured:
        if warm:
            ours(), theirs()
        pairs = [(cpu_seconds(ours), cpu_seconds(theirs)) for _ in range(rounds)]
        mine, others = zip(*pairs, strict=True)
        return Measured([there / here for here, there in pairs], mine, others)

    return measure


def alone(action: Callable[[], object], scale: Callable[[float], float]) -> Callable[[int], Measured]:
    """An action by itself; ``scale`` makes the row's value of its seconds."""

    def measure(rounds: int) -> Measured:
        action()
        return Measured([scale(cpu_seconds(action)) for _ in range(rounds)])

    return measure


def fresh(*arguments: str, less: Sequence[str] | None = None) -> Callable[[int], Measured]:
    """A whole process of this interpreter; less what another one takes in the same round."""

    def measure(rounds: int) -> Measured:
        fresh_process(*arguments)
        taken = [
            fresh_process(*arguments)[0] - (fresh_process(*less)[0] if less else 0) for _ in range(rounds)
        ]
        return Measured(taken)

    return measure


def fresh_process(*arguments: str) -> tuple[float, str]:
    """Seconds of the processor of a new interpreter, and what it prints."""
    import resource  # there is none on Windows

    path = os.pathsep.join(
        filter(None, [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")])
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path},  # idle ones spin
            capture_output=True,
            text=True,
            check=True,
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


# --- where it was measured ----------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """Python, the packages that matter, and the kernel that numpy's OpenBLAS chose for this processor."""
    compiled = not simulation.__file__.endswith(".py")
    found = {"python": platform.python_version(), "kernel": "compiled" if compiled else "interpreted"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    command = [sys.executable, "-c", "import numpy"]
    environment = {**os.environ, "OPENBLAS_VERBOSE": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    core = re.search(r"Core: (\w+)", done.stdout + done.stderr)
    return {**found, "openblas": core[1]} if core else found


def machine() -> dict[str, Any]:
    """The processor, how many of it, and how busy they are."""
    facts = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", facts.read_text()) if facts.is_file() else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def machine_in_words() -> str:
    """The interpreter and the machine in one line."""
    return (
        f"CPython {platform.python_version()}, numpy {np.__version__}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )


# --- saying it ----------------------------------------------------------------------------------------------

HEADINGS = ("what", "ours", "theirs", "figure", "smallest .. largest", "mark", "holds")
RULE = "| --- | ---: | ---: | ---: | ---: | ---: | --- |"


@dataclass(frozen=True)
class Table:
    """Results as rows of Markdown."""

    results: Sequence[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([markdown_row(HEADINGS), RULE, *(markdown_row(cells(one)) for one in self.results)])


def cells(result: dict[str, Any]) -> tuple[str, ...]:
    """What a result says, column by column."""
    mark = ""
    if result["mark"] is not None:
        mark = f"{'>=' if result['at_least'] else '<='} {figure(result['mark'])}"
    spread = f"{figure(result['smallest'])} .. {figure(result['largest'])}"
    sides = ["" if result[side] is None else duration(result[side]) for side in ("ours_s", "theirs_s")]
    holds = {None: "", True: "yes", False: "NO"}[result["holds"]]
    return result["what"], *sides, f"{figure(result['median'])} {result['unit']}", spread, mark, holds


def figure(value: float) -> str:
    """Three digits: 0.0123, 1.23, 123, 1,230,000."""
    if abs(value) < 0.001:
        return f"{value:.3g}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def duration(seconds: float) -> str:
    """With a unit that suits it."""
    size, unit = next((entry for entry in UNITS if seconds >= entry[0]), UNITS[-1])
    return f"{figure(seconds / size)} {unit}"


def markdown_row(row: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(row)} |"


def text_row(row: Sequence[str]) -> str:
    """A row in columns."""
    what, *rest = row
    return f"{what:84}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(rest, (10, 10, 22, 26, 14, 6), strict=True)
    )
