"""Small steps in a space: what evolution, local search and populations make of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blackbox_repo import keyed_random
from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.permutation import Permutation
from blackbox_repo.space import Configuration, Space
from simulator.schedulers.positions import ClosestRow, at_place, place

REACH = 0.2
"""How far from a number its neighbours lie at most, from end to end of the domain being 1."""
DRAWS = 4
"""How many neighbours a number has."""


class Neighbours:
    """Configurations near others, all of which exist.

    Conditions are kept, and where a table is no full grid, each is replaced by the row closest to it that is
    not where the step began.

    Args:
        space: Whose configurations.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._rows = None if space.candidates is None else ClosestRow(space)
        self._movable = [name for name, domain in space.domains.items() if domain.size != 1]

    def mutated(self, configuration: Configuration, *key: keyed_random.Key) -> dict[str, Value]:
        """One active hyperparameter, drawn, has another value of its domain, drawn."""
        active = [name for name in self._movable if name in configuration]
        if not active:
            return dict(configuration)
        name = active[keyed_random.integer(len(active), *key, "which")]
        changed = _other(self._space.domains[name], configuration[name], (*key, name))
        return self._existing({**configuration, name: changed}, configuration, key)

    def perturbed(
        self, configuration: Configuration, resample: float, *key: keyed_random.Key
    ) -> dict[str, Value]:
        """Each hyperparameter is drawn anew with probability ``resample``, else moved a little.

        Numbers are multiplied by 0.8 or 1.2 (integers change by 1 at least), ordinals go one up or down, and
        categories stay; all within their domains.
        """
        moved = {}
        for name, value in configuration.items():
            domain = self._space.domains[name]
            if keyed_random.unit(*key, name, "resample") < resample:
                moved[name] = domain.at(keyed_random.unit(*key, name))
            else:
                moved[name] = _pushed(domain, value, up=keyed_random.integer(2, *key, name, "up") == 1)
        return self._existing(moved, configuration, key)

    def around(self, configuration: Configuration, *key: keyed_random.Key) -> list[dict[str, Value]]:
        """All configurations one step away, each once, in an order that is drawn.

        A category may become any other, an ordinal go one up or down, and a number has four neighbours, drawn
        within a fifth of its domain.
        """
        found: dict[tuple[Value | None, ...], dict[str, Value]] = {}
        for name in self._movable:
            if name in configuration:
                for value in _near(self._space.domains[name], configuration[name], (*key, name)):
                    stepped = self._existing({**configuration, name: value}, configuration, (*key, name))
                    found.setdefault(self.key(stepped), stepped)
        found.pop(self.key(configuration), None)
        neighbours = list(found.values())
        order = Permutation(len(neighbours), *key, "order")
        return [neighbours[index] for index in order.block(0, len(neighbours))]

    def key(self, configuration: Configuration) -> tuple[Value | None, ...]:
        """What tells canonical configurations apart."""
        return tuple(configuration.get(name) for name in self._space.domains)

    def _existing(
        self, wanted: Mapping[str, Value], origin: Configuration, key: tuple[keyed_random.Key, ...]
    ) -> dict[str, Value]:
        """With what is active only: newly active hyperparameters are drawn. Then the closest row."""
        kept: dict[str, Value] = {}
        for name, domain in self._space.domains.items():
            if self._is_active(name, kept):
                kept[name] = (
                    wanted[name] if name in wanted else domain.at(keyed_random.unit(*key, name, "new"))
                )
        return kept if self._rows is None else self._rows.to(kept, other_than=origin)

    def _is_active(self, name: str, decided: Mapping[str, Value]) -> bool:
        return all(
            condition.parent in decided and decided[condition.parent] in condition.values
            for condition in self._space.conditions.get(name, ())
        )


def _other(domain: Domain, value: Value, key: tuple[keyed_random.Key, ...]) -> Value:
    """Another value of a domain of more than one, drawn."""
    if isinstance(domain, Float):
        return domain.at(keyed_random.unit(*key))
    index = keyed_random.integer(domain.size - 1, *key)
    return domain.values[index + (index >= _rank(domain, value))]


def _rank(domain: Integer | Ordinal | Categorical | Constant, value: Value) -> int:
    return int(value) - domain.lower if isinstance(domain, Integer) else domain.values.index(value)


def _pushed(domain: Domain, value: Value, *, up: bool) -> Value:
    if isinstance(domain, Ordinal):
        rank = domain.values.index(value) + (1 if up else -1)
        return domain.values[min(max(rank, 0), domain.size - 1)]
    if not isinstance(domain, Float | Integer):
        return value
    pushed = significant(float(value) * (1.2 if up else 0.8), 12)
    if isinstance(domain, Integer):
        least = int(value) + (1 if up else -1)
        pushed = max(round(pushed), least) if up else min(round(pushed), least)
    return min(max(pushed, domain.lower), domain.upper)


def _near(domain: Domain, value: Value, key: tuple[keyed_random.Key, ...]) -> Iterator[Value]:
    """The values one step from another; it may be among them where they are drawn."""
    if isinstance(domain, Float | Integer):
        for number in range(DRAWS):
            wanted = place(domain, value) + REACH * (2 * keyed_random.unit(*key, number) - 1)
            yield at_place(domain, min(max(wanted, 0.0), 1.0))
        return
    assert domain.values is not None
    rank = domain.values.index(value)
    for other, candidate in enumerate(domain.values):
        if abs(other - rank) == 1 or (other != rank and not isinstance(domain, Ordinal)):
            yield candidate
