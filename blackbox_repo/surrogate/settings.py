"""Checks of the settings of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName


def check_names(model: str, settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse settings that a model does not have.

    Raises:
        UnknownName: There is one.
    """
    known = list(known)
    for name in settings:
        if name not in known:
            raise UnknownName(f"setting of the surrogate {model!r}", str(name), known)


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """``value``, if it is one of the words that are allowed.

    Raises:
        InvalidOption: It is not.
    """
    if value not in allowed:
        raise InvalidOption(f"{name} is {value!r}, but must be one of {', '.join(map(repr, allowed))}")
    return str(value)
