from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from blackbox_repo.blackbox import from_function
from blackbox_repo.domains import Ordinal
from blackbox_repo.errors import InvalidOption
from blackbox_repo.space import Space
from simulator import RandomSearch, RegularizedEvolution, Start, Stop, simulate
from tests.simulator.schedulers.problems import CONDITIONAL, Driver, schema_of

SCHEMA = schema_of(CONDITIONAL)
NAN = float("nan")


def grown(scheduler: RegularizedEvolution, losses: list[float]) -> Driver:
    """As many trials as there are losses, started and ended one by one."""
    told = Driver(scheduler, SCHEMA)
    for trial, loss in enumerate(losses):
        told.configurations[trial] = scheduler.suggest().configuration
        assert told.report(trial, 1, -99.0) == "continue until 9"
        assert told.report(trial, 9, loss) == "continue"
        told.end(trial, "completed")
    return told


def differing(one: Any, other: Any) -> int:
    return sum(one.get(name) != other.get(name) for name in CONDITIONAL.domains)


def test_the_first_ones_are_random_and_then_come_children_of_the_best() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=4, sample=50)  # so many draws see every member
    told = grown(scheduler, [3.0, 1.0, 2.0, NAN])
    random = RandomSearch(SCHEMA, 1)
    assert list(told.configurations.values()) == [random.suggest().configuration for _ in range(4)]
    child = scheduler.suggest().configuration
    assert 1 <= differing(child, told.configurations[1]) <= 2  # with what depends on it


def test_the_oldest_dies_however_good_it_is() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=2, sample=50)
    told = grown(scheduler, [0.0, 2.0, 1.0])
    assert differing(scheduler.suggest().configuration, told.configurations[2]) <= 2
    assert differing(told.configurations[2], told.configurations[0]) <= 2  # it was the child of the first


def test_failed_trials_are_no_parents() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=3, sample=50)
    told = grown(scheduler, [5.0])
    for trial in (1, 2):
        told.configurations[trial] = scheduler.suggest().configuration
    told.report(1, 9, -9.0)
    told.end(1, "failed")
    told.end(2, "failed")
    assert differing(scheduler.suggest().configuration, told.configurations[0]) <= 2


def test_if_no_trial_has_a_loss_the_next_one_is_random() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=2, sample=50)
    told = grown(scheduler, [NAN, NAN, NAN])
    search = RandomSearch(SCHEMA, 1)
    random = [search.suggest().configuration for _ in range(4)]
    assert [*told.configurations.values(), scheduler.suggest().configuration] == random


def test_an_infinite_loss_is_a_loss() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=3, sample=50)
    told = grown(scheduler, [NAN, math.inf, NAN])
    assert differing(scheduler.suggest().configuration, told.configurations[1]) <= 2


def test_a_curve_that_ends_early_counts_with_its_last_point_though_no_decision_was_made_there() -> None:
    curves = [[1.0, 9.0, 9.0], [9.0, 9.0, 1.0], [2.0, 9.0, 9.0]]  # the second one ends best

    def curve(configuration: Any, seed: int) -> dict[str, Any]:
        scores = curves[configuration["x"]]
        return {"score": scores, "size": [0.0] * 3, "elapsed_time": [1.0, 2.0, 3.0]}

    schema = schema_of(Space({"x": Ordinal((0, 1, 2))}))
    heard: list[tuple[int, float]] = []

    class Watched(RegularizedEvolution):
        def on_report(self, trial: Any, report: Any) -> Any:
            heard.append((trial.number, report.fidelity))
            return super().on_report(trial, report)

    scheduler = Watched(schema, population=3, sample=50, initial=[{"x": x} for x in range(3)])
    run = simulate(from_function(schema, curve), scheduler, workers=1, stop=Stop(trials_started=3))
    assert run.trial_columns["status"] == ["completed"] * 3
    assert heard == [(0, 1), (1, 1), (2, 1)]
    assert sorted(loss for loss, _ in scheduler._population) == [1.0, 9.0, 9.0]
    assert min(scheduler._population, key=lambda member: member[0])[1] == {"x": 1}


def test_more_initial_configurations_than_the_population_holds_all_come_first() -> None:
    initial = [SCHEMA.space.sample("initial", number) for number in range(5)]
    scheduler = RegularizedEvolution(SCHEMA, 1, population=2, sample=50, initial=initial)
    told = grown(scheduler, [5.0, 4.0, 3.0, 2.0, 9.0])
    assert list(told.configurations.values()) == initial
    assert differing(scheduler.suggest().configuration, initial[3]) <= 2  # the best of the latest two


def test_with_more_workers_than_the_population_holds_the_others_are_random() -> None:
    scheduler = RegularizedEvolution(SCHEMA, 1, population=2)
    random = RandomSearch(SCHEMA, 1)
    assert [scheduler.suggest() for _ in range(5)] == [random.suggest() for _ in range(5)]


def test_evolution_gets_better_while_random_search_does_not() -> None:
    """On five ordinals whose ranks add up to the loss, 0 to 45; the mean of random ones is 22.5."""
    space = Space({name: Ordinal(tuple(range(10))) for name in "abcde"})
    bowl = from_function(
        schema_of(space, epochs=1),
        lambda c, seed: {"score": [sum(c.values())], "size": [0.0], "elapsed_time": [1.0]},
    )
    means = {}
    for kind in (RegularizedEvolution, RandomSearch):
        settings = {"population": 20, "sample": 5} if kind is RegularizedEvolution else {}
        run = simulate(bowl, partial(kind, **settings), workers=4, stop=Stop(trials_started=300), seed=1)
        means[kind] = run.report_columns["score"][-100:].mean()
    assert means[RandomSearch] > 20
    assert means[RegularizedEvolution] < 11


@pytest.mark.parametrize("setting", ["population", "sample"])
def test_settings_outside_their_range_are_named(setting: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        RegularizedEvolution(SCHEMA, **{setting: 0})  # type: ignore[arg-type]
    assert str(caught.value) == f"{setting} is 0, but must be a whole number, 1 or more"


def test_suggestions_are_starts_without_bounds() -> None:
    suggestion = RegularizedEvolution(SCHEMA).suggest()
    assert isinstance(suggestion, Start)
    assert suggestion.until is None
