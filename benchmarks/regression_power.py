"""Measures how often the regression kit raises a false alarm, and how often it catches a bug.

    python benchmarks/regression_power.py --measure 200   runs the pool: 200 seeds of each scheduler on the
                                                          suite standard-2, kept in regression_pool.parquet;
                                                          about five minutes of one core
    python benchmarks/regression_power.py                 draws 1,000 CI runs out of the pool for each
                                                          question, and prints the tables of docs/ci.md

A *false alarm*: a scheduler that has not changed is called regressed. Its runs of the same seeds would be the
same to the last event, so here it gets other seeds than its baseline, as if all it draws had been drawn anew.
A *catch*: a scheduler with a bug, run with the seeds of its baseline, is called regressed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo import keyed_random
from blackbox_repo.schema import Schema
from simulator import ASHA, Decision, PromotionASHA, RegularizedEvolution, Report, Start, Trial
from simulator.quality.comparison import MARGIN, Comparison, Verdict, effects
from simulator.quality.results import Row, measure
from simulator.quality.suites import find_suite
from simulator.schedulers.exact_fractions import ratio
from simulator.schedulers.rungs import QuantileRung

POOL = Path(__file__).with_name("regression_pool.parquet")
SUITE = find_suite("standard-2")
RUNS = 1000
MARGINS = (0.02, MARGIN)


class WrongQuantile(ASHA):
    """Stops at each rung by the quantile that belongs to a step two rungs high."""

    def __init__(self, schema: Schema, seed: int = 0, **settings: Any) -> None:
        super().__init__(schema, seed, **settings)
        for rungs, levels in zip(self._rungs, self._brackets.levels, strict=True):
            two_above = [*levels[2:], levels[-1]]
            shares = [ratio(low, high) for low, high in zip(levels, two_above, strict=False)]
            rungs.update(zip(rungs, map(QuantileRung, shares), strict=False))


class DeafPromotion(PromotionASHA):
    """Promotes as if the newest report had not come yet."""

    _newest: tuple[Trial, Report] | None = None

    def on_report(self, trial: Trial, report: Report) -> Decision:
        known, self._newest = self._newest, (trial, report)
        if known is not None:
            super().on_report(*known)
        return self._continue[self._brackets.of(trial.number)][report.index]


class TenthRandom(RegularizedEvolution):
    """Draws a tenth of its trials at random."""

    def suggest(self) -> Start:
        number = self._started
        if keyed_random.unit(self.seed, "planted", number) < 0.1:
            self._started += 1
            return Start(self._random_configuration())
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

        for row in measure(factory, SUITE, seeds=seeds, jobs=jobs, progress=shown).rows:
            values = (name, row.case, row.seed, row.regret, row.digest[:8])
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
        sys.stderr.write("\n")
        pq.write_table(pa.table(columns), POOL, compression="zstd", use_dictionary=["scheduler", "case"])


Pool = Mapping[str, Mapping[str, list[Row]]]
"""Scheduler -> case -> a row for each seed."""


def load_pool() -> Pool:
    """What :func:`measure_pool` kept."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in pq.read_table(POOL).to_pylist():
        kept = Row(row["case"], row["seed"], row["regret"], None, 0, row["digest"], None)
        found.setdefault(row["scheduler"], {}).setdefault(row["case"], []).append(kept)
    return found


def shuffled(count: int, *key: keyed_random.Key) -> list[int]:
    """The numbers below ``count`` in an order that is drawn."""
    return sorted(range(count), key=lambda number: keyed_random.unit(*key, number))


def compared(before: Mapping[str, list[Row]], now: Mapping[str, list[Row]], margin: float) -> Comparison:
    """One CI run."""
    pairs = {case: list(zip(before[case], now[case], strict=True)) for case in before}
    return Comparison(SUITE.name, margin, "", "", *effects(pairs, margin))


def chosen(rows: Mapping[str, list[Row]], seeds: list[int]) -> dict[str, list[Row]]:
    """Only some seeds."""
    return {case: [of[seed] for seed in seeds] for case, of in rows.items()}


def upper_bound(count: int, of: int, confidence: float = 0.95) -> float:
    """Clopper and Pearson's: the largest rate under which so few are not rarer than 1 - confidence."""

    def so_few(rate: float) -> float:
        return math.fsum(math.comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(count + 1))

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if so_few(middle) > 1 - confidence else (low, middle)
    return high


def false_alarms(pool: Pool, runs: int) -> Iterator[str]:
    """Unchanged schedulers with fresh seeds: what 1,000 CI runs say of each."""
    columns = ("margin", "regressed", "upper 95 % bound", "improved", "equivalent", "undecided")
    yield f"| unchanged scheduler | {' | '.join(columns)} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in BASES:
        for margin in MARGINS:
            said = dict.fromkeys(Verdict, 0)
            for run in range(runs):
                order = shuffled(len(next(iter(pool[name].values()))), "false alarm", name, run)
                halves = order[: SUITE.seeds], order[SUITE.seeds : 2 * SUITE.seeds]
                said[compared(*(chosen(pool[name], half) for half in halves), margin).verdict] += 1
            counts = (said[verdict] for verdict in (Verdict.IMPROVED, Verdict.EQUIVALENT, Verdict.UNDECIDED))
            alarms = said[Verdict.REGRESSED]
            bound = f"{upper_bound(alarms, runs):.2%}"
            cells = [name, f"{margin:g}", f"{alarms} of {runs}", bound, *map(str, counts)]
            yield f"| {' | '.join(cells)} |"


def true_effects(before: Mapping[str, list[Row]], now: Mapping[str, list[Row]]) -> dict[str, float]:
    """By how much the regret grows on each task and on all together, over the whole pool."""
    found = {
        case: math.fsum(b.regret - a.regret for a, b in zip(before[case], now[case], strict=True))
        / len(now[case])
        for case in now
    }
    return {**found, "all": math.fsum(found.values()) / len(found)}


def catches(pool: Pool, runs: int) -> Iterator[str]:
    """Schedulers with a planted bug, with the seeds of their baseline: how often each is caught."""
    columns = ("caught by trace", "largest true effect", "margin", "exceeded", "regressed", "equivalent")
    yield f"| planted bug | {' | '.join(columns)} | undecided |"
    yield "| --- | ---: | --- | ---: | --- | ---: | ---: | ---: |"
    for name, planted in PLANTED.items():
        before, now = pool[planted.base], pool[name]
        case, effect = max(true_effects(before, now).items(), key=lambda item: item[1])
        for margin in MARGINS:
            said, changed = dict.fromkeys(Verdict, 0), 0
            for run in range(runs):
                seeds = shuffled(len(before[next(iter(before))]), "catch", name, run)[: SUITE.seeds]
                comparison = compared(chosen(before, seeds), chosen(now, seeds), margin)
                said[comparison.verdict] += 1
                changed += comparison.changed > 0
            counts = (said[v] for v in (Verdict.REGRESSED, Verdict.EQUIVALENT, Verdict.UNDECIDED))
            cells = [name, f"{changed / runs:.0%}", f"{effect:+.4f} on {case}", f"{margin:g}"]
            cells += ["yes" if effect > margin else "no", *(f"{count / runs:.1%}" for count in counts)]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--measure", type=int, metavar="SEEDS", help="run the pool with so many seeds")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the measuring")
    parser.add_argument("--runs", type=int, default=RUNS, help="CI runs that are drawn for each question")
    options = parser.parse_args()
    if options.measure is not None:
        measure_pool(options.measure, options.jobs)
        return
    pool = load_pool()
    for line in (*false_alarms(pool, options.runs), "", *catches(pool, options.runs)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
