"""Conditional spaces as trees of choices, for libraries whose conditions are nested choices."""

from __future__ import annotations

from collections.abc import Mapping

from blackbox_repo.domains import Categorical, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.space import Condition, Space


def find_owners(space: Space, library: str) -> Mapping[str, Condition]:
    """Conditional hyperparameter -> the choice that it depends on, and the values at which it is active.

    Of several conditions one must imply the others.

    Args:
        space: The search space, with any conditions.
        library: Its name, for messages.

    Raises:
        InvalidSpace: A condition on what is no choice, or on two choices side by side.
    """
    return {name: _owner(space, name, library) for name in space.conditions}


def refuse_conditions(space: Space, why: str) -> None:
    """Refuse a space with conditions, for libraries whose spaces are flat.

    Args:
        space: The search space, with any conditions.
        why: How the message begins, such as ``"Syne Tune has no conditions"``.

    Raises:
        InvalidSpace: There are conditions.
    """
    for name, conditions in space.conditions.items():
        raise InvalidSpace(
            f"{why}, but {name!r} is active only for some values of {conditions[0].parent!r}; take another "
            f"scheduler for this blackbox"
        )


def _owner(space: Space, name: str, library: str) -> Condition:
    order = list(space.domains)
    conditions = _conditions(space, name)
    parent = max(conditions, key=order.index)
    if not isinstance(space.domains[parent], Categorical | Ordinal):
        raise InvalidSpace(f"{name!r} depends on {parent!r}, but must depend on a choice for {library}")
    above = _held(space, parent)
    for other, values in conditions.items():
        if other != parent and not (other in above and set(above[other]) <= set(values)):
            raise InvalidSpace(
                f"{name!r} depends on both {other!r} and {parent!r}, neither of which hangs below the other; "
                f"{library}'s spaces are trees of choices"
            )
    return Condition(parent, conditions[parent])


def _conditions(space: Space, name: str) -> dict[str, tuple[Value, ...]]:
    """Parent -> the values at which the hyperparameter may be active."""
    found: dict[str, tuple[Value, ...]] = {}
    for condition in space.conditions.get(name, ()):
        before = found.get(condition.parent, condition.values)
        found[condition.parent] = tuple(value for value in before if value in condition.values)
    return found


def _held(space: Space, name: str) -> dict[str, tuple[Value, ...]]:
    """Ancestor -> the values that it can have where the hyperparameter is active."""
    own = _conditions(space, name)
    return {ancestor: values for parent in own for ancestor, values in _held(space, parent).items()} | own
