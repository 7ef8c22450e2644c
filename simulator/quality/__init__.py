"""Regression tests of schedulers: has the behaviour changed, and has it become worse?"""

from simulator.quality.check import Check, check
from simulator.quality.comparison import Comparison, Effect, Verdict, compare
from simulator.quality.golden import Golden
from simulator.quality.results import Results, Row, measure
from simulator.quality.scores import regret
from simulator.quality.suites import SUITES, Case, Suite, find_suite

__all__ = [
    "SUITES",
    "Case",
    "Check",
    "Comparison",
    "Effect",
    "Golden",
    "Results",
    "Row",
    "Suite",
    "Verdict",
    "check",
    "compare",
    "find_suite",
    "measure",
    "regret",
]
