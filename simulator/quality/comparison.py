"""Compares the scores of a scheduler on a suite with those of a baseline: has it become worse?"""

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
"""The largest probability that a scheduler that is as good as before is called regressed, or improved."""

CONFIDENCE = 0.95
MARGIN = 0.05
"""The default of the largest change of the regret that makes no practical difference."""

_Z_ALARM, _Z_CONFIDENCE, _Z_POWER = 2.88, 1.96, 1.645  # normal quantiles of ALARM, CONFIDENCE and 95 % power


class Verdict(str, Enum):
    """The verdict on a scheduler.

    ``UNCHANGED``: every trace is as before. ``REGRESSED`` and ``IMPROVED``: the regret has become larger or
    smaller (with an error probability of ``ALARM``), and the change may be larger than the margin, as the
    confidence interval of the typical change (``CONFIDENCE``) or the mean change says. ``EQUIVALENT``: both
    lie within the margin. ``UNDECIDED``: there are too few seeds to tell.
    """

    UNCHANGED = "unchanged"
    EQUIVALENT = "equivalent"
    IMPROVED = "improved"
    UNDECIDED = "undecided"
    REGRESSED = "regressed"


@dataclass(frozen=True)
class Effect:
    """The change on one task, or on all tasks together.

    Args:
        name: ``BLACKBOX/TASK``, or ``all``.
        before: The mean regret of the baseline.
        now: The mean regret now.
        changes: The change of the regret for each seed; above 0 is worse.
        test: The signed-rank test of these changes.
        worse: The p-value of the hypothesis that the regret has not become larger, with Holm's adjustment.
        better: The p-value of the hypothesis that it has not become smaller, with Holm's adjustment.
        changed: The number of traces that differ from those of the baseline.
        verdict: The verdict that follows.
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
        """The figures in a few words."""
        return (
            f"mean regret {self.before:.4f} -> {self.now:.4f} (typical change {self.test.estimate:+.4f}, "
            f"{CONFIDENCE:.0%}: {self.test.low:+.4f} to {self.test.high:+.4f})"
        )


@dataclass(frozen=True)
class Comparison:
    """The comparison of a scheduler with its baseline.

    Args:
        suite: Name of the suite.
        margin: The largest change of the regret that makes no practical difference.
        baseline: Description of the baseline's scheduler.
        scheduler: Description of the scheduler that is compared.
        tasks: The change on each task.
        together: The change of the mean over all tasks, seed by seed.
    """

    suite: str
    margin: float
    baseline: str
    scheduler: str
    tasks: tuple[Effect, ...]
    together: Effect

    @property
    def verdict(self) -> Verdict:
        """``REGRESSED`` if that is the verdict on any task, otherwise the verdict on all tasks together."""
        if any(effect.verdict is Verdict.REGRESSED for effect in self.tasks):
            return Verdict.REGRESSED
        return self.together.verdict

    @property
    def changed(self) -> int:
        """The number of traces that differ from those of the baseline."""
        return self.together.changed

    @property
    def seeds_needed(self) -> int | None:
        """The approximate number of seeds that would decide; ``None`` if there is a decision."""
        if self.verdict is not Verdict.UNDECIDED:
            return None
        return seeds_to_decide(self.together, self.margin, len(self.tasks) + 1)

    @property
    def summary(self) -> str:
        """The verdict in a sentence, with the figures of the worst task, or of all tasks together."""
        seeds = len(self.together.changes)
        runs = len(self.tasks) * seeds
        if self.verdict is Verdict.UNCHANGED:
            return f"unchanged: all {runs} traces are as before"
        worse = [task for task in self.tasks if task.verdict is Verdict.REGRESSED]
        where = f" on {len(worse)} of {len(self.tasks)} tasks, most on" if worse else ":"
        worst = max(worse, key=lambda task: task.now - task.before, default=self.together)
        named = f" {worst.name}:" if worse else ""
        counted = f"margin {self.margin:g}, {seeds} seeds, {self.changed} of {runs} traces changed"
        needed = f"; about {self.seeds_needed} seeds would decide" if self.seeds_needed else ""
        return f"{self.verdict.value}{where}{named} {worst.figures}, {counted}{needed}"


def compare(baseline: Results, now: Results, margin: float = MARGIN) -> Comparison:
    """Compare the results of two schedulers.

    Args:
        baseline: The results to compare with; they must have all runs of ``now``.
        now: The results of the scheduler that may have become worse.
        margin: The largest change of the regret that makes no practical difference, above 0.

    Raises:
        InvalidOption: The baseline is of another suite or lacks a run, or the margin is out of range.
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
    """Check that a margin is a regret.

    Args:
        margin: The margin.

    Raises:
        InvalidOption: It is no number above 0 and below 1.
    """
    if not is_number(plain(margin)) or not 0 < margin < 1:
        raise InvalidOption(f"margin is {margin!r}, but must be a regret, above 0 and below 1")


def check_comparable(baseline: Results, suite: str, runs: Iterable[tuple[str, int]]) -> None:
    """Check that a baseline can be compared with some runs.

    Args:
        baseline: The baseline.
        suite: Name of the runs' suite, with its version.
        runs: Case and seed of each run.

    Raises:
        InvalidOption: The baseline is of another suite or version of the numbers, or lacks one of the runs.
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
    """The changes on each task, and on all tasks together.

    Args:
        pairs: Task -> pairs of runs, before and now; the same number of pairs for each task.
        margin: The largest change of the regret that makes no practical difference.
    """
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
    """P-values with Holm's adjustment, so that each can be compared with the level of all tests together.

    Args:
        probabilities: The p-values of all tests.
    """
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    adjusted, largest = [0.0] * len(order), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min((len(order) - rank) * probabilities[index], 1.0))
        adjusted[index] = largest
    return adjusted


def seeds_to_decide(effect: Effect, margin: float, tests: int) -> int:
    """The approximate number of seeds that would confirm the effect, whether it is small or large.

    It is at least the number that a verdict needs if all seeds agree.

    Args:
        effect: The effect that was found with fewer seeds.
        margin: The largest change of the regret that makes no practical difference.
        tests: The number of tests that share the level.
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
