"""Surrogates that are fitted to tables: what they learn, and what they say of what is not in the table."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import fit_surrogate, load_blackbox, views
from blackbox_repo.domains import Categorical, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidConfiguration, InvalidOption, NotTabulated, UnknownName, UnknownSeed
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.growth import assemble, flatten
from blackbox_repo.surrogate.quality import Quality, surrogate_quality
from blackbox_repo.surrogate.training_curves import TrainingCurves
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.table import Coded, Table, TabularBlackbox


def table_of(rows, space=None):
    """A table with the loss and the time of one run a row: value of ``x`` -> (losses, times)."""
    schema = Schema(
        space or Space({"x": Float(0, 1)}),
        Fidelity("epoch", (1, 2)),
        (Objective("loss", "min"), Objective("time_spent", "none", unit="s", cumulative=True)),
        target="loss",
        time="time_spent",
    )
    table = Table(
        hyperparameters={"x": Coded.of(rows)},
        seeds=np.zeros(len(rows), dtype=np.int64),
        points={
            name: np.array([value for row in rows.values() for value in row[place]], dtype=np.float64)
            for place, name in enumerate(("loss", "time_spent"))
        },
        lengths=np.full(len(rows), 2),
    )
    return TabularBlackbox(schema, table, name="tiny/line")


LINE = {0.0: ([7, 70], [1, 2]), 0.5: ([14, 140], [2, 4]), 1.0: ([0, 700], [8, 9])}


# --- what is learnt -----------------------------------------------------------------------------------------


def test_examples_are_means_over_seeds_of_curves_that_all_go_to_the_end(ragged):
    """What diverged or crashed counts as the worst at each epoch: 8 7 6 5."""
    examples = TrainingData.of(ragged)
    assert examples.points["loss"].tolist() == [
        [(4 + 5 + 6) / 3, (3 + 4 + 5) / 3, (2 + 6 + 4) / 3, (1 + 5 + 5) / 3],
        [2, 7, 1, 0.5],
        [8, 7, 6, 5],
    ]
    assert examples.points["params"].tolist() == [[11], [20], [31]]


def test_a_training_that_merely_ends_early_keeps_its_last_value_and_goes_on_in_time():
    table = TabularBlackbox(
        table_of(LINE).schema,
        Table(
            hyperparameters={"x": Coded.of((0.0, 1.0))},
            seeds=np.zeros(2, dtype=np.int64),
            points={"loss": np.array([5.0, 4.0, 9.0]), "time_spent": np.array([10.0, 30.0, 7.0])},
            lengths=np.array([2, 1]),
        ),
    )
    points = TrainingData.of(table).points
    assert points["loss"].tolist() == [[5, 4], [9, 9]]
    assert points["time_spent"].tolist() == [[10, 30], [7, 14]]


# --- what is said -------------------------------------------------------------------------------------------


def test_a_prediction_is_a_mean_of_curves_weighted_by_inverse_distance():
    """From 0.25 it is as far to 0 as to 0.5, and three times as far to 1: shares 3/7, 3/7 and 1/7."""
    curve = views.with_surrogate(table_of(LINE)).curve({"x": 0.25})
    assert curve["loss"].tolist() == [9, 190]
    assert curve["time_spent"].tolist() == [2.42857, 3.85714]
    assert (len(curve), curve.status, curve.seed) == (2, "ok", 0)


def test_who_is_as_near_as_the_fifth_neighbour_counts_as_well():
    space = Space({"x": Categorical(tuple("abcdefgh"))})
    table = table_of({letter: ([place, place], [1, 2]) for place, letter in enumerate("abcdefg")}, space)
    assert views.with_surrogate(table).evaluate({"x": "h"})["loss"] == 3


def test_what_the_table_has_it_answers_itself(ragged):
    fitted = views.with_surrogate(ragged)
    for configuration in ragged.configurations():
        assert fitted.holds(configuration)
        for seed in fitted.seeds(configuration):
            own, seen = ragged.curve(configuration, seed=seed), fitted.curve(configuration, seed=seed)
            np.testing.assert_array_equal(seen["loss"], own["loss"])
    other = {"lr": 0.05, "optimizer": "adam"}
    assert not fitted.holds(other)
    assert fitted.seeds(other) == (0,)
    with pytest.raises(
        UnknownSeed, match=r"predicts \{'lr': 0.05, 'optimizer': 'adam'\} with the seed 0 only, not 3"
    ):
        fitted.curve(other, seed=3)
    with pytest.raises(InvalidConfiguration, match="lr=2"):
        fitted.curve({"lr": 2, "optimizer": "adam"})


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=2, max_size=2).map(sorted), min_size=3, max_size=3))
def test_no_predicted_time_runs_backwards(times):
    rows = {x: (losses, spent) for (x, (losses, _)), spent in zip(LINE.items(), times, strict=True)}
    fitted = views.with_surrogate(table_of(rows))
    for x in (0.1, 0.25, 0.75):
        first, second = fitted.curve({"x": x})["time_spent"].tolist()
        assert first <= second


def test_samplers_draw_from_the_whole_space_and_views_compose(ragged):
    fitted = views.with_surrogate(views.up_to(ragged, 2))
    assert fitted.schema.space.candidates is None
    assert len(fitted.curve(fitted.schema.space.sample(1))) == 2
    assert fitted.digest() != views.with_surrogate(ragged).digest() != ""


def test_surrogates_need_a_table_a_name_that_exists_and_the_library(monkeypatch, ragged):
    with pytest.raises(NotTabulated):
        views.with_surrogate(load_blackbox("yahpo-lcbench")["3945"])
    with pytest.raises(UnknownName, match="unknown surrogate 'forrest'; did you mean 'forest'"):
        views.with_surrogate(ragged, "forrest")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(
        InvalidOption, match=r"needs scikit-learn.*blackbox-repo\[surrogates\]', or take 'knn'"
    ):
        views.with_surrogate(ragged, "forest")


# --- forests ------------------------------------------------------------------------------------------------


def test_flat_forests_predict_what_scikit_learn_predicts():
    ensemble = pytest.importorskip("sklearn.ensemble")
    table = load_blackbox("icml-deepar")["electricity"]
    data = TrainingData.of(table)
    crps = data.points["crps"][:, 0]
    curves = TrainingCurves.of(table.schema, data.points)
    asked = np.sqrt(np.abs(data.rows * data.rows[::-1]))
    for kind in (ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor):
        model = kind(10, random_state=3).fit(data.rows, crps)
        forest = assemble(flatten(model, data.rows), replace(curves, most=np.full(5, np.inf)))
        found = forest.trees.leaves_of(asked) - forest.trees.roots
        assert found.tolist() == model.apply(asked).tolist()
        assert [forest.trees.leaves(row).tolist() for row in asked] == forest.trees.leaves_of(asked).tolist()
        np.testing.assert_allclose(
            forest.predict(asked)["crps"][:, 0], model.predict(asked), rtol=1e-12, atol=0
        )


def test_a_forest_predicts_the_same_twice_and_says_its_version():
    sklearn = pytest.importorskip("sklearn")
    table = load_blackbox("icml-deepar")["electricity"]
    fitted, again = (views.with_surrogate(table, "forest", seed=1) for _ in range(2))
    assert fitted.name.endswith(f" | with_surrogate(forest of scikit-learn {sklearn.__version__}, seed=1)")
    asked = fitted.schema.space.sample(0)
    assert fitted.evaluate(asked) == again.evaluate(asked)
    other = views.with_surrogate(table, "forest")
    assert other.evaluate(asked) != fitted.evaluate(asked)
    assert other.digest() != fitted.digest() == again.digest()


# --- how good it is -----------------------------------------------------------------------------------------


def test_quality_is_that_of_configurations_that_were_not_seen():
    """On a line, the neighbours' mean is nearly right, and at the ends it is not."""
    rows = {x / 40: ([x, x], [1, 2]) for x in range(41)}
    loss, spent = surrogate_quality(table_of(rows))
    assert loss.r2 is not None
    assert loss.rank_correlation is not None
    assert 0.98 < loss.r2 < 1
    assert 0.98 < loss.rank_correlation <= 1
    assert spent == Quality("time_spent", None, None)


def test_noise_is_not_predicted():
    rows = {x / 40: ([x * 7919 % 41, x * 7919 % 41], [1, 2]) for x in range(41)}
    assert surrogate_quality(table_of(rows))[0].r2 < 0.2


def test_forests_predict_better_than_neighbours():
    pytest.importorskip("sklearn")
    table = load_blackbox("icml-deepar")["electricity"]
    by = {model: surrogate_quality(table, model)[0].rank_correlation for model in ("knn", "forest")}
    assert 0.4 < by["knn"] < by["forest"]


def test_the_snippet_of_the_page_leaves_the_table():
    pytest.importorskip("optuna")
    page = (Path(__file__).parents[2] / "docs" / "schedulers.md").read_text(encoding="utf-8")
    section = page.partition("## Configurations that a table lacks")[2]
    names = {}
    exec(section.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102  a snippet of ours
    assert names["run"].statistics()["off_table"] == 1


# --- wider spaces -------------------------------------------------------------------------------------------

GRID = Space({"lr": Ordinal((0.001, 0.01, 0.1)), "width": Ordinal((16.0, 32.0, 64.0))})


def grid_table():
    """A full grid, whose loss at the end is the exponent of the learning rate plus the width."""
    rows = [GRID.configuration(index) for index in range(9)]
    losses = [[100, round(-np.log10(row["lr"])) + row["width"]] for row in rows]
    schema = replace(table_of(LINE).schema, space=GRID)
    table = Table(
        hyperparameters={name: Coded.of([row[name] for row in rows]) for name in GRID.domains},
        seeds=np.zeros(9, dtype=np.int64),
        points={"loss": np.array(losses, dtype=np.float64).ravel(), "time_spent": np.tile([1.0, 2.0], 9)},
        lengths=np.full(9, 2),
    )
    return TabularBlackbox(schema, table, name="tiny/grid")


def test_between_the_values_of_a_grid_its_surrogate_answers_in_a_wider_space():
    table = grid_table()
    fitted = fit_surrogate(
        table, "knn", space=GRID.continuous(), settings={"neighbours": 2, "weights": "uniform"}
    )
    everywhere = views.with_surrogate(table, fitted)
    between = {"lr": 0.0031, "width": 32}
    assert everywhere.schema.space.domains == {
        "lr": Float(0.001, 0.1, log=True),
        "width": Integer(16, 64, log=True),
    }
    assert not everywhere.holds(between)
    assert everywhere.evaluate(between)["loss"] == (3 + 2) / 2 + 32
    assert everywhere.holds({"lr": 0.01, "width": 32})
    assert everywhere.evaluate({"lr": 0.01, "width": 32})["loss"] == 2 + 32
    with pytest.raises(InvalidConfiguration, match="lr=0.2 is not in"):
        everywhere.holds({"lr": 0.2, "width": 32})
    assert len(everywhere.curve(everywhere.schema.space.sample(0))) == 2
