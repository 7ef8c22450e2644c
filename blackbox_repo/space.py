"""Search spaces: named domains, the conditions between them, and what a configuration may be."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blackbox_repo import draw
from blackbox_repo.domains import Domain, Value, domain_from_json, domain_to_json
from blackbox_repo.errors import InvalidConfiguration, InvalidSpace, suggestion
from blackbox_repo.frozen import FrozenDict

Configuration = Mapping[str, Value]
CanonicalKey = tuple[Value | None, ...]


@dataclass(frozen=True)
class Condition:
    """A hyperparameter is active only where its ``parent`` is active and has one of these ``values``."""

    parent: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Space:
    """The configurations that a blackbox speaks of.

    Args:
        domains: Hyperparameter name -> domain, in the order of the canonical key and of the grid.
        conditions: Hyperparameter name -> the conditions that must all hold for it to be active.
            Parents come before their children in ``domains``.
        candidates: The finite set of configurations that exist, where it is not the whole space: the rows of
            a table that is no full grid. ``sample`` and ``configurations`` then keep to it. It is data, so it
            takes no part in equality and JSON.

    Raises:
        InvalidSpace: Empty, or a condition on a name that is missing or comes later.

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
        object.__setattr__(self, "conditions", FrozenDict(self.conditions))
        for name, conditions in self.conditions.items():
            if name not in self.domains:
                raise InvalidSpace(
                    f"a condition names the hyperparameter {name!r}{suggestion(name, self.domains)}"
                )
            for condition in conditions:
                self._check_condition(name, condition)

    def _check_condition(self, name: str, condition: Condition) -> None:
        order = list(self.domains)
        if condition.parent not in order[: order.index(name)]:
            raise InvalidSpace(
                f"hyperparameter {name!r} depends on {condition.parent!r}, which must be declared before it"
            )
        for value in condition.values:
            try:
                self.domains[condition.parent].check(value)
            except ValueError as err:
                raise InvalidSpace(
                    f"{name!r} is active where {condition.parent!r} is {value!r}, which {err}"
                ) from err

    def check(self, configuration: Configuration) -> dict[str, Value]:
        """The canonical form of a configuration: declared order, plain Python values, 1.0 -> 1 for integers.

        Raises:
            InvalidConfiguration: A missing, extra, inactive, wrongly typed or out-of-domain value.
        """
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
        for name, domain in self.domains.items():
            if not self.is_active(name, checked):
                self._refuse_inactive(name, configuration)
            elif name not in configuration:
                raise InvalidConfiguration(f"{dict(configuration)!r} lacks the hyperparameter {name!r}")
            else:
                try:
                    checked[name] = domain.check(configuration[name])
                except ValueError as err:
                    raise InvalidConfiguration(f"{name}={configuration[name]!r} {err}") from err
        return checked

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

    def sample(self, *key: draw.Key) -> dict[str, Value]:
        """A configuration drawn uniformly (in log scale where the domain says so); a function of ``key``."""
        if self.candidates is not None:
            return dict(self.candidates[draw.integer(len(self.candidates), *key)])
        sampled: dict[str, Value] = {}
        for name, domain in self.domains.items():
            if self.is_active(name, sampled):
                sampled[name] = domain.at(draw.unit(*key, name))
        return sampled

    @property
    def size(self) -> int | None:
        """How many configurations there are, or ``None`` if they are without number or conditional."""
        if self.candidates is not None:
            return len(self.candidates)
        sizes = [domain.size for domain in self.domains.values()]
        if self.conditions or None in sizes:
            return None
        return math.prod(size for size in sizes if size is not None)

    def configuration(self, index: int) -> dict[str, Value]:
        """The configuration at a grid index: mixed radix, the last hyperparameter turning fastest."""
        size = self.size
        if size is None:
            raise InvalidSpace("only a finite space without conditions can be counted through")
        if not 0 <= index < size:
            raise IndexError(f"grid index {index} is not in 0 .. {size - 1}")
        if self.candidates is not None:
            return dict(self.candidates[index])
        values: list[Value] = []
        for domain in reversed(list(self.domains.values())):
            choices = domain.values
            assert choices is not None
            index, digit = divmod(index, len(choices))
            values.append(choices[digit])
        return dict(zip(self.domains, reversed(values), strict=True))

    def grid(self, points: int) -> list[dict[str, Value]]:
        """All configurations, a continuous domain cut to ``points`` values from end to end."""
        if self.candidates is not None:
            return [dict(configuration) for configuration in self.candidates]
        found: dict[CanonicalKey, dict[str, Value]] = {}
        names = list(self.domains)
        for values in itertools.product(*(domain.spread(points) for domain in self.domains.values())):
            configuration: dict[str, Value] = {}
            for name, value in zip(names, values, strict=True):
                if self.is_active(name, configuration):
                    configuration[name] = value
            found.setdefault(tuple(configuration.get(name) for name in names), configuration)
        return list(found.values())

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
    def from_json(cls, data: Mapping[str, Any]) -> Space:
        """The space that :meth:`to_json` wrote."""
        domains, conditions = {}, {}
        for entry in data["hyperparameters"]:
            domains[entry["name"]] = domain_from_json(entry)
            if "active_where" in entry:
                conditions[entry["name"]] = tuple(
                    Condition(c["parent"], tuple(c["values"])) for c in entry["active_where"]
                )
        return cls(domains, conditions)


def configuration_text(configuration: Configuration) -> str:
    """One line of JSON that is the same for equal canonical configurations on every machine."""
    return json.dumps(dict(configuration), sort_keys=True, separators=(",", ":"))
