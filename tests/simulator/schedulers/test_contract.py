"""What every scheduler of the registry keeps to, where curves end, fail and are NaN anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from simulator import CONTINUE, Conditions, Delays, Exponential, Failures, Run, Stop, Uniform, simulate
from simulator.scheduler import Decision, Report, Scheduler, Start, Suggestion, Trial
from simulator.schedulers.registry import SCHEDULERS, scheduler_factory
from tests.simulator.schedulers.problems import CONDITIONAL, PROBLEMS, ROWS, SCATTERED, Driver, schema_of

SLOW = Conditions(Delays(start=1, report=Uniform(0, 3), stop=2, stopped=1))
CIRCUMSTANCES = {
    "ideal": Conditions(),
    "slow": SLOW,
    "late ends": Conditions(Delays(report=0.5, complete=4, stop=2)),
    "crashes": Conditions(failures=Failures(crash=Exponential(20))),
    "losses": Conditions(failures=Failures(preempt=Exponential(15), away=3)),
    "losses fail": Conditions(failures=Failures(preempt=Exponential(15), away=3, requeue=False)),
    "thinking": Conditions(Delays(report=0.5), decision_time=Uniform(0, 0.5)),
    "polling": Conditions(poll=5.0),
    "no checkpoints": Conditions(checkpoints=False),
}
NEEDS_CHECKPOINTS = {"pbt"}
LEFT_OUT = {
    ("pbt", "no checkpoints"),
    ("asha-promotion", "late ends"),  # see test_asha_promotion.py
    *((name, how) for name in ("hyperband", "successive-halving") for how in ("thinking", "polling")),
}
"""What does not go together; of synchronous schedulers see test_hyperband.py."""
ENDS = {"grid", "pbt", "local-search"}
"""Who may be through with a space, or a population, before the time is up."""

every_scheduler = pytest.mark.parametrize("name", SCHEDULERS)


def run(name: str, problem: str, scheduler: Any = None, **settings: Any) -> Run:
    blackbox = PROBLEMS[problem]()
    circumstances = {"workers": 4, "stop": Stop(time=100), "seed": 3, **settings}
    return simulate(blackbox, scheduler or scheduler_factory(name, {}), **circumstances)


class Wrapped:
    """Hands every call on."""

    def __init__(self, inner: Scheduler) -> None:
        self.inner = inner

    def suggest(self) -> Suggestion:
        return self.inner.suggest()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        return self.inner.on_report(trial, report)

    def on_end(self, trial: Trial) -> None:
        self.inner.on_end(trial)


class Chatty(Wrapped):
    """Never asks to be spared a call."""

    def on_report(self, trial: Trial, report: Report) -> Decision:
        decision = super().on_report(trial, report)
        return CONTINUE if decision.action == "continue" else decision


def chatty(name: str) -> Any:
    return lambda schema, seed: Chatty(scheduler_factory(name, {})(schema, seed))


@every_scheduler
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("workers", "time"), [(2, 80), (30, 10)])
def test_it_goes_on_whatever_happens_to_its_trials(
    name: str, problem: str, workers: int, time: float
) -> None:
    if name in NEEDS_CHECKPOINTS and problem == "independent":
        return
    for circumstance, conditions in CIRCUMSTANCES.items():
        if (name, circumstance) in LEFT_OUT:
            continue
        finished = run(name, problem, workers=workers, stop=Stop(time=time), conditions=conditions)
        assert finished.reason == "time" or (name in ENDS and finished.reason == "exhausted")
        assert len(finished.trial_columns["trial"]) >= 2


@every_scheduler
@pytest.mark.parametrize("circumstance", ["ideal", "slow", "losses", "crashes"])
def test_two_runs_are_equal_and_reports_may_be_skipped_T22(name: str, circumstance: str) -> None:
    for problem in ("conditional", "smooth"):
        first, second, talkative = (
            run(name, problem, scheduler, conditions=CIRCUMSTANCES[circumstance]).digest
            for scheduler in (None, None, chatty(name))
        )
        assert first == second == talkative


@every_scheduler
def test_another_seed_gives_another_run(name: str) -> None:
    settings = {"shuffle": True} if name == "grid" else {}
    digests = {run(name, "smooth", scheduler_factory(name, settings), seed=seed).digest for seed in range(3)}
    assert len(digests) == 3


@every_scheduler
def test_initial_configurations_come_first(name: str) -> None:
    schema = PROBLEMS["smooth"]().schema
    initial = [schema.space.sample("initial", number) for number in range(3)]
    finished = run(name, "smooth", scheduler_factory(name, {"initial": initial}), workers=1)
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


@every_scheduler
def test_what_is_upcoming_is_what_comes(name: str) -> None:
    schema = schema_of(CONDITIONAL)
    scheduler: Any = scheduler_factory(name, {})(schema, 5)
    if hasattr(scheduler, "upcoming"):
        upcoming = list(scheduler.upcoming(3))
        assert [scheduler.suggest().configuration for _ in range(3)] == upcoming


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
            assert name in ENDS
            break
        assert isinstance(suggestion, Start)
        driver.configurations[trial] = suggestion.configuration
        driver.end(trial, status)
