"""Optuna in the simulator does what Optuna does by itself."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.repository import load_blackbox
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Configuration, Space
from simulator import Conditions, Failures, Run, SchedulerError, Stop, simulate
from simulator.adapters.optuna import STUDY_NAME, Optuna, from_optuna, suggest_configuration, to_optuna
from simulator.global_state import library_seed
from simulator.registry import scheduler_factory
from tests.simulator.adapters import contract
from tests.simulator.adapters.contract import (
    check_another_process,
    check_mixed_choices,
    check_seeds,
    check_threads,
)

optuna = pytest.importorskip("optuna")

EPOCHS = 9
SPACE = Space(
    {
        "x": Float(-2, 2),
        "lr": Float(1e-5, 1e-1, log=True),
        "layers": Integer(1, 5),
        "width": Integer(4, 512, log=True),
        "kind": Categorical(("a", "b", 3, True)),
        "depth": Integer(2, 9),
        "version": Constant("v1"),
    },
    {"depth": (Condition("kind", ("a",)),)},
)


def made_blackbox(goal: Any = "min") -> Blackbox:
    schema = Schema(
        SPACE,
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (
            Objective("loss", goal),
            Objective("size", "min"),
            Objective("seconds", "none", "s", cumulative=True),
        ),
        target="loss",
        time="seconds",
    )
    return from_function(schema, curve_of, name="made")


def curve_of(configuration: Configuration, _seed: int) -> dict[str, list[float]]:
    epochs = range(1, EPOCHS + 1)
    return {
        "loss": [loss_of(configuration, epoch) for epoch in epochs],
        "size": [float(configuration["width"])] * EPOCHS,
        "seconds": [10.0 * epoch for epoch in epochs],
    }


def loss_of(configuration: Configuration, epoch: float) -> float:
    x, lr, layers = (float(configuration[name]) for name in ("x", "lr", "layers"))
    extra = 0.1 * float(configuration["depth"]) if configuration["kind"] == "a" else 0.4
    return x * x + abs(math.log10(lr) + 3) + extra + 0.1 * layers + 3 / epoch


def simulated(factory: Any, goal: Any = "min", **changes: Any) -> Run:
    options: dict[str, Any] = {"workers": 1, "stop": Stop(trials_started=40), "seed": 5, **changes}
    return simulate(made_blackbox(goal), factory, **options)


def objective(trial: Any) -> float:
    """What a user of Optuna would write."""
    configuration = suggest_configuration(trial, SPACE)
    for epoch in range(1, EPOCHS + 1):
        value = loss_of(configuration, epoch)
        trial.report(value, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return value


SAMPLERS = ("TPESampler", "RandomSampler", "NSGAIISampler", "CmaEsSampler")
PRUNERS = ("NopPruner", "MedianPruner", "SuccessiveHalvingPruner", "HyperbandPruner")


@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_trials_are_those_of_optunas_own_loop(sampler: str, pruner: str) -> None:
    run = simulated(Optuna(sampler, pruner=pruner))
    study = optuna.create_study(
        study_name=STUDY_NAME,
        sampler=getattr(optuna.samplers, sampler)(seed=library_seed(5)),
        pruner=getattr(optuna.pruners, pruner)(),
    )
    study.optimize(objective, n_trials=40)
    statuses = {"complete": "completed", "pruned": "stopped"}
    assert [(run.configuration(trial), run.trial_columns["status"][trial]) for trial in range(40)] == [
        (trial.params, statuses[trial.state.name.lower()]) for trial in study.trials
    ]
    reported = [max(trial.intermediate_values) for trial in study.trials]
    last = [row["fidelity"] for row in run.reports().to_pylist() if row["decision"] != "late"]
    assert sum(reported) == len(last)


def test_the_goal_is_the_blackboxs() -> None:
    """The largest loss is wanted: the study must maximize it."""
    best = simulated(Optuna(), goal="max", stop=Stop(trials_started=60)).best()
    worst = simulated(Optuna(), goal="min", stop=Stop(trials_started=60)).best()
    assert best is not None
    assert worst is not None
    assert best.value > 5 > worst.value


@pytest.mark.parametrize("sampler", ["TPESampler", "NSGAIISampler"])
def test_several_objectives(sampler: str) -> None:
    run = simulated(Optuna(sampler, objectives=["loss", "size"]), workers=4)
    sizes = run.reports().to_pydict()["size"]
    assert min(sizes) < 16
    with pytest.raises(InvalidOption, match="Optuna prunes for one objective only"):
        Optuna(objectives=["loss", "size"], pruner="MedianPruner")
    with pytest.raises(InvalidOption, match="the objective 'seconds' cannot be optimized: it has no goal"):
        simulated(Optuna(objectives=["seconds"]))


@pytest.mark.parametrize("pruner", ["NopPruner", "HyperbandPruner"])
def test_many_workers_failures_and_two_runs_are_one_T19(pruner: str) -> None:
    conditions = Conditions(decision_time=3, failures=Failures(crash=70, preempt=200, away=7))
    runs = [simulated(Optuna(pruner=pruner), workers=7, conditions=conditions) for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    assert "failed" in runs[0].trial_columns["status"]


def test_nan_is_a_failure_for_the_study(make_scheduler: Callable[..., Any]) -> None:
    scheduler, study = make_scheduler()
    scheduler.suggest()
    scheduler.tell(0, float("nan"), "completed")
    assert study.trials[0].state.name == "FAIL"


@pytest.fixture
def make_scheduler() -> Callable[[], tuple[Any, Any]]:
    from simulator.scheduler import Report, Trial, TrialStatus

    def make() -> tuple[Any, Any]:
        scheduler: Any = Optuna()(made_blackbox().schema, 0)

        class Curve:
            def point(self, objective: str, index: int) -> float:
                return self.value

        def tell(number: int, value: float, status: str) -> None:
            curve: Any = Curve()
            curve.value = value
            scheduler.on_report(Trial(number, {}, TrialStatus.RUNNING), Report(1, 0.0, 0, curve))
            scheduler.on_end(Trial(number, {}, TrialStatus(status)))

        scheduler.tell = tell
        return scheduler, scheduler._study

    return make


def test_initial_configurations_come_first() -> None:
    first = SPACE.sample("initial")
    run = simulated(Optuna(initial=[first]))
    assert run.configuration(0) == first
    assert "initial=" in run.header["scheduler"]


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    settings = {
        "sampler_settings": {"n_startup_trials": 3},
        "pruner": "HyperbandPruner",
        "pruner_settings": {"max_resource": 9},
    }
    run = simulate(
        made_blackbox(),
        scheduler_factory("optuna:TPESampler", settings),
        workers=1,
        stop=Stop(trials_started=9),
    )
    assert (
        "sampler=TPESampler, n_startup_trials=3, pruner=HyperbandPruner, max_resource=9"
        in run.header["scheduler"]
    )
    with pytest.raises(UnknownName, match=r"unknown Optuna sampler 'TPSampler'; did you mean 'TPESampler'"):
        Optuna("TPSampler")
    with pytest.raises(UnknownName, match="unknown Optuna pruner"):
        Optuna(pruner="HyperbandPruning")
    with pytest.raises(InvalidOption, match="TPESampler cannot be made with the settings"):
        simulated(Optuna(sampler_settings={"startup": 3}))
    with pytest.raises(
        UnknownName, match="unknown optuna:TPESampler setting 'prunner'; did you mean 'pruner'"
    ):
        scheduler_factory("optuna:TPESampler", {"prunner": "MedianPruner"})


def test_spaces_go_there_and_back() -> None:
    domains = {name: domain for name, domain in SPACE.domains.items() if name != "version"}
    assert from_optuna(to_optuna(Space(domains))) == Space(domains)
    there = to_optuna(Space({"o": Ordinal((1, 4, 9)), "c": Constant(7)}))
    assert from_optuna(there) == Space({"o": Categorical((1, 4, 9)), "c": Categorical((7,))})
    stepped = optuna.distributions.IntDistribution(0, 9, step=3)
    assert from_optuna({"i": stepped}) == Space({"i": Ordinal((0, 3, 6, 9))})
    with pytest.raises(InvalidSpace, match="'f' is a float in steps of 0.5"):
        from_optuna({"f": optuna.distributions.FloatDistribution(0, 2, step=0.5)})


def test_a_real_table_with_its_nearest_rows() -> None:
    from blackbox_repo import views

    table = views.nearest(load_blackbox("icml-deepar")["electricity"])
    run = simulate(table, Optuna(), workers=4, stop=Stop(trials_started=20))
    assert len(run.trial_columns["trial"]) == 20


def test_a_curve_that_ends_early_is_told_with_its_last_value() -> None:
    from simulator.testing import PROBLEMS

    rough = PROBLEMS["conditional"]()
    scheduler: Any = Optuna("RandomSampler")(rough.schema, 0)
    run = simulate(rough, scheduler, workers=1, stop=Stop(trials_started=60))
    told = {trial.number: trial.value for trial in scheduler._study.trials if trial.value is not None}
    curves = {number: rough.curve(run.configuration(number)) for number in told}
    assert told == {n: curve.point("score", len(curve) - 1) for n, curve in curves.items()}
    assert any(len(curve) < len(rough.schema.fidelity.values) for curve in curves.values())


def test_threads_processes_and_seeds() -> None:
    check_threads(Optuna(pruner="MedianPruner"))
    check_another_process(Optuna(pruner="MedianPruner"))
    check_seeds(Optuna("RandomSampler"))


def test_numpys_errors_do_not_reach_it() -> None:
    with np.errstate(all="raise"):
        run = simulated(Optuna(pruner="HyperbandPruner"))
    assert run.digest == simulated(Optuna(pruner="HyperbandPruner")).digest


def test_the_seed_is_the_runs_and_missing_parts_are_named() -> None:
    with pytest.raises(InvalidOption, match="TPESampler: the setting seed=3 contradicts seed="):
        simulated(Optuna(sampler_settings={"seed": 3}))
    if find_spec("torch") is None:
        with pytest.raises((InvalidOption, SchedulerError), match="No module named 'torch'"):
            simulated(Optuna("GPSampler"))


def test_a_function_that_makes_a_sampler() -> None:
    def half(seed: int) -> Any:
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=3)

    named = simulated(Optuna(half))
    assert named.header["scheduler"].startswith("Optuna(seed=5, sampler=half, pruner=NopPruner")
    partial = functools.partial(optuna.samplers.TPESampler, n_startup_trials=3)
    filled = simulated(Optuna(partial))
    assert filled.header["scheduler"].startswith("Optuna(seed=5, sampler=TPESampler, pruner=NopPruner")
    assert filled.digest == named.digest


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(Optuna("TPESampler"))
    check_mixed_choices(Optuna("NSGAIISampler"))


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("sampler", ["BruteForceSampler", "GridSampler"])
def test_a_sampler_that_has_tried_everything_ends_the_run(sampler: str, workers: int) -> None:
    tiny = Space({"a": Integer(0, 2), "b": Categorical(("p", "q"))})
    grid = {"search_space": {name: list(domain.values or ()) for name, domain in tiny.domains.items()}}
    factory = Optuna(sampler, sampler_settings=grid if sampler == "GridSampler" else {})
    run = simulate(contract.made_blackbox(tiny), factory, workers=workers, stop=Stop(time=1e4), seed=1)
    assert run.reason == "exhausted"
    assert len({str(given) for given in contract.configurations(run)}) == 6


def test_samplers_and_pruners_are_names_or_make_them() -> None:
    with pytest.raises(InvalidOption, match="the Optuna sampler is 5, but must be a name, or a class or"):
        Optuna(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="the Optuna pruner is None, but must be a name, or a class or"):
        Optuna(pruner=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="object made a object, which is no BasePruner"):
        simulated(Optuna(pruner=object))
    with pytest.raises(InvalidOption, match="objectives is 'loss', but must be a list of different names"):
        Optuna(objectives="loss")
    with pytest.raises(InvalidOption, match="sampler_settings is 3, but must be names and their values"):
        Optuna(sampler_settings=3)  # type: ignore[arg-type]
