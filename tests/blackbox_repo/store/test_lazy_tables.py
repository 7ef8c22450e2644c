from __future__ import annotations

import pytest

from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.table import Table, TabularBlackbox


def test_a_table_is_built_when_it_is_asked_for_and_not_kept(ragged: TabularBlackbox) -> None:
    built: list[str] = []
    table = ragged.table

    def build(task: str) -> Table:
        built.append(task)
        return table

    tables = LazyTables(("b", "a"), build)
    assert (list(tables), len(tables), "a" in tables, built) == (["b", "a"], 2, True, ["a"])
    assert [task for task, _ in tables.items()] == ["b", "a"]
    assert tables["a"] is table
    assert built == ["a", "b", "a", "a"]
    with pytest.raises(KeyError, match="c"):
        tables["c"]
