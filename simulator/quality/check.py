"""Check a scheduler against its baseline: measure and compare it, and show where it first differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.quality.comparison import Comparison, compare
from simulator.quality.golden import Golden
from simulator.quality.results import Results
from simulator.quality.suites import Suite
from simulator.scheduler import SchedulerFactory


@dataclass(frozen=True)
class Check:
    """What came of it.

    Args:
        comparison: The verdict, with its figures.
        baseline: The scores before.
        now: The scores now.
        departures: Task -> where the trace of its first seed departs from the baseline's, in words.
    """

    comparison: Comparison
    baseline: Results
    now: Results
    departures: Mapping[str, str]


def check(factory: SchedulerFactory, suite: Suite, baseline: Results, now: Results, margin: float) -> Check:
    """Compare a scheduler's results with the baseline's.

    Args:
        factory: Makes the scheduler, which is run once more for each first trace that has changed.
        suite: The suite on which the scheduler was measured.
        baseline: Results of the scheduler as it was, on the same suite.
        now: What :func:`simulator.quality.results.measure` gave.
        margin: See :func:`simulator.quality.comparison.compare`.

    Raises:
        InvalidOption: The two cannot be compared.
    """
    comparison = compare(baseline, now, margin)
    departures: dict[str, str] = {}
    for case in suite.cases:
        before, after = baseline.by_run.get((case.name, 0)), now.by_run.get((case.name, 0))
        if before is None or after is None or before.golden is None or before.digest == after.digest:
            continue
        departure = Golden.parse(before.golden).departure(case.setup().run(factory))
        if departure is not None:
            departures[case.name] = departure
    return Check(comparison, baseline, now, departures)
