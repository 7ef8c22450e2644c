"""Multi-objective ASHA (Schmucker, Donini, Zafar, Salinas and Archambeau, 2021), by stopping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import STOP, Decision, Report, Start, Trial
from simulator.schedulers.brackets import towards_next
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ratio
from simulator.schedulers.fronts import Fronts, Point
from simulator.schedulers.loss import loss_of
from simulator.schedulers.rungs import QuantileRung, goals
from simulator.schedulers.settings import format_call


class MOASHA:
    """Stops a trial at a rung if it is not among the best 1/eta there by non-dominated sorting.

    At each rung a trial joins those before. They are ranked by fronts, and within a front by crowding
    distance, the lonely first. Of n trials the newcomer goes on if at most (n - 1) r_j / r_(j+1) are before
    it, and nobody is before an equal: with one objective this is the rule of ASHA. A trial that has a NaN
    among its objectives is stopped, and takes no place on the rung.

    With one objective, a report costs the logarithm of the number of trials. With several it costs time in
    proportion to the front that its trial joins: of n trials on a rung about the square root of n, for two
    objectives that vary by themselves. At worst, where no trial is better than any other in everything, that
    is all n.

    Args:
        schema: Of the blackbox; its objectives' goals say what is better.
        seed: Of the configurations, drawn as random search draws them.
        objectives: The names of the objectives; by default all that have a goal, but for the time.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: A setting outside its range, or an objective without a goal.
    """

    def __init__(  # noqa: PLR0913  settings are named
        self,
        schema: Schema,
        seed: int = 0,
        *,
        objectives: Sequence[str] | None = None,
        eta: float = 3,
        r_min: float | None = None,
        rungs: Sequence[float] | None = None,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        self._objectives = chosen(schema, objectives)
        self._goals = goals(schema.fidelity, eta, r_min, rungs)
        kind = _Ranked if len(self._objectives) == 1 else _Sorted
        self._rungs: dict[float, _Rung] = {
            low: kind(ratio(low, high)) for low, high in zip(self._goals, self._goals[1:], strict=False)
        }
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._start, self.upcoming = configurations.start, configurations.upcoming
        self._shown = format_call(
            "MOASHA",
            seed=configurations.seed,
            objectives=[objective.name for objective in self._objectives],
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            initial=configurations.initial,
            duplicates=duplicates or (),
        )

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A new trial, until a finite space is used up."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Stops at a rung what is not good enough there."""
        rung = self._rungs.get(report.fidelity)
        if rung is not None:
            point = tuple(loss_of(report, objective) for objective in self._objectives)
            if any(map(math.isnan, point)) or not rung.join(point):
                return STOP
        return towards_next(self._goals, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Has learnt from the reports."""


class _Rung(Protocol):
    """The trials that have got to a rung."""

    def join(self, point: Point) -> bool:
        """Add a trial; whether it is among the best."""


class _Ranked:
    """With one objective the fronts are the losses in their order, and a rung is one of ASHA."""

    def __init__(self, share: Fraction) -> None:
        self._losses = QuantileRung(share)

    def join(self, point: Point) -> bool:
        self._losses.insert(point[0])
        return self._losses.admits(point[0])


class _Sorted:
    """With several, they are kept in fronts."""

    def __init__(self, share: Fraction) -> None:
        self._fronts, self._share = Fronts(), share

    def join(self, point: Point) -> bool:
        front = self._fronts.insert(point)
        allowed = (len(self._fronts) - 1) * self._share.numerator // self._share.denominator
        return self._fronts.place(point, front, allowed + 1) <= allowed


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
