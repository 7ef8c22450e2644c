"""Search spaces to and from Hyperopt: expressions of ``hp``, and the values that it keeps of a trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.space import Condition, Configuration, Space
from simulator.adapters.library import require
from simulator.adapters.tree import find_owners
from simulator.adapters.values import at_position, has_single_value, to_configuration


def to_hyperopt(space: Space) -> dict[str, Any]:
    """The space as an expression of ``hp``; what depends on a choice hangs below it.

    Integers are ``uniformint`` from half below to half above their ends, so that all have the same chance.
    Ordinals become choices, and what has only one value stands for itself.

    Raises:
        InvalidSpace: Conditions that a tree of choices cannot say.
    """
    library = require("hyperopt", "hyperopt")
    owners = find_owners(space, "Hyperopt")
    expressions: dict[str, Any] = {}
    for name, domain in reversed(list(space.domains.items())):
        owned = {child: owner.values for child, owner in owners.items() if owner.parent == name}
        if not owned:
            expressions[name] = _parameter(library, name, domain)
            continue
        options = []
        for value in domain.values or ():
            below = {child: expressions[child] for child, values in owned.items() if value in values}
            options.append({name: value, **below})
        expressions[name] = library.hp.choice(name, options)
    return {name: expressions[name] for name in space.domains if name not in owners}


def _parameter(library: Any, name: str, domain: Domain) -> Any:
    hp = library.hp
    if has_single_value(domain):
        return domain.at(0)
    if isinstance(domain, Float):
        if domain.log:
            return hp.loguniform(name, math.log(domain.lower), math.log(domain.upper))
        return hp.uniform(name, domain.lower, domain.upper)
    if isinstance(domain, Integer):
        low, high = domain.lower - 0.5, domain.upper + 0.5
        if domain.log:
            return library.pyll.scope.int(hp.qloguniform(name, math.log(low), math.log(high), 1))
        return hp.uniformint(name, low, high)
    return hp.choice(name, list(domain.values))


def encode(space: Space, configuration: Configuration) -> dict[str, Any]:
    """The values that Hyperopt keeps of a configuration: label -> a number, for choices their position."""
    kept: dict[str, Any] = {}
    for name, value in configuration.items():
        domain = space.domains[name]
        if isinstance(domain, Categorical | Ordinal):
            kept[name] = domain.values.index(value)
        elif not has_single_value(domain):
            kept[name] = value
    return kept


def decode(space: Space, kept: Mapping[str, Sequence[Any]]) -> dict[str, Value]:
    """The configuration of Hyperopt's values: label -> a list of one number, which is empty if inactive."""
    return to_configuration(space, {name: values[0] for name, values in kept.items() if values}, at_position)


def from_hyperopt(expression: Any) -> Space:
    """The space of an expression of ``hp``, by its labels; a literal under a key is a constant.

    The values of a choice are its options; of an option that is a dictionary, what stands under the choice's
    own label, or else the position.

    Raises:
        InvalidSpace: A distribution that has no bounds or other steps than 1, or unequal chances.
    """
    root = require("hyperopt.pyll", "hyperopt").as_apply(expression)
    domains: dict[str, Domain] = {}
    paths: dict[str, list[tuple[tuple[str, Value], ...]]] = {}
    for name, domain, path in _walk(root, ()):
        if domains.setdefault(name, domain) != domain:
            raise InvalidSpace(f"{name!r} is both {domains[name]} and {domain}")
        if path not in paths.setdefault(name, []):
            paths[name].append(path)
    conditions = {name: _conditions(name, found, paths) for name, found in paths.items() if found != [()]}
    return Space(domains, conditions)


def _walk(node: Any, path: tuple[tuple[str, Value], ...]) -> Iterator[tuple[str, Domain, Any]]:
    if node.name == "switch":
        label, _ = _read_label(node.pos_args[0])
        values = [_option(label, position, option) for position, option in enumerate(node.pos_args[1:])]
        yield label, Categorical(tuple(values)), path
        for value, option in zip(values, node.pos_args[1:], strict=True):
            for found in _walk(option, (*path, (label, value))):
                if found[0] != label:
                    yield found
    elif node.name == "hyperopt_param":
        label, distribution = _read_label(node)
        yield label, _domain(label, distribution), path
    elif node.name == "dict":
        for key, below in node.named_args:
            if below.name == "literal":
                yield key, Constant(below.obj), path
            else:
                yield from _walk(below, path)
    else:
        for below in node.inputs():
            yield from _walk(below, path)


def _read_label(node: Any) -> tuple[str, Any]:
    return node.arg["label"].obj, node.arg["obj"]


def _option(label: str, position: int, option: Any) -> Value:
    if option.name == "literal":
        value: Value = option.obj
        return value
    own = dict(option.named_args).get(label) if option.name == "dict" else None
    return position if own is None else own.obj


def _domain(label: str, node: Any) -> Domain:
    given = {name: value.obj for name, value in node.arg.items() if hasattr(value, "obj")}
    low: Any = given.get("low")
    high: Any = given.get("high")
    if node.name == "uniform":
        return Float(low, high)
    if node.name == "loguniform":
        return Float(significant(math.exp(low), 14), significant(math.exp(high), 14), log=True)
    if node.name == "randint":
        return Integer(0, low - 1) if high is None else Integer(low, high - 1)
    if node.name in ("quniform", "qloguniform") and given["q"] == 1:
        log = node.name == "qloguniform"
        low, high = (significant(math.exp(end), 14) for end in (low, high)) if log else (low, high)
        return Integer(math.floor(low - 0.5) + 1, math.ceil(high + 0.5) - 1, log=log)  # by rounding
    raise InvalidSpace(f"{label!r} is drawn by {node.name}({given}), for which there is no domain here")


def _conditions(name: str, found: list[Any], paths: Mapping[str, list[Any]]) -> tuple[Condition, ...]:
    parents = {path[-1][0] for path in found if path}
    values = tuple(dict.fromkeys(path[-1][1] for path in found if path))
    if len(parents) != 1 or len(found) != len(values) * len(paths[next(iter(parents))]):
        raise InvalidSpace(
            f"{name!r} hangs below choices in several ways, of which no conditions can be made"
        )
    return (Condition(parents.pop(), values),)
