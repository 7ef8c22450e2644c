"""Prints what a new version of the suites pins of each case: the blackbox's digest, and regret 0 and 1.

    python benchmarks/suite_facts.py

The lines go into simulator/quality/suites.py, where a case has changed since the version before.
"""

from __future__ import annotations

from blackbox_repo.repository import load_blackbox
from simulator.quality.scores import best_and_typical
from simulator.quality.suites import NEWEST, SUITES


def main() -> None:
    """A line for each case of the newest suites that has changed."""
    for case in SUITES[NEWEST["full"]].cases:
        blackbox = load_blackbox(case.benchmark.blackbox)[case.benchmark.task]
        best, typical = (float(f"{value:.6g}") for value in best_and_typical(blackbox))
        found = (blackbox.digest(), best, typical)
        if found != (case.digest, case.best, case.typical):
            print(f'    "{case.name}": {found!r},')


if __name__ == "__main__":
    main()
