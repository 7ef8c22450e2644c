import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import InvalidOption
from simulator import ASHA, Conditions, Delays, PromotionASHA, RandomSearch, Stop, simulate
from simulator.scheduler import CONTINUE
from simulator.settings.distributions import Exponential, LogNormal, Uniform

POSITIONS = st.floats(0, 1, exclude_max=True)
ALL = [Uniform(2, 6), Exponential(3.0, shift=1.0), LogNormal(2.0, 0.5)]


@pytest.mark.parametrize("distribution", ALL)
@given(POSITIONS, POSITIONS)
def test_durations_are_finite_and_grow_with_the_position(distribution, one, other):
    low, high = sorted((one, other))
    assert 0 <= distribution.at(low) <= distribution.at(high) < math.inf


def test_known_quantiles():
    assert [Uniform(2, 6).at(position) for position in (0, 0.5)] == [2, 4]
    assert Exponential(3.0, shift=1.0).at(0) == 1
    assert Exponential(3.0).at(0.5) == pytest.approx(3 * math.log(2), rel=1e-11)
    assert LogNormal(2.0, 0.5).at(0.5) == 2
    assert LogNormal(2.0, 0.5).at(0.9772498680518208) == pytest.approx(2 * math.e, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(3, 2), "Uniform runs from 3 to 2, but must not run down"),
        (lambda: Uniform(-1, 2), "Uniform.low is -1, but must be a number, 0 or more"),
        (lambda: Exponential(math.nan), "Exponential.mean is nan, but must be"),
        (lambda: LogNormal(1.0, True), "LogNormal.sigma is True, but must be"),
    ],
)
def test_impossible_parameters_are_named(make, message):
    with pytest.raises(InvalidOption, match=message):
        make()


HASTE = Conditions(
    Delays(
        start=Uniform(0, 5),
        report=LogNormal(10, 1),
        complete=Exponential(2),
        stop=Uniform(0, 30),
        stopped=Exponential(1),
    )
)


@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA, RandomSearch])
def test_random_delays_are_drawn_by_what_they_are_for_T6b_T16_T22(tiny, scheduler):
    class Patient(scheduler):
        def on_report(self, trial, report):
            decision = super().on_report(trial, report)
            return CONTINUE if decision.action == "continue" else decision

    stop = Stop(time=20000)
    runs = [simulate(tiny, s, workers=3, stop=stop, conditions=HASTE, seed=5) for s in (scheduler, Patient)]
    assert runs[0].digest == runs[1].digest
    other = simulate(tiny, scheduler(tiny.schema, 5), workers=3, stop=stop, conditions=HASTE, seed=6)
    assert other.digest != runs[0].digest


def test_a_report_never_overtakes_the_one_before_it_nor_the_end_the_last_T6b(tiny):
    run = simulate(tiny, RandomSearch, workers=2, stop=Stop(trials_started=60), conditions=HASTE)
    reports, ends = {}, {}
    for row in run.reports().to_pylist():
        reports.setdefault(row["trial"], []).append((row["time"], row["fidelity"], row["elapsed_time"]))
    for row in run.segments().to_pylist():
        ends[row["trial"]] = row
    delays = set()
    for trial, points in reports.items():
        assert [epoch for _, epoch, _ in points] == [1, 2, 3, 4]
        assert ends[trial]["ended"] >= points[-1][0]
        delays |= {round(time - ends[trial]["started"] - elapsed, 6) for time, _, elapsed in points}
    assert len(delays) > 200
    assert min(delays) > 0


def test_fast_workers_train_faster_T6(play, job):
    conditions = Conditions(speeds=(2.0, 0.5))
    story, _, _ = play([job(10), job(10)], workers=2, conditions=conditions)
    assert [line for line in story if "report" in line] == [
        "5 report 0.0 epoch 1 continue",
        "10 report 0.0 epoch 2 continue",
        "15 report 0.0 epoch 3 continue",
        "20 report 0.0 epoch 4 continue",
        "20 report 1.0 epoch 1 continue",
        "40 report 1.0 epoch 2 continue",
        "60 report 1.0 epoch 3 continue",
        "80 report 1.0 epoch 4 continue",
    ]


def test_speeds_may_be_drawn_for_each_worker(tiny):
    stop = Stop(time=50000)
    drawn = simulate(tiny, ASHA, workers=3, stop=stop, conditions=Conditions(speeds=LogNormal(1, 0.3)))
    again = simulate(tiny, ASHA, workers=3, stop=stop, conditions=Conditions(speeds=LogNormal(1, 0.3)))
    assert drawn.digest == again.digest != simulate(tiny, ASHA, workers=3, stop=stop).digest
    assert drawn.header["conditions"]["speeds"] == "LogNormal(median=1, sigma=0.3)"


@pytest.mark.parametrize("speeds", [(1.0,), (1.0, 2.0, 3.0)])
def test_each_worker_needs_a_speed(tiny, speeds):
    with pytest.raises(InvalidOption, match="but 2 workers need one each, above 0"):
        simulate(tiny, ASHA, workers=2, stop=Stop(time=1), conditions=Conditions(speeds=speeds))


@pytest.mark.parametrize("speeds", [(1.0, 0.0), 2.0, "fast", (1, "2"), (math.nan,)])
def test_speeds_are_numbers_above_zero(speeds):
    with pytest.raises(InvalidOption, match="conditions.speeds is .*, but must be a number above 0 for each"):
        Conditions(speeds=speeds)
