"""When a finite space is used up, what has started goes on: promotions, brackets, populations."""

from __future__ import annotations

from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Categorical, Integer
from blackbox_repo.space import Space
from simulator import Run, Stop, simulate
from simulator.registry import scheduler_factory
from tests.simulator.schedulers.problems import schema_of

SIZE = 24
SETTINGS: dict[str, dict[str, Any]] = {
    "hyperband": {"overlap": True},
    "pbt": {"population": 40},
}


def finite() -> Blackbox:
    """24 configurations of nine epochs."""

    def curve(configuration: dict[str, Any], seed: int) -> dict[str, Any]:
        score = configuration["n"] + 0.5 * (configuration["kind"] == "b")
        return {"score": [score] * 9, "size": [1.0] * 9, "elapsed_time": list(range(1, 10))}

    space = Space({"n": Integer(1, SIZE // 2), "kind": Categorical(("a", "b"))})
    return from_function(schema_of(space), curve)


def run(name: str, workers: int, **settings: Any) -> Run:
    factory = scheduler_factory(name, {**SETTINGS.get(name, {}), **settings})
    return simulate(finite(), factory, workers=workers, stop=Stop(trials_started=10**6), seed=2)


def tried(finished: Run) -> list[tuple[Any, ...]]:
    count = len(finished.trial_columns["trial"])
    return [tuple(finished.configuration(trial).values()) for trial in range(count)]


@pytest.mark.parametrize("workers", [1, 7])
@pytest.mark.parametrize("name", ["asha-promotion", "hyperband", "pasha", "successive-halving"])
def test_the_best_are_promoted_after_the_last_one_has_started(name: str, workers: int) -> None:
    finished = run(name, workers)
    assert finished.reason == "exhausted"
    last = max(segment for segment in finished.segment_columns["started"])
    assert last > max(finished.trial_columns["started"])
    best = min(range(SIZE), key=lambda trial: finished.configuration(trial)["n"])
    epochs = finished.report_columns["fidelity"][finished.report_columns["trial"] == best]
    assert epochs.max() > 1


def test_a_population_larger_than_the_space_ends_with_the_space() -> None:
    finished = run("pbt", 5)
    assert finished.reason == "exhausted"
    copied = finished.trial_columns["checkpoint_of"]
    fresh = [row for row, source in zip(tried(finished), copied, strict=True) if source is None]
    assert len(fresh) == len(set(fresh)) == SIZE
