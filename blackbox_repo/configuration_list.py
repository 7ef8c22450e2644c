"""The configurations of a table as a sequence of dicts, which are made when they are accessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, overload

from blackbox_repo.curve import Array
from blackbox_repo.domains import Value
from blackbox_repo.space import Configuration, configuration_text


class ConfigurationList(Sequence[Configuration]):
    """The configurations of a table, which become dicts only when they are accessed.

    Args:
        values: Hyperparameter -> its values. They are read when a configuration is first accessed.
        codes: Hyperparameter -> which of its values each configuration has; their number if it is inactive.
        gaps: Whether a hyperparameter may be inactive.
    """

    def __init__(
        self, values: Mapping[str, Sequence[Value]], codes: Mapping[str, Array], *, gaps: bool
    ) -> None:
        self._values, self._codes, self._gaps = values, codes, gaps

    def __reduce__(self) -> Any:
        return partial(ConfigurationList, gaps=self._gaps), (self._values, self._codes)

    def __len__(self) -> int:
        return len(next(iter(self._codes.values())))

    @overload
    def __getitem__(self, index: int) -> Configuration: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Configuration]: ...
    def __getitem__(self, index: int | slice) -> Configuration | Sequence[Configuration]:
        if isinstance(index, slice):
            part = {name: codes[index] for name, codes in self._codes.items()}
            return ConfigurationList(self._values, part, gaps=self._gaps)
        row: dict[str, Any] = {name: choices[codes[index]] for name, choices, codes in self._columns}
        return {name: value for name, value in row.items() if value is not None} if self._gaps else row

    def text(self, index: int) -> str:
        """The ``configuration_text`` of a row, put together from those of its values."""
        return "{" + ",".join(filter(None, [texts[codes[index]] for texts, codes in self._texts])) + "}"

    def column(self, name: str) -> list[Value | None]:
        """The values of a hyperparameter, row by row, ``None`` where it is inactive."""
        choices = (*self._values[name], None)
        return [choices[code] for code in self._codes[name].tolist()]

    @cached_property
    def _columns(self) -> list[tuple[str, Sequence[Value | None], Sequence[int]]]:
        """For each hyperparameter its choices, the last of them ``None``, and which of them each row has."""
        return [(name, (*self._values[name], None), codes.data) for name, codes in self._codes.items()]

    @cached_property
    def _texts(self) -> list[tuple[list[str | None], Sequence[int]]]:
        """For each hyperparameter, sorted by name, the text of each of its choices, and its codes."""
        return [
            ([None if v is None else configuration_text({name: v})[1:-1] for v in choices], codes)
            for name, choices, codes in sorted(self._columns, key=lambda column: column[0])
        ]
