"""Tables too large to be in memory together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from blackbox_repo.table import Table


class OneByOne(Mapping[str, Table]):
    """Task -> table, built each time that it is asked for and not kept.

    Args:
        tasks: Their names, in order.
        build: Task -> its table.
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
