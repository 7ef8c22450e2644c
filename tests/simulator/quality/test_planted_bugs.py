"""A mutation check: bugs planted in our own schedulers are caught by golden traces."""

import pytest

from simulator import Stop, simulate
from simulator.quality import Golden
from simulator.testing.simulation import make_setup
from tests.simulator.quality.planted import BUGS, Bug

PROBLEM = make_setup({"blackbox": "taskset-rnn"}).blackbox


def run(scheduler):
    return simulate(PROBLEM, scheduler, workers=4, stop=Stop(trials_started=160))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_a_planted_bug_is_caught_by_the_golden_trace(bug: Bug):
    healthy, planted = run(bug.healthy()), run(bug.planted())
    golden = Golden.parse(Golden.of(healthy).text)
    assert golden.departure(run(bug.healthy())) is None
    departure = golden.departure(planted)
    assert departure is not None, f"nobody would notice that {bug.what}"
    assert "golden  " in departure, "the difference is shown, not only that there is one"


def test_there_are_ten_bugs_at_least_in_three_schedulers():
    assert len(BUGS) >= 10
    assert {bug.scheduler for bug in BUGS} == {"asha:ASHA", "hyperband:Hyperband", "pbt:PBT"}
