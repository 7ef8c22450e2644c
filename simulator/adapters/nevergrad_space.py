"""Search spaces to and from Nevergrad: a ``p.Dict``, with conditions as choices between dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blackbox_repo.domains import (
    Categorical,
    Constant,
    Domain,
    Float,
    Integer,
    Ordinal,
    Value,
)
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.space import Condition, Configuration, Space
from simulator.adapters.library import require
from simulator.adapters.tree import find_owners
from simulator.adapters.values import has_single_value, to_configuration


def to_nevergrad(space: Space) -> Any:
    """The space as a ``p.Dict``; what depends on a choice is in that choice's options, once in each.

    Integers are scalars that are rounded, as Nevergrad's documentation has them: the ends of the range have
    half the chance of the others. Ordinals become ``TransitionChoice``. What has only one value stays so.

    Raises:
        InvalidSpace: Conditions that a tree of choices cannot say.
    """
    library = require("nevergrad.parametrization.parameter", "nevergrad")
    owners = find_owners(space, "Nevergrad")

    def options(name: str) -> list[Any]:
        owned = {child: owner.values for child, owner in owners.items() if owner.parent == name}
        below = [
            {child: parameter(child) for child, values in owned.items() if value in values}
            for value in space.domains[name].values or ()
        ]
        values = space.domains[name].values or ()
        return [
            library.Dict(**{name: value}, **found) if found else value
            for value, found in zip(values, below, strict=True)
        ]

    def parameter(name: str) -> Any:
        domain = space.domains[name]
        if has_single_value(domain):
            return domain.at(0)
        if isinstance(domain, Float | Integer):
            scale = library.Log if domain.log else library.Scalar
            made = scale(lower=domain.lower, upper=domain.upper)
            return made.set_integer_casting() if isinstance(domain, Integer) else made
        return (library.TransitionChoice if isinstance(domain, Ordinal) else library.Choice)(options(name))

    return library.Dict(**{name: parameter(name) for name in space.domains if name not in owners})


def decode(space: Space, value: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration that a ``p.Dict`` of :func:`to_nevergrad` has as its value.

    Raises:
        InvalidConfiguration: Some optimizers suggest NaN.
    """
    return to_configuration(space, dict(_flat(value)))


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, below in value.items():
        if isinstance(below, Mapping):
            yield from _flat(below)
        else:
            yield name, below


def encode(space: Space, configuration: Configuration) -> dict[str, Any]:
    """The value that a ``p.Dict`` of :func:`to_nevergrad` needs to have for this configuration."""
    owners = find_owners(space, "Nevergrad")

    def value(name: str) -> Any:
        own = configuration[name]
        below = {child: value(child) for child, owner in owners.items() if _is_below(owner, name, own)}
        return {name: own, **below} if below else own

    return {name: value(name) for name in space.domains if name not in owners}


def _is_below(owner: Condition, name: str, value: Value) -> bool:
    return owner.parent == name and value in owner.values


def from_nevergrad(parametrization: Any) -> Space:
    """The space of a ``p.Dict``, by its keys.

    The values of a choice are its options; of an option that is a dictionary, what stands under the choice's
    own name.

    Raises:
        InvalidSpace: Scalars without bounds, arrays, and whatever else there is no domain for.
    """
    domains: dict[str, Domain] = {}
    active: dict[str, tuple[str, list[Value]]] = {}
    for name, domain, where in _walk(parametrization, None):
        if domains.setdefault(name, domain) != domain:
            raise InvalidSpace(f"{name!r} is both {domains[name]} and {domain}")
        if where is not None:
            parent, values = active.setdefault(name, (where[0], []))
            if parent != where[0]:
                raise InvalidSpace(f"{name!r} is below both {parent!r} and {where[0]!r}")
            values.append(where[1])
    conditions = {name: (Condition(parent, tuple(values)),) for name, (parent, values) in active.items()}
    return Space(domains, conditions)


def _walk(parameter: Any, where: tuple[str, Value] | None) -> Iterator[tuple[str, Domain, Any]]:
    library = require("nevergrad.parametrization.parameter", "nevergrad")
    for name in parameter:
        inner = parameter[name]
        if isinstance(inner, library.Choice | library.TransitionChoice):
            options = [inner.choices[position] for position in range(len(inner.choices))]
            values = tuple(_own_value(name, option) for option in options)
            kind = Ordinal if isinstance(inner, library.TransitionChoice) else Categorical
            yield name, kind(values), where
            for value, option in zip(values, options, strict=True):
                if isinstance(option, library.Dict):
                    yield from (found for found in _walk(option, (name, value)) if found[0] != name)
        else:
            yield name, _domain(name, inner), where


def _own_value(name: str, option: Any) -> Value:
    value = option.value
    if isinstance(value, Mapping):
        if name not in value:
            raise InvalidSpace(f"an option of {name!r} is {value!r}, which says nothing of {name!r} itself")
        value = value[name]
    domain = Constant(value)
    return domain.value


def _domain(name: str, parameter: Any) -> Domain:
    library = require("nevergrad.parametrization.parameter", "nevergrad")
    if isinstance(parameter, library.Constant):
        return Constant(parameter.value)
    bounds: Any = getattr(parameter, "bounds", (None, None))
    if not isinstance(parameter, library.Scalar) or None in bounds:
        raise InvalidSpace(f"{name!r} is {parameter!r}, for which there is no domain here")
    low, high = (significant(float(end[0]), 14) for end in bounds)
    log = isinstance(parameter, library.Log)
    return Integer(int(low), int(high), log=log) if parameter.integer else Float(low, high, log=log)
