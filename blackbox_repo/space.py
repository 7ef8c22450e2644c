"""Search spaces: named domains, conditions between them, and checks of configurations."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from blackbox_repo import keyed_random, typed_json
from blackbox_repo.domain_json import domain_from_json, domain_to_json
from blackbox_repo.domains import Domain, Ordinal, Value
from blackbox_repo.errors import InvalidConfiguration, InvalidSpace, TooEntangled, suggestion
from blackbox_repo.frozen import FrozenDict
from blackbox_repo.grid import Grid, Rows
from blackbox_repo.keyed_random import Key
from blackbox_repo.numeric_domain import FEWEST, numeric_domain

Configuration = Mapping[str, Value]
CanonicalKey = tuple[Value | None, ...]


@dataclass(frozen=True)
class Condition:
    """A hyperparameter is active only where its ``parent`` is active and has one of these ``values``."""

    parent: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Space:
    """The configurations of a blackbox: a domain for each hyperparameter, and conditions between them.

    Args:
        domains: Hyperparameter name -> domain, in the order of the canonical key and of the grid.
        conditions: Hyperparameter name -> the conditions that must all hold for it to be active.
            Parents come before their children in ``domains``.
        candidates: The finite set of configurations that exist, if that is not the whole space: the rows of a
            table that is no full grid. ``sample`` and ``configuration`` then give these only. They are data,
            so they are no part of equality and JSON.

    Raises:
        InvalidSpace: The space is empty, or a condition names a parent that is missing or declared later.

    Example:
        >>> space = Space({"lr": Float(1e-4, 1e-1, log=True), "layers": Integer(1, 3)})
        >>> space.check({"lr": 0.01, "layers": 2.0})
        {'lr': 0.01, 'layers': 2}
    """

    domains: Mapping[str, Domain]
    conditions: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    candidates: Sequence[Configuration] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.domains:
            raise InvalidSpace("a space needs at least one hyperparameter")
        object.__setattr__(self, "domains", FrozenDict(self.domains))
        conditions = dict(self.conditions)
        places = {name: place for place, name in enumerate(self.domains)}
        for name, several in conditions.items():
            if name not in self.domains:
                raise InvalidSpace(
                    f"a condition names the hyperparameter {name!r}{suggestion(name, self.domains)}"
                )
            conditions[name] = tuple(self._check_condition(name, one, places) for one in several)
        object.__setattr__(self, "conditions", FrozenDict(conditions))

    def _check_condition(self, name: str, condition: Condition, places: Mapping[str, int]) -> Condition:
        if places.get(condition.parent, len(places)) >= places[name]:
            raise InvalidSpace(
                f"hyperparameter {name!r} depends on {condition.parent!r}, which must be declared before it"
            )
        checked = []
        for value in condition.values:
            try:
                checked.append(self.domains[condition.parent].check(value))
            except ValueError as err:
                raise InvalidSpace(
                    f"{name!r} is active where {condition.parent!r} is {value!r}, which {err}"
                ) from err
        return Condition(condition.parent, tuple(checked))

    def check(self, configuration: Configuration) -> dict[str, Value]:
        """The canonical form of a configuration: declared order, plain Python values, 1.0 -> 1 for integers.

        Raises:
            InvalidConfiguration: A value is missing, inactive, of a wrong type or outside its domain; a name
                is unknown.
        """
        if not self.conditions and type(configuration) is dict and len(configuration) == len(self.domains):
            try:
                return {name: domain.check(configuration[name]) for name, domain in self.domains.items()}
            except (KeyError, ValueError):
                pass  # what is wrong is said below
        if not isinstance(configuration, Mapping):
            raise InvalidConfiguration(
                f"a configuration is a mapping from hyperparameter to value, not {configuration!r}"
            )
        for name in configuration:
            if name not in self.domains:
                raise InvalidConfiguration(
                    f"{dict(configuration)!r} has an unknown hyperparameter {name!r}"
                    f"{suggestion(name, self.domains)}"
                )
        checked: dict[str, Value] = {}
        for name in self.domains:
            if not self.is_active(name, checked):
                self._refuse_inactive(name, configuration)
            elif name not in configuration:
                raise InvalidConfiguration(f"{dict(configuration)!r} lacks the hyperparameter {name!r}")
            else:
                checked[name] = self._check_value(name, configuration[name])
        return checked

    def _check_value(self, name: str, value: object) -> Value:
        try:
            return self.domains[name].check(value)
        except ValueError as err:
            raise InvalidConfiguration(f"{name}={value!r} {err}") from err

    def is_active(self, name: str, decided: Mapping[str, Value]) -> bool:
        """Whether a hyperparameter has a value, given those before it in declared order."""
        if name not in self.conditions:
            return True
        return all(
            condition.parent in decided and decided[condition.parent] in condition.values
            for condition in self.conditions[name]
        )

    def _refuse_inactive(self, name: str, configuration: Configuration) -> None:
        if name in configuration:
            needs = " and ".join(f"{c.parent} in {list(c.values)!r}" for c in self.conditions[name])
            raise InvalidConfiguration(
                f"{name}={configuration[name]!r} is inactive here (it needs {needs}); leave it out"
            )

    def key(self, configuration: Configuration) -> CanonicalKey:
        """The canonical values in declared order, ``None`` where inactive; checks like :meth:`check`."""
        checked = self.check(configuration)
        return tuple(checked.get(name) for name in self.domains)

    def sample(self, *key: Key) -> dict[str, Value]:
        """A configuration drawn uniformly (in log scale where the domain says so); a function of ``key``.

        Each hyperparameter is drawn independently, so adding one does not change the values of the others.
        """
        before, number = keyed_random.split_key(key)
        if self.candidates is not None:
            return dict(self.candidates[keyed_random.Stream(*before).integer(len(self.candidates), number)])
        streams = self._streams(before)
        if not self.conditions:
            return {name: domain.at(stream.unit(number)) for name, domain, stream in streams}
        sampled: dict[str, Value] = {}
        for name, domain, stream in streams:
            if self.is_active(name, sampled):
                sampled[name] = domain.at(stream.unit(number))
        return sampled

    def _streams(self, key: tuple[Key, ...]) -> list[tuple[str, Domain, keyed_random.Stream]]:
        """The draws of each hyperparameter for a key; those for the latest one are kept."""
        typed = ([type(part) for part in key], key)  # 1, 1.0 and True are three parts
        latest: tuple[object, list[tuple[str, Domain, keyed_random.Stream]]] | None
        latest = self.__dict__.get("_latest_streams")
        if latest is None or latest[0] != typed:
            stream = keyed_random.Stream(*key)
            latest = typed, [(name, domain, stream.within(name)) for name, domain in self.domains.items()]
            self.__dict__["_latest_streams"] = latest
        return latest[1]

    def samples(self, *key: Key, count: int) -> list[dict[str, Value]]:
        """``count`` configurations at once: those that :meth:`sample` gives for a key and those after it.

        Args:
            key: The key of the first one, which ends with an integer; the next one's integer is one larger.
            count: The number of configurations.
        """
        stream, first = _stream(key)
        if self.candidates is not None:
            rows = stream.integers(len(self.candidates), first, count)
            return [dict(self.candidates[row]) for row in rows]
        columns = [d.at_all(stream.within(n).units(first, count)) for n, d in self.domains.items()]
        drawn = [dict(zip(self.domains, row, strict=True)) for row in zip(*columns, strict=True)]
        return [self._keep_active(configuration) for configuration in drawn] if self.conditions else drawn

    def _keep_active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Those of the values whose hyperparameters are active."""
        kept: dict[str, Value] = {}
        for name, value in values.items():
            if self.is_active(name, kept):
                kept[name] = value
        return kept

    @cached_property
    def enumeration(self) -> Grid | Rows | None:
        """All configurations by index, the last hyperparameter varying fastest; ``None`` if infinitely many.

        It is ``None`` for a finite space too if its conditions are too entangled to count configurations.
        """
        if self.candidates is not None:
            return Rows(self.candidates)
        values = {name: domain.values for name, domain in self.domains.items()}
        finite = {name: listed for name, listed in values.items() if listed is not None}
        if len(finite) < len(values):
            return None
        try:
            return Grid(finite, self._requirements)
        except TooEntangled:
            return None

    @property
    def _requirements(self) -> dict[str, list[tuple[str, tuple[Value, ...]]]]:
        return {name: [(c.parent, c.values) for c in self.conditions[name]] for name in self.conditions}

    @property
    def size(self) -> int | None:
        """The number of configurations, or ``None`` where :attr:`enumeration` is."""
        return None if self.enumeration is None else self.enumeration.size

    def configuration(self, index: int) -> dict[str, Value]:
        """The configuration at an index of :attr:`enumeration`."""
        if self.enumeration is None:
            raise InvalidSpace("only a finite space can be enumerated")
        return self.enumeration[index]

    def grid(self, points: int) -> Grid | Rows:
        """All configurations, with ``points`` evenly spaced values of each continuous domain.

        Raises:
            InvalidSpace: The conditions are too entangled for the configurations to be counted.
        """
        if self.candidates is not None:
            return Rows(self.candidates)
        return Grid({n: domain.spread(points) for n, domain in self.domains.items()}, self._requirements)

    def completed(self, given: Configuration) -> dict[str, Value]:
        """The canonical form of a configuration of which some hyperparameters may be left out.

        Active hyperparameters that are left out take the middle of their domain: halfway between the ends (in
        log scale if the domain is), the first category, or the ordinal halfway.

        Raises:
            InvalidConfiguration: A name is unknown; a value is inactive, wrongly typed or outside its domain.
        """
        if not isinstance(given, Mapping):
            return self.check(given)
        filled: dict[str, Value] = {}
        for name, domain in self.domains.items():
            if self.is_active(name, filled):
                filled[name] = self._check_value(name, given[name]) if name in given else domain.middle
        return self.check({**filled, **given})

    def continuous(self) -> Space:
        """The wider space that has numbers in place of the ordinals of a grid, for surrogates.

        An ordinal of three or more numbers becomes an :class:`~blackbox_repo.domains.Integer` if all are
        whole, else a :class:`~blackbox_repo.domains.Float`, from the smallest to the largest of them, in log
        scale if they are :func:`~blackbox_repo.numeric_domain.geometric`. All else stays: two values say
        nothing about the scale between them, the numbers of a categorical are names without an order, and a
        condition names values of its parent. Candidates are dropped, as they are rows of a table.
        """
        parents = {condition.parent for several in self.conditions.values() for condition in several}
        domains = {name: d if name in parents else _continuous(d) for name, d in self.domains.items()}
        return Space(domains, self.conditions)

    def identity(self, configuration: Configuration) -> CanonicalKey:
        """As :meth:`key`, for a configuration in canonical form, which is not checked."""
        return tuple(map(configuration.get, self.domains))

    def has(self, configuration: Configuration) -> bool:
        """Whether a canonical configuration of the space is among the candidates, if there are any."""
        return self.candidates is None or self.identity(configuration) in self._identities

    @cached_property
    def _identities(self) -> frozenset[CanonicalKey]:
        return frozenset(zip(*map(self.candidates_of, self.domains), strict=True))

    def candidates_of(self, name: str) -> list[Value | None]:
        """The value of a hyperparameter in each of the candidates, ``None`` where it is inactive."""
        rows = self.candidates or ()
        column: Callable[[str], list[Value | None]] | None = getattr(rows, "column", None)  # of a table
        return [row.get(name) for row in rows] if column is None else column(name)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; :meth:`from_json` gives back an equal space."""
        hyperparameters = []
        for name, domain in self.domains.items():
            entry = {"name": name, **domain_to_json(domain)}
            if name in self.conditions:
                entry["active_where"] = [
                    {"parent": c.parent, "values": list(c.values)} for c in self.conditions[name]
                ]
            hyperparameters.append(entry)
        return {"hyperparameters": hyperparameters}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "the space") -> Space:
        """The space that :meth:`to_json` wrote.

        Args:
            data: The JSON object.
            where: A name of the object for messages.

        Raises:
            FormatError: The object is malformed.
            InvalidSpace: The space contradicts itself.
        """
        domains, conditions = {}, {}
        for index, entry in enumerate(typed_json.convert(data, _SpaceJson, where).hyperparameters):
            place = f"{where}: hyperparameters[{index}]"
            own = {key: entry[key] for key in ("name", "active_where") if key in entry}
            hyperparameter = typed_json.convert(own, _HyperparameterJson, place)
            if hyperparameter.name in domains:
                raise InvalidSpace(f"{place} has the name {hyperparameter.name!r} of another one")
            rest = {key: value for key, value in entry.items() if key not in own}
            domains[hyperparameter.name] = domain_from_json(rest, place)
            conditions[hyperparameter.name] = hyperparameter.active_where
        return cls(domains, {name: several for name, several in conditions.items() if several})


@dataclass(frozen=True)
class _SpaceJson:
    hyperparameters: list[dict[str, Any]]


@dataclass(frozen=True)
class _HyperparameterJson:
    """An entry without its domain."""

    name: str
    active_where: tuple[Condition, ...] = ()


def _continuous(domain: Domain) -> Domain:
    if not isinstance(domain, Ordinal) or domain.size < FEWEST:
        return domain
    return numeric_domain(domain.values) or domain


def _stream(key: tuple[Key, ...]) -> tuple[keyed_random.Stream, int]:
    stream, number = keyed_random.split_key(key)
    return keyed_random.Stream(*stream), number


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def configuration_text(configuration: Configuration) -> str:
    """A canonical configuration as one line of JSON; those of equal configurations are equal everywhere."""
    return _ENCODER.encode(dict(configuration))
