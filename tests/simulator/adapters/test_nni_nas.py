"""NNI's strategies of architecture search, unmodified, in simulated time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Condition, Space
from simulator import SchedulerError
from simulator.adapters.nni_nas import NNINAS, STRATEGIES, _make_model_space
from simulator.adapters.nni_space import to_choices
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
    OWN,
    check_hard_conditions,
    check_processes,
    configurations,
    loss_of,
    made_blackbox,
    simulated,
)

pytest.importorskip("nni")

SPACE = Space(
    {
        **{f"edge_{number}": Categorical(("none", "skip", "conv", "pool")) for number in range(5)},
        "cells": Integer(1, 5),
        "width": Ordinal((8, 16, 32)),
        "version": Constant("v1"),
    }
)
SMALL = Space({"a": Categorical(("p", "q")), "b": Integer(0, 2)})
SETTINGS: dict[str, dict[str, Any]] = {"RegularizedEvolution": {"population_size": 12, "sample_size": 4}}


def made(name: str) -> NNINAS:
    return NNINAS(name, settings=SETTINGS.get(name, {}))


def in_nnis_own_engine(strategy: Any, trials: int) -> list[Any]:
    """What a user of NNI would write, but for its second of sleep after each model."""
    from nni.nas.evaluator import FunctionalEvaluator
    from nni.nas.execution import SequentialExecutionEngine
    from nni.nas.strategy import hpo

    space = _make_model_space(to_choices(SPACE))
    space.evaluator = FunctionalEvaluator(lambda _: None)
    engine = SequentialExecutionEngine(max_model_count=trials)

    def execute(model: Any) -> None:
        import nni

        nni.report_final_result(-loss_of(SPACE, model.sample))

    type(space).execute, kept = execute, type(space).execute
    sleeping, hpo.time = hpo.time, type("Awake", (), {"sleep": staticmethod(lambda _: None)})
    try:
        strategy(space, engine)
    finally:
        type(space).execute, hpo.time = kept, sleeping
    return [model.sample for model in engine.list_models()]


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_with_one_worker_models_are_those_of_nnis_own_sequential_engine(name: str, goal: str) -> None:
    factory = made(name)  # imports NNI without PyTorch
    import nni.nas.strategy

    goals = {"optimize_mode": "maximize"} if name == "TPE" else {}
    strategy = getattr(nni.nas.strategy, name)(seed=OWN, **SETTINGS.get(name, {}), **goals)
    run = simulated(made_blackbox(SPACE, goal), factory, 60)
    assert configurations(run) == in_nnis_own_engine(strategy, 60)


def test_evolution_gets_better() -> None:
    losses = [
        loss_of(SPACE, c) for c in configurations(simulated(made_blackbox(SPACE), made(STRATEGIES[2]), 120))
    ]
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])


@pytest.mark.parametrize("name", STRATEGIES)
def test_many_workers_failures_and_two_runs_are_one_T19(name: str) -> None:
    settings = {"population_size": 25} if name == "RegularizedEvolution" else {}
    check_hard_conditions(made_blackbox(SPACE), NNINAS(name, settings=settings))
    assert [thread.name for thread in threading.enumerate() if thread.name == "NNI strategy"] == []


def test_when_there_is_nothing_left_the_run_ends() -> None:
    for name in STRATEGIES:
        run = simulated(made_blackbox(SMALL), made(name), 50, workers=3)
        assert (len(run.trial_columns["trial"]), run.statistics()["duplicates"]) == (6, 0.0), name


def test_evolution_with_more_workers_than_its_population_fails_with_the_reason() -> None:
    small = NNINAS(settings={"population_size": 3, "sample_size": 2})
    with pytest.raises(
        SchedulerError, match=r"failed: ValueError\('max\(\) .*population_size must exceed the models"
    ):
        simulated(made_blackbox(SPACE), small, workers=4)
    assert len(simulated(made_blackbox(SPACE), small, workers=3).trial_columns["trial"]) == 30


def test_duplicates_are_counted() -> None:
    repeating = NNINAS(settings={"population_size": 4, "sample_size": 4, "mutation_prob": 0, "dedup": False})
    assert simulated(made_blackbox(SPACE), repeating).statistics()["duplicates"] > 0.8


def test_what_no_strategy_can_do_is_refused() -> None:
    with pytest.raises(
        InvalidSpace, match=r"'x' is Float.*, but must have a list of values for NNI's search of"
    ):
        simulated(made_blackbox(Space({"x": Float(0, 1)})), NNINAS())
    choices = {"a": Categorical(("p", "q")), "b": Categorical(("r", "s"))}
    conditional = Space(choices, {"b": (Condition("a", ("p",)),)})
    with pytest.raises(
        InvalidSpace, match="'b' depends on others, which NNI's search of architectures cannot say"
    ):
        simulated(made_blackbox(conditional), NNINAS())
    with pytest.raises(InvalidOption, match="optimize_mode is the goal of the blackbox's target"):
        NNINAS("TPE", settings={"optimize_mode": "minimize"})
    with pytest.raises(UnknownName, match="unknown NNI strategy 'DARTS'"):
        scheduler_factory("nni-nas:DARTS", {})
    with pytest.raises(InvalidOption, match="cannot be made with the settings"):
        simulated(made_blackbox(SPACE), NNINAS("TPE", settings={"startup": 3}))


def test_a_strategy_of_ones_own_and_one_that_fails() -> None:
    from nni.nas.strategy import Random, Strategy

    class Broken(Strategy):  # type: ignore[misc]
        def _run(self) -> None:
            self.engine.submit_models(self.model_space.random())
            raise ZeroDivisionError("mine")

    assert (
        len(simulated(made_blackbox(SPACE), NNINAS(partial(Random, dedup=False))).trial_columns["trial"])
        == 30
    )
    with pytest.raises(SchedulerError, match=r"failed: ZeroDivisionError\('mine'\)"):
        simulated(made_blackbox(SPACE), NNINAS(lambda seed: Broken()))


def test_replaying_a_model_that_still_trains_fails_in_nni_and_is_named() -> None:
    """NNI's middleware replays a duplicate's metric, and there is none before it has ended."""
    from nni.nas.strategy import Random
    from nni.nas.strategy.middleware import Chain, Deduplication

    def replaying(seed: int) -> Any:
        return Chain(Random(dedup=False, seed=seed), Deduplication("replay"))

    with pytest.raises(SchedulerError, match=r"failed: .*Metric None is not a number"):
        simulated(made_blackbox(SMALL), NNINAS(replaying), workers=4)


def test_two_processes_find_the_same() -> None:
    code = scheduler_factory("nni-nas:Random", {})
    assert (
        simulated(made_blackbox(SPACE), code).digest == simulated(made_blackbox(SPACE), made("Random")).digest
    )
    check_processes("nni:TPE")


def test_runs_in_threads_are_those_made_one_after_the_other() -> None:
    def digest(seed: int) -> str:
        return simulated(made_blackbox(SPACE), made("RegularizedEvolution"), 20, seed=seed).digest

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, range(8))) == [digest(seed) for seed in range(8)]


def test_the_seed_is_the_runs() -> None:
    with pytest.raises(InvalidOption, match="Random: the setting seed=3 contradicts seed="):
        NNINAS("Random", settings={"seed": 3})(made_blackbox(SPACE).schema, 0)
    small = simulated(made_blackbox(SPACE), made("Random"), 5, seed=-1)
    assert small.digest != simulated(made_blackbox(SPACE), made("Random"), 5, seed=2**32 - 1).digest
