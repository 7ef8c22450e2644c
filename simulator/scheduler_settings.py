"""Settings of schedulers: how initial configurations are checked, and how a run's header writes them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blackbox_repo.distance import ClosestRow
from blackbox_repo.domains import Value
from blackbox_repo.errors import BlackboxRepoError, InvalidOption
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.space import Configuration, Space


def check_initial(space: Space, initial: object) -> list[dict[str, Value]]:
    """The configurations to try first: complete, in their canonical form, each once.

    :meth:`Space.completed` fills in what a configuration leaves out. For a table that is not a full grid, the
    row is taken that has the given values and is closest to the filled-in ones.

    Raises:
        InvalidOption: ``initial`` is not a list, or has a configuration that is not in the space or table.
    """
    if isinstance(initial, str | Mapping) or not isinstance(initial, Sequence):
        raise InvalidOption(f"initial is {initial!r}, but must be a list of configurations")
    checked = [_check_one(space, f"initial[{index}]", given) for index, given in enumerate(initial)]
    return list({space.identity(configuration): configuration for configuration in checked}.values())


def _check_one(space: Space, name: str, given: Configuration) -> dict[str, Value]:
    try:
        complete = space.completed(given)
    except BlackboxRepoError as err:
        raise InvalidOption(f"{name} is no configuration of the space: {err}") from err
    if space.has(complete):
        return complete
    fixed = {key: complete[key] for key in given}
    row = ClosestRow(space).agreeing(complete, fixed) if len(fixed) < len(complete) else None
    if row is None:
        assert space.candidates is not None
        raise InvalidOption(
            f"{name} is {dict(given)!r}, but must be one of the table's {len(space.candidates)} "
            f"configurations"
        )
    return row


def format_call(scheduler: str, **settings: object) -> str:
    """``ASHA(seed=0, eta=3)``: a scheduler and its settings; ``()`` and an empty list are left out."""
    kept = [f"{name}={value!r}" for name, value in map(_plain, settings.items()) if value not in ([], ())]
    return f"{scheduler}({', '.join(kept)})"


def _plain(setting: tuple[str, object]) -> tuple[str, object]:
    name, value = setting
    return name, [plain(part) for part in value] if isinstance(value, list) else plain(value)
