from __future__ import annotations

import math
from collections import Counter

import pytest

from blackbox_repo.benchmark import BENCHMARKS, available_benchmarks, load_benchmark
from blackbox_repo.errors import UnknownName
from blackbox_repo.repository import list_blackboxes
from blackbox_repo.yahpo_suites import DIMENSIONS, PROBLEMS


@pytest.fixture(autouse=True)
def _only_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLACKBOX_PATH", raising=False)


@pytest.mark.parametrize("name", [b.name for b in BENCHMARKS.values() if b.blackbox in list_blackboxes()])
def test_a_benchmark_loads_a_timed_blackbox_with_its_objectives(name: str) -> None:
    benchmark = load_benchmark(name)
    schema = benchmark.load().schema
    assert schema.target == benchmark.objective
    assert schema.time is not None
    assert {schema.objective(objective).goal for objective in benchmark.objectives} <= {"min", "max"}
    assert (benchmark.seconds is None) == (benchmark.evaluations is not None)


def test_a_benchmark_without_its_blackbox_says_how_to_get_it() -> None:
    with pytest.raises(UnknownName) as refused:
        load_benchmark("yahpo-so-rbv2_super-15").load()
    assert "blackbox of the benchmark 'yahpo-so-rbv2_super-15': 'yahpo-rbv2_super'" in str(refused.value)
    assert "no root has it, but a recipe makes it: bb-convert yahpo-rbv2_super --download" in str(
        refused.value
    )
    assert refused.value.name == "yahpo-rbv2_super"


def test_only_benchmarks_whose_blackbox_is_here_are_available() -> None:
    names = [benchmark.name for benchmark in available_benchmarks()]
    assert "yahpo-so-lcbench-189906" in names
    assert "yahpo-mo-lcbench-167152" in names
    assert "yahpo-so-nb301-CIFAR10" not in names


def test_yahpos_suites_have_as_many_problems_as_their_publishers_count() -> None:
    # yahpo_gym/tests/test_get_suites.py: 20 and 25
    assert Counter(problem.suite for problem in PROBLEMS) == {"so": 20, "mo": 25}
    assert len({problem.name for problem in PROBLEMS}) == 45
    assert {f"yahpo-{p.scenario}" for p in PROBLEMS} <= {b.blackbox for b in BENCHMARKS.values()}


def test_one_data_set_is_a_problem_of_three_and_of_four_objectives() -> None:
    three, four = BENCHMARKS["yahpo-mo-iaml_xgboost-1489"], BENCHMARKS["yahpo-mo-iaml_xgboost-1489-rammodel"]
    assert three.objectives == ("mmce", "nf", "ias")
    assert four.objectives == ("mmce", "nf", "ias", "rammodel")
    assert (four.task, four.objective, four.workers) == ("1489", "mmce", 1)


def test_the_suites_budget_grows_with_the_root_of_the_number_of_hyperparameters() -> None:
    budgets = {p.scenario: p.evaluations for p in PROBLEMS}
    assert budgets == {name: math.ceil(20 + 40 * math.sqrt(d)) for name, d in DIMENSIONS.items()}
    assert (budgets["lcbench"], budgets["rbv2_super"], budgets["nb301"]) == (126, 267, 254)
    assert BENCHMARKS["yahpo-so-lcbench-167168"].budget == "126 trainings"
    assert BENCHMARKS["lcbench-3945"].budget == "2 h"
