from __future__ import annotations

import pytest

from blackbox_repo.table import Table
from conversion_scripts.one_by_one import OneByOne


def test_a_table_is_built_when_it_is_asked_for_and_not_kept(table: Table) -> None:
    built: list[str] = []

    def build(task: str) -> Table:
        built.append(task)
        return table

    tables = OneByOne(("b", "a"), build)
    assert (list(tables), len(tables), "a" in tables, built) == (["b", "a"], 2, True, ["a"])
    assert [task for task, _ in tables.items()] == ["b", "a"]
    assert tables["a"] is table
    assert built == ["a", "b", "a", "a"]
    with pytest.raises(KeyError, match="c"):
        tables["c"]
