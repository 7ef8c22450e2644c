"""Configurations made of the numbers and choices that a library suggests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from blackbox_repo.domains import Domain, Float, Integer, Value
from blackbox_repo.space import Space


def check_choice(domain: Domain, value: Any) -> Value:
    """The choice that is equal to a value."""
    return domain.check(value)


def at_position(domain: Domain, position: Any) -> Value:
    """The choice at a position in the list of values, where a library knows choices by their positions."""
    return (domain.values or ())[int(position)]


def to_configuration(
    space: Space, given: Mapping[str, Any], choose: Callable[[Domain, Any], Value] = check_choice
) -> dict[str, Value]:
    """The configuration that a library has suggested, in the order of the space.

    A number beyond an end of its range becomes that end: a logarithm there and back, or a half that is
    rounded to an even number, may lead there.

    Args:
        space: The blackbox's space.
        given: Hyperparameter -> the library's value. One that is active and not given has a single value.
        choose: ``(domain, the library's value) -> value``, for domains that are lists of values.

    Raises:
        InvalidConfiguration: A value is not in its domain, such as a NaN.
    """
    configuration: dict[str, Value] = {}
    for name, domain in space.domains.items():
        if not space.is_active(name, configuration):
            continue
        if name not in given:
            configuration[name] = domain.at(0)
        elif isinstance(domain, Float | Integer):
            configuration[name] = domain.clip(given[name])
        else:
            configuration[name] = choose(domain, given[name])
    return space.check(configuration)


def has_single_value(domain: Domain) -> bool:
    """Whether a hyperparameter has one value only, so that there is nothing to choose."""
    return domain.size == 1
