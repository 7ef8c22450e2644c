"""Any object with ask and tell as a scheduler."""

from __future__ import annotations

import math
import random  # noqa: TID251  that it is left alone is tested
from typing import Any

import numpy as np
import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Float
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator import Run, Stop, simulate
from simulator.adapters.ask_tell import AskTell, AskTellScheduler, Outcome, Proposal
from simulator.global_state import GlobalRandomState
from tests.simulator.adapters.contract import check_it_goes_on, run_snippet
from tests.simulator.schedulers.problems import schema_of

SPACE = Space({"x": Float(0, 1)})


class Told(Blackbox):
    """The score is x + epoch; x says what becomes of the trial, and how long its curve is."""

    name = "told"

    def __init__(self, goal: Any = "min") -> None:
        self.schema = schema_of(SPACE, 9, goal=goal)

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        x = float(configuration["x"])
        epochs = 4 if x in (0.1, 0.2) else 9
        scores = [math.nan if x == 0.3 else x + epoch for epoch in range(1, epochs + 1)]
        values = {"score": scores, "size": [1] * epochs, "elapsed_time": [*range(1, epochs + 1)]}
        return LearningCurve.of(self.schema, values, status="diverged" if x == 0.2 else "ok", seed=seed or 0)

    def digest(self) -> str:
        return "told"


class Sweep:
    """Goes through some values of x."""

    def __init__(self, values: list[float]) -> None:
        self.values, self.told = values[::-1], []

    def ask(self) -> list[float] | None:
        return [self.values.pop()] if self.values else None

    def tell(self, asked: list[float], loss: float) -> None:
        self.told.append((asked, loss))


def swept(goal: str = "min", **settings: Any) -> tuple[list[Any], Run]:
    sweep = Sweep([0.0, 0.1, 0.2, 0.3])
    factory = AskTell(lambda *_: sweep, to_configuration=lambda asked: {"x": asked[0]}, **settings)
    return sweep.told, simulate(Told(goal), factory, workers=1, stop=Stop(time=1000), seed=0)


def test_a_job_comes_to_its_last_point_even_where_its_curve_is_short() -> None:
    told, run = swept()
    assert told == [([0.0], 9.0), ([0.1], 4.1), ([0.2], math.inf), ([0.3], math.inf)]
    assert run.reason == "exhausted"


def test_what_is_bad_is_told_as_one_likes_or_not_at_all() -> None:
    assert swept(bad=99.0)[0][2:] == [([0.2], 99.0), ([0.3], 99.0)]
    assert swept(bad=None)[0] == [([0.0], 9.0), ([0.1], 4.1)]


def test_losses_are_to_be_small_whatever_the_goal() -> None:
    assert swept("max")[0][:2] == [([0.0], -9.0), ([0.1], -4.1)]


class Ladder:
    """Wants one configuration at 3, 6 and 9."""

    def __init__(self) -> None:
        self.jobs, self.outcomes = [Proposal({"x": 0.5}, until) for until in (9, 6, 3)], []

    def ask(self) -> Proposal | None:
        return self.jobs.pop() if self.jobs else None

    def tell(self, job: Proposal, outcome: Outcome) -> None:
        self.outcomes.append((job.until, outcome.loss, outcome.seconds))


@pytest.mark.parametrize(("resume", "seconds", "trials"), [(True, 9, 1), (False, 18, 3)])
def test_a_promoted_configuration_goes_on_or_begins_anew(resume: bool, seconds: float, trials: int) -> None:
    ladder = Ladder()
    made = AskTellScheduler(ladder, Told().schema, resume=resume)
    run = simulate(Told(), made, workers=1, stop=Stop(time=1000), seed=0)
    assert ladder.outcomes == [(3, 3.5, 3), (6, 6.5, 6), (9, 9.5, 9)]
    assert (run.seconds, len(run.trial_columns["trial"])) == (seconds, trials)


def test_any_object_will_do() -> None:
    class Draws:
        def __init__(self, schema: Schema, seed: int) -> None:
            self.space, self.seed, self.asked = schema.space, seed, 0

        def ask(self) -> dict[str, Any]:
            self.asked += 1
            return self.space.sample(self.seed, self.asked)

        def tell(self, asked: dict[str, Any], loss: float) -> None:
            assert not math.isnan(loss)

    check_it_goes_on(AskTell(Draws, name="draws"))
    with pytest.raises(InvalidOption, match=r"draws made an object without ask\(\): 7"):
        AskTell(lambda *_: 7, name="draws")(Told().schema, 0)


def test_the_global_random_state_is_the_librarys_inside_and_the_users_outside() -> None:
    def drawn(disturbance: int) -> list[float]:
        state, found = GlobalRandomState(3), []
        for _ in range(3):
            random.seed(disturbance)
            np.random.seed(disturbance)  # noqa: NPY002, TID251  the user's
            before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's
            with state:
                found += [random.random(), np.random.rand()]  # noqa: NPY002, S311, TID251  the library's
            after = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's
            assert before == after
        return found

    assert drawn(1) == drawn(2)
    assert len(set(drawn(1))) == 6


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Anything with ask and tell")["run"].best().value > 0


def test_functions_are_functions() -> None:
    with pytest.raises(InvalidOption, match="make is 5, but must be a function"):
        AskTell(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="to_configuration is 'x', but must be a function"):
        AskTell(Sweep, to_configuration="x")  # type: ignore[arg-type]
