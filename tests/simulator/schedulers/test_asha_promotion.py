from __future__ import annotations

from simulator import Conditions, Delays, PromotionASHA, Resume, Start, Stop, simulate
from tests.simulator.schedulers.problems import PROBLEMS, WIDE, Driver, schema_of


def test_a_trial_that_ends_on_its_rung_keeps_its_place_and_is_passed_over() -> None:
    schema = schema_of(WIDE, epochs=9)
    scheduler = PromotionASHA(schema)
    told = Driver(scheduler, schema)
    for _ in range(6):
        scheduler.suggest()
    for trial in range(3):
        told.report(trial, 1, trial)
        told.end(trial, "failed" if trial == 0 else "paused")
    assert isinstance(scheduler.suggest(), Start)  # one of three is due, and it has failed
    for trial in (3, 4, 5):
        told.report(trial, 1, trial)
        told.end(trial)
    assert scheduler.suggest() == Resume(1, until=3)  # the second of six


def test_a_trial_is_not_resumed_before_its_end_is_delivered() -> None:
    late_ends = Conditions(Delays(report=0.5, complete=4))
    simulate(
        PROBLEMS["conditional"](),
        PromotionASHA,
        workers=40,
        stop=Stop(time=200),
        seed=3,
        conditions=late_ends,
    )
