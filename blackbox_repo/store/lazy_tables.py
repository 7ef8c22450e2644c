"""A mapping of tables that are too large to be in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from blackbox_repo.table import Table


class LazyTables(Mapping[str, Table]):
    """Task -> table; a table is built whenever it is asked for, and not kept.

    Args:
        tasks: The names of the tasks, in order.
        build: Called with the name of a task; returns its table.
    """

    def __init__(self, tasks: Iterable[str], build: Callable[[str], Table]) -> None:
        self._tasks, self._build = tuple(tasks), build

    def __getitem__(self, task: str) -> Table:
        if task not in self._tasks:
            raise KeyError(task)
        return self._build(task)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)
