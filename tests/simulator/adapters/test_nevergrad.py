"""Nevergrad in the simulator does what its ``minimize`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Float
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Condition, Configuration, Space
from simulator import SchedulerError
from simulator.adapters.nevergrad import Nevergrad
from simulator.adapters.nevergrad_space import decode, encode, from_nevergrad, to_nevergrad
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
    loss_of,
    made_blackbox,
    real_table,
    run_snippet,
    simulated,
)

ng = pytest.importorskip("nevergrad")

OPTIMIZERS = ("NGOpt", "DE", "CMA", "PSO", "RandomSearch", "DiscreteOnePlusOne")


def minimized(optimizer: str, budget: int) -> list[Configuration]:
    """What a user of Nevergrad would write."""
    tried: list[Configuration] = []

    def loss(value: Any) -> float:
        tried.append(decode(SPACE, value))
        return loss_of(SPACE, tried[-1])

    parametrization = to_nevergrad(SPACE)
    parametrization.random_state = np.random.RandomState(OWN)  # noqa: TID251  as a user of Nevergrad would
    ng.optimizers.registry[optimizer](parametrization, budget=budget, num_workers=1).minimize(loss)
    return tried


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_trials_are_those_of_minimize(optimizer: str) -> None:
    run = simulated(made_blackbox(SPACE), Nevergrad(optimizer, budget=40), 50)
    assert run.reason == "exhausted"
    assert configurations(run) == minimized(optimizer, 40)


def test_the_goal_is_the_blackboxs() -> None:
    """The same problem with its sign turned has the same trials."""
    smallest = simulated(made_blackbox(SPACE), Nevergrad("DE", budget=60), 60)
    largest = simulated(made_blackbox(SPACE, "max"), Nevergrad("DE", budget=60), 60)
    assert configurations(smallest) == configurations(largest)
    assert smallest.header["scheduler"].startswith(
        "Nevergrad(seed=5, optimizer='DE', budget=60, num_workers=1, nevergrad='"
    )


@pytest.mark.parametrize("optimizer", ["NGOpt", "PSO"])
def test_it_goes_on_whatever_happens_to_its_trials(optimizer: str) -> None:
    check_it_goes_on(Nevergrad(optimizer, budget=100, num_workers=7), trials=10)


@pytest.mark.parametrize("optimizer", ["NGOpt", "CMA", "DE"])
def test_many_workers_failures_and_two_runs_are_one_T19(optimizer: str) -> None:
    check_hard_conditions(made_blackbox(SPACE), Nevergrad(optimizer, budget=100, num_workers=7))


def test_no_more_run_at_once_than_nevergrad_knows_of() -> None:
    """An optimizer that runs a sequential one in a thread waits forever if it is asked too early."""
    run = simulated(made_blackbox(SPACE), Nevergrad("Cobyla", budget=100), workers=4)
    assert set(run.segments().to_pydict()["worker"]) == {0}
    with pytest.raises(
        InvalidOption, match=r"Nevergrad\(.*'Cobyla'.* cannot be made: .* needs num_workers=1"
    ):
        simulated(made_blackbox(SPACE), Nevergrad("Cobyla", budget=100, num_workers=4))
    run = simulated(made_blackbox(SPACE), Nevergrad("DE", budget=100, num_workers=3), workers=4)
    assert set(run.segments().to_pydict()["worker"]) == {0, 1, 2}


def test_the_users_global_random_state_is_left_alone() -> None:
    """Some of Nevergrad draws from numpy's global state; neither sees the other's draws."""
    np.random.seed(1)  # noqa: NPY002, TID251  the user's
    state = np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's
    first = simulated(made_blackbox(SPACE), Nevergrad("BigLognormalDiscreteOnePlusOne", budget=40), 40)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002, TID251  the user's
    np.random.seed(2)  # noqa: NPY002, TID251  the user's
    second = simulated(made_blackbox(SPACE), Nevergrad("BigLognormalDiscreteOnePlusOne", budget=40), 40)
    assert first.digest == second.digest


def test_an_optimizer_of_another_library_in_a_thread_is_seeded_too() -> None:
    """By default pycma takes its seed from the clock."""
    digests = {simulated(made_blackbox(SPACE), Nevergrad("CmaFmin2", budget=30)).digest for _ in range(3)}
    assert len(digests) == 1


@pytest.mark.parametrize("portfolio", ["MultiDS", "PolyLN"])
def test_threads_that_draw_from_one_generator_take_turns_T19(portfolio: str) -> None:
    runs = [simulated(made_blackbox(SPACE), Nevergrad(portfolio, budget=14), 14) for _ in range(3)]
    assert len({run.digest for run in runs}) == 1


def test_initial_configurations_come_first() -> None:
    first = [SPACE.sample("initial", number) for number in range(3)]
    run = simulated(made_blackbox(SPACE), Nevergrad("DE", initial=first))
    assert configurations(run)[:3] == first
    assert "initial=[{'x': " in run.header["scheduler"]
    with pytest.raises(SchedulerError, match="EDA.*does not take configurations to try first"):
        simulated(made_blackbox(SPACE), Nevergrad("EDA", initial=first))


def test_optimizers_of_ones_own_and_wrong_names() -> None:
    own = ng.families.DifferentialEvolution(popsize=7)
    run = simulated(made_blackbox(SPACE), Nevergrad(own))
    assert "popsize=7" in run.header["scheduler"]
    with pytest.raises(UnknownName, match="unknown Nevergrad optimizer 'NGOptt'; did you mean 'NGOpt'"):
        scheduler_factory("nevergrad:NGOptt", {})
    with pytest.raises(UnknownName, match="unknown nevergrad:DE setting 'workers'"):
        scheduler_factory("nevergrad:DE", {"workers": 3})


def test_spaces_go_there_and_back() -> None:
    there = from_nevergrad(to_nevergrad(SPACE))
    assert there.domains == SPACE.domains
    assert there.conditions == {**SPACE.conditions, "deep": (Condition("sub", ("p",)),)}
    for number in range(20):
        configuration = SPACE.sample("any", number)
        assert decode(SPACE, encode(SPACE, configuration)) == configuration


def test_what_has_no_domain_or_no_tree_is_refused() -> None:
    with pytest.raises(InvalidSpace, match="'x' is .*Scalar.*for which there is no domain here"):
        from_nevergrad(ng.p.Dict(x=ng.p.Scalar()))
    with pytest.raises(InvalidSpace, match="an option of 'm' is .* which says nothing of 'm' itself"):
        from_nevergrad(ng.p.Dict(m=ng.p.Choice([ng.p.Dict(c=ng.p.Scalar(lower=0, upper=1)), "knn"])))
    both = {"c": (Condition("a", ("p",)), Condition("b", ("r",)))}
    choices = {"a": Categorical(("p", "q")), "b": Categorical(("r", "s")), "c": Float(0, 1)}
    with pytest.raises(InvalidSpace, match="Nevergrad's spaces are trees of choices"):
        to_nevergrad(Space(choices, both))


def test_a_real_table_with_its_nearest_rows() -> None:
    run = simulated(real_table(), Nevergrad("NGOpt", budget=25, num_workers=4), 25, workers=4)
    assert len(run.trial_columns["trial"]) == 25


def test_two_processes_find_the_same_and_end() -> None:
    """The optimizer lives in a thread."""
    check_processes("nevergrad:CmaFmin2")


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Nevergrad")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(Nevergrad("DE", budget=50, num_workers=3))
    check_another_process(Nevergrad("DE", budget=50, num_workers=3))
    check_seeds(Nevergrad("DE", budget=50, num_workers=3))


@pytest.mark.parametrize("value", [0, -1, 2.5, "4", True])
@pytest.mark.parametrize("name", ["num_workers", "budget"])
def test_counts_are_whole_numbers_from_1(name: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"{name} is {value!r}, but must be a whole number, 1 or more"):
        Nevergrad("DE", **{name: value})


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(Nevergrad("DE"))
