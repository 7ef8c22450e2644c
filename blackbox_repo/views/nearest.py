"""Off-table configurations answered by the closest row of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import ConfigurationNotInTable, UnknownSeed
from blackbox_repo.numeric.elementary import log
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View

_INACTIVE = -2.0  # farther than 1 from every position


def nearest(blackbox: Blackbox, *, keep_candidates: bool = False) -> Blackbox:
    """A table that answers for any configuration of its space, with the closest row where it lacks one.

    The distance is Euclidean over hyperparameters: numbers and ordinals in [0, 1] from end to end of their
    domain, in log scale where that is; categories that differ are 1 apart, as are active and inactive. Of
    equally close rows the first is taken.

    Args:
        blackbox: The table.
        keep_candidates: Samplers that can keep to the rows of the table still do; by default all draw from
            the whole space.

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
        rows = inner.configurations()
        self._positions = {
            name: _positions(domain, [row.get(name) for row in rows])
            for name, domain in space.domains.items()
        }

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
        return checked if self.holds(checked) else self.inner.configurations()[self._closest(checked)]

    def _closest(self, checked: Mapping[str, Value]) -> int:
        squares = np.zeros(len(self.inner.configurations()))
        for name, domain in self.schema.space.domains.items():
            apart = self._positions[name] - _positions(domain, [checked.get(name)])
            squares += np.minimum(np.abs(apart), 1.0) ** 2
        return int(np.argmin(np.round(squares, 12)))  # rounded, so that equal distances are equal


def in_table(blackbox: Blackbox, configuration: Configuration) -> bool:
    """Whether a table has this configuration's own curves."""
    try:
        blackbox.seeds(configuration)
    except (ConfigurationNotInTable, UnknownSeed):
        return False
    return blackbox.holds(configuration)


def _positions(domain: Domain, values: Sequence[Value | None]) -> Array:
    """The values as numbers whose difference, cut to 1, is how far they are apart."""
    known = {value: position(domain, value) for value in dict.fromkeys(values)}
    return np.array([known[value] for value in values])


def position(domain: Domain, value: Value | None) -> float:
    """A number or an ordinal in [0, 1] from end to end of its domain; of a category its rank, of none -2."""
    if value is None:
        return _INACTIVE
    if isinstance(domain, Float | Integer):
        exact = int if isinstance(domain, Integer) else float  # whole numbers are subtracted exactly
        scale: Callable[..., float] = log if domain.log else exact
        low, high, place = scale(domain.lower), scale(domain.upper), scale(value)
        return significant((place - low) / (high - low), 12) if high > low else 0.0
    rank = domain.values.index(value)
    return rank / max(len(domain.values) - 1, 1) if isinstance(domain, Ordinal) else float(rank)
