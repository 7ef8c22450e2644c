"""Search spaces as NNI's tuners read them: dictionaries of ``_type`` and ``_value``, and nested choices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from blackbox_repo.domains import Categorical, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Condition, Space
from simulator.adapters.tree import find_owners
from simulator.adapters.values import has_single_value, to_configuration


def to_nni(space: Space) -> dict[str, Any]:
    """The space as a search space of NNI; what has only one value is left out.

    Integers are ``quniform`` or ``qloguniform`` from half below to half above their ends, so that they keep
    their order and all have the same chance; for NNI's TPE ``randint`` would be an unordered choice. Ordinals
    become choices. What depends on a choice stands in each of its values on its own.

    Raises:
        InvalidSpace: Conditions that a choice of dictionaries cannot say; and conditions below conditions,
            for which NNI's own format has a place, but on which its TPE, random and grid search fail.
    """
    owners = find_owners(space, "NNI")
    for name, owner in owners.items():
        if owner.parent in owners:
            raise InvalidSpace(
                f"{name!r} depends on {owner.parent!r}, which depends on {owners[owner.parent].parent!r}; "
                "NNI's tuners fail on choices within choices within choices (KeyError in is_activated_in)"
            )
    return {
        name: _parameter(space, name, owners)
        for name, domain in space.domains.items()
        if name not in owners and not (has_single_value(domain) and not _below(name, owners))
    }


def _parameter(space: Space, name: str, owners: Mapping[str, Condition]) -> dict[str, Any]:
    domain, below = space.domains[name], _below(name, owners)
    if isinstance(domain, Float):
        return {"_type": "loguniform" if domain.log else "uniform", "_value": [domain.lower, domain.upper]}
    if isinstance(domain, Integer) and not below:
        ends = [domain.lower - 0.5, domain.upper + 0.5, 1]
        return {"_type": "qloguniform" if domain.log else "quniform", "_value": ends}
    values = list(domain.values or ())
    if not below:
        return {"_type": "choice", "_value": values}
    options = []
    for value in values:
        held = [child for child in below if value in owners[child].values]
        inner = {child: _parameter(space, child, {}) for child in held}
        options.append({"_name": value, **inner})
    return {"_type": "choice", "_value": options}


def _below(name: str, owners: Mapping[str, Condition]) -> list[str]:
    return [child for child, owner in owners.items() if owner.parent == name]


def decode(space: Space, parameters: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration that a tuner has generated."""
    flat: dict[str, Any] = {}
    for name, given in parameters.items():
        flat |= {name: given["_name"], **given} if isinstance(given, Mapping) else {name: given}
    return to_configuration(space, flat)


def from_nni(search_space: Mapping[str, Any]) -> Space:
    """The space of a search space of NNI.

    Raises:
        InvalidSpace: A distribution without bounds, or steps that do not begin at a multiple of themselves.
    """
    domains: dict[str, Domain] = {}
    conditions: dict[str, tuple[Condition, ...]] = {}
    for name, domain, given in _walk(search_space, ()):
        if domains.setdefault(name, domain) != domain:
            raise InvalidSpace(f"{name!r} is both {domains[name]} and {domain}")
        before = conditions.get(name, ())
        together = before and given and before[0].parent == given[0].parent
        values = (*before[0].values, *given[0].values) if together else ()
        conditions[name] = (Condition(given[0].parent, values),) if together else given
    return Space(domains, {name: given for name, given in conditions.items() if given})


def _walk(
    search_space: Mapping[str, Any], given: tuple[Condition, ...]
) -> Iterator[tuple[str, Domain, tuple[Condition, ...]]]:
    for name, parameter in search_space.items():
        if name == "_name":
            continue
        kind, values = parameter["_type"], parameter["_value"]
        if kind == "choice" and all(isinstance(value, Mapping) and "_name" in value for value in values):
            yield name, Categorical(tuple(value["_name"] for value in values)), given
            for value in values:
                yield from _walk(value, (Condition(name, (value["_name"],)),))
        else:
            yield name, _domain(name, kind, values), given


def _domain(name: str, kind: str, values: Any) -> Domain:
    if kind == "choice":
        return Categorical(tuple(values))
    if kind == "randint":
        return Integer(values[0], values[1] - 1)
    if kind in ("uniform", "loguniform"):
        return Float(values[0], values[1], log=kind == "loguniform")
    if kind in ("quniform", "qloguniform"):
        low, high, step = values
        if step == 1:
            return Integer(math.ceil(low), math.floor(high), log=kind == "qloguniform")
        if low % step == 0 == high % step and kind == "quniform":
            return Ordinal(tuple(step * k for k in range(int(low // step), int(high // step) + 1)))
    raise InvalidSpace(f"{name!r} is {kind}{values!r}, for which there is no domain here")


def to_choices(space: Space) -> dict[str, list[Value]]:
    """Hyperparameter -> all its values, for NNI's search of architectures.

    Raises:
        InvalidSpace: A hyperparameter without a list of values, or one that depends on another.
    """
    for name, domain in space.domains.items():
        if domain.values is None:
            raise InvalidSpace(
                f"{name!r} is {domain}, but must have a list of values for NNI's search of architectures; "
                "NNI's tuners (nni:TPE) take numbers"
            )
        if name in space.conditions:
            raise InvalidSpace(f"{name!r} depends on others, which NNI's search of architectures cannot say")
    return {name: list(domain.values or ()) for name, domain in space.domains.items()}
