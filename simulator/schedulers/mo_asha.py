"""Multi-objective ASHA (Schmucker, Donini, Zafar, Salinas and Archambeau, 2021), by stopping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.pareto_fronts import ParetoFronts, Point
from simulator.schedulers.rung_levels import compute_levels, continue_to_levels, make_rungs
from simulator.schedulers.rungs import QuantileRung


@dataclass(repr=False, eq=False, kw_only=True)
class MOASHA(ReferenceScheduler):
    """Stops a trial at a rung if it is not among the best 1/eta there by non-dominated sorting.

    At each rung a trial joins the trials before it. They are ranked by Pareto fronts, and within a front by
    crowding distance, the largest first. Of n trials the latest one continues if at most
    (n - 1) r_j / r_(j+1) are ranked before it. Equal trials are not ranked before one another, so with one
    objective this is the rule of ASHA. A trial that is NaN in one of its objectives is stopped and does not
    join.

    With one objective, a report costs time in proportion to the logarithm of the number of trials. With
    several, the time is in proportion to the front that the trial joins: of n trials on a rung about the
    square root of n for two independent objectives. In the worst case, in which no trial dominates another,
    the front has all n.

    Args:
        schema: What the blackbox records; the goals of its objectives say what is better.
        seed: The seed of the configurations, which are those of random search.
        objectives: The names of the objectives; by default all that have a goal, except the time.
        eta: The reduction factor, above 1: how many times as far the next rung is. About 1/eta of the trials
            on a rung continue. Li et al. (JMLR 2018) recommend 3 or 4.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, ascending fidelities, instead of r_min and the powers of eta.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: A setting is outside its range, or an objective has no goal.
    """

    objectives: Sequence[str] | None = None
    eta: float = 3
    r_min: float | None = None
    rungs: Sequence[float] | None = None
    initial: Sequence[Configuration] = ()
    duplicates: bool = False

    def __post_init__(self) -> None:
        self._objectives = choose_objectives(self.schema, self.objectives)
        self.objectives = [objective.name for objective in self._objectives]
        space, fidelity = self.schema.space, self.schema.fidelity
        levels = compute_levels(fidelity, self.eta, self.r_min, self.rungs)
        kind: type[_Rung] = _QuantileOfOne if len(self._objectives) == 1 else _NonDominatedSorting
        self._rungs = make_rungs(fidelity, levels, kind)
        self._continue = continue_to_levels(fidelity, levels)
        drawn = RandomConfigurations(space, self.seed, self.initial, duplicates=self.duplicates)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._start, self.upcoming = drawn.start, drawn.upcoming

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stop a trial on a rung if it is not among the best there."""
        rung = self._rungs.get(report.index)
        if rung is not None:
            point = tuple(objective_loss(report, objective) for objective in self._objectives)
            if any(map(math.isnan, point)) or not rung.join(point):
                return STOP
        return self._continue[report.index]

    def on_end(self, trial: Trial) -> None:
        """Do nothing: everything was learnt from the reports."""


class _Rung(Protocol):
    """The trials that have reached a rung, of which a share may continue."""

    def __init__(self, share: Fraction) -> None: ...

    def join(self, point: Point) -> bool:
        """Add a trial and tell whether it is among the best."""


class _QuantileOfOne:
    """A rung with one objective: the fronts are the losses in ascending order, as on a rung of ASHA."""

    def __init__(self, share: Fraction) -> None:
        self._losses = QuantileRung(share)

    def join(self, point: Point) -> bool:
        self._losses.insert(point[0])
        return self._losses.admits(point[0])


class _NonDominatedSorting:
    """A rung with several objectives: the trials are sorted into Pareto fronts."""

    def __init__(self, share: Fraction) -> None:
        self._fronts, self._share = ParetoFronts(), share

    def join(self, point: Point) -> bool:
        front = self._fronts.insert(point)
        allowed = (len(self._fronts) - 1) * self._share.numerator // self._share.denominator
        return self._fronts.rank(point, front, allowed + 1) <= allowed


def choose_objectives(schema: Schema, names: Sequence[str] | None) -> list[Objective]:
    """The objectives of these names; by default all that have a goal, the time only if it is the target.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: ``names`` is not a list of names, or an objective has no goal.
    """
    if names is None:
        known = [o for o in schema.objectives if o.goal != "none"]
        return [o for o in known if o.name != schema.time or o.name == schema.target]
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise InvalidOption(f"objectives is {names!r}, but must be a list of names")
    found = [schema.objective(name) for name in names]
    for objective in found:
        if objective.goal == "none":
            raise InvalidOption(f"the objective {objective.name!r} has no goal, so nothing is better in it")
    return found
