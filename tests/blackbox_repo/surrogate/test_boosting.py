"""Boosted trees: xgboost's own leaves and sums, out of flat arrays."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from blackbox_repo import fit_surrogate
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.keyed_random import Stream
from blackbox_repo.surrogate.boosted import Boosted, Booster
from blackbox_repo.surrogate.boosting import BoosterSettings, flatten, train
from blackbox_repo.surrogate.flat import flatten as flatten_surrogate
from blackbox_repo.surrogate.flat import unflatten
from blackbox_repo.surrogate.training_data import TrainingData
from tests.blackbox_repo.surrogate.tables import drawn_configurations, make_table, smooth_table

xgboost = pytest.importorskip("xgboost")
DEEP = BoosterSettings(n_estimators=12)


def drawn(key, count, width):
    numbers = Stream("boosting", key).block(0, count * width) % 1000
    return (numbers.reshape(count, width) / 1000.0).astype(np.float64)


def goals_of(rows, outputs):
    columns = [np.sin(5 * rows[:, k % 4]) * rows[:, (k + 1) % 4] + (rows[:, 2] > 0.5) for k in range(outputs)]
    return np.array(columns).T - 0.5


def probes(rows, booster):
    """Random rows, and rows with a value at a threshold of the booster, and at the float32 beside it."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    found = []
    for number, tree in enumerate(model["trees"]):
        for child, feature, condition in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if child >= 0:
                at = np.float32(condition)
                for value in (at, np.nextafter(at, np.float32(-9)), np.nextafter(at, np.float32(9))):
                    row = rows[number % len(rows)].copy()
                    row[feature] = value
                    found.append(row)
    return np.concatenate([drawn("asked", 200, rows.shape[1]), found])


def node_paths(booster):
    """For each tree, xgboost's number of each of its leaves in the order of the flat ones."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    for tree in model["trees"]:
        order, waiting = [], [0]
        while waiting:
            node = waiting.pop()
            order.append(node)
            if tree["left_children"][node] >= 0:
                waiting += [tree["right_children"][node], tree["left_children"][node]]
        yield np.array(order)


@pytest.mark.parametrize(
    "settings",
    [DEEP, BoosterSettings(n_estimators=6, grow_policy="lossguide", max_leaves=9, gamma=0.01, subsample=1.0)],
)
@pytest.mark.parametrize("outputs", [1, 5])
def test_every_row_ends_in_the_leaf_of_xgboost_and_sums_agree(outputs, settings):
    rows = drawn("rows", 300, 4)
    booster = train(rows, goals_of(rows, outputs), 3, settings)
    trees, values = flatten(booster)
    asked = probes(rows, booster)
    matrix = xgboost.DMatrix(asked.astype(np.float32))
    leaves = trees.leaves_of(asked)
    if outputs == 1:  # xgboost tells the leaves of such trees alone
        theirs = booster.predict(matrix, pred_leaf=True).astype(int)
        ours = leaves - trees.roots
        for tree, order in enumerate(node_paths(booster)):
            assert order[ours[:, tree]].tolist() == theirs[:, tree].tolist()
    leaf = np.cumsum(trees.right == np.arange(len(trees.right))) - 1
    sums = Booster("target", len(trees), values).predict(leaf[leaves])
    predicted = booster.predict(matrix).reshape(len(asked), outputs)
    assert np.abs(sums - predicted).max() <= 1e-5 * np.abs(predicted).max()
    alone = [Booster("target", len(trees), values).predict(leaf[leaves[k : k + 1]])[0] for k in range(50)]
    assert np.array(alone).tolist() == sums[:50].tolist()


def test_deleted_nodes_do_not_matter():
    rows = drawn("rows", 100, 3)
    booster = train(rows, goals_of(np.hstack([rows, rows]), 1), 0, BoosterSettings(n_estimators=3, gamma=5.0))
    trees, values = flatten(booster)
    assert len(values) == (trees.right == np.arange(len(trees.right))).sum()


def test_the_seed_decides_and_threads_do_not(monkeypatch):
    table = smooth_table(60)
    digests = []
    for seed, threads in ((1, "1"), (1, "4"), (2, "1")):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        digests.append(fit_surrogate(table, "xgboost", seed=seed, settings={"n_estimators": 5}).digest())
    assert digests[0] == digests[1] != digests[2]


def test_a_few_extreme_trainings_do_not_move_the_others():
    """One in eight diverges to a huge loss, at learning rates above 0.2 alone."""
    usual = smooth_table(160)
    configurations = usual.configurations()
    diverged = np.array([c["lr"] > 0.2 for c in configurations])
    curves = [usual.curve(c) for c in configurations]
    runs = [
        [(1e15 if bad else value, 0.0, 1.0, 1.0) for value in curve["loss"]]
        for bad, curve in zip(diverged, curves, strict=True)
    ]
    fitted = fit_surrogate(make_table(runs, most=5), "xgboost")
    assert [booster.name for booster in fitted.models[0].boosters] == ["target", "usual", "extreme", "others"]
    found = np.array([curve["loss"][-1] for curve in fitted.curves(configurations)])
    true = np.array([curve["loss"][-1] for curve in curves])
    assert 4 <= diverged.sum() <= 40
    assert np.abs(found - true)[~diverged].max() < 1.0
    assert (found[diverged] > 1e13).mean() > 0.9


def test_smooth_tables_are_learnt():
    table = smooth_table(250)
    fitted = fit_surrogate(table, "xgboost")
    known = set(map(repr, table.configurations()))
    asked = [c for c in drawn_configurations(320) if repr(c) not in known]
    whole = smooth_table(320)
    for name, point in (("loss", -1), ("loss", 0), ("accuracy", 2), ("elapsed_time", -1)):
        true = np.array([whole.curve(c)[name][point] for c in asked])
        found = np.array([curve[name][point] for curve in fitted.curves(asked)])
        assert 1 - np.var(true - found) / np.var(true) > 0.9, name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_depth": 31}, "max_depth is 31, but must be a whole number, from 0 to 30"),
        ({"subsample": 0}, "subsample is 0, but must be a number above 0"),
        ({"subsample": 1.5}, "subsample is 1.5"),
        ({"grow_policy": "best"}, "grow_policy is 'best', but must be one of 'depthwise', 'lossguide'"),
        ({"n_estimators": "100"}, "n_estimators is '100'"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(InvalidOption, match=message):
        BoosterSettings.of(settings)


def test_a_setting_that_is_not_known_is_refused_with_the_known_ones():
    with pytest.raises(UnknownName, match="unknown setting 'n_estimator'.*did you mean 'n_estimators'"):
        BoosterSettings.of({"n_estimator": 3})


@pytest.mark.parametrize("examples", [1, 2, 3])
def test_tables_of_few_rows_fit(examples):
    table = smooth_table(examples)
    fitted = fit_surrogate(table, "xgboost")
    curve = fitted.curve(table.configurations()[0])
    assert np.isfinite(curve["loss"]).all()


@pytest.mark.parametrize("losses", [(0.1, 0.1 + 2e-17 * 700), (5e-324, 0.0), (1e308, -1e308), (3.0, 3.0)])
def test_losses_that_hardly_or_vastly_differ_are_learnt(losses):
    runs = [[(loss, 0.0, 1.0, 1.0)] for loss in losses * 10]
    table = make_table(runs, most=1)
    found = [curve["loss"][0] for curve in fit_surrogate(table, "xgboost").curves(table.configurations())]
    assert np.isfinite(found).all()


# --- what is stored -----------------------------------------------------------------------------------------


def stored(table):
    fitted = fit_surrogate(table, "xgboost", settings={"n_estimators": 4})
    spec, arrays = flatten_surrogate(fitted)
    return fitted, json.loads(json.dumps(spec)), arrays


def read(fitted, spec, arrays):
    return unflatten(spec, arrays, fitted.schema, fitted.info, "boosted")


def test_what_is_stored_predicts_the_same():
    fitted, spec, arrays = stored(smooth_table(50))
    again = read(fitted, spec, arrays)
    assert again.digest() == fitted.digest()
    for configuration in drawn_configurations(9):
        for name in fitted.schema.curve_names:
            found, wanted = (each.curve(configuration)[name] for each in (again, fitted))
            assert found.tolist() == wanted.tolist()


def change(spec, arrays, what):
    model = spec["models"][0]["spec"]
    if what == "part":
        model["boosters"]["more"] = 4
    elif what == "count":
        model["boosters"]["target"] = 5
    elif what == "scale":
        model["bases"][0]["scale"] = "cube"
    elif what == "bases":
        model["bases"].pop()
    elif what == "missing":
        del arrays["0.values.target"]
    elif what == "leaves":
        arrays["0.values.target"] = arrays["0.values.target"][:-1]
    elif what == "not finite":
        arrays["0.values.others"] = arrays["0.values.others"] * np.float32(np.nan)
    elif what == "points":
        arrays["0.mean.0"] = arrays["0.mean.0"][:-1]
    elif what == "units":
        arrays["0.units"] = arrays["0.units"][:-1]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("part", "more"),
        ("count", "trees"),
        ("scale", "scale"),
        ("bases", "bases"),
        ("missing", "values.target"),
        ("leaves", "leaves of the booster 'target'"),
        ("not finite", "leaves of the booster 'others'"),
        ("points", "loss"),
        ("units", "units"),
    ],
)
def test_damage_is_refused(what, message):
    fitted, spec, arrays = stored(smooth_table(30))
    spec, arrays = copy.deepcopy(spec), dict(arrays)
    change(spec, arrays, what)
    with pytest.raises(FormatError, match=message):
        read(fitted, spec, arrays)


def test_batches_larger_than_a_block_are_the_same():
    table = smooth_table(40)
    model = fit_surrogate(table, "xgboost", settings={"n_estimators": 2}).models[0]
    assert isinstance(model, Boosted)
    rows = np.repeat(TrainingData.of(table).rows, 60, axis=0)
    found = model.predict(rows)
    assert found["loss"].shape == (2400, 5)
    assert found["loss"][2399].tolist() == model.predict(rows[-1:])["loss"][0].tolist()
