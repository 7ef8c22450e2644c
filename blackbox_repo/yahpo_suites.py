"""The two benchmark suites of YAHPO Gym 1.0: scenarios, data sets and objectives.

Pfisterer et al., AutoML 2022. The single-objective one is ``benchmark_suites/v1.0/single.json`` of
slds-lmu/yahpo_data, the multi-objective one, and the budgets of both, ``paper/experiments/run_mo.R`` and
``run_mf.R`` of slds-lmu/yahpo_exps.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# hyperparameters of each scenario, but for task and fidelities
DIMENSIONS = {
    "iaml_glmnet": 2,
    "iaml_ranger": 8,
    "iaml_super": 28,
    "iaml_xgboost": 13,
    "lcbench": 7,
    "nb301": 34,
    "rbv2_glmnet": 3,
    "rbv2_ranger": 8,
    "rbv2_rpart": 5,
    "rbv2_super": 38,
    "rbv2_xgboost": 14,
}
_SINGLE = {
    ("nb301", "val_accuracy"): "CIFAR10",
    ("lcbench", "val_accuracy"): "167168 189873 189906",
    ("rbv2_xgboost", "acc"): "12 1501 16 40499",
    ("rbv2_super", "acc"): "1053 1457 1063 1479 15 1468",
    ("rbv2_glmnet", "acc"): "375 458",
    ("rbv2_ranger", "acc"): "16 42",
    ("rbv2_rpart", "acc"): "14 40499",
}
_MULTI = {
    ("lcbench", "val_accuracy val_cross_entropy"): "167152 167185 189873",
    ("rbv2_xgboost", "acc memory"): "28 182 12",
    ("rbv2_super", "acc memory"): "1457 6 1053",
    ("rbv2_rpart", "acc memory"): "41163 1476 40499",
    ("rbv2_ranger", "acc memory"): "6 40979 375",
    ("iaml_xgboost", "mmce nf ias"): "40981 1489",
    ("iaml_ranger", "mmce nf ias"): "1489 1067",
    ("iaml_glmnet", "mmce nf"): "1489 1067",
    ("iaml_super", "mmce nf ias"): "1489 1067",
    ("iaml_xgboost", "mmce nf ias rammodel"): "40981 1489",
}


class SuiteProblem(NamedTuple):
    """One problem of a suite."""

    suite: str
    scenario: str
    task: str
    objectives: tuple[str, ...]

    @property
    def name(self) -> str:
        """``yahpo-so-SCENARIO-TASK`` or ``yahpo-mo-SCENARIO-TASK``, with a fourth objective named."""
        return "-".join((f"yahpo-{self.suite}", self.scenario, self.task, *self.objectives[3:]))

    @property
    def evaluations(self) -> int:
        """The budget of the suites in whole trainings, which grows with the number of hyperparameters."""
        return math.ceil(20 + 40 * math.sqrt(DIMENSIONS[self.scenario]))


PROBLEMS = tuple(
    SuiteProblem(suite, scenario, task, tuple(objectives.split()))
    for suite, problems in (("so", _SINGLE), ("mo", _MULTI))
    for (scenario, objectives), tasks in problems.items()
    for task in tasks.split()
)
