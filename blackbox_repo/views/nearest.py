"""A view that answers for configurations outside the table with the closest row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.distance import ClosestRow
from blackbox_repo.errors import ConfigurationNotInTable, UnknownSeed
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View


def nearest(blackbox: Blackbox, *, keep_candidates: bool = False) -> Blackbox:
    """A table that answers for any configuration of its space, with the closest row where it lacks one.

    :class:`~blackbox_repo.distance.ClosestRow` defines the distance.

    Args:
        blackbox: The table.
        keep_candidates: Whether samplers still draw from the rows of the table; by default they draw from the
            whole space.

    Raises:
        NotTabulated: The blackbox has no table.
    """
    return _Nearest(blackbox, keep_candidates=keep_candidates)


class _Nearest(View):
    def __init__(self, inner: Blackbox, *, keep_candidates: bool) -> None:
        space = inner.schema.space
        if not keep_candidates:
            space = replace(space, candidates=None)
        super().__init__(inner, replace(inner.schema, space=space), "nearest")
        self._closest = ClosestRow(replace(space, candidates=inner.configurations()))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.inner.curve(self._row(configuration), seed=seed).under(self.schema)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        rows = [self._row(configuration) for configuration in configurations]
        return [curve.under(self.schema) for curve in self.inner.curves(rows, seed=seed)]

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self.inner.seeds(self._row(configuration))

    def holds(self, configuration: Configuration) -> bool:
        return in_table(self.inner, configuration)

    def _row(self, configuration: Configuration) -> Configuration:
        checked = self.schema.space.check(configuration)
        return checked if self.holds(checked) else self._closest.to(checked)


def in_table(blackbox: Blackbox, configuration: Configuration) -> bool:
    """Whether a table has this configuration's own curves."""
    try:
        blackbox.seeds(configuration)
    except (ConfigurationNotInTable, UnknownSeed):
        return False
    return blackbox.holds(configuration)
