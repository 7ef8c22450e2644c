"""Configurations as rows of numbers, from which surrogates learn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.distance import INACTIVE, coordinates, position_in
from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidConfiguration, InvalidOption
from blackbox_repo.numeric_domain import numeric_domain
from blackbox_repo.space import Configuration, Space

FARTHEST = 1e6
"""No feature is larger, by far: they are from -2 to 1."""
_CHOSEN = math.sqrt(0.5)  # two different categories are then 1 apart


class Encoding:
    """Makes a row of numbers, the features, of a configuration; different ones have different rows.

    The feature of a number is its position in [0, 1] between the ends of its domain, in log scale if the
    domain is, to 12 significant digits. An ordinal whose values are all numbers is placed by value between
    the smallest and the largest of them, in log scale if they are
    :func:`~blackbox_repo.numeric_domain.geometric`; any other one by its rank, scaled to [0, 1]. A
    categorical has a feature for each category: the root of a half if it is chosen and else 0, so that two
    categories are 1 apart. Where a hyperparameter is inactive its feature is -2, farther than 1 from all
    others, and the features of its categories are 0.

    Args:
        space: The space of the configurations; its candidates do not matter.

    Attributes:
        space: The same.
        names: The features in order: ``lr``, ``optimizer=adam``, ``optimizer=sgd``, ...
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._columns = [(name, _column(domain)) for name, domain in space.domains.items()]
        self.names = tuple(
            feature for name, domain in space.domains.items() for feature in _features(name, domain)
        )

    def __reduce__(self) -> Any:
        return Encoding, (self.space,)

    def row(self, configuration: Configuration) -> Array:
        """The features of a configuration in canonical form, float64 of shape ``(feature,)``."""
        features: list[float] = []
        for name, column in self._columns:
            column.add(features, configuration.get(name))
        return np.array(features)

    def rows(self, configurations: Sequence[Configuration]) -> Array:
        """As :meth:`row`, for many: float64 of shape ``(configuration, feature)``."""
        of_name = getattr(configurations, "column", None) or _of_name(configurations)
        return np.hstack([column.many(of_name(name)) for name, column in self._columns])

    def rows_of_table(self, configurations: Sequence[Configuration], table: Space, name: str) -> Array:
        """As :meth:`rows`, for those of a table, whose space may be another one.

        Args:
            configurations: In canonical form in the space of the table.
            table: That space.
            name: The name of the table, for messages.

        Raises:
            InvalidOption: The encoded space lacks one of them.
        """
        if self.space == table:
            return self.rows(configurations)
        return self.rows([_check(self.space, configuration, name) for configuration in configurations])


def _check(space: Space, configuration: Configuration, name: str) -> Configuration:
    try:
        return space.check(configuration)
    except InvalidConfiguration as err:
        raise InvalidOption(
            f"the space must hold every configuration of {name!r}, but {err}; widen that domain, or take the "
            f"space that blackbox.schema.space.continuous() proposes"
        ) from err


def _of_name(configurations: Sequence[Configuration]) -> Callable[[str], list[Value | None]]:
    return lambda name: [configuration.get(name) for configuration in configurations]


def _features(name: str, domain: Domain) -> list[str]:
    return [f"{name}={value}" for value in domain.values] if isinstance(domain, Categorical) else [name]


def _column(domain: Domain) -> _Number | _Choice:
    if isinstance(domain, Float | Integer):
        return _Number(domain)
    if isinstance(domain, Categorical):
        return _Choice(domain.values, _CHOSEN * np.eye(domain.size), np.zeros(domain.size))
    places = np.zeros(1) if isinstance(domain, Constant) else _places(domain)
    return _Choice(domain.values, places[:, np.newaxis], np.array([INACTIVE]))


def _places(domain: Ordinal) -> Array:
    """Where the values of an ordinal lie in [0, 1]: by value if they are numbers that it tells apart."""
    behind = numeric_domain(domain.values)
    if behind is not None:
        places = coordinates(behind, domain.values)
        if len(set(places.tolist())) == domain.size:
            return places
    return np.arange(domain.size) / max(domain.size - 1, 1)


class _Number:
    """The feature of a number."""

    def __init__(self, domain: Float | Integer) -> None:
        self._domain, self._position = domain, position_in(domain)

    def add(self, features: list[float], value: Value | None) -> None:
        features.append(INACTIVE if value is None else self._position(value))

    def many(self, values: Sequence[Value | None]) -> Array:
        return coordinates(self._domain, values)[:, np.newaxis]


class _Choice:
    """The features of one of several values.

    Args:
        values: All of them.
        features: Those of each value ``(value, feature)``.
        inactive: Those where the hyperparameter has no value.
    """

    def __init__(self, values: Sequence[Value], features: Array, inactive: Array) -> None:
        self._features = np.vstack([features, inactive])
        self._codes: dict[Value | None, int] = {value: code for code, value in enumerate((*values, None))}
        self._rows = dict(zip(self._codes, self._features.tolist(), strict=True))

    def add(self, features: list[float], value: Value | None) -> None:
        features.extend(self._rows[value])

    def many(self, values: Sequence[Value | None]) -> Array:
        chosen: Array = self._features[np.array(list(map(self._codes.__getitem__, values)), dtype=np.intp)]
        return chosen
