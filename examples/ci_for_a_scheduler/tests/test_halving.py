from halving import Halving

from simulator.testing import SchedulerContract, assert_not_worse, assert_same_trace


class TestContract(SchedulerContract):
    make_scheduler = Halving


def test_behaviour(simulated_run):
    assert_same_trace(simulated_run(Halving))


def test_quality():
    assert_not_worse(Halving, "quality.parquet", suite="smoke-2")
