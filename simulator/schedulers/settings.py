"""Settings of schedulers: refused at the door, and shown as the run's header keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blackbox_repo.domains import Value
from blackbox_repo.errors import BlackboxRepoError, InvalidOption
from blackbox_repo.space import Configuration, Space


def check_whole(name: str, value: object, least: int, most: float = float("inf")) -> None:
    """Refuse what is no whole number from ``least`` to ``most``.

    Raises:
        InvalidOption: With the setting's name.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        rule = f"{least} or more" if most == float("inf") else f"from {least} to {most}"
        raise InvalidOption(f"{name} is {value!r}, but must be a whole number, {rule}")


def check_number(name: str, value: object, least: float, most: float) -> None:
    """Refuse what is no number from ``least`` to ``most``.

    Raises:
        InvalidOption: With the setting's name.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidOption(f"{name} is {value!r}, but must be a number from {least} to {most}")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false.

    Raises:
        InvalidOption: With the setting's name.
    """
    if not isinstance(value, bool):
        raise InvalidOption(f"{name} is {value!r}, but must be true or false")


def check_initial(space: Space, initial: object) -> list[dict[str, Value]]:
    """The configurations to try first, in their canonical form.

    Raises:
        InvalidOption: No list, or one with what the space or its table does not have.
    """
    if isinstance(initial, str | Mapping) or not isinstance(initial, Sequence):
        raise InvalidOption(f"initial is {initial!r}, but must be a list of configurations")
    return [_check_one(space, f"initial[{index}]", given) for index, given in enumerate(initial)]


def _check_one(space: Space, name: str, given: Configuration) -> dict[str, Value]:
    try:
        checked = space.check(given)
    except BlackboxRepoError as err:
        raise InvalidOption(f"{name} is no configuration of the space: {err}") from err
    if space.candidates is not None and checked not in space.candidates:
        raise InvalidOption(
            f"{name} is {checked!r}, but must be one of the table's {len(space.candidates)} configurations"
        )
    return checked


def shown(scheduler: str, **settings: object) -> str:
    """``ASHA(seed=0, eta=3)``: a scheduler with its settings; ``()`` and an empty list are left out."""
    kept = {name: value for name, value in settings.items() if value not in ([], ())}
    return f"{scheduler}({', '.join(f'{name}={value!r}' for name, value in kept.items())})"
