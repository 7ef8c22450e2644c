"""Multi-objective ASHA (Schmucker, Donini, Zafar, Salinas and Archambeau, 2021), by stopping."""

from __future__ import annotations

import math
from collections.abc import Sequence

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.brackets import towards_next
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.fronts import Fronts, Point
from simulator.schedulers.rungs import rung_levels
from simulator.schedulers.settings import shown


class MOASHA:
    """Stops a trial at a rung if it is not among the best 1/eta there by non-dominated sorting.

    At each rung a trial joins those before. They are ranked by fronts, and within a front by crowding
    distance, the lonely first. Of n trials the newcomer goes on if at most (n - 1) r_j / r_(j+1) are before
    it: with one objective this is the rule of ASHA, where no two losses are equal. A trial with a NaN among
    its objectives is infinitely bad in all of them.

    A report costs time in proportion to the front that its trial joins: of n trials on a rung about the
    square root of n, for two objectives that vary by themselves. At worst, where no trial is better than any
    other in everything, that is all n.

    Args:
        schema: Of the blackbox; its objectives' goals say what is better.
        seed: Of the configurations, drawn as random search draws them.
        objectives: The names of the objectives; by default all that have a goal, but for the time.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        initial: Configurations to try first.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: A setting outside its range, or an objective without a goal.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        objectives: Sequence[str] | None = None,
        eta: float = 3,
        r_min: float | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        self._objectives = chosen(schema, objectives)
        self._goals = [*rung_levels(schema.fidelity, r_min, eta), schema.fidelity.values[-1]]
        self._rungs = {
            low: (Fronts(), low / high) for low, high in zip(self._goals, self._goals[1:], strict=False)
        }
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._configuration, self.upcoming = configurations.next, configurations.upcoming
        self._shown = shown(
            "MOASHA",
            seed=seed,
            objectives=[objective.name for objective in self._objectives],
            eta=eta,
            r_min=r_min,
            initial=configurations.initial,
        )

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start:
        """Always a new trial."""
        return Start(self._configuration())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stops at a rung what is not good enough there."""
        if report.fidelity in self._rungs:
            fronts, share = self._rungs[report.fidelity]
            point = self._point(report)
            front = fronts.insert(point)
            # rounded before it is cut: 3 * (1/3) is one trial
            allowed = math.floor(round((len(fronts) - 1) * share, 9))
            if fronts.place(point, front, allowed + 1) > allowed:
                return STOP
        return towards_next(self._goals, report.fidelity)

    def _point(self, report: Report) -> Point:
        losses = tuple(objective.loss(report[objective.name]) for objective in self._objectives)
        return tuple(math.inf for _ in losses) if math.inf in losses else losses

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""


def chosen(schema: Schema, names: Sequence[str] | None) -> list[Objective]:
    """The objectives of these names, or all that have a goal; the time only if it is the target.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: No list of names, or one without a goal.
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
