"""Checks a scheduler against its baseline: compares the results, and shows the first difference."""

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
    """The result of a check.

    Args:
        comparison: The verdict, with its figures.
        baseline: The results of the baseline.
        now: The results now.
        departures: Task -> where the trace of its first seed departs from that of the baseline, as text.
    """

    comparison: Comparison
    baseline: Results
    now: Results
    departures: Mapping[str, str]


def check(factory: SchedulerFactory, suite: Suite, baseline: Results, now: Results, margin: float) -> Check:
    """Compare a scheduler's results with the baseline's.

    Args:
        factory: Makes the scheduler; it is run once more on each task whose first trace has changed.
        suite: The suite of the results.
        baseline: The results to compare with, of the same suite.
        now: The results of :func:`simulator.quality.results.measure`.
        margin: The margin of :func:`simulator.quality.comparison.compare`.

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
