"""Whether a scheduler has become worse: its scores on a suite against those of a baseline, run by run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, stdev

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import is_number, plain
from simulator.quality.results import REMEDY, Results, Row
from simulator.quality.signed_rank import SignedRank
from simulator.versions import NUMBERS

ALARM = 0.002
"""Chance, at most, that an unchanged scheduler is called regressed; the same for improved."""

CONFIDENCE = 0.95
MARGIN = 0.05
"""Of the regret, if nothing else is said: so much more or less makes no practical difference."""

_Z_ALARM, _Z_CONFIDENCE, _Z_POWER = 2.88, 1.96, 1.645  # normal quantiles of ALARM, CONFIDENCE and 95 % power


class Verdict(str, Enum):
    """What became of a scheduler.

    ``UNCHANGED``: every trace is as it was. ``REGRESSED`` and ``IMPROVED``: the regret has certainly (up to
    ``ALARM``) become larger or smaller, and maybe by more than the margin: so says the interval (of
    ``CONFIDENCE``) of the typical change, or the mean change. ``EQUIVALENT``: the interval and the mean
    change lie within the margin. ``UNDECIDED``: too few seeds to tell.
    """

    UNCHANGED = "unchanged"
    EQUIVALENT = "equivalent"
    IMPROVED = "improved"
    UNDECIDED = "undecided"
    REGRESSED = "regressed"


@dataclass(frozen=True)
class Effect:
    """What changed on one task, or on all together.

    Args:
        name: ``BLACKBOX/TASK``, or ``all``.
        before: Mean regret of the baseline.
        now: Mean regret now.
        changes: The regret's change for each seed; above 0 is worse.
        test: The signed-rank test of these changes.
        worse: Probability of so much by chance if nothing had become worse, after Holm over all tasks.
        better: The same for better.
        changed: How many of the traces are not what they were.
        verdict: What follows.
    """

    name: str
    before: float
    now: float
    changes: tuple[float, ...]
    test: SignedRank
    worse: float
    better: float
    changed: int
    verdict: Verdict

    @property
    def figures(self) -> str:
        """In words."""
        return (
            f"mean regret {self.before:.4f} -> {self.now:.4f} (typical change {self.test.estimate:+.4f}, "
            f"{CONFIDENCE:.0%}: {self.test.low:+.4f} to {self.test.high:+.4f})"
        )


@dataclass(frozen=True)
class Comparison:
    """A scheduler against its baseline.

    Args:
        suite: On which suite.
        margin: Of the regret, within which a change makes no practical difference.
        baseline: What the baseline's scheduler says of itself.
        scheduler: What the one that is compared says.
        tasks: What changed on each task.
        together: The mean over tasks, seed by seed.
    """

    suite: str
    margin: float
    baseline: str
    scheduler: str
    tasks: tuple[Effect, ...]
    together: Effect

    @property
    def verdict(self) -> Verdict:
        """``REGRESSED`` if that is so on any task; else what all tasks together say."""
        if any(effect.verdict is Verdict.REGRESSED for effect in self.tasks):
            return Verdict.REGRESSED
        return self.together.verdict

    @property
    def changed(self) -> int:
        """How many of the traces are not what they were."""
        return self.together.changed

    @property
    def seeds_needed(self) -> int | None:
        """About how many seeds would decide about all tasks together; ``None`` if that is decided."""
        if self.verdict is not Verdict.UNDECIDED:
            return None
        return seeds_to_decide(self.together, self.margin, len(self.tasks) + 1)

    @property
    def summary(self) -> str:
        """The verdict in a sentence, with its figures: those of the task that is worst, or of all."""
        seeds = len(self.together.changes)
        runs = len(self.tasks) * seeds
        if self.verdict is Verdict.UNCHANGED:
            return f"unchanged: all {runs} traces are what they were"
        worse = [task for task in self.tasks if task.verdict is Verdict.REGRESSED]
        where = f" on {len(worse)} of {len(self.tasks)} tasks, most on" if worse else ":"
        worst = max(worse, key=lambda task: task.now - task.before, default=self.together)
        named = f" {worst.name}:" if worse else ""
        counted = f"margin {self.margin:g}, {seeds} seeds, {self.changed} of {runs} traces changed"
        needed = f"; about {self.seeds_needed} seeds would decide" if self.seeds_needed else ""
        return f"{self.verdict.value}{where}{named} {worst.figures}, {counted}{needed}"


def compare(baseline: Results, now: Results, margin: float = MARGIN) -> Comparison:
    """Compare two schedulers' results on the tasks and seeds of the second.

    Args:
        baseline: Must hold all runs of ``now``.
        now: The scheduler that may have become worse.
        margin: Of the regret, above 0: a smaller change makes no practical difference.

    Raises:
        InvalidOption: The baseline is of another suite, or lacks a run; or the margin is out of range.
    """
    check_margin(margin)
    check_comparable(baseline, now.suite, now.by_run)
    pairs = {
        case: [(baseline.by_run[case, seed], now.by_run[case, seed]) for seed in now.seeds]
        for case in now.cases
    }
    tasks, together = effects(pairs, margin)
    return Comparison(now.suite, margin, baseline.scheduler, now.scheduler, tasks, together)


def check_margin(margin: float) -> None:
    """Refuse a margin that is no regret.

    Raises:
        InvalidOption: It is none.
    """
    if not is_number(plain(margin)) or not 0 < margin < 1:
        raise InvalidOption(f"margin is {margin!r}, but must be a regret, above 0 and below 1")


def check_comparable(baseline: Results, suite: str, runs: Iterable[tuple[str, int]]) -> None:
    """Refuse a baseline of another suite or version of the numbers, or one that lacks some of the runs.

    Args:
        baseline: What is to be compared with.
        suite: The name of the suite, with its version.
        runs: The case and seed of each run that is to be compared.

    Raises:
        InvalidOption: It is one.
    """
    if baseline.numbers != NUMBERS:
        raise InvalidOption(
            f"the baseline was made under version {baseline.numbers} of the numbers (blackbox-repo "
            f"{baseline.version}), but this is version {NUMBERS}: a difference would not be the scheduler's; "
            f"write it anew with the scheduler as it was ({REMEDY}), or go on with blackbox-repo "
            f"{baseline.version}"
        )
    if baseline.suite != suite:
        raise InvalidOption(
            f"the baseline is of the suite {baseline.suite!r}, but this is {suite!r}; choose that suite, or "
            f"write the baseline anew ({REMEDY})"
        )
    missing = [run for run in runs if run not in baseline.by_run]
    if missing:
        raise InvalidOption(
            f"the baseline lacks {len(missing)} runs, such as seed {missing[0][1]} of {missing[0][0]!r}; it "
            f"has {len(baseline.seeds)} seeds of {len(baseline.cases)} tasks; ask for no more, or write it "
            f"anew with the scheduler as it was ({REMEDY})"
        )


def effects(pairs: dict[str, list[tuple[Row, Row]]], margin: float) -> tuple[tuple[Effect, ...], Effect]:
    """What changed on each task, and on all together: pairs of runs, before and now, equally many a task."""
    scores = {name: [(before.regret, now.regret) for before, now in runs] for name, runs in pairs.items()}
    by_seed = list(zip(*scores.values(), strict=True))
    scores["all"] = [
        (fmean([before for before, _ in seed]), fmean([now for _, now in seed])) for seed in by_seed
    ]
    changed = {name: sum(before.digest != now.digest for before, now in runs) for name, runs in pairs.items()}
    changed["all"] = sum(changed.values())
    changes = {name: tuple(now - before for before, now in values) for name, values in scores.items()}
    tests = {name: SignedRank.of(values, CONFIDENCE) for name, values in changes.items()}
    worse = dict(zip(tests, holm([test.above for test in tests.values()]), strict=True))
    better = dict(zip(tests, holm([test.below for test in tests.values()]), strict=True))
    *tasks, together = (
        Effect(
            name,
            fmean([before for before, _ in values]),
            fmean([now for _, now in values]),
            changes[name],
            tests[name],
            worse[name],
            better[name],
            changed[name],
            _verdict(tests[name], worse[name], better[name], fmean(changes[name]), margin)
            if changed[name]
            else Verdict.UNCHANGED,
        )
        for name, values in scores.items()
    )
    return tuple(tasks), together


def _verdict(test: SignedRank, worse: float, better: float, mean: float, margin: float) -> Verdict:
    if worse <= ALARM and max(test.high, mean) > margin:
        return Verdict.REGRESSED
    if better <= ALARM and min(test.low, mean) < -margin:
        return Verdict.IMPROVED
    if -margin < min(test.low, mean) and max(test.high, mean) < margin:
        return Verdict.EQUIVALENT
    return Verdict.UNDECIDED


def holm(probabilities: Sequence[float]) -> list[float]:
    """Holm's adjustment: each may be compared with the level that all together shall keep."""
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    adjusted, largest = [0.0] * len(order), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min((len(order) - rank) * probabilities[index], 1.0))
        adjusted[index] = largest
    return adjusted


def seeds_to_decide(effect: Effect, margin: float, tests: int) -> int:
    """About how many seeds would show that the effect is as small or as large as it seems.

    At least as many as an alarm needs if all of them agree, in so many tests.
    """
    seeds, size = len(effect.changes), abs(fmean(effect.changes))
    small = max(margin - size, 0.0) / (_Z_CONFIDENCE + _Z_POWER)
    large = size / (_Z_ALARM + _Z_POWER)
    wanted = max(small, large)
    agreeing = math.ceil(math.log2(tests / ALARM))
    return max(math.ceil(seeds * (_standard_error(effect) / wanted) ** 2), seeds + 1, agreeing)


def _standard_error(effect: Effect) -> float:
    count = len(effect.changes)
    return stdev(effect.changes) / math.sqrt(count) if count > 1 else 0.0
