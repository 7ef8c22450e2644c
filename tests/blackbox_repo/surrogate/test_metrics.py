"""Figures of predictions, beside those of scipy and scikit-learn."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from blackbox_repo.keyed_random import Stream
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.surrogate import metrics

FEW = st.integers(2, 40).flatmap(
    lambda count: st.tuples(*[arrays(np.float64, count, elements=st.integers(-4, 4).map(float))] * 2)
)


@given(FEW)
def test_rank_correlations_are_those_of_scipy(sides: tuple[np.ndarray, np.ndarray]) -> None:
    stats = pytest.importorskip("scipy.stats")
    varied = all(map(np.ptp, sides))
    for ours, theirs in ((metrics.spearman, stats.spearmanr), (metrics.kendall, stats.kendalltau)):
        wanted = theirs(*sides)[0] if varied else 0.0
        assert ours(*sides) == pytest.approx(wanted, abs=1e-3)


def test_kendall_counts_pairs_of_many_different_values() -> None:
    stats = pytest.importorskip("scipy.stats")
    true = Stream("true").block(0, 3000).astype(np.float64)
    predicted = true + 2 * Stream("error").block(0, 3000)
    assert metrics.kendall(true, predicted) == significant(stats.kendalltau(true, predicted)[0], 4)


@given(FEW)
def test_errors_are_those_of_scikit_learn(sides: tuple[np.ndarray, np.ndarray]) -> None:
    learn = pytest.importorskip("sklearn.metrics")
    assert metrics.mean_absolute_error(*sides) == significant(learn.mean_absolute_error(*sides), 4)
    if np.ptp(sides[0]):
        assert metrics.r2(*sides) == pytest.approx(learn.r2_score(*sides), rel=1e-3, abs=1e-12)


def test_of_few_examples_more_than_one_percent_count_as_the_best() -> None:
    assert [metrics.top_count(n) for n in (1, 9, 11, 99, 100, 1000, 1001, 2000)] == [
        1,
        1,
        2,
        10,
        10,
        10,
        11,
        20,
    ]


@pytest.mark.parametrize(
    ("predicted", "overlap"),
    [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([0, 0, 0, 0], 1.0), ([9, 0, 9, 9], 1.0)],
)
def test_the_overlap_counts_equal_best_values_alike(predicted: list[float], overlap: float) -> None:
    true = np.array([1.0, 1.0, 2.0, 3.0])
    assert metrics.top_count(4) == 1
    assert metrics.top_overlap(true, np.array(predicted, dtype=float)) == overlap


def test_ratios_are_taken_where_the_true_value_is_above_zero() -> None:
    true, predicted = np.array([0.0, 1.0, 2.0, 4.0]), np.array([5.0, 2.0, 2.0, 2.0])
    assert metrics.ratio_quantiles(true, predicted) == (0.5, 0.5, 1.0, 2.0, 2.0)
    assert metrics.ratio_quantiles(true[:1], predicted[:1]) == ()


def test_the_spread_of_seeds_is_that_of_a_middle_configuration() -> None:
    values = np.array([[1.0, 3.0], [5.0, 5.0], [7.0, math.nan], [0.0, 1e9]])
    assert metrics.seed_spread(values) == 1.414  # of deviations of 1.414, 0 and 7e8
    assert metrics.seed_spread(values[2:3]) is None


def test_ranks_are_shared_by_equal_values() -> None:
    assert metrics.mean_ranks(np.array([3.0, 1.0, 3.0, math.nan])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_figures_do_not_depend_on_the_order_of_examples() -> None:
    true = Stream("values").block(0, 50) / 2.0**64
    predicted = Stream("others").block(0, 50) / 2.0**64
    order = np.argsort(predicted)
    measures = (metrics.r2, metrics.mean_absolute_error, metrics.spearman, metrics.kendall)
    for measure, step in product(measures, (1, -1)):
        chosen = order[::step]
        assert measure(true, predicted) == measure(true[chosen], predicted[chosen])
