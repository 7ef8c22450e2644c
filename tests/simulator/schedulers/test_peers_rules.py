"""The cases of docs/peers.md in which HPO libraries decide differently, and what is decided here."""

from __future__ import annotations

import math

import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator import ASHA, MedianStopping
from simulator.schedulers.rung_levels import compute_rungs
from tests.simulator.schedulers.problems import TINY, Driver, schema_of

NAN, INF = math.nan, math.inf
GO, STOP = "continue", "stop"


def asha(losses: list[float]) -> list[str]:
    """What becomes of trials that get to the first rung one after the other, with eta 3."""
    schema = schema_of(TINY)
    told = Driver(ASHA(schema), schema)
    return [told.report(trial, 1, loss).partition(" ")[0] for trial, loss in enumerate(losses)]


def median(curves: list[list[float]]) -> list[int | None]:
    """At which epoch each trial is stopped, one after the other, each compared with one other at least."""
    schema = schema_of(TINY)
    told = Driver(MedianStopping(schema, min_trials=1), schema)
    stopped = []
    for trial, curve in enumerate(curves):
        answers = (told.report(trial, epoch, loss) for epoch, loss in enumerate(curve, 1))
        stopped.append(next((epoch for epoch, answer in enumerate(answers, 1) if answer == STOP), None))
        told.end(trial, "completed" if stopped[-1] is None else "stopped")
    return stopped


@pytest.mark.parametrize(
    ("losses", "decided"),
    [
        ([NAN] * 4, [STOP] * 4),  # as Optuna; Ray and Syne Tune 0.16 go on
        ([NAN, NAN, 0.5, NAN, 0.4, 0.6, 0.45], [STOP, STOP, GO, STOP, GO, STOP, GO]),
        ([0.5] * 6, [GO] * 6),  # as all
        ([INF] * 5, [GO] * 5),  # as all
        ([0.5, INF, -INF, 0.4], [GO, STOP, GO, GO]),
        ([0.5, 0.4], [GO, GO]),  # as all
        ([0.5, 0.6], [GO, STOP]),  # as all
    ],
)
def test_the_first_rung_of_asha(losses: list[float], decided: list[str]) -> None:
    assert asha(losses) == decided


@pytest.mark.parametrize(
    ("curves", "stopped"),
    [
        # Optuna stops all but the first at epoch 1; Syne Tune's running means are NaN from then on
        ([[NAN, 0.5, 0.5], [NAN, 0.4, 0.4], [NAN, 0.3, 0.3], [NAN, 0.9, 0.9]], [None, None, None, 2]),
        # Optuna goes on with both: their bests are as good as the first one's
        ([[0.5, 0.5, 0.5], [0.1, NAN, 0.1], [0.1, 0.1, NAN]], [None, 2, 3]),
        ([[0.5, 0.5, 0.5], [NAN, NAN, NAN]], [None, 1]),  # as Optuna
        ([[0.5, 0.5], [0.5, 0.5]], [None, None]),  # as all
        ([[INF, 1.0], [INF, 1.0], [1.0, 2.0], [2.0, 2.0]], [None, None, None, None]),
    ],
)
def test_the_median_rule(curves: list[list[float]], stopped: list[int | None]) -> None:
    assert median(curves) == stopped


def test_the_number_of_rungs_does_not_depend_on_the_last_digit_of_a_logarithm() -> None:
    """Ray and Syne Tune 0.16 have a rung at 125 of 125, and none at 243 of 243."""
    for last, eta, rungs in ((125, 5, (1, 5, 25)), (243, 3, (1, 3, 9, 27, 81)), (1000, 10, (1, 10, 100))):
        assert compute_rungs(Fidelity("epoch", tuple(range(1, last + 1))), None, eta) == rungs


@pytest.mark.parametrize("r_min", [50, 500])
def test_an_r_min_at_or_above_the_largest_fidelity_is_refused(r_min: float) -> None:
    with pytest.raises(InvalidOption, match="^r_min is .*, but must leave a rung below the largest"):
        ASHA(schema_of(TINY, epochs=50), r_min=r_min)
