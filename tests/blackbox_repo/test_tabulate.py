from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import describe, from_function, load_blackbox
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.cli import commands
from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import (
    AlreadyLocked,
    ConfigurationNotInTable,
    FormatError,
    InvalidConfiguration,
    InvalidOption,
    UnknownName,
)
from blackbox_repo.repository import verify
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.store.lock import exclusive
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Table, TabularBlackbox
from blackbox_repo.tabulate import save_tabulated, tabulate
from blackbox_repo.text.progress import LineReporter

tabulate_module = sys.modules["blackbox_repo.tabulate"]


def same_curves(found: Blackbox, expected: Blackbox) -> None:
    """Bit by bit, for all configurations and seeds of ``found``."""
    objectives = expected.schema.objectives
    for configuration in found.configurations():
        assert found.seeds(configuration) == expected.seeds(configuration)
        for seed in expected.seeds(configuration):
            ours = found.curve(configuration, seed=seed)
            theirs = expected.curve(configuration, seed=seed)
            assert (len(ours), ours.status, ours.seed) == (len(theirs), theirs.status, theirs.seed)
            assert [ours[o.name].tobytes() for o in objectives] == [
                theirs[o.name].tobytes() for o in objectives
            ]


def conditional(*, seeds: tuple[int, ...] = (0,)) -> Blackbox:
    schema = Schema(
        Space(
            {"kind": Categorical(("tree", "line")), "depth": Integer(1, 2), "rate": Float(0.0, 1.0)},
            {"depth": (Condition("kind", ("tree",)),), "rate": (Condition("kind", ("line",)),)},
        ),
        Fidelity("epoch", (1, 2)),
        (Objective("loss", "min"), Objective("size", "min", constant=True)),
        target="loss",
    )
    return from_function(
        schema,
        lambda c, seed: {"loss": [c.get("rate", 2.0) + seed, c.get("depth", 0) / 3], "size": seed / 7},
        seeds=seeds,
    )


def test_a_tabulated_surrogate_has_exactly_the_surrogates_values() -> None:
    surrogate = load_blackbox("yahpo-lcbench")["3945"]
    table = tabulate(surrogate, 70, seed=3)
    assert isinstance(table, TabularBlackbox)
    assert len(table.configurations()) == 70
    assert table.schema == surrogate.schema
    same_curves(table, surrogate)
    other = surrogate.schema.space.sample("another")
    with pytest.raises(ConfigurationNotInTable, match="among the 70 configurations of 'yahpo-lcbench/3945"):
        table.curve(other)


def test_conditions_constants_and_several_seeds_are_kept() -> None:
    table = tabulate(conditional(seeds=(1, 2, 5)), 20)
    assert table.values("loss").shape == (20, 3, 2)
    assert {frozenset(c) for c in table.configurations()} == {
        frozenset({"kind", "depth"}),
        frozenset({"kind", "rate"}),
    }
    same_curves(table, conditional(seeds=(1, 2, 5)))


def test_a_hyperparameter_that_is_never_active_is_a_column_of_gaps() -> None:
    tree = {"kind": "tree", "depth": 1}
    table = tabulate(conditional(), [tree])
    assert table.curve(tree)["loss"].tolist() == [2.0, 1 / 3]
    assert list(table.configurations()) == [tree]


def test_ragged_tables_with_their_status_come_back(ragged: TabularBlackbox) -> None:
    table = tabulate(ragged, list(ragged.configurations()))
    same_curves(table, ragged)
    assert table.digest() == ragged.digest()


def test_draws_are_a_function_of_the_seed_and_all_different() -> None:
    box = conditional()
    first, again, other = (tabulate(box, 9, seed=seed) for seed in (0, 0, 1))
    assert list(first.configurations()) == list(again.configurations())
    assert list(first.configurations()) != list(other.configurations())
    assert first.digest() == again.digest() != other.digest()
    more = tabulate(box, 12, seed=0)
    assert list(more.configurations())[:9] == list(first.configurations())


def test_a_finite_space_is_taken_as_a_whole_in_the_order_of_its_grid(grid: TabularBlackbox) -> None:
    for count in (6, 100):
        table = tabulate(grid, count)
        assert list(table.configurations()) == list(grid.configurations())
    assert len(tabulate(grid, 5).configurations()) == 5


def test_too_few_configurations_and_repeated_ones_are_refused() -> None:
    box, tree = conditional(), {"kind": "tree", "depth": 1}
    with pytest.raises(InvalidOption, match="configurations is 0, but must be a whole number, 1 or more"):
        tabulate(box, 0)
    with pytest.raises(InvalidOption, match=r"configurations=\[\] must be 1 or more"):
        tabulate(box, [])
    with pytest.raises(InvalidConfiguration, match="'depth': 1.* occurs twice"):
        tabulate(box, [tree, {"kind": "tree", "depth": 1.0}])
    with pytest.raises(InvalidConfiguration, match="lacks the hyperparameter 'depth'"):
        tabulate(box, [{"kind": "tree"}])
    choices = {"a": Categorical(("x", "y")), "b": Integer(1, 2)}
    finite = Space(choices, {"b": (Condition("a", ("x",)),)})
    schema = replace(box.schema, space=finite)
    few = from_function(schema, lambda c, seed: {"loss": [1, 2], "size": 3})
    assert len(tabulate(few, 3).configurations()) == 3
    assert len(tabulate(few, 4).configurations()) == 3  # all that there are
    schema = replace(box.schema, space=Space({"x": Float(0, 5e-324)}))  # of two values in floating point
    few = from_function(schema, lambda c, seed: {"loss": [1, 2], "size": 3})
    with pytest.raises(
        InvalidOption, match="configurations=3 is more than the 2 that were found in the space"
    ):
        tabulate(few, 3)


def test_a_saved_table_can_be_loaded_and_verified(tmp_path: Path) -> None:
    manifest = save_tabulated("yahpo-lcbench", 30, tmp_path, seed=1, tasks=["3945", "7593"])
    assert manifest.name == "yahpo-lcbench-30"
    assert manifest.recipe == "bb-repo tabulate yahpo-lcbench --configurations 30 --seed 1"
    assert manifest.card[-1].rule == "the values are those of yahpo-lcbench, bit by bit"
    assert {task: entry.configurations for task, entry in manifest.tasks.items()} == {"3945": 30, "7593": 30}
    assert manifest.tasks["3945"].title == "OpenML task 3945"
    assert manifest.network is None
    folder = tmp_path / "yahpo-lcbench-30"
    assert [finding.problem for finding in verify(folder)] == ["", ""]
    loaded, source = load_blackbox(folder), load_blackbox("yahpo-lcbench")
    for task in ("3945", "7593"):
        same_curves(loaded[task], source[task])
    assert np.array_equal(loaded["3945"].values("elapsed_time"), tabulated_times(source["3945"]))


def tabulated_times(surrogate: Blackbox) -> np.ndarray:
    return tabulate(surrogate, 30, seed=1).values("elapsed_time")


def test_an_unknown_task_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="unknown task '3946' of 'yahpo-lcbench'; did you mean '3945'"):
        save_tabulated("yahpo-lcbench", 5, tmp_path, tasks=["3945", "3946"])
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_called_after_what_it_has_and_told_of_as_a_table(tmp_path: Path) -> None:
    manifest = save_tabulated("nasbench-nlp", 400, tmp_path)
    assert manifest.name == "nasbench-nlp-344"
    assert manifest.title.endswith("; a table of 344 configurations")
    assert manifest.recipe == "bb-repo tabulate nasbench-nlp --configurations 344 --seed 0"
    assert manifest.tasks["wikitext-2"].configurations == 344
    assert manifest.card[-1].what == (
        "of the configurations that nasbench-nlp has of a task, this table has 344, or all if there are no "
        "more, drawn with the seed 0"
    )
    same_curves(
        load_blackbox(tmp_path / manifest.name)["wikitext-2"], load_blackbox("nasbench-nlp")["wikitext-2"]
    )
    fewer = save_tabulated("icml-deepar", 235, tmp_path, tasks=["m4-Daily", "exchange-rate"])
    assert {task: entry.configurations for task, entry in fewer.tasks.items()} == {
        "m4-Daily": 235,
        "exchange-rate": 230,
    }
    assert fewer.name == "icml-deepar-235"


def test_labels_are_left_out_and_a_target_of_a_task_is_kept(tmp_path: Path) -> None:
    manifest = save_tabulated("nasbench-macro", 3, tmp_path)
    assert manifest.card[-1].rule.endswith("bit by bit; its labels are left out: architecture")
    source = describe("icml-deepar")
    only = {"electricity": replace(source.tasks["electricity"], target="rmse")}
    tables = {"electricity": tabulate(load_blackbox("icml-deepar")["electricity"], 5).table}
    save_tables(tmp_path / "mine", replace(source, name="mine", tasks=only), tables)
    save_tabulated(tmp_path / "mine", 3, tmp_path)
    assert load_blackbox(tmp_path / "mine-3")["electricity"].schema.target == "rmse"


def test_one_table_is_in_memory_at_a_time_and_each_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Table]] = []
    tabulated = tabulate_module.tabulate

    def watched(*arguments: Any, **options: Any) -> TabularBlackbox:
        gc.collect()
        assert [reference() for reference in made] == [None] * len(made)
        found = tabulated(*arguments, **options)
        made.append(weakref.ref(found.table))
        return found

    monkeypatch.setattr(tabulate_module, "tabulate", watched)
    steps: list[str] = []
    save_tabulated("yahpo-lcbench", 5, tmp_path, tasks=["3945", "7593", "34539"], report=steps.append)
    assert len(made) == 3
    assert steps == ["evaluating 3945 (1 of 3)", "evaluating 7593 (2 of 3)", "evaluating 34539 (3 of 3)"]


def test_what_a_killed_tabulation_left_is_removed_and_two_at_once_are_refused(tmp_path: Path) -> None:
    left = tmp_path / ".yahpo-lcbench-5.partial"
    left.mkdir()
    (left / "3945.parquet").write_bytes(b"half")
    with exclusive(tmp_path / "yahpo-lcbench-5"), ThreadPoolExecutor() as others:
        other = others.submit(save_tabulated, "yahpo-lcbench", 5, tmp_path, tasks=["3945"])
        assert isinstance(other.exception(), AlreadyLocked)
    save_tabulated("yahpo-lcbench", 5, tmp_path, tasks=["3945"])
    assert [path.name for path in tmp_path.iterdir()] == ["yahpo-lcbench-5"]


def test_what_is_no_blackbox_is_not_replaced_and_nothing_evaluated_for_it(tmp_path: Path) -> None:
    (tmp_path / "yahpo-lcbench-5").mkdir()
    steps: list[str] = []
    with pytest.raises(FormatError, match="it is not a blackbox"):
        save_tabulated("yahpo-lcbench", 5, tmp_path, tasks=["3945"], report=steps.append)
    assert steps == []


def test_the_command_tells_each_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    @contextmanager
    def report_progress(name: str) -> Iterator[LineReporter]:
        lines = LineReporter(name)
        monkeypatch.setattr(lines, "step", steps.append)
        yield lines

    monkeypatch.setattr("blackbox_repo.text.progress.report_progress", report_progress)
    commands.tabulate("yahpo-lcbench", 2, tmp_path, task=["3945", "7593"])
    assert steps == ["evaluating 3945 (1 of 2)", "evaluating 7593 (2 of 2)"]
