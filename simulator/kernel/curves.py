"""The curves of a run's trials; those that the scheduler announces are computed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from blackbox_repo.blackbox import Blackbox, Trainings
from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration


class Curves:
    """Curves by configuration and seed; which ones are computed together changes the speed, never a value.

    Args:
        blackbox: Where the curves come from.
        upcoming: ``count`` -> the configurations that will probably be started next, by schedulers that know.
    """

    def __init__(self, blackbox: Blackbox, upcoming: Callable[[int], Sequence[Configuration]] | None) -> None:
        self._blackbox, self._upcoming = blackbox, upcoming
        self._ahead: dict[tuple[Any, ...], LearningCurve] = {}

    def of(self, trainings: Trainings, seed: Any) -> LearningCurve:
        """The curve of a configuration, trained with a seed."""
        if self._upcoming is None or self._blackbox.batch < 2:
            return trainings.curve(seed)
        configuration = trainings.configuration
        key = tuple(configuration.items())
        if key not in self._ahead:
            together = [configuration, *self._upcoming(self._blackbox.batch - 1)]
            curves = self._blackbox.curves(together, seed=seed)
            self._ahead = {tuple(c.items()): curve for c, curve in zip(together, curves, strict=True)}
        curve = self._ahead[key]  # it stays: the same configuration may come again
        return curve if curve.seed == seed else trainings.curve(seed)
