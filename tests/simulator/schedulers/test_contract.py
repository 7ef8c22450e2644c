"""What every scheduler of the registry keeps to, where curves end, fail and are NaN anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from simulator import Run, Stop, simulate
from simulator.registry import SCHEDULERS, scheduler_factory
from simulator.scheduler import Start
from simulator.testing import SchedulerContract
from tests.simulator.schedulers.problems import CONDITIONAL, PROBLEMS, ROWS, SCATTERED, Driver, schema_of

WAIT = {"grid", "hyperband", "local-search", "pbt", "successive-halving"}
"""Schedulers that may have nothing to suggest in a large space, if only for a while."""


def contract_of(name: str) -> type[SchedulerContract]:
    """The contract that users inherit, for a scheduler of ours."""
    settings = {
        "make_scheduler": staticmethod(scheduler_factory(name, {})),
        "may_end": name in {"grid", "pbt"},
        "needs": ("checkpoints",) if name == "pbt" else (),
        "seeded": name != "grid",
        "__module__": __name__,
    }
    return type(class_name(name), (SchedulerContract,), settings)


def class_name(name: str) -> str:
    return f"Test_{name.replace('-', '_')}"


globals().update({class_name(name): contract_of(name) for name in SCHEDULERS})
every_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def run(name: str, problem: str, scheduler: Any = None, **settings: Any) -> Run:
    blackbox = PROBLEMS[problem]()
    circumstances = {"workers": 4, "stop": Stop(time=100), "seed": 3, **settings}
    return simulate(blackbox, scheduler or scheduler_factory(name, {}), **circumstances)


@every_scheduler
def test_another_seed_gives_another_run(name: str) -> None:
    settings = {"shuffle": True} if name == "grid" else {}
    digests = {run(name, "smooth", scheduler_factory(name, settings), seed=seed).digest for seed in range(3)}
    assert len(digests) == 3


@every_scheduler
def test_initial_configurations_come_first(name: str) -> None:
    schema = PROBLEMS["smooth"]().schema
    initial = [schema.space.sample("initial", number) for number in range(3)]
    factory = scheduler_factory(name, {"initial": initial})
    finished = run(name, "smooth", factory, workers=1, stop=Stop(time=300))
    tried = [finished.configuration(trial) for trial in range(len(finished.trial_columns["trial"]))]
    assert tried[:3] == initial
    assert "initial=[{'optimizer': " in finished.header["scheduler"]


@every_scheduler
@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (
            [{"x": 2.0, "kind": "a"}],
            "initial[0] is no configuration of the space: x=2.0 is not in [0.0, 1.0]",
        ),
        (
            [ROWS[0], {"x": 0.5, "kind": "a"}],
            "initial[1] is {'x': 0.5, 'kind': 'a'}, but must be one of the ",
        ),
        ("first", "initial is 'first', but must be a list of configurations"),
        (ROWS[0], "but must be a list of configurations"),
    ],
)
def test_initial_configurations_must_exist(name: str, initial: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        scheduler_factory(name, {"initial": initial})(schema_of(SCATTERED), 0)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name", ["asha", "asha-promotion", "hyperband", "mo-asha", "pasha", "successive-halving"]
)
def test_rungs_are_refused_by_name_and_shown(name: str) -> None:
    schema = schema_of(CONDITIONAL, epochs=50)
    for settings, message in (
        ({"rungs": np.array([1, 5])}, "rungs is array([1, 5]), but must be a list of fidelities of 1..50"),
        ({"rungs": [50]}, "rungs is [50], but must be fidelities of 1..50 below the largest, ascending"),
        ({"rungs": [5], "r_min": 2}, "r_min is 2 and rungs is [5], but only one of them may be given"),
        ({"r_min": 500}, "r_min is 500, but must leave a rung below the largest fidelity"),
        ({"eta": "3"}, "eta is '3', but must be a number above 1"),
        ({"eta": None}, "eta is None, but must be a number above 1"),
    ):
        with pytest.raises(InvalidOption) as caught:
            scheduler_factory(name, settings)(schema, 0)
        assert str(caught.value).startswith(message)
    assert "rungs=[2, 20]" in repr(scheduler_factory(name, {"rungs": (2, 20)})(schema, 0))
    assert "rungs" not in repr(scheduler_factory(name, {})(schema, 0))


@every_scheduler
def test_it_says_what_it_is(name: str) -> None:
    scheduler = scheduler_factory(name, {})(schema_of(CONDITIONAL), 7)
    assert repr(scheduler).startswith(f"{type(scheduler).__name__}(seed=7")
    assert "initial" not in repr(scheduler)


@every_scheduler
@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_every_first_trial_may_end_without_a_report(name: str, status: str) -> None:
    schema: Schema = schema_of(CONDITIONAL)
    scheduler = scheduler_factory(name, {})(schema, 0)
    driver = Driver(scheduler, schema)
    for trial in range(50):
        suggestion = scheduler.suggest()
        if suggestion is None:
            assert name in WAIT
            break
        assert isinstance(suggestion, Start)
        driver.configurations[trial] = suggestion.configuration
        driver.end(trial, status)
