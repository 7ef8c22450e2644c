import math
from typing import Any

import numpy as np
import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Fidelity, Goal, Objective, Schema
from blackbox_repo.space import Space
from simulator import ASHA, CONTINUE, GridSearch, PromotionASHA, RandomSearch, Run, Start, Stop, simulate
from simulator.kernel.segments import Code
from simulator.registry import SCHEDULERS, scheduler_factory
from simulator.scheduler import Trial, TrialStatus
from tests.simulator.schedulers.problems import Point

OURS = [RandomSearch, GridSearch, ASHA, PromotionASHA]


def quality_schema(goal: Goal = "min", epochs: int = 27) -> Schema:
    return Schema(
        Space({"quality": Float(0.0, 1.0), "shape": Categorical(("a", "b"))}),
        Fidelity("epoch", tuple(range(1, epochs + 1))),
        (Objective("score", goal), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="score",
        time="elapsed_time",
    )


def quality_blackbox(goal: Goal = "min") -> Blackbox:
    """The score is the quality at every epoch, an epoch takes a second."""
    schema = quality_schema(goal)

    def curve(configuration: dict[str, Any], seed: int) -> dict[str, list[float]]:
        del seed
        score = math.nan if configuration["quality"] > 0.9 else configuration["quality"]
        return {"score": [score] * 27, "elapsed_time": list(range(1, 28))}

    return from_function(schema, curve)


def last_epochs(run: Run) -> dict[int, float]:
    told = run.report_columns["decision"] <= Code.STOP
    trials, epochs = run.report_columns["trial"][told], run.report_columns["fidelity"][told]
    return {int(trial): float(epochs[trials == trial].max()) for trial in np.unique(trials)}


@pytest.mark.parametrize("scheduler", OURS)
def test_the_same_seed_gives_the_same_run_and_another_seed_another(scheduler: Any) -> None:
    digests = [
        simulate(quality_blackbox(), scheduler, workers=3, stop=Stop(time=200), seed=seed).digest
        for seed in (0, 0, 1)
    ]
    assert digests[0] == digests[1]
    assert (digests[0] != digests[2]) == (scheduler is not GridSearch)


@pytest.mark.parametrize("scheduler", OURS)
def test_continue_until_gives_the_run_of_continuing_at_each_report_T22(scheduler: Any) -> None:
    class Chatty(scheduler):  # type: ignore[misc]
        def on_report(self, trial: Any, report: Any) -> Any:
            decision = super().on_report(trial, report)
            return CONTINUE if decision.action == "continue" else decision

    runs = [
        simulate(quality_blackbox(), kind, workers=4, stop=Stop(time=300), seed=2)
        for kind in (scheduler, Chatty)
    ]
    assert runs[0].digest == runs[1].digest


def test_random_search_and_asha_of_one_seed_start_the_same_configurations() -> None:
    schema = quality_schema()
    random, asha = RandomSearch(schema, 7), ASHA(schema, 7)
    assert [random.suggest() for _ in range(20)] == [asha.suggest() for _ in range(20)]


def test_what_is_upcoming_is_what_comes() -> None:
    asha = ASHA(quality_schema(), 5)
    asha.suggest()
    upcoming = list(asha.upcoming(5))
    assert [asha.suggest().configuration for _ in range(5)] == upcoming


def test_grid_search_starts_every_configuration_once_and_stops() -> None:
    run = simulate(
        quality_blackbox(), lambda s, seed: GridSearch(s, seed, points=5), workers=3, stop=Stop(time=1e6)
    )
    tried = list(zip(run.trial_columns["config.quality"], run.trial_columns["config.shape"], strict=True))
    assert tried == [(quality, shape) for quality in (0, 0.25, 0.5, 0.75, 1) for shape in "ab"]
    assert run.reason == "exhausted"


def test_grid_search_keeps_all_values_of_finite_hyperparameters() -> None:
    schema = quality_schema()
    space = Space({"n": Integer(1, 3), "c": Categorical(("x", "y"))})
    search = GridSearch(Schema(space, schema.fidelity, schema.objectives, "score", "elapsed_time"), points=3)
    suggested = [search.suggest() for _ in range(7)]
    assert suggested[:3] == [Start({"n": 1, "c": "x"}), Start({"n": 1, "c": "y"}), Start({"n": 2, "c": "x"})]
    assert suggested[6] is None


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA])
def test_asha_trains_good_configurations_longer_whatever_the_goal(scheduler: Any, goal: Goal) -> None:
    run = simulate(quality_blackbox(goal), scheduler, workers=4, stop=Stop(time=2000))
    reached = last_epochs(run)
    quality = np.array(run.trial_columns["config.quality"])
    full = [trial for trial, epoch in reached.items() if epoch == 27]
    short = [trial for trial, epoch in reached.items() if epoch == 1]
    assert 3 < len(full) < len(short) / 3
    gap = quality[short].mean() - quality[full].mean()
    assert gap > 0.3 if goal == "min" else gap < -0.15


@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA])
def test_asha_ranks_nan_last(scheduler: Any) -> None:
    run = simulate(quality_blackbox(), scheduler, workers=1, stop=Stop(time=3000))
    quality = run.trial_columns["config.quality"]
    diverged = [trial for trial, epoch in last_epochs(run).items() if quality[trial] > 0.9 and epoch > 3]
    assert diverged == []


def test_stopping_asha_follows_its_rule_on_a_written_sequence() -> None:
    schema = quality_schema()
    asha, trial = ASHA(schema, eta=3), Trial(0, {}, TrialStatus.RUNNING)

    def answer(fidelity: float, score: float) -> tuple[str, float | None]:
        point: Any = Point(schema, fidelity, {schema.target: score})
        decision = asha.on_report(trial, point)
        return decision.action, decision.until

    assert answer(1, 0.5) == ("continue", 3)  # the first one
    assert answer(1, 0.4) == ("continue", 3)  # threshold 0.4333
    assert answer(1, 0.6) == ("stop", None)  # of 0.4 0.5 0.6: 0.4667
    assert answer(2, 0.1) == ("continue", 3)  # between rungs
    assert answer(3, 0.5) == ("continue", 9)
    assert answer(9, math.nan) == ("stop", None)  # whatever other trials are there
    assert answer(9, math.inf) == ("continue", 27)  # the first number there
    assert answer(9, math.inf) == ("continue", 27)  # infinity is not above infinity
    assert answer(27, 0.5) == ("continue", None)


def test_promotion_asha_pauses_at_each_rung_and_promotes_the_best_of_three() -> None:
    run = simulate(quality_blackbox(), PromotionASHA, workers=1, stop=Stop(trials_started=3))
    quality = run.trial_columns["config.quality"][:3]
    best = int(np.argmin([math.inf if q > 0.9 else q for q in quality]))
    assert last_epochs(run)[best] == 3
    assert sorted(last_epochs(run).values()) == [1, 1, 3]
    assert set(run.trial_columns["status"]) == {"paused"}


def test_schedulers_are_found_by_name_with_their_settings() -> None:
    for name in SCHEDULERS:
        assert scheduler_factory(name, {})(quality_schema(), 1).suggest() is not None
    asha = scheduler_factory("asha", {"eta": 4})(quality_schema(), 1)
    assert repr(asha) == "ASHA(seed=1, eta=4, r_min=None, brackets=1)"


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("ahsa", {}, UnknownName, "unknown scheduler 'ahsa'; did you mean 'asha'"),
        (
            "asha",
            {"etta": 3},
            UnknownName,
            "unknown asha setting 'etta'; did you mean 'eta'?",
        ),
        ("py:nowhere:X", {}, InvalidOption, "cannot be imported: No module named 'nowhere'"),
        ("py:math:nothing", {}, InvalidOption, "module 'math' has no attribute 'nothing'"),
        ("py:math", {}, InvalidOption, "must be written py:module:attribute"),
        ("py:math:pi", {}, InvalidOption, "is no factory (schema, seed) -> scheduler: 3.14"),
    ],
)
def test_what_is_no_scheduler_is_named(name: str, settings: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        scheduler_factory(name, settings)
    assert message in str(caught.value)
