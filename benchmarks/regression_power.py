"""Measures how often the regression kit raises a false alarm, and how often it catches a bug.

    python benchmarks/regression_power.py --measure 400   runs the pool: 400 seeds of each scheduler on the
                                                          standard suite, written to regression_pool.parquet;
                                                          about half an hour on one core
    python benchmarks/regression_power.py                 draws 1,000 CI runs out of the pool for each question
    python benchmarks/regression_power.py --markdown      the tables as they stand in docs/ci.md

A *false alarm*: a scheduler that has not changed is called regressed. Its runs of the same seeds would be the
same to the last event, so here it gets other seeds than its baseline, as if all it draws had been drawn anew.
A *catch*: a scheduler with a bug, run with the seeds of its baseline, is called regressed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo import draw
from blackbox_repo.schema import Schema
from simulator import ASHA, Decision, PromotionASHA, RegularizedEvolution, Report, Resume, Start, Trial
from simulator.regression.comparison import MARGIN, Verdict, effects
from simulator.regression.results import Row, measure
from simulator.regression.suites import find_suite
from simulator.schedulers.rungs import QuantileRung

POOL = Path(__file__).with_name("regression_pool.parquet")
RUNS = 1000


class WrongQuantile(ASHA):
    """Stops at each rung by the quantile that belongs to a step two rungs high."""

    def __init__(self, schema: Schema, seed: int = 0, **settings: Any) -> None:
        super().__init__(schema, seed, **settings)
        last = schema.fidelity.values[-1]
        for rungs, steps in zip(self._rungs, self._brackets.steps(), strict=True):
            rungs.update(
                {level: QuantileRung(level / steps.get(goal, last)) for level, goal in steps.items()}
            )


class DeafPromotion(PromotionASHA):
    """Promotes as if the newest report had not come yet."""

    _newest: tuple[Trial, Report] | None = None

    def on_report(self, trial: Trial, report: Report) -> Decision:
        known, self._newest = self._newest, (trial, report)
        if known is not None:
            super().on_report(*known)
        return self._brackets.towards_next(self._brackets.of(trial.number), report.fidelity)


class TenthRandom(RegularizedEvolution):
    """Draws a tenth of its trials at random."""

    def suggest(self) -> Start:
        number = self._started
        if draw.unit(self._seed, "planted", number) < 0.1:
            self._started += 1
            return Start(self._random.next())
        return super().suggest()


@dataclass(frozen=True)
class Planted:
    """A bug: which scheduler has it, and how it is called."""

    base: str
    factory: Callable[..., Any]


_EVOLUTION = {"population": 20, "sample": 5}
BASES: Mapping[str, Callable[..., Any]] = {
    "ASHA": ASHA,
    "ASHA, promotion": PromotionASHA,
    "regularized evolution": partial(RegularizedEvolution, **_EVOLUTION),
}
PLANTED: Mapping[str, Planted] = {
    "eta is 2, not 3": Planted("ASHA", partial(ASHA, eta=2)),
    "the quantile is off by one rung": Planted("ASHA", WrongQuantile),
    "promotion ignores the newest report": Planted("ASHA, promotion", DeafPromotion),
    "the sampler is 10 % random": Planted("regularized evolution", partial(TenthRandom, **_EVOLUTION)),
}


def measure_pool(seeds: int, jobs: int) -> None:
    """Run everything once, and keep the scores."""
    factories = {**BASES, **{name: planted.factory for name, planted in PLANTED.items()}}
    columns: dict[str, list[Any]] = {name: [] for name in ("scheduler", "case", "seed", "regret", "digest")}
    for name, factory in factories.items():

        def shown(done: int, of: int, name: str = name) -> None:
            sys.stderr.write(f"\r{name}: {done} of {of}  ")

        for row in measure(factory, find_suite("standard-1"), seeds=seeds, jobs=jobs, progress=shown).rows:
            values = (name, row.case, row.seed, row.regret, row.digest[:8])
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        sys.stderr.write("\n")
        pq.write_table(pa.table(columns), POOL, compression="zstd", use_dictionary=["scheduler", "case"])
