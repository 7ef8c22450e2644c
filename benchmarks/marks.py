"""Measures what this project promises about speed and memory, and prints it beside the promise.

    python benchmarks/marks.py              about two minutes
    python benchmarks/marks.py --quick      everything once and smaller, below half a minute: does it run?
    python benchmarks/marks.py --markdown   the table as it stands in the README

A line is the median of its repetitions, with the smallest and the largest. Nothing fails here: a mark that
does not hold is printed as such.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import synthetic

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.keyed_random import integer
from blackbox_repo.repository import load_blackbox
from blackbox_repo.space import Space
from simulator.api import simulate
from simulator.kernel.training_seeds import TrainingSeeds
from simulator.schedulers.asha import ASHA
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.random_search import RandomSearch
from simulator.settings.stopping import Stop

ROOT = Path(__file__).parents[1]
TABLES = {
    "nasbench201-final": "cifar10-valid",
    "nasbench-nlp": "wikitext-2",
    "taskset": "imdb_patch32_GRU64_avg_bs128",
    "fcnet-final": "protein_structure",
}
MIXED = Space(
    {
        "learning_rate": Float(1e-5, 1e-1, log=True),
        "weight_decay": Float(1e-5, 1, log=True),
        "momentum": Float(0, 1),
        "batch_size": Integer(16, 512, log=True),
        "optimizer": Categorical(("sgd", "adam", "rmsprop")),
        "layers": Integer(1, 5),
    }
)
FIRST_QUERY = """
from blackbox_repo.repository import load_blackbox
blackbox = load_blackbox("nasbench201-final")["cifar10-valid"]
edges = ("op_1_from_0", "op_2_from_0", "op_2_from_1", "op_3_from_0", "op_3_from_1", "op_3_from_2")
blackbox.curve(dict.fromkeys(edges, "nor_conv_3x3"))
"""
IMPORT = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"


@dataclass(frozen=True)
class Effort:
    """How much is measured: repetitions, queries in a loop, simulated hours and trials of a run."""

    repetitions: int
    queries: int
    hours: float
    trials: int


FULL, QUICK = Effort(7, 5000, 6.0, 1000), Effort(1, 300, 0.05, 60)


@dataclass(frozen=True)
class Line:
    """One thing that was measured several times, and the most (or least) that it may be."""

    what: str
    unit: str
    values: list[float]
    at_most: float | None = None

    def cells(self) -> tuple[str, str, str, str, str]:
        """What, median with unit, spread, mark, and whether it holds."""
        median = statistics.median(self.values)
        spread = f"{figure(min(self.values))} .. {figure(max(self.values))}"
        mark, verdict = "", ""
        if self.at_most is not None:
            mark, verdict = f"<= {figure(self.at_most)}", "yes" if median <= self.at_most else "NO"
        return self.what, f"{figure(median)} {self.unit}".strip(), spread, mark, verdict


def figure(value: float) -> str:
    """Three digits: 0.0123, 1.23, 123, 1,230,000."""
    if abs(value) < 0.001:
        return f"{value:.3g}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def seconds(action: Callable[[], object]) -> float:
    """How long it takes once."""
    gc.collect()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_fresh_process(*arguments: str) -> str:
    """What a fresh interpreter prints."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout


def fresh_processes(effort: Effort) -> Iterator[Line]:
    """Whole processes, from their start to their end, and the import statements alone."""
    repeat = range(effort.repetitions)
    whole = [seconds(lambda: in_fresh_process("-c", FIRST_QUERY)) for _ in repeat]
    yield Line("fresh process: import, load nasbench201-final/cifar10-valid, query", "s", whole, 1.0)
    for modules in ("numpy", "numpy, pyarrow.parquet", "blackbox_repo", "simulator"):
        times = [float(in_fresh_process("-c", IMPORT.format(modules))) for _ in repeat]
        floor = " (floor)" if modules.startswith("numpy") else ""
        yield Line(f"import {modules}{floor}", "s", times)


def table_queries(effort: Effort) -> Iterator[Line]:
    """One curve for a configuration given as a dict; all values of an objective."""
    for name, task in TABLES.items():
        blackbox = load_blackbox(name)[task]
        known, count = blackbox.configurations(), effort.queries
        asked = [dict(known[integer(len(known), "marks", name, i)]) for i in range(count)]

        def ask(blackbox: Blackbox = blackbox, asked: list[dict[str, object]] = asked) -> None:
            curve = blackbox.curve
            for configuration in asked:
                curve(configuration)

        times = [seconds(ask) / count * 1e6 for _ in range(effort.repetitions)]
        yield Line(f"curve of {name}, configuration as dict", "us", times, 2.0)
        target = blackbox.schema.target
        whole = [seconds(lambda b=blackbox, t=target: b.values(t)) * 1e3 for _ in range(effort.repetitions)]
        shape = " x ".join(f"{size:,}" for size in blackbox.values(target).shape)
        yield Line(f"values({target!r}) of {name}, {shape}", "ms", whole)


def memory(effort: Effort) -> Iterator[Line]:
    """What a loaded task takes, as a share of what it may: twice its arrays and 300 bytes a row."""
    for name, task in TABLES.items():
        shares = []
        for _ in range(min(effort.repetitions, 3)):
            gc.collect()
            arrow = pa.total_allocated_bytes()
            tracemalloc.start()
            blackbox = load_blackbox(name)[task]
            gc.collect()
            taken = tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - arrow
            tracemalloc.stop()
            table = blackbox._table  # type: ignore[attr-defined]  # noqa: SLF001  it is what is weighed
            arrays = sum(array.nbytes for array in [*table.points.values(), *table.constants.values()])
            rows, megabytes = len(table), taken / 1e6
            shares.append(taken / (2 * arrays + 300 * rows))
            del blackbox, table
        what = (
            f"memory of {name}/{task}: {megabytes:.1f} MB for {arrays / 1e6:.1f} MB of arrays, {rows:,} rows"
        )
        yield Line(what, "of allowed", shares, 1.0)


def network(effort: Effort) -> Iterator[Line]:
    """Curves of a surrogate network; long runs on them; the main job."""
    blackbox = load_blackbox("yahpo-lcbench")["167200"]
    sampled = [blackbox.schema.space.sample("marks", i) for i in range(100)]
    repeat = range(effort.repetitions)

    def read(curves: list[LearningCurve]) -> None:
        for curve in curves:
            curve.head("val_accuracy", 50)

    read([blackbox.curve(sampled[0])])
    single = [seconds(lambda: read([blackbox.curve(sampled[1])])) * 1e3 for _ in repeat]
    yield Line("curve of yahpo-lcbench, all 50 epochs", "ms", single)
    together = [seconds(lambda: read(blackbox.curves(sampled))) / len(sampled) * 1e3 for _ in repeat]
    yield Line("curve of yahpo-lcbench, 100 together", "ms a curve", together)
    stop = Stop(time=effort.hours * 3600)
    for task in ("167200", "189908"):
        blackbox = load_blackbox("yahpo-lcbench")[task]
        times = [
            seconds(lambda b=blackbox: simulate(b, ASHA, workers=32, stop=stop))
            for _ in range(min(effort.repetitions, 3))
        ]
        yield Line(f"ASHA, 32 workers, {effort.hours:g} h on yahpo-lcbench/{task}", "s", times, 30.0)
    limit = () if effort is FULL else ("--time", "10m")
    job = [
        seconds(lambda: in_fresh_process("-m", "simulator", "run", *limit))
        for _ in range(min(effort.repetitions, 3))
    ]
    yield Line(" ".join(["bb-sim run", *limit]) + ", whole process", "s", job)


def draws(effort: Effort) -> Iterator[Line]:
    """What random draws cost a trial."""
    table, count, seeds = synthetic.make(), effort.queries, range(effort.repetitions)
    spaces = {"6 hyperparameters without end": MIXED, "a grid of 15,625": table.schema.space}
    for what, space in spaces.items():
        together = [each(count, RandomConfigurations(space, seed).next) for seed in seeds]
        yield Line(f"random configuration of {what}, as schedulers draw it", "us", together, 5.0)
        singly = [each(count, partial(space.sample, seed, 17)) for seed in seeds]
        yield Line(f"random configuration of {what}, singly", "us", singly)
    started = table.schema.space.samples(0, count=count)
    chosen = []
    for seed in seeds:
        remaining, choose = iter(started), TrainingSeeds(table, seed, None).choose
        chosen.append(each(count, lambda remaining=remaining, choose=choose: choose(next(remaining))))
    yield Line("training seed of a trial, of 2", "us", chosen)


def each(count: int, action: Callable[[], object]) -> float:
    """Microseconds of the processor that one of so many calls takes."""
    gc.collect()
    began = time.process_time()
    for _ in range(count):
        action()
    return (time.process_time() - began) / count * 1e6


def reports_a_second(effort: Effort) -> Iterator[Line]:
    """How fast the kernel is where the curves cost nothing."""
    blackbox = synthetic.make()
    for scheduler in (RandomSearch, ASHA):
        for workers in (4, 32, 256):
            rates = []
            for _ in range(min(effort.repetitions, 5)):
                began = time.perf_counter()
                run = simulate(
                    blackbox, scheduler, workers=workers, stop=Stop(trials_started=effort.trials), seed=1
                )
                reports = len(run.report_columns["decision"])
                rates.append(reports / (time.perf_counter() - began))
            what = f"{scheduler.__name__}, {workers} workers, {effort.trials:,} trials, {reports:,} reports"
            yield Line(f"{what} of a 15,625 x 2 x 200 table", "reports/s", rates)


GROUPS = (fresh_processes, table_queries, memory, network, draws, reports_a_second)
HEADINGS = ("what", "median", "spread", "mark", "holds")


def main() -> None:
    """Measure everything and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure speed and memory against the marks.")
    parser.add_argument("--quick", action="store_true", help="everything once and smaller")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    effort, row = QUICK if options.quick else FULL, markdown_row if options.markdown else text_row
    print(machine() + ("; quick: figures of little worth" if options.quick else "") + "\n")
    print(row(HEADINGS))
    if options.markdown:
        print("| --- | ---: | ---: | ---: | --- |")
    for group in GROUPS:
        for line in group(effort):
            print(row(line.cells()), flush=True)


def machine() -> str:
    """What it was measured on."""
    return (
        f"CPython {platform.python_version()}, numpy {np.__version__}, pyarrow {pa.__version__}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )


def markdown_row(cells: tuple[str, ...]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def text_row(cells: tuple[str, ...]) -> str:
    """A row in columns."""
    what, median, spread, mark, holds = cells
    return f"{what:88} {median:>20} {spread:>26} {mark:>7} {holds:>5}"


if __name__ == "__main__":
    main()
