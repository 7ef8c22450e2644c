"""Measures how time and memory grow with workers and trials, each run in a process of its own.

    python benchmarks/scale.py               100,000 trials, up to 1,000 workers: about ten minutes
    python benchmarks/scale.py --trials 2000
    python benchmarks/scale.py --markdown    the table as it stands in docs/performance.md

The blackbox is a table of 15,625 configurations, 2 seeds and 200 epochs. What should be seen: the time for a
report grows with the workers no more than their logarithm does (the queue of events is a heap), and memory
with the trials and reports that are kept, not with the workers. Times are of the processor, so that other
programs matter less.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import platform
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import synthetic
from measuring import figure, machine_in_words, markdown_row

from blackbox_repo.blackbox import Blackbox
from simulator.api import simulate
from simulator.registry import scheduler_factory
from simulator.settings.stopping import Stop

WORKERS = (10, 100, 1000)
HEADINGS = (
    "scheduler",
    "workers",
    "trials",
    "reports",
    "CPU s",
    "us a report",
    "growth",
    "log",
    "MB",
    "MB / 1,000 trials",
)


@dataclass(frozen=True)
class Measured:
    """What one process did.

    Args:
        reports: How many there were.
        seconds: Processor time of the whole run.
        megabytes: By which the process's memory grew at most.
    """

    reports: int
    seconds: float
    megabytes: float

    @property
    def microseconds(self) -> float:
        """For one report."""
        return self.seconds / self.reports * 1e6


def peak() -> float:
    """The most memory that this process ever had (MB)."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def measure(blackbox: Blackbox, scheduler: str, workers: int, trials: int) -> Measured:
    """Run in a child that shares the table, and whose peak begins with what it is born with."""

    def child() -> None:
        gc.collect()
        before, began = peak(), time.process_time()
        run = simulate(
            blackbox,
            scheduler_factory(scheduler, {"duplicates": True}),  # there are more trials than configurations
            workers=workers,
            stop=Stop(trials_started=trials),
            seed=1,
        )
        seconds = time.process_time() - began
        sending.send(Measured(len(run.report_columns["decision"]), seconds, peak() - before))

    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    measured: Measured = receiving.recv()
    process.join()
    return measured


def rows(blackbox: Blackbox, trials: int) -> Iterator[tuple[str, ...]]:
    """More workers for the same trials; then fewer trials for the most workers."""
    cases = [(workers, trials) for workers in WORKERS]
    cases += [(WORKERS[-1], trials // part) for part in (2, 4)]
    for scheduler in ("asha", "random"):
        first = 0.0
        for workers, count in cases:
            measured = measure(blackbox, scheduler, workers, count)
            first = first or measured.microseconds
            counts = [f"{number:,}" for number in (workers, count, measured.reports)]
            figures = (
                measured.seconds,
                measured.microseconds,
                measured.microseconds / first,
                log(workers, WORKERS[0]),
                measured.megabytes,
                measured.megabytes / count * 1000,
            )
            yield (scheduler, *counts, *map(figure, figures))


def main() -> None:
    """Measure everything and print a line as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure how time and memory grow.")
    parser.add_argument("--trials", type=int, default=100_000, help="of the largest run")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    row = markdown_row if options.markdown else text_row
    print(machine_in_words() + "\n")
    print(row(HEADINGS))
    if options.markdown:
        print("| --- |" + " ---: |" * (len(HEADINGS) - 1))
    blackbox = synthetic.make()
    simulate(blackbox, scheduler_factory("asha", {}), workers=1, stop=Stop(trials_started=10))  # warm up
    for cells in rows(blackbox, options.trials):
        print(row(cells), flush=True)


def text_row(cells: tuple[str, ...]) -> str:
    """A row in columns."""
    return " ".join(f"{cell:>{len(heading) + 3}}" for cell, heading in zip(cells, HEADINGS, strict=True))


if __name__ == "__main__":
    main()
