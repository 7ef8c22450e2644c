import itertools
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import ASHA, RandomSearch, SchedulerError, Start, Stop, simulate
from simulator.results.difference import find_first_difference


class Forgetful(RandomSearch):
    """Its fifth suggestion depends on how many of its kind were made before."""

    made = itertools.count()

    def __init__(self, schema: Any, seed: int = 0) -> None:
        super().__init__(schema, seed)
        self.number, self.asked = next(self.made), 0

    def suggest(self) -> Start:
        self.asked += 1
        return Start({"pace": 10.0 + (self.number if self.asked == 5 else 0), "level": self.asked % 10})


def test_a_scheduler_that_is_not_deterministic_is_named_with_the_events_before_the_difference_T20(
    tiny: Any,
) -> None:
    with pytest.raises(SchedulerError) as caught:
        simulate(tiny, Forgetful, workers=2, stop=Stop(time=200), check_determinism=True)
    message = str(caught.value)
    assert message.startswith("RandomSearch(seed=0) is not deterministic: both: ")
    assert message.count("both: ") == 3
    one, other = message.split("then one: ")[1].split("; but the other: ")
    assert one.startswith("80000000000 ns start of trial 4, segment 0 with {'pace': 10.0, 'level': 5}")
    assert other.startswith("80000000000 ns start of trial 4, segment 0 with {'pace': 11.0, 'level': 5}")


@pytest.mark.parametrize("scheduler", [ASHA, RandomSearch])
def test_a_deterministic_scheduler_passes_T20(tiny: Any, scheduler: Any) -> None:
    checked = simulate(tiny, scheduler, workers=2, stop=Stop(time=5000), check_determinism=True)
    assert checked.digest == simulate(tiny, scheduler, workers=2, stop=Stop(time=5000)).digest


def test_an_instance_cannot_be_run_twice_T20(tiny: Any) -> None:
    with pytest.raises(InvalidOption, match="check_determinism needs a factory"):
        simulate(tiny, ASHA(tiny.schema), workers=1, stop=Stop(time=1), check_determinism=True)


def test_a_run_that_goes_on_longer_differs_where_the_other_ends(tiny: Any, job: Any, scripted: Any) -> None:
    short, long = (simulate(tiny, scripted([job(10)]), workers=1, stop=Stop(time=end)) for end in (25, 35))
    assert find_first_difference(short, short) is None
    assert find_first_difference(short, long) == (
        "both: 0 ns start of trial 0, segment 0 with {'pace': 10.0, 'level': 0}, training seed 0; "
        "both: 10000000000 ns report of trial 0, segment 0, epoch 1, loss 1.0, continue; "
        "both: 20000000000 ns report of trial 0, segment 0, epoch 2, loss 0.5, continue; "
        "then one: 25000000000 ns end of trial 0, segment 0; "
        "but the other: 30000000000 ns report of trial 0, segment 0, epoch 3, "
        "loss 0.3333333333333333, continue"
    )
