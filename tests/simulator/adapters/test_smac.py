"""SMAC in the simulator does what ``optimize`` of its facades does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.space import Configuration, Space
from simulator import Stop, simulate
from simulator.adapters.config_space import decode, to_config_space
from simulator.adapters.smac import SMAC, order_local_search
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
    EPOCHS,
    OWN,
    SPACE,
    check_another_process,
    check_hard_conditions,
    check_it_goes_on,
    check_mixed_choices,
    check_processes,
    check_seeds,
    check_threads,
    configurations,
    jobs_of,
    loss_of,
    made_blackbox,
    real_curves,
    run_snippet,
    simulated,
)
from tests.simulator.schedulers.problems import PROBLEMS

smac = pytest.importorskip("smac")

MULTI = ("MultiFidelityFacade", "HyperbandFacade")
SINGLE = ("HyperparameterOptimizationFacade", "BlackBoxFacade", "RandomFacade")
SMALL = Space({"x": Float(-2, 2), "lr": Float(1e-5, 1e-1, log=True), "n": Integer(1, 9)})
QUICK = {"challengers": 50, "local_search_iterations": 1}
FEW: dict[str, Any] = {"initial_design": {"n_configs": 5}, "maximizer": QUICK}
FEW_TREES = {**FEW, "model": {"n_trees": 2}}  # a tree takes SMAC a tenth of a second
SETTINGS: dict[str, Any] = {"RandomFacade": {}, "HyperbandFacade": {}, "BlackBoxFacade": FEW}


def optimized(facade: str, space: Space, trials: int, folder: Path) -> list[tuple[Configuration, float]]:
    """What a user of SMAC would write."""
    tried: list[tuple[Configuration, float]] = []

    def function(config: Any, seed: int = 0, budget: float | None = None) -> float:
        tried.append((decode(space, config), EPOCHS if budget is None else round(budget)))
        return loss_of(space, *tried[-1])

    budgets = {"min_budget": 1, "max_budget": EPOCHS} if facade in MULTI else {}
    scenario = smac.Scenario(
        to_config_space(space, OWN),
        deterministic=True,
        n_trials=trials,
        seed=OWN,
        output_directory=folder,
        **budgets,
    )
    kind = getattr(smac, facade)
    few = SETTINGS.get(facade, FEW_TREES)
    parts = {
        "model": kind.get_model(scenario, **few.get("model", {})),
        "initial_design": kind.get_initial_design(scenario, **few.get("initial_design", {})),
        "acquisition_maximizer": kind.get_acquisition_maximizer(scenario, **few.get("maximizer", {})),
    }
    order_local_search(kind(scenario, function, **parts, overwrite=True, logging_level=False)).optimize()
    return tried


@pytest.mark.parametrize("facade", [*SINGLE, *MULTI])
@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_jobs_are_those_of_optimize(facade: str, tmp_path: Path) -> None:
    trials = 6 if facade == "BlackBoxFacade" else 12
    few = SETTINGS.get(facade, FEW_TREES)
    factory = SMAC(facade, scenario={"n_trials": trials}, **few)
    run = simulated(made_blackbox(SMALL), factory, 100)
    assert run.reason == "exhausted"
    assert jobs_of(run) == optimized(facade, SMALL, trials, tmp_path)


@pytest.mark.parametrize("facade", ["HyperparameterOptimizationFacade", "MultiFidelityFacade"])
def test_the_goal_is_the_blackboxs(facade: str) -> None:
    smallest = simulated(made_blackbox(SMALL), SMAC(facade, **FEW_TREES), 12)
    largest = simulated(made_blackbox(SMALL, "max"), SMAC(facade, **FEW_TREES), 12)
    assert configurations(smallest) == configurations(largest)
    assert smallest.header["scheduler"].startswith(f"SMAC(seed=5, facade='{facade}', resume=False, initial_")
    assert "maximizer={'challengers': 50, 'local_search_iterations': 1}" in smallest.header["scheduler"]


@pytest.mark.parametrize("facade", ["HyperparameterOptimizationFacade", "MultiFidelityFacade"])
def test_it_goes_on_whatever_happens_to_its_trials(facade: str) -> None:
    check_it_goes_on(SMAC(facade, **FEW_TREES), ["conditional"], trials=9)


@pytest.mark.parametrize("facade", ["HyperparameterOptimizationFacade", "MultiFidelityFacade"])
def test_many_workers_failures_and_two_runs_are_one_T19(facade: str) -> None:
    check_hard_conditions(made_blackbox(SPACE), SMAC(facade, **FEW_TREES), trials=20)


@pytest.mark.parametrize("facade", ["HyperparameterOptimizationFacade", "HyperbandFacade"])
def test_a_space_that_is_used_up_ends_the_run(facade: str) -> None:
    few = {**SETTINGS.get(facade, FEW_TREES), "initial_design": {}}
    run = simulate(PROBLEMS["tiny"](), SMAC(facade, **few), workers=3, stop=Stop(time=10_000), seed=1)
    assert run.reason in ("exhausted", "stalled")
    assert len(set(map(str, configurations(run)))) == 6


def test_promoted_configurations_may_go_on_from_their_checkpoints() -> None:
    facades = [SMAC("HyperbandFacade", resume=resume) for resume in (False, True)]
    anew, resumed = (simulated(made_blackbox(SMALL), facade, 30) for facade in facades)
    assert anew.segments().num_rows == 30
    assert resumed.segments().num_rows > 30


def test_initial_configurations_come_after_the_initial_design() -> None:
    first = [SPACE.sample("initial", number) for number in range(3)]
    run = simulated(
        made_blackbox(SPACE), SMAC(initial=first, **{**FEW_TREES, "initial_design": {"n_configs": 0}}), 4
    )
    assert [pytest.approx(given) for given in first] == configurations(run)[:3]
    run = simulated(made_blackbox(SPACE), SMAC(initial=first, **FEW_TREES), 9)
    assert [pytest.approx(given) for given in first] == configurations(run)[5:8]


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    settings = {"intensifier": {"eta": 2}, "scenario": {"min_budget": 2}, **FEW_TREES}
    run = simulated(made_blackbox(SMALL), scheduler_factory("smac:MultiFidelityFacade", settings), 30)
    assert {until for _, until in jobs_of(run)} <= {3, 5, 9}
    assert "scenario={'min_budget': 2}, intensifier={'eta': 2}" in run.header["scheduler"]
    with pytest.raises(UnknownName, match="unknown SMAC facade 'MultiFidelity'; did you mean 'MultiFid"):
        SMAC("MultiFidelity")
    with pytest.raises(InvalidOption, match=r"SMAC\(.*cannot be made: .*'budget'"):
        simulated(made_blackbox(SMALL), SMAC(scenario={"budget": 3}))
    with pytest.raises(InvalidOption, match="a multi-fidelity scheduler needs two above 0"):
        simulate(PROBLEMS["one epoch"](), SMAC("HyperbandFacade"), workers=1, stop=Stop(trials_started=1))


def test_nothing_is_written_and_logging_is_the_users(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    before = logging.getLogger().handlers[:]
    simulated(made_blackbox(Space({"k": Categorical(("a", "b")), "x": Float(0, 1)})), SMAC(**FEW_TREES), 12)
    assert not list(tmp_path.iterdir())
    assert logging.getLogger().handlers == before


def test_a_real_table() -> None:
    run = simulated(real_curves(), SMAC("MultiFidelityFacade", **FEW_TREES), 20, workers=4)
    assert len(run.trial_columns["trial"]) == 20


def test_two_processes_find_the_same() -> None:
    check_processes("smac:HyperparameterOptimizationFacade", **FEW_TREES)


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("SMAC")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(SMAC("HyperbandFacade"))
    check_another_process(SMAC("HyperbandFacade"))
    check_seeds(SMAC("HyperbandFacade"))


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("facade", MULTI)
def test_what_is_left_of_a_space_that_is_used_up_is_promoted(facade: str, workers: int) -> None:
    """SMAC itself gives up while jobs run, and completes nothing."""
    tiny = made_blackbox(Space({"a": Integer(0, 2), "b": Categorical(("p", "q"))}))
    factory = SMAC(facade, maximizer=QUICK if facade == "MultiFidelityFacade" else None)
    run = simulate(tiny, factory, workers=workers, stop=Stop(trials_started=60), seed=3)
    assert run.reason == "exhausted"
    assert "completed" in run.trial_columns["status"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_workers", 4, "n_workers=4 contradicts n_workers=1"),  # which would start four processes
        ("seed", 3, "seed=3 contradicts seed="),
        ("output_directory", "here", "output_directory='here' contradicts"),
        ("objectives", ["a", "b"], r"objectives=\['a', 'b'\] contradicts objectives='cost'"),
        ("walltime_limit", 60, "walltime_limit=60 contradicts walltime_limit=inf"),
        ("instances", ["a"], "instances=.* contradicts instances=None"),
        ("max_budget", 500, "max_budget is 500, but must be a number above 0 and at most 9"),
        ("min_budget", 0, "min_budget is 0, but must be a number above 0"),
        ("n_trials", "5", "cannot be made: TypeError"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_runs(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(InvalidOption, match=message):
        SMAC("HyperbandFacade", scenario={name: value})(made_blackbox(SMALL).schema, 0)


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(SMAC("HyperbandFacade"))
    check_mixed_choices(SMAC("RandomFacade"))
