"""Search spaces to and from Ray Tune: a dictionary, with plain values as constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Space
from simulator.adapters.library import require
from simulator.adapters.tree import refuse_conditions
from simulator.adapters.values import has_single_value, to_configuration


def to_ray_tune(space: Space) -> dict[str, Any]:
    """A ``param_space``; what has only one value is a constant, and ordinals are choices.

    Raises:
        InvalidSpace: There are conditions.
    """
    refuse_conditions(space, "Ray Tune's searchers know no conditions")
    tune = require("ray.tune", "ray", "ray[tune]")
    return {name: _domain(tune, domain) for name, domain in space.domains.items()}


def _domain(tune: Any, domain: Domain) -> Any:
    if has_single_value(domain):
        return domain.at(0)
    if isinstance(domain, Float):
        return (tune.loguniform if domain.log else tune.uniform)(domain.lower, domain.upper)
    if isinstance(domain, Integer):  # whose upper end Ray leaves out
        return (tune.lograndint if domain.log else tune.randint)(domain.lower, domain.upper + 1)
    return tune.choice(list(domain.values or ()))


def to_mutations(space: Space) -> dict[str, Any]:
    """``hyperparam_mutations``: numbers are perturbed by a factor, choices become the one beside them."""
    written = to_ray_tune(space)
    return {
        name: list(domain.values) if isinstance(domain, Categorical | Ordinal) else written[name]
        for name, domain in space.domains.items()
        if not has_single_value(domain)
    }


def to_bounds(space: Space) -> dict[str, list[float]]:
    """``hyperparam_bounds`` of PB2, which chooses numbers only."""
    return {
        name: [domain.lower, domain.upper]
        for name, domain in space.domains.items()
        if isinstance(domain, Float | Integer) and not has_single_value(domain)
    }


def clip_numbers(space: Space, given: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with its numbers clipped to their ranges, which perturbation by a factor may leave."""
    kept = dict(given)
    for name, domain in space.domains.items():
        if isinstance(domain, Float | Integer):
            kept[name] = domain.clip(kept[name])
    return kept


def decode(space: Space, given: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration that Ray Tune suggests."""
    return to_configuration(space, given)


def from_ray_tune(param_space: Mapping[str, Any]) -> Space:
    """The space of a ``param_space``.

    Raises:
        InvalidSpace: Distributions for which there is no domain here, such as normal or quantized ones.
    """
    sample = require("ray.tune.search.sample", "ray", "ray[tune]")
    return Space({name: _from(sample, name, given) for name, given in param_space.items()})


def _from(sample: Any, name: str, given: Any) -> Domain:
    if not isinstance(given, sample.Domain):
        return Constant(given)
    if isinstance(given, sample.Categorical):
        return Categorical(tuple(given.categories))
    sampler = given.get_sampler()
    if isinstance(sampler, sample.Uniform | sample.LogUniform):
        log = isinstance(sampler, sample.LogUniform)
        if isinstance(given, sample.Float):
            return Float(given.lower, given.upper, log=log)
        if isinstance(given, sample.Integer):
            return Integer(given.lower, given.upper - 1, log=log)
    raise InvalidSpace(f"{name!r} is {given!r} drawn by {sampler}, for which there is no domain here")
