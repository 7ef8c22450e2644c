"""Search spaces to and from Syne Tune: a dictionary, with plain values as constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Configuration, Space
from simulator.adapters.library import require
from simulator.adapters.tree import refuse_conditions
from simulator.adapters.values import at_position, has_single_value, to_configuration


def to_syne_tune(space: Space) -> dict[str, Any]:
    """A ``config_space``; what has only one value is a constant, and choices of mixed types are positions.

    Raises:
        InvalidSpace: There are conditions.
    """
    refuse_conditions(space, "Syne Tune has no conditions")
    library = require("syne_tune.config_space", "syne-tune", "syne-tune")
    return {name: _domain(library, domain) for name, domain in space.domains.items()}


def _domain(library: Any, domain: Domain) -> Any:
    if has_single_value(domain):
        return domain.at(0)
    if isinstance(domain, Float):
        make = library.loguniform if domain.log else library.uniform
        return make(domain.lower, domain.upper)
    if isinstance(domain, Integer):
        make = library.lograndint if domain.log else library.randint
        return make(domain.lower, domain.upper)
    values = list(_positions(domain) or domain.values or ())
    return (library.ordinal if isinstance(domain, Ordinal) else library.choice)(values)


def _positions(domain: Domain) -> range | None:
    """The positions that replace choices of mixed types, which Syne Tune refuses."""
    if isinstance(domain, Categorical | Ordinal) and len({type(value) for value in domain.values}) > 1:
        return range(len(domain.values))
    return None


def encode(space: Space, configuration: Configuration) -> dict[str, Any]:
    """A configuration as Syne Tune writes it."""
    return {name: _encode_value(space.domains[name], value) for name, value in configuration.items()}


def _encode_value(domain: Domain, value: Value) -> Any:
    if isinstance(domain, Categorical | Ordinal) and _positions(domain):
        return domain.values.index(value)
    return value


def decode(space: Space, given: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration that Syne Tune has suggested, without its other keys."""
    return to_configuration(space, given, _decode_choice)


def _decode_choice(domain: Domain, value: Any) -> Value:
    return at_position(domain, value) if _positions(domain) else domain.check(value)


def from_syne_tune(config_space: Mapping[str, Any]) -> Space:
    """The space of a ``config_space``; finite ranges become ordinals.

    Raises:
        InvalidSpace: Distributions for which there is no domain here, such as quantized ones.
    """
    library = require("syne_tune.config_space", "syne-tune", "syne-tune")
    return Space({name: _from(library, name, given) for name, given in config_space.items()})


def _from(library: Any, name: str, given: Any) -> Domain:
    if not isinstance(given, library.Domain):
        return Constant(given)
    if isinstance(given, library.FiniteRange):
        return Ordinal(tuple(given.values))
    if isinstance(given, library.Ordinal):
        return Ordinal(tuple(given.categories))
    if isinstance(given, library.Categorical):
        return Categorical(tuple(given.categories))
    log = library.is_log_space(given)
    if log or library.is_uniform_space(given):
        return (Float if isinstance(given, library.Float) else Integer)(given.lower, given.upper, log=log)
    raise InvalidSpace(
        f"{name!r} is {given!r} drawn by {given.get_sampler()}, for which there is no domain here"
    )
