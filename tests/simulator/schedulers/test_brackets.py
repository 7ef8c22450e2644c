from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from simulator import ASHA, PromotionASHA, Stop, simulate
from simulator.schedulers.brackets import Brackets
from tests.simulator.schedulers.problems import CONDITIONAL, PROBLEMS, TINY, schema_of


def test_a_bracket_leaves_out_the_lowest_rungs() -> None:
    brackets = Brackets([1, 3, 9], 0, 3)
    assert brackets.levels == [[1, 3, 9], [3, 9], [9]]


def test_brackets_are_drawn_in_the_proportions_of_synchronous_hyperband() -> None:
    """For rungs 1, 3, 9: 3 / (3 * 1), 3 / (2 * 3) and 3 / (1 * 9), that is 6, 3 and 2 of 11."""
    brackets = Brackets([1, 3, 9], 5, 3)
    drawn = Counter(brackets.of(trial) for trial in range(11_000))
    assert [abs(drawn[s] - expected) < 150 for s, expected in enumerate((6000, 3000, 2000))] == [True] * 3
    late_first = Brackets([1, 3, 9], 5, 3)
    assert late_first.of(5000) == brackets.of(5000)
    assert [late_first.of(trial) for trial in range(50)] == [brackets.of(trial) for trial in range(50)]


@pytest.mark.parametrize("count", [0, 4, 1.5, True])
def test_there_are_as_many_brackets_as_levels_at_most(count: Any) -> None:
    with pytest.raises(InvalidOption) as caught:
        ASHA(schema_of(TINY, epochs=9), brackets=count)
    assert str(caught.value) == f"brackets is {count!r}, but must be a whole number, from 1 to 3"


@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA])
def test_each_bracket_is_an_asha_of_its_own(scheduler: Any) -> None:
    problem = PROBLEMS["smooth"]()
    run = simulate(
        problem, lambda schema, seed: scheduler(schema, seed, brackets=4), workers=4, stop=Stop(time=1500)
    )
    last: dict[int, int] = {}
    for report in run.reports().to_pylist():
        last[report["trial"]] = report["fidelity"]
    brackets = Brackets([1, 3, 9, 27], 0, 4)
    ended = [trial for trial, status in enumerate(run.trial_columns["status"]) if status != "interrupted"]
    lowest = {s: min(last[trial] for trial in ended if brackets.of(trial) == s) for s in range(4)}
    assert lowest == {0: 1, 1: 3, 2: 9, 3: 27}
    assert max(last[trial] for trial in ended if brackets.of(trial) == 0) == 27


@pytest.mark.parametrize("scheduler", [ASHA, PromotionASHA])
def test_the_same_configurations_start_whatever_the_brackets(scheduler: Any) -> None:
    schema = schema_of(CONDITIONAL)
    one, three = scheduler(schema, 4), scheduler(schema, 4, brackets=3)
    assert [one.suggest().configuration for _ in range(9)] == [
        three.suggest().configuration for _ in range(9)
    ]
    assert repr(three).endswith("(seed=4, eta=3, r_min=None, brackets=3)")
