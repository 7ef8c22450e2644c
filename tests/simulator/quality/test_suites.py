from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from blackbox_repo.errors import IntegrityError, UnknownName
from simulator import RandomSearch
from simulator.adapters.optuna import Optuna
from simulator.quality import SUITES, find_suite, measure, regret
from simulator.quality.scores import best_and_typical
from simulator.quality.suites import NEWEST

SMOKE = find_suite("smoke").cases
EVERY = {case.name: case for name in NEWEST.values() for case in SUITES[name].cases}.values()


@pytest.mark.parametrize("case", [*SMOKE, *find_suite("standard").cases[-2:]], ids=lambda case: case.name)
def test_regret_0_and_1_are_what_the_blackbox_says(case):
    assert best_and_typical(case.load()) == pytest.approx((case.best, case.typical), rel=6e-6)


def test_every_case_is_pinned_and_its_blackbox_is_the_one_that_was_meant():
    for case in EVERY:
        assert case.load().schema.time is not None
        assert case.best != case.typical


def test_another_blackbox_of_the_same_name_is_refused():
    with pytest.raises(IntegrityError, match="the suite was made of 000000000000: its scores could not be"):
        replace(SMOKE[0], digest="0" * 64).load()


def test_a_suite_is_found_with_and_without_its_version():
    assert find_suite("smoke") is find_suite("smoke-2") is SUITES["smoke-2"]
    assert find_suite("smoke-1") is SUITES["smoke-1"]
    with pytest.raises(UnknownName, match="unknown suite 'standart'; did you mean 'standard'"):
        find_suite("standart")


def test_a_suite_of_which_there_is_a_newer_version_stays_what_it_was():
    """Its problems are those that it pinned; where a blackbox is another one by now, that is said."""
    for kind, newest in NEWEST.items():
        first = SUITES[f"{kind}-1"]
        assert newest == f"{kind}-2"
        assert [case.name for case in first.cases] == [case.name for case in SUITES[newest].cases]
    for case in SUITES["full-1"].cases:
        with suppress(IntegrityError):
            assert case.load().schema.time is not None


def test_names_do_not_repeat():
    for suite in SUITES.values():
        names = [case.name for case in suite.cases]
        assert len(set(names)) == len(names)
        assert suite.seeds >= 20, "an alarm needs 9 seeds at least: 2^-9 < 0.002"


def test_a_smaller_suite_is_part_of_a_larger_one():
    smoke, standard, full = (set(find_suite(name).cases) for name in ("smoke", "standard", "full"))
    assert smoke < standard < full


def test_the_regret_is_that_of_the_incumbent_second_by_second():
    """Written down anew: a million instants, at each the best report so far."""
    case = SMOKE[0]
    run = case.setup(seed=5).run(RandomSearch)
    reports = run.reports().to_pandas().sort_values("time", kind="stable")
    best = np.fmin.accumulate(reports["valid_loss"].to_numpy())
    instants = (np.arange(1_000_000) + 0.5) * case.seconds / 1_000_000
    known = np.searchsorted(reports["time"].to_numpy(), instants, side="right")
    regrets = np.clip((best[np.maximum(known, 1) - 1] - case.best) / (case.typical - case.best), 0, 1)
    assert regret(case, run) == pytest.approx(np.where(known == 0, 1, regrets).mean(), abs=1e-5)


def test_without_a_report_the_regret_is_1():
    case = replace(SMOKE[0], benchmark=replace(SMOKE[0].benchmark, seconds=10.0, workers=1))
    assert regret(case, case.setup().run(RandomSearch)) == 1.0


def test_any_scheduler_can_be_run_on_a_suite():
    """One that draws from the whole space meets the closest rows; one that knows the rows keeps to them."""
    drawing = measure(Optuna("RandomSampler"), find_suite("smoke"), seeds=1)
    assert all(row.best is not None and row.trials >= 10 for row in drawing.rows)
    setup = SMOKE[1].setup()
    assert setup.run(RandomSearch).statistics()["off_table"] == 0
    foreign = setup.run(Optuna("RandomSampler"))
    assert foreign.statistics()["off_table"] == 1
