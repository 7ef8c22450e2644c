import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity
from simulator.schedulers.exact_fractions import ceil, floor, fraction, ratio
from simulator.schedulers.rung_levels import compute_levels, compute_rungs, continue_to_levels, make_rungs
from simulator.schedulers.rungs import PromotionRung, QuantileRung

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
        (epochs(100), 2.5, 3, (3, 8, 23, 68)),
        (epochs(100), 0.5, 3, (1, 2, 5, 14, 41)),
        (epochs(100), 1, 1.5, (1, 2, 3, 4, 6, 8, 12, 18, 26, 39, 58, 87)),
        (epochs(100), 1, math.sqrt(10), (1, 4, 10, 32)),
        (Fidelity("step", tuple(range(0, 10001, 200))), None, 3, (200, 600, 1800, 5400)),
        (Fidelity("step", tuple(range(0, 10001, 200))), 1, 3, (200, 400, 800, 2200, 6600)),
        (Fidelity("fraction", tuple(k / 10 for k in range(1, 11))), None, 3, (0.1, 0.3, 0.9)),
        (Fidelity("fraction", tuple(k / 10 for k in range(1, 11))), 0.1 * 3, 3, (0.3, 0.9)),
        (Fidelity("fraction", tuple(k / 20 for k in range(1, 21))), None, 3, (0.05, 0.15, 0.45)),
        (Fidelity("fraction", tuple(k / 20 for k in range(1, 21))), 0.1, 2, (0.1, 0.2, 0.4, 0.8)),
        (Fidelity("fraction", (0.1, 0.3, 0.9)), None, 3, (0.1, 0.3)),
        (Fidelity("fraction", (1 / 27, 1 / 9, 1 / 3, 1)), None, 3, (1 / 27, 1 / 9, 1 / 3)),
        (Fidelity("fraction", (2 / 27, 2 / 9, 2 / 3, 2)), None, 3, (2 / 27, 2 / 9, 2 / 3)),
        (Fidelity("share", (1e-9, 3e-9, 9e-9)), None, 3, (1e-9, 3e-9)),
        (epochs(9), 10**400, 3, None),
        (epochs(9), 1, 10**400, (1,)),
        (Fidelity("step", (0, 50)), 7, 3, ()),
    ],
)
def test_rungs_lie_at_or_next_above_the_powers(
    fidelity: Fidelity, r_min: float | None, eta: float, levels: tuple[float, ...] | None
) -> None:
    if levels is None:
        with pytest.raises(InvalidOption):
            compute_rungs(fidelity, r_min, eta)
    else:
        assert compute_rungs(fidelity, r_min, eta) == levels


@given(st.integers(1, 400), st.integers(2, 9), st.integers(1, 400))
def test_scaling_all_numbers_by_a_power_of_ten_scales_the_rungs(last: int, eta: int, r_min: int) -> None:
    """So tenths have the rungs of whole numbers: nothing is lost to the arithmetic of floats."""
    whole = epochs(last)
    tenths = Fidelity("fraction", tuple(epoch / 10 for epoch in whole.values))
    lowest = min(r_min, max(last - 1, 1))
    rungs = compute_rungs(whole, lowest, eta)
    assert compute_rungs(tenths, lowest / 10, eta) == tuple(level / 10 for level in rungs)


@pytest.mark.parametrize("r_min", [50, 49.5, 500])
def test_an_r_min_that_leaves_no_rung_is_refused(r_min: float) -> None:
    with pytest.raises(InvalidOption) as caught:
        compute_rungs(epochs(50), r_min, 3)
    assert str(caught.value) == (
        f"r_min is {r_min}, but must leave a rung below the largest fidelity: at most epoch=49 of 1..50"
    )


def test_with_one_fidelity_there_is_no_rung_whatever_r_min() -> None:
    for r_min in (None, 1, 4):
        assert compute_levels(epochs(1), 3, r_min) == [1]


def test_rungs_may_be_given_one_by_one() -> None:
    tenths = Fidelity("fraction", tuple(k / 10 for k in range(1, 11)))
    assert compute_levels(tenths, 3, rungs=[0.1, 0.1 * 3, 0.7]) == [0.1, 0.3, 0.7, 1]
    assert compute_levels(epochs(50), 3, rungs=(2, 49.0)) == [2, 49, 50]


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ([], "rungs is [], but must be a list of fidelities of 1..50 below the largest, ascending"),
        ("1", "rungs is '1', but must be a list of fidelities"),
        (3, "rungs is 3, but must be a list of fidelities"),
        ([3, 2], "rungs is [3, 2], but must be fidelities of 1..50 below the largest, ascending"),
        ([3, 3], "rungs is [3, 3], but must be fidelities of 1..50 below the largest, ascending"),
        ([3, 50], "rungs is [3, 50], but must be fidelities of 1..50 below the largest, ascending"),
        ([3, 4.5], "below the largest, ascending: epoch=4.5 is not in 1..50"),
        ([math.nan], "below the largest, ascending: epoch=nan is not in 1..50"),
        (["a"], "below the largest, ascending: epoch='a' is not in 1..50"),
    ],
)
def test_rungs_that_cannot_be_are_named(rungs: list[float], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        compute_levels(epochs(50), 3, rungs=rungs)
    assert message in str(caught.value)


def test_no_trial_is_compared_before_any_training() -> None:
    """A rung at 0 is no part of the next one, so no trial would be promoted from it."""
    from_zero = Fidelity("epoch", tuple(range(6)))
    assert compute_levels(from_zero, 3, rungs=[1, 2]) == [1, 2, 5]
    with pytest.raises(InvalidOption, match=r"^rungs is \[0, 2\], .* of 0..5 above 0 and below the largest"):
        compute_levels(from_zero, 3, rungs=[0, 2])


def test_rungs_and_r_min_exclude_each_other() -> None:
    with pytest.raises(InvalidOption, match=r"^r_min is 2 and rungs is \[3\], but only one of them may be"):
        compute_levels(epochs(50), 3, 2, [3])


def test_an_eta_so_near_to_one_that_its_powers_never_end_is_refused() -> None:
    assert compute_rungs(epochs(9), None, 1.001) == (1, 2, 3, 4, 5, 6, 7, 8)
    with pytest.raises(InvalidOption, match="^eta is 1.0000001, but must be so far above 1 that"):
        compute_rungs(epochs(9), None, 1.0000001)


def test_the_smallest_number_there_is_may_be_a_fidelity_or_r_min() -> None:
    least = 5e-324
    assert compute_rungs(Fidelity("part", (least, 0.5, 1)), None, 10) == (least, 0.5)
    assert compute_rungs(epochs(9), least, 10) == (1, 5)


def test_settings_may_be_numbers_of_numpy() -> None:
    tenths = Fidelity("fraction", tuple(k / 10 for k in range(1, 11)))
    for kind in (float, np.float64, np.float32):
        assert compute_rungs(tenths, kind(0.1), np.int64(3)) == (0.1, 0.3, 0.9)
        assert compute_rungs(epochs(100), kind(2.5), kind(3)) == (3, 8, 23, 68)


def test_rungs_that_are_given_do_not_depend_on_eta() -> None:
    assert compute_levels(epochs(50), 1.0000001, rungs=[5]) == [5, 50]
    with pytest.raises(InvalidOption, match="^eta is 1, but must be a number above 1"):
        compute_levels(epochs(50), 1, rungs=[5])


def test_fractions_are_those_of_the_decimals_and_noise_is_none() -> None:
    assert fraction(0.1) == Fraction(1, 10)
    assert fraction(10**400) == 10**400
    assert fraction(np.float32(0.1)) == fraction(np.float64(0.1)) == Fraction(1, 10)
    assert fraction(np.int64(3)) == 3
    assert ratio(0.1, 0.3) == ratio(0.1111111111111111, 1 / 3) == ratio(2 / 27, 2 / 9) == Fraction(1, 3)
    assert (floor(3 * fraction(1 / 3)), ceil(3 * fraction(0.4)), ceil(fraction(0.1 * 3) * 10)) == (1, 2, 3)
    assert (floor(Fraction(299, 100)), ceil(Fraction(301, 100))) == (2, 4)


@pytest.mark.parametrize("eta", [1, 0.5, -3, math.nan, math.inf, True, "3"])
def test_eta_must_be_above_one(eta: float) -> None:
    with pytest.raises(InvalidOption, match="^eta is .*, but must be a (finite )?number above 1$"):
        compute_rungs(epochs(9), None, eta)


def test_r_min_must_be_above_zero() -> None:
    with pytest.raises(InvalidOption, match="^r_min is 0, but must be a number above 0$"):
        compute_rungs(epochs(9), 0, 3)


def test_the_threshold_of_two_losses_lies_a_third_of_the_way_up() -> None:
    for second, threshold in ((0.4, 0.4333333333333333), (0.6, 0.5333333333333333)):
        rung = QuantileRung(Fraction(1, 3))
        rung.insert(0.5)
        rung.insert(second)
        assert rung.threshold() == pytest.approx(threshold, abs=1e-15)


SHARES = [Fraction(1, 3), Fraction(27, 50), Fraction(1, 4), Fraction(1, 5), Fraction(9, 10), Fraction(1, 49)]


@given(LOSSES, st.sampled_from(SHARES))
def test_the_threshold_is_numpys_quantile_after_every_insertion(
    losses: list[float], quantile: Fraction
) -> None:
    rung = QuantileRung(quantile)
    for count, loss in enumerate(losses, start=1):
        rung.insert(loss)
        expected = np.quantile([min(value, 1e300) for value in losses[:count]], float(quantile))
        found = rung.threshold()
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-9) or (
            expected > 1e285 and found == math.inf
        )


@given(LOSSES, st.sampled_from(SHARES))
def test_who_is_admitted_has_at_most_the_share_of_the_others_before_it(
    losses: list[float], quantile: Fraction
) -> None:
    rung = QuantileRung(quantile)
    for count, loss in enumerate(losses, start=1):
        rung.insert(loss)
        better = sum(other < loss for other in losses[:count])
        assert rung.admits(loss) == (better <= (count - 1) * quantile)


@given(st.lists(st.integers(-20, 20), max_size=40), st.sampled_from(SHARES))
def test_who_is_admitted_is_at_most_numpys_quantile(losses: list[int], quantile: Fraction) -> None:
    """Where floats do not blur it: numpy places the quantile of order 1/49 of 50 just below the second."""
    rung = QuantileRung(quantile)
    for count, loss in enumerate(losses, start=1):
        rung.insert(loss)
        assert rung.admits(loss) == (loss <= np.quantile(losses[:count], float(quantile)))


def test_the_quantile_of_order_a_49th_of_50_losses_is_the_second_one() -> None:
    """In floats 49 * (1 / 49) is 0.9999999999999999, and numpy gives 0.9999999999999999."""
    rung = QuantileRung(Fraction(1, 49))
    for loss in range(50):
        rung.insert(loss)
    assert rung.threshold() == 1
    assert rung.admits(1)
    assert np.quantile(range(50), 1 / 49) < 1


def test_a_nan_takes_no_place_on_a_rung_and_infinities_are_numbers() -> None:
    rung = QuantileRung(Fraction(1, 3))
    for _ in range(3):
        rung.insert(math.nan)
    assert len(rung) == 0
    assert not rung.admits(math.nan)
    for loss, admitted in [(1.0, True), (math.inf, False), (-math.inf, True), (1.0, True), (2.0, False)]:
        rung.insert(loss)
        assert rung.admits(loss) == admitted
    assert len(rung) == 5
    assert not rung.admits(math.nan)


def test_losses_that_tie_with_the_quantile_go_on_infinite_ones_too() -> None:
    for tie in (0.5, math.inf, -math.inf):
        rung = QuantileRung(Fraction(1, 3))
        for _ in range(9):
            rung.insert(tie)
            assert rung.admits(tie)
        assert not rung.admits(math.nan)


@given(LOSSES, st.sampled_from(SHARES), st.lists(st.booleans(), min_size=60, max_size=60))
def test_each_of_the_best_is_promoted_once_and_no_other_trial(
    losses: list[float], share: Fraction, asked: list[bool]
) -> None:
    rung, promoted = PromotionRung(share), []
    for trial, loss in enumerate(losses):
        rung.insert(loss, trial)
        best = sorted((value, number) for number, value in enumerate(losses[: trial + 1]))
        allowed = [number for _, number in best[: math.floor((trial + 1) * share)]]
        due = [number for number in allowed if number not in promoted]
        if asked[trial]:
            found = rung.promote()
            assert found == (due[0] if due else None)
            promoted += [] if found is None else [found]
    assert len(set(promoted)) == len(promoted)


@pytest.mark.parametrize("whole", [3, 49])
def test_one_of_as_many_trials_as_the_share_says_is_promoted(whole: int) -> None:
    rung = PromotionRung(Fraction(1, whole))
    for trial in range(whole - 1):
        rung.insert((trial - 1) ** 2, trial)
        assert rung.promote() is None
    rung.insert(0.5, whole)
    assert (rung.promote(), rung.promote()) == (1, None)


def test_nan_is_not_counted_and_not_promoted_and_an_infinite_loss_is() -> None:
    rung = PromotionRung(Fraction(1, 2))
    for trial in range(6):
        rung.insert(math.nan, trial)
    assert rung.promote() is None
    rung.insert(math.inf, 6)
    assert rung.promote() is None
    rung.insert(math.inf, 7)
    assert (rung.promote(), rung.promote()) == (6, None)  # of equal ones the lower number
    rung.insert(-math.inf, 8)
    rung.insert(-math.inf, 9)
    assert (rung.promote(), rung.promote(), rung.promote()) == (8, 9, None)


def test_losses_whose_difference_is_beyond_all_floats_have_a_middle() -> None:
    rung = QuantileRung(Fraction(1, 2))
    for loss in (-1e308, 1e308):
        rung.insert(loss)
    assert rung.threshold() == 0
    assert (rung.is_below(1.0), rung.is_below(-1.0)) == (True, False)


def test_a_rung_lies_at_each_level_but_the_last_and_lets_the_ratio_to_the_next_one_continue() -> None:
    tenths = Fidelity("fraction", tuple(k / 10 for k in range(1, 11)))
    assert make_rungs(tenths, [0.1, 0.3, 1], str) == {0: "1/3", 2: "3/10"}
    assert make_rungs(tenths, [1], str) == {}


def test_a_trial_continues_to_the_first_level_above_its_fidelity() -> None:
    decisions = continue_to_levels(epochs(6), [2, 4, 6])
    assert [decision.action for decision in decisions] == ["continue"] * 6
    assert [decision.until for decision in decisions] == [2, 4, 4, 6, 6, None]
