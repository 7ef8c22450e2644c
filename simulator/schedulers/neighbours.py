"""Small steps in a space: the configurations that evolution, local search and populations derive from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blackbox_repo import keyed_random
from blackbox_repo.distance import ClosestRow, at_position, position
from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.keyed_random import Key
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.permutation import Permutation
from blackbox_repo.space import CanonicalKey, Configuration, Space

REACH = 0.2
"""The largest distance of a number from its neighbours, as a share of the width of its domain."""
DRAWS = 4
"""How many neighbours of a number are drawn."""


class Neighbours:
    """Derives configurations that exist and are close to a given one.

    Conditions of the space are kept. In a table that is not a full grid each derived configuration is
    replaced by the closest row other than the one that it was derived from.

    Args:
        space: The space of the given and of the derived configurations.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._rows = None if space.candidates is None else ClosestRow(space)
        self._movable = [name for name, domain in space.domains.items() if domain.size != 1]

    def mutate(self, configuration: Configuration, *key: Key) -> dict[str, Value]:
        """Draw one active hyperparameter and give it another value of its domain, drawn uniformly."""
        active = [name for name in self._movable if name in configuration]
        if not active:
            return dict(configuration)
        name = active[keyed_random.integer(len(active), *key, "which")]
        changed = _draw_other(self._space.domains[name], configuration[name], (*key, name))
        return self._repair({**configuration, name: changed}, configuration, key)

    def perturb(self, configuration: Configuration, resample: float, *key: Key) -> dict[str, Value]:
        """Draw each hyperparameter anew with probability ``resample``, and move the others a little.

        A number is multiplied by 0.8 or 1.2 (an integer changes by 1 at least), an ordinal goes one value up
        or down, and a category stays. No value leaves its domain.
        """
        moved = {}
        for name, value in configuration.items():
            domain = self._space.domains[name]
            if keyed_random.unit(*key, name, "resample") < resample:
                moved[name] = domain.at(keyed_random.unit(*key, name))
            else:
                moved[name] = _move(domain, value, up=keyed_random.integer(2, *key, name, "up") == 1)
        return self._repair(moved, configuration, key)

    def around(self, configuration: Configuration, *key: Key) -> list[dict[str, Value]]:
        """All configurations that are one step away, each once, in an order that is drawn.

        A category may become any other one, and an ordinal goes one value up or down. A number has four
        neighbours, drawn within a fifth of the width of its domain.
        """
        found: dict[CanonicalKey, dict[str, Value]] = {}
        for name in self._movable:
            if name in configuration:
                for value in _values_near(self._space.domains[name], configuration[name], (*key, name)):
                    stepped = self._repair({**configuration, name: value}, configuration, (*key, name))
                    found.setdefault(self._space.identity(stepped), stepped)
        found.pop(self._space.identity(configuration), None)
        neighbours = list(found.values())
        order = Permutation(len(neighbours), *key, "order")
        return [neighbours[index] for index in order.block(0, len(neighbours))]

    def _repair(
        self, wanted: Mapping[str, Value], origin: Configuration, key: tuple[Key, ...]
    ) -> dict[str, Value]:
        """Drop inactive hyperparameters, draw the newly active ones, then take the closest row of a table."""
        kept: dict[str, Value] = {}
        for name, domain in self._space.domains.items():
            if self._space.is_active(name, kept):
                drawn = name not in wanted
                kept[name] = domain.at(keyed_random.unit(*key, name, "new")) if drawn else wanted[name]
        return kept if self._rows is None else self._rows.to(kept, other_than=origin)


def _draw_other(domain: Domain, value: Value, key: tuple[Key, ...]) -> Value:
    """Draw another value from a domain that has several."""
    if isinstance(domain, Float):
        return domain.at(keyed_random.unit(*key))
    index = keyed_random.integer(domain.size - 1, *key)
    return domain.values[index + (index >= _rank(domain, value))]


def _rank(domain: Integer | Ordinal | Categorical | Constant, value: Value) -> int:
    return int(value) - domain.lower if isinstance(domain, Integer) else domain.values.index(value)


def _move(domain: Domain, value: Value, *, up: bool) -> Value:
    if isinstance(domain, Ordinal):
        rank = domain.values.index(value) + (1 if up else -1)
        return domain.values[min(max(rank, 0), domain.size - 1)]
    if not isinstance(domain, Float | Integer):
        return value
    moved = significant(float(value) * (1.2 if up else 0.8), 12)
    if isinstance(domain, Float):
        return domain.clip(moved)
    least = int(value) + (1 if up else -1)
    return domain.clip(max(round(moved), least) if up else min(round(moved), least))


def _values_near(domain: Domain, value: Value, key: tuple[Key, ...]) -> Iterator[Value]:
    """The values that are one step from another; a drawn number may be that value itself."""
    if isinstance(domain, Float | Integer):
        for number in range(DRAWS):
            step = REACH * (2 * keyed_random.unit(*key, number) - 1)
            yield at_position(domain, position(domain, value) + step)
        return
    assert domain.values is not None
    rank = domain.values.index(value)
    for other, candidate in enumerate(domain.values):
        if abs(other - rank) == 1 or (other != rank and not isinstance(domain, Ordinal)):
            yield candidate
