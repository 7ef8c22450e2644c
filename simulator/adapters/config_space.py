"""Search spaces to and from ConfigSpace (Lindauer et al., 2019), for SMAC and DEHB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Condition, Configuration, Space
from simulator.adapters.library import require
from simulator.adapters.values import has_single_value, to_configuration


def to_config_space(space: Space, seed: int, extra: str = "smac") -> Any:
    """A ``ConfigurationSpace`` with the conditions of the space.

    Args:
        space: What to write; what has only one value becomes a constant.
        seed: Seed of the configurations that are sampled from it.
        extra: The extra that installs ConfigSpace, for the message if it is missing.
    """
    library = require("ConfigSpace", extra)
    made = library.ConfigurationSpace(seed=seed)
    written = {name: _hyperparameter(library, name, domain) for name, domain in space.domains.items()}
    made.add(list(written.values()))
    made.add([_condition(library, written, name, given) for name, given in space.conditions.items()])
    return made


def _hyperparameter(library: Any, name: str, domain: Domain) -> Any:
    if has_single_value(domain):
        return library.Constant(name, domain.at(0))
    if isinstance(domain, Float):
        return library.UniformFloatHyperparameter(name, domain.lower, domain.upper, log=domain.log)
    if isinstance(domain, Integer):
        return library.UniformIntegerHyperparameter(name, domain.lower, domain.upper, log=domain.log)
    if isinstance(domain, Ordinal):
        return library.OrdinalHyperparameter(name, list(domain.values))
    return library.CategoricalHyperparameter(name, list(domain.values or ()))


def _condition(library: Any, written: Mapping[str, Any], name: str, given: Sequence[Condition]) -> Any:
    made = [
        library.InCondition(written[name], written[condition.parent], list(condition.values))
        for condition in given
    ]
    return made[0] if len(made) == 1 else library.AndConjunction(*made)


def decode(space: Space, configuration: Any) -> dict[str, Value]:
    """The configuration of a ``Configuration``, which has numbers that are rounded to ten digits."""
    return to_configuration(space, dict(configuration))


def encode(config_space: Any, configuration: Configuration) -> Any:
    """The ``Configuration`` with these values."""
    return require("ConfigSpace", "smac").Configuration(config_space, values=dict(configuration))


def from_config_space(config_space: Any) -> Space:
    """The space of a ``ConfigurationSpace``; parents come before their children.

    Raises:
        InvalidSpace: Forbidden clauses; conditions other than equality with some values, and several of them;
            weights, and distributions that are not uniform.
    """
    if config_space.forbidden_clauses:
        clauses = ", ".join(map(str, config_space.forbidden_clauses))
        raise InvalidSpace(f"there are no forbidden clauses here, but the space has {clauses}")
    domains = {name: _domain(name, hyperparameter) for name, hyperparameter in config_space.items()}
    conditions: dict[str, tuple[Condition, ...]] = {}
    for condition in config_space.conditions:
        for part in _parts(condition):
            conditions[part[0]] = (*conditions.get(part[0], ()), part[1])
    return Space(domains, conditions)


def _parts(condition: Any) -> Iterator[tuple[str, Condition]]:
    kind = type(condition).__name__
    if kind == "AndConjunction":
        for component in condition.components:
            yield from _parts(component)
    elif kind in ("EqualsCondition", "InCondition"):
        values = condition.values if kind == "InCondition" else (condition.value,)
        yield condition.child.name, Condition(condition.parent.name, tuple(values))
    else:
        raise InvalidSpace(f"there is no condition here for {condition}, which is a {kind}")


def _domain(name: str, given: Any) -> Domain:
    kind = type(given).__name__
    if kind == "Constant":
        return Constant(given.value)
    if kind == "UniformFloatHyperparameter":
        return Float(given.lower, given.upper, log=given.log)
    if kind == "UniformIntegerHyperparameter":
        return Integer(given.lower, given.upper, log=given.log)
    if kind == "OrdinalHyperparameter":
        return Ordinal(tuple(given.sequence))
    if kind == "CategoricalHyperparameter" and given.weights is None:
        return Categorical(tuple(given.choices))
    raise InvalidSpace(f"{name!r} is {given}, for which there is no domain here")
