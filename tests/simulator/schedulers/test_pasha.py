from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import PASHA, PromotionASHA, Resume, Start, Stop, simulate
from simulator.schedulers.soft_ranking import SoftRanking
from tests.simulator.schedulers.problems import PROBLEMS, WIDE, Driver, schema_of


def test_rungs_that_rank_alike_agree_and_a_swap_does_not() -> None:
    ranking = SoftRanking()
    assert ranking.add(0.1, [0.5])
    assert ranking.add(0.2, [0.6])
    assert ranking.add(0.3, [0.6])  # a tie here
    assert not ranking.add(0.25, [0.7])  # 0.1 0.2 0.3 0.25 against 0.1 0.2 0.25 0.3


def test_within_epsilon_trials_are_alike() -> None:
    ranking = SoftRanking(0.1)
    assert ranking.add(0.1, [0.5])
    assert ranking.add(0.15, [0.4])
    assert not ranking.add(0.3, [0.3])


def test_infinite_losses_are_alike() -> None:
    ranking = SoftRanking()
    for _ in range(3):
        assert ranking.add(math.inf, [math.inf])
    assert ranking.add(1.0, [1.0])
    assert not ranking.add(2.0, [0.5])


def test_a_nan_on_either_rung_is_not_ranked_and_a_curve_with_one_tells_no_noise() -> None:
    nan, ranking = math.nan, SoftRanking()
    for below, curve in ((nan, [0.1, 0.2, 0.1]), (0.1, [0.2, 0.1, nan]), (0.3, [1.0, nan, 0.3])):
        assert ranking.add(below, curve)
    ranking.add(0.2, [0.2, 0.1, 0.2])  # crosses the first curve twice, 0.1 apart
    assert ranking.epsilon == 0.1
    assert ranking.add(0.1, [0.0, 0.0, 0.15])
    assert not ranking.add(9.0, [0.0, 0.0, 0.0])


def test_epsilon_is_the_90th_percentile_of_what_lies_between_curves_that_crossed_twice() -> None:
    ranking = SoftRanking()
    ranking.add(2.0, [1.0, 2.0, 1.0])
    assert ranking.epsilon == 0
    ranking.add(1.0, [2.0, 1.0, 1.5])  # above, below, above: 0.5 apart
    assert ranking.epsilon == 0.5
    ranking.add(9.0, [9.0, 9.0, 1.2])  # never crossed
    ranking.add(9.0, [9.0, 0.0, 0.0])  # crossed once
    assert ranking.epsilon == 0.5
    ranking.add(3.0, [0.0, 3.0, 0.9])  # below, above, below all of the first two: 0.1 and 0.6
    assert ranking.epsilon == np.quantile([0.5, 0.1, 0.6], 0.9)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.sampled_from([0.0, 1.0]))
def test_agreement_is_that_of_soft_groups_of_similar_trials(
    losses: list[tuple[int, int]], epsilon: float
) -> None:
    """As in the paper's algorithm: at each rank of the top, the trial is in the group of that rank below."""
    ranking, agrees = SoftRanking(epsilon), True
    for below, here in losses:
        agrees = ranking.add(below, [here])
    top = [below for _, _, below in sorted((here, n, below) for n, (below, here) in enumerate(losses))]
    groups = [{k for k in range(6) if abs(k - middle) <= epsilon} for middle in sorted(b for b, _ in losses)]
    assert agrees == all(below in group for below, group in zip(top, groups, strict=True))


def test_the_next_rung_is_opened_when_the_two_topmost_disagree() -> None:
    """Goals 1, 3 and 9; up to 3 at first, of three trials one is promoted."""
    schema = schema_of(WIDE, epochs=9)
    scheduler = PASHA(schema)
    told = Driver(scheduler, schema)
    started = [scheduler.suggest() for _ in range(8)]
    assert [s.until for s in started if isinstance(s, Start)] == [1] * 8
    for trial in range(6):
        assert told.report(trial, 1, trial / 10) == "continue"
        told.end(trial)
    assert [scheduler.suggest(), scheduler.suggest()] == [Resume(0, until=3), Resume(1, until=3)]
    for trial in (0, 1):
        assert told.report(trial, 2, 0.5) == "continue"  # a point of the curve
    told.report(0, 3, 0.4)
    told.end(0)
    assert isinstance(scheduler.suggest(), Start)  # no trial goes beyond 3 yet
    told.report(1, 3, 0.2)  # better than trial 0, which was better at 1
    told.end(1)
    assert isinstance(scheduler.suggest(), Start)  # of two on the rung at 3, none is due
    told.report(6, 1, 0.01)
    told.end(6)
    assert scheduler.suggest() == Resume(6, until=3)
    told.report(6, 3, 0.1)
    told.end(6)
    assert scheduler.suggest() == Resume(6, until=9)  # the best of three
    assert told.report(6, 4, 0.1) == "continue until 9"  # all is open: curves do not matter any more


def test_a_trial_that_ends_on_its_rung_is_not_resumed() -> None:
    schema = schema_of(WIDE, epochs=9)
    scheduler = PASHA(schema)
    told = Driver(scheduler, schema)
    for _ in range(6):
        scheduler.suggest()
    for trial in range(3):
        told.report(trial, 1, trial)
        told.end(trial, "completed" if trial == 0 else "paused")
    assert isinstance(scheduler.suggest(), Start)  # one of three is due, and it cannot go on
    for trial in (3, 4, 5):
        told.report(trial, 1, trial)
        told.end(trial)
    assert scheduler.suggest() == Resume(1, until=3)


def test_where_no_noise_swaps_anybody_pasha_trains_less_than_asha() -> None:
    problem = PROBLEMS["smooth"]()  # the ranks are the same at every epoch
    runs = [
        simulate(problem, kind, workers=4, stop=Stop(time=2000), seed=2) for kind in (PASHA, PromotionASHA)
    ]
    longest = [max(run.report_columns["fidelity"]) for run in runs]
    assert longest == [3, 27]
    assert len(runs[0].trial_columns["trial"]) > len(runs[1].trial_columns["trial"])


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_with_one_or_two_levels_pasha_is_asha(epochs: int) -> None:
    problem = PROBLEMS["one epoch"]()
    problem.schema = schema_of(problem.schema.space, epochs=epochs)
    digests = [
        simulate(problem, kind, workers=4, stop=Stop(time=100), seed=2).digest
        for kind in (PASHA, PromotionASHA)
    ]
    assert digests[0] == digests[1]
