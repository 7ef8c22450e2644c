"""Reports: what was left out is predicted and judged; what cannot be learnt is refused at once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.encoding import Encoding
from blackbox_repo.surrogate.report import (
    Predictions,
    Report,
    check_learnable,
    check_rank,
    cross_validate,
    draw_folds,
    make_report,
    spread_places,
)
from blackbox_repo.surrogate.training_data import TrainingData

EPOCHS = 30
SCHEMA = Schema(
    Space({"x": Float(0.0, 1.0)}),
    Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
    (
        Objective("accuracy", "max"),
        Objective("elapsed", "none", "s", cumulative=True),
        Objective("size", "min", constant=True),
    ),
    target="accuracy",
    time="elapsed",
)


def predictions(error: float = 0.0, count: int = 200) -> Predictions:
    """Accuracies that differ by configuration, of which one more is predicted too small by ``error``."""
    numbers, epochs = np.arange(count, dtype=float), np.arange(1.0, EPOCHS + 1)
    accuracy = numbers[:, None] + epochs
    elapsed = (numbers[:, None] + 1) * epochs
    true = {"accuracy": accuracy, "elapsed": elapsed, "size": np.ones((count, 1))}
    wrong = accuracy.copy()
    wrong[-1] -= error
    return Predictions(count, true, {"accuracy": wrong, "elapsed": 2 * elapsed, "size": np.zeros((count, 1))})


def test_exact_predictions_have_perfect_figures() -> None:
    found = make_report(SCHEMA, predictions())
    accuracy = found.objectives["accuracy"]
    assert set(accuracy.r2) | set(accuracy.spearman) | set(accuracy.kendall) == {1.0}
    assert set(accuracy.mae) == {0.0}
    assert (accuracy.top, found.top, found.rank, found.r2) == (1.0, 10, 1.0, 1.0)


def test_the_figures_are_taken_at_fidelities_that_lie_evenly() -> None:
    found = make_report(SCHEMA, predictions())
    assert found.fidelities == (1, 3, 6, 8, 11, 14, 16, 19, 22, 24, 27, 30)
    assert [len(each.mae) for each in found.objectives.values()] == [12, 12, 1]
    assert spread_places(12) == list(range(12))
    assert spread_places(1) == [0]


def test_the_best_of_an_objective_to_be_maximized_are_the_largest() -> None:
    found = make_report(SCHEMA, predictions(error=1000.0))
    assert found.objectives["accuracy"].top == 0.9  # the best of ten was predicted to be the worst
    assert found.objectives["elapsed"].top is None  # it has no goal


def test_elapsed_time_is_calibrated_at_each_fidelity() -> None:
    assert make_report(SCHEMA, predictions()).time == ((2.0,) * 5,) * 12


def test_an_objective_without_differences_is_not_judged() -> None:
    size = make_report(SCHEMA, predictions()).objectives["size"]
    assert (size.r2, size.spearman, size.kendall, size.mae, size.top) == ((None,),) * 4 + (None,)


def test_values_that_nobody_knows_are_left_out() -> None:
    made = predictions()
    made.true["accuracy"][0] = math.nan
    made.predicted["accuracy"][1] = math.nan
    assert make_report(SCHEMA, made).rank == 1.0


def test_a_report_is_the_same_after_a_file() -> None:
    found = make_report(SCHEMA, predictions(error=7.0))
    text = json.dumps(found.to_json(), allow_nan=False)
    assert Report.from_json(json.loads(text), "report") == found
    assert len(text) < 3000
    with pytest.raises(FormatError, match=r"report is malformed: configurations = 'many': expected int"):
        Report.from_json({**found.to_json(), "configurations": "many"}, "report")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "x"}, "the target 'x' must be among the objectives"),
        ({"fidelities": [1, 2]}, "'accuracy' must have a figure for each of 2 fidelities"),
        ({"time": [[1.0] * 5]}, "must have 5 quantiles of time for each of 12 fidelities, or none"),
        ({"time": [[1.0] * 4] * 12}, "must have 5 quantiles"),
        (
            {
                "schedulers": {
                    **dict.fromkeys(("configurations", "runs", "different"), 2),
                    **dict.fromkeys(("spearman", "kendall", "halves"), 1.0),
                    "table": {"a": 0.5},
                    "surrogate": {"b": 0.5},
                }
            },
            "must be the same on the table and on the surrogate",
        ),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    data = json.loads(json.dumps(make_report(SCHEMA, predictions()).to_json()))
    with pytest.raises(FormatError, match=f"report is malformed: .*{message}"):
        Report.from_json({**data, **change}, "report")


class Nearest:
    """Remembers what it may learn from; predicts the first value of it."""

    def __init__(self, rows: Array, values: Array, seen: list[set[float]]) -> None:
        seen.append(set(rows[:, 0].tolist()))
        self._value = values[0]

    def predict(self, rows: Array) -> Mapping[str, Array]:
        return {"y": np.tile(self._value, (len(rows), 1))}


def test_each_example_is_predicted_once_by_a_model_that_has_not_seen_it() -> None:
    data, seen = training_data(11), []
    found = cross_validate(data, lambda known: Nearest(known.rows, known.points["y"], seen))
    assert sorted(found.true["y"][:, 0].tolist()) == [2.0 * n for n in range(11)]
    folds = draw_folds(11, 0)
    assert sorted(index for fold in folds for index in fold.tolist()) == list(range(11))
    for fold, known in zip(folds, seen, strict=True):
        assert known == set(range(11)) - set(fold.tolist())


def test_of_many_examples_some_are_predicted_and_all_are_learnt_from() -> None:
    data, seen = training_data(2500), []
    steps: list[str] = []
    found = cross_validate(
        data, lambda known: Nearest(known.rows, known.points["y"], seen), report=steps.append
    )
    assert (len(found), found.examples) == (2000, 2500)
    assert {len(known) for known in seen} == {2100}
    assert steps == [f"fold {number} of 5" for number in range(1, 6)]


def test_one_example_cannot_be_left_out() -> None:
    with pytest.raises(InvalidOption, match="must be 2 or more, but there are 1"):
        cross_validate(training_data(1), lambda known: Nearest(known.rows, known.points["y"], []))


def training_data(count: int) -> TrainingData:
    numbers = np.arange(count, dtype=float)[:, None]
    return TrainingData(Encoding(SCHEMA.space), numbers, {"y": 2 * numbers}, np.arange(count))


def test_a_worse_rank_than_wanted_is_refused_with_its_figures() -> None:
    found = make_report(SCHEMA, predictions(error=1000.0))
    check_rank(found, 0.9, "a forest")
    with pytest.raises(InvalidOption, match=r"min_rank=0.999 refuses a forest: .* 0.9701 and R2 -0.5"):
        check_rank(found, 0.999, "a forest")
    with pytest.raises(InvalidOption, match="min_rank=80 must be a rank correlation"):
        check_rank(found, 80, "a forest")


def test_names_that_no_other_configuration_shares_teach_nothing() -> None:
    data = training_data(20)
    check_learnable(data, "it")
    names = replace(data, rows=np.eye(20))
    with pytest.raises(
        InvalidOption, match="no surrogate can learn it: its 20 configurations differ only in"
    ):
        check_learnable(names, "it")
    check_learnable(replace(data, rows=np.hstack([names.rows, data.rows])), "it")  # a number says more
    check_learnable(replace(data, rows=np.eye(2)[[0, 0, 1] * 6 + [0, 1]]), "it")  # shared categories, too
