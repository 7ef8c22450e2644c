"""The base class of our own schedulers: the settings are fields of a dataclass, each named once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from blackbox_repo.schema import Schema
from simulator.scheduler_settings import format_call

_OMITTED_AT_DEFAULT = ("rungs", "overlap", "initial", "duplicates", "repeat")
"""Settings that were added later: at their default a header leaves them out, so that it stays as it was."""


@dataclass(repr=False, eq=False)
class ReferenceScheduler:
    """A scheduler whose repr, which the header of a run keeps, is generated from its settings.

    A subclass declares its settings as keyword-only fields. Its ``__post_init__`` checks them and replaces
    them by their canonical form where they have one.

    Args:
        schema: What the blackbox records.
        seed: The seed of all random choices, any whole number.
    """

    schema: Schema
    seed: int = 0

    def __repr__(self) -> str:
        # a subclass of the user's that is no dataclass is written as the scheduler that it changes
        kind = next(cls for cls in type(self).__mro__ if "__dataclass_fields__" in vars(cls))
        return format_call(kind.__name__, **dict(self._shown_settings()))

    def _shown_settings(self) -> Iterator[tuple[str, object]]:
        for field in fields(self)[1:]:
            value, default = _as_list(getattr(self, field.name)), _as_list(field.default)
            if value != default or field.name not in _OMITTED_AT_DEFAULT:
                yield field.name, value


def _as_list(value: object) -> object:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
