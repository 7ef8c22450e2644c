"""The Pareto front of a run: the reports that no other report dominates in several objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from simulator.results.run import TOLD, Run


@dataclass(frozen=True)
class FrontPoint:
    """A report that no other one dominates: none is as good in every objective and better in one.

    Args:
        values: Objective -> value, in its unit.
        trial: The number of the trial.
        fidelity: The fidelity of the report.
        time: Simulated seconds at which the report arrived.
    """

    values: Mapping[str, float]
    trial: int
    fidelity: float
    time: float


def compute_front(run: Run, objectives: Sequence[str]) -> list[FrontPoint]:
    """The Pareto front of all reports that the scheduler was told, the best in the first objective first.

    Reports with a NaN are left out; of equal ones the first is kept.

    Args:
        run: The run.
        objectives: Their names; objectives that are constant in a trial may be among them.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: An objective without a goal.
    """
    told = np.flatnonzero(np.isin(run.report_columns["decision"], TOLD))
    values = {name: _values_of(run, name)[told] for name in objectives}
    losses = np.stack([_sign_of(run, name) * column for name, column in values.items()], axis=1)
    return [
        FrontPoint(
            {name: float(column[k]) for name, column in values.items()},
            *(run.report_columns[name][told[k]].item() for name in ("trial", "fidelity", "time")),
        )
        for k in _find_undominated(losses)
    ]


def _values_of(run: Run, name: str) -> Array:
    """An objective at each report, as float64."""
    if run.schema.objective(name).constant:
        column = np.array(run.trial_columns[name], dtype=np.float64)
        return column[run.report_columns["trial"]]
    return run.report_columns[name].astype(np.float64)


def _sign_of(run: Run, name: str) -> int:
    goal = run.schema.objective(name).goal
    if goal == "none":
        raise InvalidOption(f"the objective {name!r} has no goal, so no value of it is better than another")
    return -1 if goal == "max" else 1


def _find_undominated(losses: Array) -> list[int]:
    """The rows that no other row dominates, in lexicographic order."""
    order = np.lexsort(losses.T[::-1])
    order = order[~np.isnan(losses[order]).any(axis=1)]
    found = []
    while len(order):  # the first row in this order is dominated by none
        first = order[0]
        found.append(int(first))
        order = order[(losses[order] < losses[first]).any(axis=1)]
    return found
