"""A view that adds the elapsed time to a blackbox that records none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.errors import InvalidOption
from blackbox_repo.frozen import sealed
from blackbox_repo.numeric.scalars import is_real
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View

TimeModel: TypeAlias = float | Callable[[Configuration, float], float]
_ELAPSED = "elapsed_time"


def with_time_model(blackbox: Blackbox, model: TimeModel) -> Blackbox:
    """Add the objective ``elapsed_time``, computed by a rule of the user, to a blackbox without time.

    Args:
        blackbox: A blackbox that records no time.
        model: Seconds per unit of fidelity; or ``(configuration, fidelity)`` -> seconds from the start of the
            training to that fidelity, which must not decrease along it.

    Raises:
        InvalidOption: The blackbox has a time already, or the number is not positive and finite; later, where
            the seconds of the function are negative, not finite, or decrease.
        InvalidSpace: The name ``elapsed_time`` is taken.
    """
    if blackbox.schema.time is not None:
        raise InvalidOption(
            f"{blackbox.name!r} records its time already, as {blackbox.schema.time!r}: it takes no time model"
        )
    if callable(model):
        return _TimedByFunction(blackbox, _timed_schema(blackbox.schema), model)
    if not is_real(model) or not 0 < float(model) < math.inf:
        raise InvalidOption(
            f"a time model is a positive number of seconds per {blackbox.schema.fidelity.name}, or a "
            f"function (configuration, fidelity) -> elapsed seconds, not {model!r}"
        )
    return _TimedByRate(blackbox, _timed_schema(blackbox.schema), float(model))


class _TimedByRate(View):
    def __init__(self, inner: Blackbox, schema: Schema, seconds: float) -> None:
        super().__init__(inner, schema, f"with_time_model({seconds!r})")
        self._elapsed = sealed(np.array(schema.fidelity.values, dtype=np.float64) * seconds)

    def values(self, objective: str) -> Array:
        return self.stack_curves(objective) if objective == _ELAPSED else super().values(objective)

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.extended(self.schema, _ELAPSED, self._elapsed[: len(curve)])


class _TimedByFunction(View):
    def __init__(
        self, inner: Blackbox, schema: Schema, model: Callable[[Configuration, float], float]
    ) -> None:
        super().__init__(
            inner, schema, f"with_time_model({getattr(model, '__name__', type(model).__name__)})"
        )
        self._model = model

    def values(self, objective: str) -> Array:
        return self.stack_curves(objective) if objective == _ELAPSED else super().values(objective)

    def digest(self) -> str:
        return ""

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        checked = self.schema.space.check(configuration)
        elapsed = np.array(
            [self._model(checked, fidelity) for fidelity in curve.fidelities], dtype=np.float64
        )
        if not np.isfinite(elapsed).all() or np.any(np.diff(elapsed, prepend=0.0) < 0):
            raise InvalidOption(
                f"elapsed seconds must be finite, from 0 up, and not decrease, but {self.name!r} has "
                f"{elapsed.tolist()!r} for {checked!r}"
            )
        return curve.extended(self.schema, _ELAPSED, sealed(elapsed))


def _timed_schema(schema: Schema) -> Schema:
    time = Objective(
        _ELAPSED,
        goal="none",
        unit="s",
        description="seconds since training began",
        cumulative=True,
        provenance="modelled",
    )
    return replace(schema, objectives=(*schema.objectives, time), time=_ELAPSED)
