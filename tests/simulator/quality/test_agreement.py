"""Schedulers on a table and on its surrogate: both have candidates that the surrogate does not know."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.plugins import import_object
from blackbox_repo.scheduler_agreement import GROUP
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.tabulate import tabulate
from simulator.quality.agreement import _sides, measure_agreement

FEW = ("random", "asha", "successive-halving")


def fitting(blackbox: str = "taskset", task: str = "imdb_patch32_IRNN64_relu_last_bs128") -> Fitting:
    table = load_blackbox(blackbox)[task]
    return Fitting.of(tabulate(table, list(table.configurations()[:200])), "knn")


def test_each_scheduler_has_a_regret_on_either_side() -> None:
    said: list[str] = []
    found = measure_agreement(fitting(), schedulers=FEW, runs=4, say=said.append)
    assert (found.configurations, found.runs) == (40, 4)
    assert list(found.table) == list(found.surrogate) == list(FEW)
    assert all(0 < value < 1 for side in (found.table, found.surrogate) for value in side.values())
    assert fmean(found.table.values()) != fmean(found.surrogate.values())
    assert said[0] == "fitting without 40 configurations"
    assert said[1:] == [f"{name} on the {side}" for side in ("table", "surrogate") for name in FEW]


def test_the_same_arguments_give_the_same_figures() -> None:
    once, again = (measure_agreement(fitting(), schedulers=FEW, runs=2) for _ in range(2))
    assert once == again


def test_both_sides_have_the_candidates_that_the_surrogate_does_not_know() -> None:
    given = fitting()
    table, surrogate = _sides(given, lambda step: None)
    assert list(table.configurations()) == list(surrogate.configurations())
    asked = table.configurations()[0]
    true, target = given.blackbox.curve(asked), given.schema.target
    assert table.curve(asked)[target].tolist() == true[target].tolist()
    predicted = surrogate.curve(asked)[target]
    assert predicted[-1] not in {given.blackbox.curve(c)[target][-1] for c in table.configurations()}


def test_a_table_without_time_takes_a_second_for_each_unit_of_fidelity() -> None:
    table = load_blackbox("nasbench-macro")["cifar10"]
    few = tabulate(table, list(table.configurations()[:60]))
    found = measure_agreement(Fitting.of(few, "knn"), schedulers=("random", "local-search"), runs=2)
    assert found.configurations == 12


def test_schedulers_that_do_the_same_count_once() -> None:
    table = load_blackbox("icml-deepar")["electricity"]  # it has one fidelity, so no trial is stopped early
    given = Fitting.of(table, "knn")
    found = measure_agreement(given, schedulers=("random", "asha", "local-search"), runs=2)
    assert found.table["random"] == found.table["asha"] != found.table["local-search"]
    assert found.different == 2
    fewer = measure_agreement(given, schedulers=("random", "local-search"), runs=2)
    assert (found.spearman, found.kendall, found.halves) == (fewer.spearman, fewer.kendall, fewer.halves)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidOption, match="must be two different ones or more"):
        measure_agreement(fitting(), schedulers=("random", "random"))
    with pytest.raises(UnknownName, match="unknown scheduler 'ashes'"):
        measure_agreement(fitting(), schedulers=("random", "ashes"))
    with pytest.raises(InvalidOption, match="runs"):
        measure_agreement(fitting(), schedulers=FEW, runs=1)
    table = load_blackbox("icml-deepar")["electricity"]
    few = Fitting.of(tabulate(table, list(table.configurations()[:5])), "knn")
    with pytest.raises(InvalidOption, match="has 5 configurations, of which a fifth .* must be 6 or more"):
        measure_agreement(few, schedulers=FEW)


def test_the_command_line_of_the_repository_finds_it() -> None:
    tomllib = pytest.importorskip("tomllib", reason="tomllib came with CPython 3.11")
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    offered = tomllib.loads(text)["project"]["entry-points"][GROUP]
    assert [import_object(target, name) for name, target in offered.items()] == [measure_agreement]
