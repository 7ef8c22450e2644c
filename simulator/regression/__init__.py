"""The regression kit: has a scheduler's behaviour changed, and has it become worse?

May import ``blackbox_repo`` and the rest of ``simulator`` but its adapters.
"""

from simulator.regression.check import Check, check
from simulator.regression.comparison import Comparison, Effect, Verdict, compare
from simulator.regression.golden import Golden
from simulator.regression.results import Results, Row, measure
from simulator.regression.scores import regret
from simulator.regression.suites import SUITES, Case, Suite, find_suite

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
