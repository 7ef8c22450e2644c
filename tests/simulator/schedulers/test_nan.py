"""One rule for NaN in every scheduler: it neither beats a number nor ties with one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Float
from blackbox_repo.schema import Goal
from blackbox_repo.space import Space
from simulator import Run, Stop, simulate
from simulator.kernel.segments import Code
from simulator.registry import scheduler_factory
from tests.simulator.schedulers.problems import schema_of

NAN = math.nan
EPOCHS = 9
SETTINGS: dict[str, dict[str, Any]] = {
    "asha": {},
    "asha-promotion": {},
    "hyperband": {},
    "median-stopping": {},
    "mo-asha": {},
    "pasha": {},
    "pbt": {"population": 8, "interval": 1},
    "successive-halving": {},
}
every_stopper = pytest.mark.parametrize("name", SETTINGS)
MAY_FINISH = {"median-stopping": 20, "pbt": 4}
"""The median rule has to see some trials first, and a copy in PBT may begin just before the last epoch."""
every_rung = pytest.mark.parametrize("name", sorted(set(SETTINGS) - {"hyperband"}))
"""Hyperband has a bracket without a rung, in which nothing is compared before the end."""


def mostly_nan(good: float, bad: float = NAN, goal: Goal = "min", objective: str = "score") -> Blackbox:
    """Of x from 0 to 1, those up to ``good`` have a number at every epoch, all others ``bad``."""

    def curve(configuration: dict[str, Any], seed: int) -> dict[str, Any]:
        x = configuration["x"]
        values = {"score": x, "size": 1 - x} | ({} if x <= good else {objective: bad})
        steps = range(1, EPOCHS + 1)
        return {name: [value for _ in steps] for name, value in values.items()} | {
            "elapsed_time": list(steps)
        }

    return from_function(schema_of(Space({"x": Float(0.0, 1.0)}), EPOCHS, goal=goal), curve)


def finished(run: Run, is_bad: Callable[[float], bool]) -> tuple[int, int]:
    """How many trials got to the last epoch: those with a number, and the bad ones."""
    reports = run.report_columns
    told = (reports["decision"] <= Code.STOP) & (reports["fidelity"] == EPOCHS)
    bad = [is_bad(run.configuration(int(trial))["x"]) for trial in np.unique(reports["trial"][told])]
    return bad.count(False), bad.count(True)


def run_of(name: str, blackbox: Blackbox, trials: int = 200) -> Run:
    factory = scheduler_factory(name, SETTINGS[name])
    return simulate(blackbox, factory, workers=4, stop=Stop(trials_started=trials, time=2000), seed=3)


@every_rung
@pytest.mark.parametrize("good", [0.8, 0.3, 0.1])
def test_next_to_no_nan_is_trained_to_the_end_however_many_there_are(name: str, good: float) -> None:
    numbers, nans = finished(run_of(name, mostly_nan(good)), lambda x: x > good)
    assert numbers > 0 or name == "pasha"  # which stays below the last rung if noise swaps no trials
    assert nans <= MAY_FINISH.get(name, 0)


@every_rung
def test_a_maximum_is_no_exception(name: str) -> None:
    numbers, nans = finished(run_of(name, mostly_nan(0.3, goal="max")), lambda x: x > 0.3)
    assert numbers > 0 or name == "pasha"
    assert nans <= MAY_FINISH.get(name, 0)


def test_a_nan_in_one_of_two_objectives_is_stopped() -> None:
    numbers, nans = finished(run_of("mo-asha", mostly_nan(0.3, objective="size")), lambda x: x > 0.3)
    assert (numbers > 0, nans) == (True, 0)


@pytest.mark.parametrize("name", ["asha", "asha-promotion", "mo-asha", "pasha", "successive-halving"])
def test_where_all_is_nan_nothing_gets_beyond_the_first_rung(name: str) -> None:
    run = run_of(name, mostly_nan(-1.0), trials=50)
    assert set(run.report_columns["fidelity"]) == {1}


@every_stopper
@pytest.mark.parametrize("bad", [math.inf, 1e308])
def test_an_infinite_loss_is_a_number_like_a_very_large_one(name: str, bad: float) -> None:
    digests = []
    for value in (bad, 1e300):
        run = run_of(name, mostly_nan(0.5, value), trials=60)
        codes, trials = run.report_columns["decision"], run.report_columns["trial"]
        digests.append((codes.tolist(), trials.tolist()))
    assert digests[0] == digests[1]


def test_a_nan_at_the_first_epoch_does_not_switch_the_median_rule_off() -> None:
    def stopped(first: float) -> int:
        def curve(configuration: dict[str, Any], seed: int) -> dict[str, Any]:
            x = configuration["x"]
            return {"score": [x * first] + [x] * 8, "size": [0] * 9, "elapsed_time": list(range(1, 10))}

        blackbox = from_function(schema_of(Space({"x": Float(0.0, 1.0)}), EPOCHS), curve)
        factory = scheduler_factory("median-stopping", {})
        run = simulate(blackbox, factory, workers=2, stop=Stop(trials_started=60))
        return run.trial_columns["status"].count("stopped")

    assert stopped(NAN) == pytest.approx(stopped(1.0), abs=3)
    assert stopped(1.0) > 20


def test_local_search_goes_on_from_numbers() -> None:
    """Random search finds a NaN in seven of ten."""
    factory = scheduler_factory("local-search", {})
    run = simulate(mostly_nan(0.3), factory, workers=1, stop=Stop(trials_started=200), seed=3)
    late = [run.configuration(trial)["x"] for trial in range(100, 200)]
    assert sum(x > 0.3 for x in late) < 60


@every_stopper
def test_losses_at_both_ends_of_the_floats_are_compared_like_any(name: str) -> None:
    """Their difference is infinite, of which numpy would warn."""

    def curve(configuration: dict[str, Any], seed: int, huge: float) -> dict[str, Any]:
        x = configuration["x"]
        values = [(-huge, 0.0, huge)[int(3 * x + step) % 3] for step in range(EPOCHS)]
        return {"score": values, "size": values[::-1], "elapsed_time": list(range(1, EPOCHS + 1))}

    schema = schema_of(Space({"x": Float(0.0, 1.0)}), EPOCHS)
    digests = []
    for huge in (1.7e308, 1e200):
        with np.errstate(all="raise"):
            run = run_of(name, from_function(schema, partial(curve, huge=huge)), trials=60)
        digests.append((run.report_columns["decision"].tolist(), run.report_columns["trial"].tolist()))
    assert digests[0] == digests[1]
