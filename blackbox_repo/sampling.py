"""Configurations drawn from a space one after the other, from a finite one each only once."""

from __future__ import annotations

from collections.abc import Iterable

from blackbox_repo.domains import Integer, Value
from blackbox_repo.keyed_random import Key
from blackbox_repo.permutation import Permutation
from blackbox_repo.space import Configuration, Space

MISSES = 1000
"""So many draws in a row that were all drawn before mean that hardly any configuration is left."""
MANY = 1 << 63
"""From so many configurations on, a permutation is slower than to remember those that were drawn."""
_AT_ONCE = 256


class Sampler:
    """The configurations that a space gives for a key, in an order that the key decides.

    Of a space without end each is drawn by itself. Of a finite one each comes once: where all are equally
    likely, as in a table or a grid, in the order of a keyed permutation and in constant memory. Where they
    are not, because of conditions or of integers in log scale, and where there are ``MANY``, what was drawn
    before is passed over, and once ``MISSES`` draws in a row were old, the rest comes in the order of a
    permutation.

    Args:
        space: What to draw from.
        key: What the draws are for.
        duplicates: Draw from finite spaces as from those without end.
        known: Canonical configurations that a finite space is not to give.
    """

    def __init__(
        self, space: Space, *key: Key, duplicates: bool = False, known: Iterable[Configuration] = ()
    ) -> None:
        self._space, self._key = space, key
        self._all = None if duplicates else space.enumeration
        self._known = {space.identity(configuration) for configuration in known}
        self._remembers = self._all is not None and not (
            self._all.size < MANY and _all_are_equally_likely(space)
        )
        self._order: Permutation | None = None
        if self._all is not None and not self._remembers:
            self._order = Permutation(self._all.size, *key)
        self._drawn = self._misses = 0

    def take(self, count: int) -> list[dict[str, Value]]:
        """At least ``count`` further configurations, or all that are left."""
        taken: list[dict[str, Value]] = []
        while len(taken) < count and (drawn := self._draw(max(count, _AT_ONCE))):
            taken += self._new(drawn) if self._remembers or (self._all and self._known) else drawn
        return taken

    def _draw(self, count: int) -> list[dict[str, Value]]:
        first, self._drawn = self._drawn, self._drawn + count
        if self._all is None or self._order is None:
            return self._space.samples(*self._key, first, count=count)
        return self._all.block(self._order.block(first, count))

    def _new(self, drawn: list[dict[str, Value]]) -> list[dict[str, Value]]:
        """Those that are not known, up to the draw after which the rest comes in order."""
        new = []
        for configuration in drawn:
            identity = self._space.identity(configuration)
            if identity not in self._known:
                new.append(configuration)
                self._misses = 0
                if self._remembers:
                    self._known.add(identity)
            elif self._has_missed_enough():
                break
        return new

    def _has_missed_enough(self) -> bool:
        self._misses += 1
        if self._all is None or self._order is not None or self._misses < MISSES:
            return False
        self._order, self._drawn = Permutation(self._all.size, *self._key, "rest"), 0
        return True


def _all_are_equally_likely(space: Space) -> bool:
    """Whether :meth:`Space.sample` gives every configuration of a finite space as often as any other."""
    skewed = any(isinstance(d, Integer) and d.log and d.size > 1 for d in space.domains.values())
    return space.candidates is not None or not (space.conditions or skewed)
