"""Measures what our schedulers cost: reports that are told or passed over, and MO-ASHA by its objectives.

    python benchmarks/scheduler_calls.py             about a minute
    python benchmarks/scheduler_calls.py --quick     seconds, for the tests
    python benchmarks/scheduler_calls.py --markdown  the tables as they stand in docs/performance.md

Times are of the processor, the smallest of three for runs. The first table has whole runs on a table of
15,625 configurations, 2 seeds and 200 epochs: with ``continue_until``, as the schedulers are, and with
CONTINUE at each report instead, which is the same run (T22). The second has MO-ASHA alone, told of so many
trials of 50 epochs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import synthetic
from measuring import figure, machine_in_words, markdown_row

from blackbox_repo import keyed_random
from blackbox_repo.domains import Float
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from simulator import (
    ASHA,
    CONTINUE,
    MOASHA,
    Decision,
    RandomSearch,
    Report,
    Scheduler,
    Stop,
    Trial,
    TrialStatus,
    simulate,
)

RUNS = ("scheduler", "workers", "trials", "reports", "called at", "ms", "called at each, ms", "ratio")
ALONE = ("objectives", "trials", "rung reports", "us a trial")
OBJECTIVES = {
    "one": lambda x, y: (x,),
    "two, independent": lambda x, y: (x, y),
    "two that agree": lambda x, y: (x, x),
    "two, opposed": lambda x, y: (x, 1 - x),
}


class Counted:
    """Counts how often a scheduler is called at a report; ``told`` lets it be called at each."""

    def __init__(self, inner: Scheduler, *, told: bool) -> None:
        self._inner, self._told = inner, told
        self.calls = 0
        self.suggest, self.on_end = inner.suggest, inner.on_end

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides, without its wish not to be called."""
        self.calls += 1
        decision = self._inner.on_report(trial, report)
        return CONTINUE if self._told and decision.action == "continue" else decision


def runs(trials: int, rounds: int) -> Iterator[tuple[str, ...]]:
    """Whole runs, passed over and told."""
    blackbox = synthetic.make()
    for name, kind in (("random", RandomSearch), ("asha", ASHA), ("mo-asha", MOASHA)):
        for workers in (4, 32, 256):
            cells: list[float] = []
            digests, calls, reports = set(), 0, 0
            for told in (False, True):
                seconds = []
                for _ in range(rounds):
                    scheduler = Counted(kind(blackbox.schema, 1), told=told)
                    began = time.process_time()
                    run = simulate(blackbox, scheduler, workers=workers, stop=Stop(trials_started=trials))
                    seconds.append(time.process_time() - began)
                    digests.add(run.digest)
                calls = scheduler.calls if not told else calls
                reports = len(run.report_columns["decision"])
                cells.append(min(seconds) * 1000)
            assert len(digests) == 1
            counts = [f"{number:,}" for number in (workers, trials, reports, calls)]
            yield (name, *counts, *map(figure, (*cells, cells[1] / cells[0])))


class Values:
    """The report of a trial at a rung."""

    def __init__(self, fidelity: float, values: dict[str, float]) -> None:
        self.fidelity, self._values = fidelity, values

    @property
    def index(self) -> int:
        """The position of the fidelity, of which there are 1, 2, 3 and so on."""
        return int(self.fidelity) - 1

    def __getitem__(self, name: str) -> float:
        return self._values[name]


def alone(counts: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    """MO-ASHA, told of trials one after the other, each up to where it is stopped."""
    objectives = (Objective("a", "min"), Objective("b", "min"))
    space = Space({"x": Float(0, 1)})
    schema = Schema(space, Fidelity("epoch", tuple(range(1, 51))), objectives, target="a")
    drawn = [
        (keyed_random.unit("x", number), keyed_random.unit("y", number)) for number in range(max(counts))
    ]
    for what, values_of in OBJECTIVES.items():
        names = ("a", "b")[: len(values_of(0.0, 0.0))]
        for count in counts[: 2 if what == "two, opposed" else None]:  # it is the square of that
            scheduler, told = MOASHA(schema, objectives=names), 0
            began = time.process_time()
            for number, (x, y) in enumerate(drawn[:count]):
                values = dict(zip(names, values_of(x, y), strict=True))
                told += climbed(scheduler, Trial(number, {}, TrialStatus.RUNNING), values)
            microseconds = (time.process_time() - began) / count * 1e6
            yield (what, f"{count:,}", f"{told:,}", figure(microseconds))


def climbed(scheduler: MOASHA, trial: Trial, values: dict[str, float]) -> int:
    """At how many rungs a trial was looked at, which has the same values at all."""
    fidelity, told = 1.0, 0
    while fidelity < 50:
        report: Any = Values(fidelity, values)
        decision, told = scheduler.on_report(trial, report), told + 1
        if decision.until is None:
            break
        fidelity = decision.until
    return told


def show(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]], *, markdown: bool) -> None:
    """Print a table, a line as soon as it is known."""
    row = markdown_row if markdown else text_row
    print(row(headings))
    if markdown:
        print("| --- |" + " ---: |" * (len(headings) - 1))
    for cells in rows:
        print(row(cells), flush=True)
    print()


def text_row(cells: tuple[str, ...]) -> str:
    """A row in columns."""
    return " ".join(f"{cell:>18}" for cell in cells)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description="Measure what our schedulers cost.")
    parser.add_argument("--quick", action="store_true", help="few trials, once")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    print(machine_in_words() + "\n")
    trials, rounds, counts = (50, 1, (100,)) if options.quick else (1000, 3, (1_000, 10_000, 50_000))
    show(RUNS, runs(trials, rounds), markdown=options.markdown)
    show(ALONE, alone(counts), markdown=options.markdown)


if __name__ == "__main__":
    main()
