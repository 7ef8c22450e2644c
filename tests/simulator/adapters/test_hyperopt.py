"""Hyperopt in the simulator does what ``fmin`` does."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Condition, Configuration, Space
from simulator import Run
from simulator.adapters.hyperopt import ALGORITHMS, Hyperopt
from simulator.adapters.hyperopt_space import decode, from_hyperopt, to_hyperopt
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
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
    ending_early,
    loss_of,
    made_blackbox,
    real_table,
    run_snippet,
    simulated,
)

hyperopt = pytest.importorskip("hyperopt")


def fmin(algorithm: str, loss: Any, **settings: Any) -> list[Configuration]:
    """What a user of Hyperopt would write."""
    trials = settings.pop("trials", None) or hyperopt.Trials()
    hyperopt.fmin(
        lambda _: loss(decode(SPACE, trials.trials[-1]["misc"]["vals"])),
        to_hyperopt(SPACE),
        algo=functools.partial(getattr(hyperopt, algorithm).suggest, **settings),
        max_evals=40,
        rstate=np.random.default_rng(OWN),  # noqa: TID251  as a user of Hyperopt would
        trials=trials,
        show_progressbar=False,
        verbose=False,
    )
    return [decode(SPACE, document["misc"]["vals"]) for document in trials.trials]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_trials_are_those_of_fmin(algorithm: str) -> None:
    run = simulated(made_blackbox(SPACE), Hyperopt(algorithm), 40)
    assert configurations(run) == fmin(algorithm, functools.partial(loss_of, SPACE))


@pytest.mark.parametrize("algorithm", ["anneal", "tpe"])
@pytest.mark.filterwarnings("ignore")
def test_nan_is_told_as_fmin_does(algorithm: str) -> None:
    def loss(configuration: Configuration, epoch: float = 9) -> float:
        return math.nan if configuration["layers"] == 2 else loss_of(SPACE, configuration, epoch)

    blackbox = made_blackbox(SPACE, losses=loss)
    assert configurations(simulated(blackbox, Hyperopt(algorithm), 40)) == fmin(algorithm, loss)


@pytest.mark.parametrize("algorithm", ["anneal", "tpe"])
def test_the_goal_is_the_blackboxs(algorithm: str) -> None:
    """The same problem with its sign turned has the same trials."""
    smallest = simulated(made_blackbox(SPACE), Hyperopt(algorithm), 40)
    largest = simulated(made_blackbox(SPACE, "max"), Hyperopt(algorithm), 40)
    assert configurations(smallest) == configurations(largest)
    assert smallest.header["scheduler"].startswith(f"Hyperopt(seed=5, algorithm='{algorithm}', hyperopt='")


def test_tpe_learns() -> None:
    tpe, rand = (simulated(made_blackbox(SPACE), Hyperopt(name), 60) for name in ("tpe", "rand"))
    late = [sum(loss_of(SPACE, given) for given in configurations(run)[30:]) for run in (tpe, rand)]
    assert late[0] < 0.9 * late[1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_goes_on_whatever_happens_to_its_trials(algorithm: str) -> None:
    settings = {"n_startup_jobs": 5} if algorithm == "tpe" else {}
    check_it_goes_on(Hyperopt(algorithm, settings=settings), trials=12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_many_workers_failures_and_two_runs_are_one_T19(algorithm: str) -> None:
    check_hard_conditions(made_blackbox(SPACE), Hyperopt(algorithm))


def test_initial_configurations_come_first() -> None:
    first = [SPACE.sample("initial", number) for number in range(3)]
    run = simulated(made_blackbox(SPACE), Hyperopt(initial=first))
    assert configurations(run)[:3] == first
    assert "initial=[{'x': " in run.header["scheduler"]
    with pytest.raises(InvalidOption, match=r"initial\[0\] is no configuration of the space"):
        simulated(made_blackbox(SPACE), Hyperopt(initial=[{"x": 9.0}]))


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    def tried(**settings: Any) -> Run:
        return simulated(made_blackbox(SPACE), scheduler_factory("hyperopt:tpe", settings))

    assert tried().digest != tried(settings={"n_startup_jobs": 5}).digest
    assert "n_startup_jobs=5" in tried(settings={"n_startup_jobs": 5}).header["scheduler"]
    with pytest.raises(InvalidOption, match="Hyperopt's tpe refuses {'startup': 3}: .*'startup'"):
        Hyperopt(settings={"startup": 3})
    with pytest.raises(UnknownName, match="unknown Hyperopt algorithm 'tpee'; did you mean 'tpe'"):
        scheduler_factory("hyperopt:tpee", {})


def test_a_suggest_function_of_ones_own() -> None:
    parts = [(0.5, hyperopt.rand.suggest), (0.5, hyperopt.anneal.suggest)]
    mixed = Hyperopt(functools.partial(hyperopt.mix.suggest, p_suggest=parts))
    assert simulated(made_blackbox(SPACE), mixed).digest == simulated(made_blackbox(SPACE), mixed).digest


def test_spaces_go_there_and_back() -> None:
    there = from_hyperopt(to_hyperopt(SPACE))
    domains = {**SPACE.domains, "order": Categorical((1, 4, 9))}
    assert there.domains == domains
    assert there.conditions == {**SPACE.conditions, "deep": (Condition("sub", ("p",)),)}


def test_every_value_of_an_integer_has_the_same_chance() -> None:
    space = Space({"i": Integer(1, 4), "j": Integer(2, 5, log=True)})
    counts = [[0] * 6, [0] * 6]
    for configuration in configurations(simulated(made_blackbox(space), Hyperopt("rand"), 400)):
        counts[0][configuration["i"]] += 1
        counts[1][configuration["j"]] += 1
    assert [round(count / 50) for count in counts[0]] == [0, 2, 2, 2, 2, 0]
    assert counts[1][2] > counts[1][3] > counts[1][4] > counts[1][5] > 0


def test_expressions_without_bounds_and_conditions_without_a_tree_are_refused() -> None:
    hp = hyperopt.hp
    with pytest.raises(InvalidSpace, match=r"'x' is drawn by normal\(.*for which there is no domain"):
        from_hyperopt({"x": hp.normal("x", 0, 1)})
    both = {"c": (Condition("a", ("p",)), Condition("b", ("r",)))}
    choices = {"a": Categorical(("p", "q")), "b": Categorical(("r", "s")), "c": Float(0, 1)}
    with pytest.raises(InvalidSpace, match="'c' depends on both 'a' and 'b', neither of which"):
        to_hyperopt(Space(choices, both))
    numeric = Space({"n": Integer(1, 3), "c": Float(0, 1)}, {"c": (Condition("n", (2,)),)})
    with pytest.raises(InvalidSpace, match="'c' depends on 'n', but must depend on a choice for Hyperopt"):
        to_hyperopt(numeric)
    model = hp.choice("model", [{"C": hp.uniform("C", 0, 1)}, {"model": "knn", "k": hp.randint("k", 1, 9)}])
    assert from_hyperopt(model) == Space(
        {"model": Categorical((0, "knn")), "C": Float(0, 1), "k": Integer(1, 8)},
        {"C": (Condition("model", (0,)),), "k": (Condition("model", ("knn",)),)},
    )


def test_a_real_table_with_its_nearest_rows() -> None:
    run = simulated(real_table(), Hyperopt(), 25, workers=4)
    assert len(run.trial_columns["trial"]) == 25


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Hyperopt")["run"].best().value > 0


def test_two_processes_find_the_same() -> None:
    check_processes("hyperopt:tpe")


def test_threads_processes_and_seeds() -> None:
    check_threads(Hyperopt(settings={"n_startup_jobs": 4}))
    check_another_process(Hyperopt(settings={"n_startup_jobs": 4}))
    check_seeds(Hyperopt(settings={"n_startup_jobs": 4}))


def test_numpys_errors_and_settings_that_are_suggests_own() -> None:
    with np.errstate(all="raise"):
        run = simulated(made_blackbox(SPACE), Hyperopt("tpe"), 40)
    assert run.digest == simulated(made_blackbox(SPACE), Hyperopt("tpe"), 40).digest
    with pytest.raises(InvalidOption, match="Hyperopt's tpe refuses {'seed': 3}: TypeError: .*'seed'"):
        Hyperopt(settings={"seed": 3})
    with pytest.raises(InvalidOption, match="Hyperopt's tpe refuses {'gamma': 'a'}|Hyperopt's tpe"):
        Hyperopt(settings={"nothing": 3})


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(Hyperopt("tpe"))
    check_mixed_choices(Hyperopt("anneal"))


def test_the_last_value_of_a_curve_that_ends_early_is_told() -> None:
    scheduler: Any = Hyperopt("rand")(ending_early().schema, 5)
    run = simulated(ending_early(), scheduler, 20)
    told = [document["result"]["loss"] for document in scheduler._optimizer._trials.trials]
    assert told == [2 * given["layers"] - 1 for given in configurations(run)]
    assert len(set(told)) > 3


def test_an_algorithm_is_a_name_or_a_function() -> None:
    with pytest.raises(InvalidOption, match="the Hyperopt algorithm is 5, but must be a name, or a class or"):
        Hyperopt(5)  # type: ignore[arg-type]
