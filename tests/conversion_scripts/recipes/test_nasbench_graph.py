"""NAS-Bench-Graph against its raw files: every value, and every architecture by the official hash."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.table import Table, TabularBlackbox
from conversion_scripts.checks import check_table
from conversion_scripts.recipe import Conversion
from conversion_scripts.recipes.nasbench_graph import LINKS, OPERATIONS, SCHEMA, TASKS, _digits
from tests.conversion_scripts.frames import converted, frame, needs_raw, raw_pickle, same

# the lists of nas-bench-graph/architecture.py of THUMNLab/NAS-Bench-Graph, lines 4 to 26
LINK_LIST = [
    *([0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 1, 2], [0, 0, 1, 3], [0, 1, 1, 1], [0, 1, 1, 2]),
    *([0, 1, 2, 2], [0, 1, 2, 3]),
]
GNN_LIST = ["gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip"]


def official_hash(link: str, operations: list[str]) -> int:
    """What hash_arch() of that file computes, lines 50 to 82, with use_proteins left False."""
    value = LINK_LIST.index([int(digit) for digit in link])
    for operation in operations:
        value = value * 10 + GNN_LIST.index(operation)
    return value


@functools.cache
def graph() -> Conversion:
    return converted("nasbench-graph")


@needs_raw
@pytest.mark.parametrize("task", TASKS)
def test_every_value_is_that_of_the_source(task: str) -> None:
    records: dict[int, dict[str, Any]] = raw_pickle(f"nas_bench_graph/light/{task}.bench")
    theirs = {"valid_perf": "valid_performance", "perf": "test_performance", "para": "parameters"}
    expected = pd.DataFrame.from_dict(records, orient="index").rename(columns=theirs)
    expected["hash"] = expected.index
    found = frame(graph().tables[task]).drop(columns=["point", "seed"])
    layers = [f"op_{layer}" for layer in range(1, 5)]
    assert [
        official_hash(row[0], list(row[1:])) for row in found[["link", *layers]].to_numpy()
    ] == found.hash.tolist()
    same(found.drop(columns=["link", *layers]), expected, ["hash"])


@needs_raw
def test_the_tables_keep_the_rules_and_are_in_the_order_of_the_grid() -> None:
    sizes = {task: len(table) for task, table in graph().tables.items()}
    assert sizes == {**dict.fromkeys(TASKS, 26_206), "proteins": 2021}
    for task, table in graph().tables.items():
        check_table(task, SCHEMA, table)
        codes = np.column_stack([column.codes for column in table.hyperparameters.values()])
        assert (codes[np.lexsort(codes.T[::-1])] == codes).all()


@needs_raw
def test_an_architecture_is_found_by_its_hash() -> None:
    cora = TabularBlackbox(SCHEMA, graph().tables["cora"], name="cora")
    # the example of the source's README, in its standard form: Arch([0, 1, 1, 2], [gcn, cheb, gin, fc])
    architecture = cora.labelled("hash", official_hash("0112", ["gcn", "cheb", "gin", "fc"]))
    assert architecture == {"link": "0112", "op_1": "gcn", "op_2": "cheb", "op_3": "gin", "op_4": "fc"}
    expected = raw_pickle("nas_bench_graph/light/cora.bench")[61327]
    assert cora.evaluate(architecture, 1)["valid_performance"] == expected["valid_perf"]
    assert official_hash("0112", ["gcn", "cheb", "gin", "fc"]) == 61327


@needs_raw
def test_proteins_has_the_operations_that_the_card_says_and_hashes_in_base_10() -> None:
    table: Table = graph().tables["proteins"]
    used = {OPERATIONS[code] for layer in range(1, 5) for code in table.hyperparameters[f"op_{layer}"].codes}
    assert used == {"gcn", "sage", "arma", "fc", "skip"}
    others = set(graph().tables["cora"].labels["hash"].values)
    assert set(table.labels["hash"].values) <= others


def test_a_key_that_is_no_hash_is_refused() -> None:
    assert [len(LINKS), len(OPERATIONS)] == [9, 9]
    for key in (-1, 9, 90000, 123456):
        with pytest.raises(FormatError, match="a key that is not the hash of an architecture"):
            _digits("cora", np.array([0, key]))
