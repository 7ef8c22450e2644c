import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator.schedulers.rungs import PromotionRung, QuantileRung, rung_levels

LOSSES = st.lists(st.floats(-1e6, 1e6) | st.just(math.inf) | st.sampled_from([0.0, 0.5, 1.0]), max_size=60)


def epochs(count: int) -> Fidelity:
    return Fidelity("epoch", tuple(range(1, count + 1)))


@pytest.mark.parametrize(
    ("fidelity", "r_min", "eta", "levels"),
    [
        (epochs(50), None, 3, (1, 3, 9, 27)),
        (epochs(81), 1, 3, (1, 3, 9, 27)),
        (epochs(125), 1, 5, (1, 5, 25)),
        (epochs(243), 3, 3, (3, 9, 27, 81)),
        (epochs(10), 2, 2.5, (2, 5)),
        (epochs(1), None, 3, ()),
        (Fidelity("step", tuple(range(0, 2001, 200))), None, 3, (200, 600, 1800)),
        (Fidelity("step", tuple(range(0, 2001, 200))), 100, 3, (200, 400, 1000)),
        (Fidelity("fraction", (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)), None, 3, (0.05, 0.2, 0.6)),
    ],
)
def test_rungs_lie_at_or_next_above_the_powers(
    fidelity: Fidelity, r_min: float | None, eta: float, levels: tuple[float, ...]
) -> None:
    assert rung_levels(fidelity, r_min, eta) == levels


@pytest.mark.parametrize("eta", [1, 0.5, -3, math.nan, math.inf, True, "3"])
def test_eta_must_be_above_one(eta: float) -> None:
    with pytest.raises(InvalidOption, match="^eta is .*, but must be a number above 1$"):
        rung_levels(epochs(9), None, eta)


def test_r_min_must_be_above_zero() -> None:
    with pytest.raises(InvalidOption, match="^r_min is 0, but must be a number above 0$"):
        rung_levels(epochs(9), 0, 3)


def test_the_threshold_of_two_losses_lies_a_third_of_the_way_up() -> None:
    for second, threshold in ((0.4, 0.4333333333333333), (0.6, 0.5333333333333333)):
        rung = QuantileRung(1 / 3)
        rung.insert(0.5)
        rung.insert(second)
        assert rung.threshold() == pytest.approx(threshold, abs=1e-15)


@given(LOSSES, st.sampled_from([1 / 3, 27 / 50, 0.25, 1 / 5, 0.9, 200 / 600]))
def test_the_threshold_is_numpys_quantile_after_every_insertion(losses: list[float], quantile: float) -> None:
    rung = QuantileRung(quantile)
    for count, loss in enumerate(losses, start=1):
        rung.insert(loss)
        expected = np.quantile([min(value, 1e300) for value in losses[:count]], quantile)
        found = rung.threshold()
        assert found == expected or (expected > 1e290 and found == math.inf)


@given(LOSSES, st.sampled_from([1 / 3, 1 / 2, 27 / 50]), st.lists(st.booleans(), min_size=60, max_size=60))
def test_each_of_the_best_is_promoted_once_and_nobody_else(
    losses: list[float], share: float, asked: list[bool]
) -> None:
    rung, promoted = PromotionRung(share), []
    for trial, loss in enumerate(losses):
        rung.insert(loss, trial)
        best = sorted((value, number) for number, value in enumerate(losses[: trial + 1]))
        allowed = [number for _, number in best[: math.floor(round((trial + 1) * share, 9))]]
        due = [number for number in allowed if number not in promoted]
        if asked[trial]:
            found = rung.promote()
            assert found == (due[0] if due else None)
            promoted += [] if found is None else [found]
    assert len(set(promoted)) == len(promoted)


def test_three_trials_promote_one_at_a_share_of_a_third() -> None:
    rung = PromotionRung(1 / 3)
    for trial, loss in enumerate([0.3, 0.1]):
        rung.insert(loss, trial)
    assert rung.promote() is None
    rung.insert(0.2, 2)
    assert (rung.promote(), rung.promote()) == (1, None)
