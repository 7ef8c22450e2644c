import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.quality.signed_rank import SignedRank


def by_counting(differences: list[float]) -> float:
    """P(W+ >= w) by writing down all signs; equal sizes share their mean rank."""
    sizes = sorted(abs(d) for d in differences if d)
    rank = {size: sizes.index(size) + (sizes.count(size) + 1) / 2 for size in sizes}
    ranks = [rank[abs(d)] for d in differences if d]
    found = sum(rank[abs(d)] for d in differences if d > 0)
    sums = [0.0]
    for one in ranks:
        sums = [total + more for total in sums for more in (0, one)]
    return sum(total >= found for total in sums) / len(sums)


@given(st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9))
@settings(deadline=None)
def test_the_probability_is_that_of_all_signs_written_down(differences):
    test = SignedRank.of(differences)
    assert test.above == pytest.approx(by_counting(differences), rel=1e-12)
    assert test.below == pytest.approx(by_counting([-d for d in differences]), rel=1e-12)


def test_figures_of_a_textbook():
    """Hollander and Wolfe's depression scores: T+ = 5 of n = 9, p = 0.01953, estimate -0.46, and so on."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    test = SignedRank.of([y - x for x, y in zip(before, after, strict=True)])
    assert test.below == pytest.approx(0.01953, abs=5e-6)
    assert test.estimate == pytest.approx(-0.46)
    assert (test.low, test.high) == pytest.approx((-0.786, -0.010))


def test_too_few_pairs_say_nothing():
    test = SignedRank.of([0.3] * 5)
    assert (test.low, test.high) == (-math.inf, math.inf)
    assert test.above == 2**-5
    assert SignedRank.of([0.3] * 6).low == 0.3


def test_nothing_has_changed_if_all_differences_are_0():
    assert SignedRank.of([0.0] * 20) == SignedRank(0.0, 0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("count", [10, 37, 60])
def test_the_probabilities_and_interval_are_those_of_scipy(count):
    stats = pytest.importorskip("scipy.stats")
    from blackbox_repo import keyed_random

    values = [keyed_random.unit("signed rank", count, k) - 0.4 for k in range(count)]
    test = SignedRank.of(values)
    for alternative, found in (("greater", test.above), ("less", test.below)):
        theirs = stats.wilcoxon(values, alternative=alternative, method="exact").pvalue
        assert found == pytest.approx(theirs, rel=1e-9)
    # the interval's ends are where the test changes its mind
    for end, alternative in ((test.low, "greater"), (test.high, "less")):
        tails = [
            stats.wilcoxon([v - end - shift for v in values], alternative=alternative, method="exact").pvalue
            for shift in (-1e-6, 1e-6)
        ]
        assert min(tails) <= 0.025 < max(tails)
