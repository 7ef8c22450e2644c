"""Blackboxes seen differently: cut, renamed, averaged, timed. Views compose, and change nothing beneath.

A view keeps the errors, the seeds and the table of the blackbox that it shows, but for what it is made for.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve, Status
from blackbox_repo.errors import InvalidOption, NotTabulated, UnknownSeed
from blackbox_repo.frozen import sealed
from blackbox_repo.nearest import nearest
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.fitted import with_surrogate
from blackbox_repo.view import View

__all__ = [
    "TimeModel",
    "fixed_seed",
    "mean_over_seeds",
    "nearest",
    "rename_objectives",
    "select_fidelities",
    "up_to",
    "with_surrogate",
    "with_target",
    "with_time_model",
]

ELAPSED = "elapsed_time"
TimeModel: TypeAlias = float | Callable[[Configuration, float], float]


def up_to(blackbox: Blackbox, fidelity: float) -> Blackbox:
    """The curves cut after one fidelity, as if nothing had been trained further.

    Raises:
        UnknownFidelity: The schema has no such fidelity.
    """
    count = blackbox.schema.fidelity.index(fidelity) + 1
    return _UpTo(blackbox, count)


def select_fidelities(blackbox: Blackbox, fidelities: Sequence[float]) -> Blackbox:
    """The curves with some of their points, at these fidelities, whatever their order here.

    Raises:
        UnknownFidelity: The schema lacks one of them.
        InvalidOption: There is none.
    """
    picked = sorted({blackbox.schema.fidelity.index(fidelity) for fidelity in fidelities})
    if not picked:
        raise InvalidOption("select_fidelities() needs at least one fidelity")
    return _Selected(blackbox, picked)


def rename_objectives(blackbox: Blackbox, names: Mapping[str, str]) -> Blackbox:
    """The objectives under new names: ``{old: new}``; the others keep theirs.

    Raises:
        UnknownName: An old name is no objective.
        InvalidSpace: A new name is taken.
    """
    for old in names:
        blackbox.schema.objective(old)
    return _Renamed(blackbox, names)


def with_target(blackbox: Blackbox, objective: str) -> Blackbox:
    """The same blackbox with another objective to optimize.

    Raises:
        UnknownName: There is no such objective.
        InvalidSpace: It has no goal.
    """
    return View(blackbox, blackbox.schema.with_target(objective), f"with_target({objective})")


def fixed_seed(blackbox: Blackbox, seed: int) -> Blackbox:
    """The runs of one training seed; configurations that were not trained with it are not there.

    Raises:
        UnknownSeed: No configuration of the table has the seed; later, for one of them that has not.
    """
    return _FixedSeed(blackbox, seed)


def mean_over_seeds(blackbox: Blackbox) -> Blackbox:
    """One curve a configuration: the mean over its seeds, up to the end of the shortest.

    Its seed is called 0. Its status is ``"ok"`` unless a curve that ends there diverged or crashed. NaN in
    one of the curves is NaN in the mean.
    """
    return _MeanOverSeeds(blackbox, blackbox.schema, "mean_over_seeds")


def with_time_model(blackbox: Blackbox, model: TimeModel) -> Blackbox:
    """A blackbox without time, with the objective ``elapsed_time`` that a rule of yours computes.

    Args:
        blackbox: It records no time.
        model: Seconds a unit of fidelity; or ``(configuration, fidelity)`` -> seconds from the start of the
            training to that fidelity, which must not decrease along it.

    Raises:
        InvalidOption: The blackbox has a time already, or the number is not positive and finite; later, where
            the function's seconds are negative, not finite, or decrease.
        InvalidSpace: Something else is called ``elapsed_time``.
    """
    if blackbox.schema.time is not None:
        raise InvalidOption(
            f"{blackbox.name!r} records its time already, as {blackbox.schema.time!r}: it takes no time model"
        )
    if callable(model):
        return _TimedByFunction(blackbox, _timed_schema(blackbox.schema), model)
    if isinstance(model, bool) or not isinstance(model, numbers.Real) or not 0 < model < math.inf:
        raise InvalidOption(
            f"a time model is a positive number of seconds per {blackbox.schema.fidelity.name}, or a "
            f"function (configuration, fidelity) -> elapsed seconds, not {model!r}"
        )
    return _TimedByRate(blackbox, _timed_schema(blackbox.schema), float(model))


class _UpTo(View):
    def __init__(self, inner: Blackbox, count: int) -> None:
        fidelity = inner.schema.fidelity
        schema = replace(inner.schema, fidelity=replace(fidelity, values=fidelity.values[:count]))
        super().__init__(inner, schema, f"up_to({fidelity.values[count - 1]})")
        self._count = count

    def values(self, objective: str) -> Array:
        return self.inner.values(objective)[:, :, : self._count]

    def seen(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.under(self.schema, self._count)


class _Selected(View):
    def __init__(self, inner: Blackbox, picked: list[int]) -> None:
        fidelity = inner.schema.fidelity
        chosen = replace(fidelity, values=tuple(fidelity.values[index] for index in picked))
        description = f"select_fidelities({chosen.describe()})"
        super().__init__(inner, replace(inner.schema, fidelity=chosen), description)
        self._picked = picked

    def values(self, objective: str) -> Array:
        return sealed(self.inner.values(objective)[:, :, self._picked])

    def seen(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        reached = [index for index in self._picked if index < len(curve)]
        last = self._picked[-1] + 1
        values = {
            objective.name: curve.constant(objective.name)
            if objective.constant
            else curve.head(objective.name, last)[reached]
            for objective in self.schema.objectives
        }
        status: Status = "ok" if len(curve) > last else curve.status
        return LearningCurve.of(self.schema, values, status=status, seed=curve.seed)


class _Renamed(View):
    def __init__(self, inner: Blackbox, names: Mapping[str, str]) -> None:
        schema = inner.schema
        self._names = {o.name: names.get(o.name, o.name) for o in schema.objectives}
        renamed = replace(
            schema,
            objectives=tuple(replace(o, name=self._names[o.name]) for o in schema.objectives),
            target=self._names[schema.target],
            time=None if schema.time is None else self._names[schema.time],
        )
        self._old = {new: old for old, new in self._names.items()}
        super().__init__(inner, renamed, f"rename_objectives({dict(sorted(names.items()))!a})")

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        return self.inner.values(self._old[objective])

    def seen(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.renamed(self.schema, self._names)


class _FixedSeed(View):
    def __init__(self, inner: Blackbox, seed: int) -> None:
        self._seed, schema = int(seed), inner.schema
        try:
            known = inner.configurations()
        except NotTabulated:
            known = []
        found = [inner.seeds(configuration) for configuration in known]
        self._rows = [row for row, seeds in enumerate(found) if self._seed in seeds]
        self._replicates = [found[row].index(self._seed) for row in self._rows]
        if known and not self._rows:
            raise UnknownSeed(f"no configuration of {inner.name!r} was trained with the seed {seed!r}")
        if len(self._rows) < len(known):
            kept = [known[row] for row in self._rows]
            schema = replace(schema, space=replace(schema.space, candidates=kept))
        super().__init__(inner, schema, f"fixed_seed({self._seed})")

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        self._check(seed)
        return super().curve(configuration, seed=self._seed)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        self._check(seed)
        return super().curves(configurations, seed=self._seed)

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        self.inner.curve(configuration, seed=self._seed)  # it says why there is none
        return (self._seed,)

    def configurations(self) -> Sequence[Configuration]:
        known = self.inner.configurations()
        return known if len(known) == len(self._rows) else [known[row] for row in self._rows]

    def values(self, objective: str) -> Array:
        return sealed(super().values(objective)[self._rows, self._replicates][:, np.newaxis])

    def _check(self, seed: int | None) -> None:
        if seed is not None and seed != self._seed:
            raise UnknownSeed(f"{self.name!r} has the seed {self._seed}, not {seed!r}")


class _MeanOverSeeds(View):
    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        if seed not in (None, 0):
            raise UnknownSeed(f"{self.name!r} has the seed 0, which stands for all, not {seed!r}")
        curves = [self.inner.curve(configuration, seed=s) for s in self.inner.seeds(configuration)]
        shortest = min(map(len, curves))
        values = {
            objective.name: _mean([curve.constant(objective.name) for curve in curves])
            if objective.constant
            else _mean([curve.head(objective.name, shortest) for curve in curves])
            for objective in self.schema.objectives
        }
        ends: list[Status] = [curve.status for curve in curves if len(curve) == shortest]
        status: Status = next((end for end in ends if end != "ok"), "ok")
        return LearningCurve.of(self.schema, values, status=status, seed=0)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        return [self.curve(configuration, seed=seed) for configuration in configurations]

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        self.inner.seeds(configuration)
        return (0,)

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        return self.stacked(objective)


class _TimedByRate(View):
    def __init__(self, inner: Blackbox, schema: Schema, seconds: float) -> None:
        super().__init__(inner, schema, f"with_time_model({seconds!r})")
        self._elapsed = sealed(np.array(schema.fidelity.values, dtype=np.float64) * seconds)

    def values(self, objective: str) -> Array:
        return self.stacked(objective) if objective == ELAPSED else super().values(objective)

    def seen(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.extended(self.schema, ELAPSED, self._elapsed[: len(curve)])


class _TimedByFunction(View):
    def __init__(
        self, inner: Blackbox, schema: Schema, model: Callable[[Configuration, float], float]
    ) -> None:
        super().__init__(
            inner, schema, f"with_time_model({getattr(model, '__name__', type(model).__name__)})"
        )
        self._model = model

    def values(self, objective: str) -> Array:
        return self.stacked(objective) if objective == ELAPSED else super().values(objective)

    def digest(self) -> str:
        return ""

    def seen(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        checked = self.schema.space.check(configuration)
        elapsed = np.array(
            [self._model(checked, fidelity) for fidelity in curve.fidelities], dtype=np.float64
        )
        if not np.isfinite(elapsed).all() or np.any(np.diff(elapsed, prepend=0.0) < 0):
            raise InvalidOption(
                f"elapsed seconds must be finite, from 0 up, and not decrease, but {self.name!r} has "
                f"{elapsed.tolist()!r} for {checked!r}"
            )
        return curve.extended(self.schema, ELAPSED, sealed(elapsed))


def _timed_schema(schema: Schema) -> Schema:
    time = Objective(
        ELAPSED,
        goal="none",
        unit="s",
        description="seconds since training began",
        cumulative=True,
        provenance="modelled",
    )
    return replace(schema, objectives=(*schema.objectives, time), time=ELAPSED)


def _mean(curves: Sequence[Array] | Sequence[float]) -> Array:
    """The mean in float64, summed in the order given: it does not depend on how numpy adds."""
    total = np.zeros_like(curves[0], dtype=np.float64)
    for curve in curves:
        total = total + curve
    return total / len(curves)
