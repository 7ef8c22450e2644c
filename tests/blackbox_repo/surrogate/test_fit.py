"""Surrogates that are fitted: what every model promises, whatever the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from blackbox_repo import fit_surrogate, load_blackbox
from blackbox_repo.domains import Categorical
from blackbox_repo.errors import InvalidOption, NotTabulated, UnknownName, UnknownSeed
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.models import MODELS
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.table import Coded, Table, TabularBlackbox
from tests.blackbox_repo.surrogate.tables import SPACE, drawn_configurations, smooth_table, tables

pytest.importorskip("sklearn")
pytest.importorskip("xgboost")
FEW = {
    "forest": {"trees": 4},
    "extra_trees": {"trees": 3},
    "knn": {},
    "xgboost": {"n_estimators": 3},
}
ASKED = drawn_configurations(12)


@pytest.mark.parametrize("model", MODELS)
@given(tables())
@settings(max_examples=25, suppress_health_check=[HealthCheck.differing_executors])
def test_time_strictly_increases_and_nothing_cumulative_decreases(model, table):
    fitted = fit_surrogate(table, model, settings=FEW[model])
    for curve in fitted.curves(ASKED):
        assert len(curve) == len(table.schema.fidelity.values)
        assert (np.diff(curve["elapsed_time"]) > 0).all()
        assert (curve["elapsed_time"] >= 0).all()
        assert (np.diff(curve["samples"]) >= 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_curves_are_the_same_alone_and_together_and_of_six_digits(model):
    fitted = fit_surrogate(smooth_table(40), model, settings=FEW[model])
    for configuration, curve in zip(ASKED, fitted.curves(ASKED), strict=True):
        alone = fitted.curve(configuration)
        for objective in fitted.schema.objectives:
            np.testing.assert_array_equal(curve[objective.name], alone[objective.name])
        for value in curve["loss"].tolist():
            assert value == float(f"{value:.5e}")


@pytest.mark.parametrize("model", MODELS)
def test_a_single_configuration_is_what_is_predicted(model):
    table = smooth_table(1)
    fitted = fit_surrogate(table, model, settings=FEW[model])
    own = table.evaluate(table.configurations()[0])
    for configuration in ASKED[:3]:
        assert fitted.evaluate(configuration) == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_table_of_equal_values_is_predicted_as_it_is(model):
    configurations = drawn_configurations(10)
    schema = Schema(SPACE, Fidelity("epoch", (1, 2)), (Objective("loss", "min"),), "loss")
    table = TabularBlackbox(
        schema,
        Table(
            hyperparameters={n: Coded.of([c.get(n) for c in configurations]) for n in SPACE.domains},
            seeds=np.zeros(10, dtype=np.int64),
            points={"loss": np.full(20, 0.25)},
            lengths=np.full(10, 2),
        ),
        name="equal/values",
    )
    for curve in fit_surrogate(table, model, settings=FEW[model]).curves(ASKED):
        assert curve["loss"].tolist() == [0.25, 0.25]


@pytest.mark.parametrize("model", MODELS)
def test_all_hyperparameters_may_be_categories(model):
    space = Space({name: Categorical(("a", "b", "c")) for name in ("one", "two")})
    rows = [{"one": one, "two": two} for one in "abc" for two in "abc" if one != two]
    schema = Schema(space, Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")
    table = TabularBlackbox(
        schema,
        Table(
            hyperparameters={name: Coded.of([row[name] for row in rows]) for name in space.domains},
            seeds=np.zeros(len(rows), dtype=np.int64),
            points={"loss": np.array([float(ord(row["one"])) for row in rows])},
            lengths=np.ones(len(rows), dtype=np.int64),
        ),
        name="all/categories",
    )
    fitted = fit_surrogate(table, model, settings=FEW[model])
    assert 97 <= fitted.evaluate({"one": "a", "two": "a"})["loss"] <= 99


@pytest.mark.parametrize("model", MODELS)
def test_separate_seeds_have_a_model_each(model):
    table = smooth_table(20, repeats=3)
    fitted = fit_surrogate(table, model, settings=FEW[model], options=FitOptions(seeds="separate"))
    assert fitted.seeds(ASKED[0]) == (0, 1, 2)
    curves = [fitted.curve(ASKED[0], seed=seed) for seed in (0, 1, 2)]
    assert [curve.seed for curve in curves] == [0, 1, 2]
    assert len({curve["loss"].tolist()[-1] for curve in curves}) == 3
    with pytest.raises(UnknownSeed, match=r"predicts the seeds \(0, 1, 2\), not 7"):
        fitted.curve(ASKED[0], seed=7)


def test_objectives_can_be_chosen_and_samples_bounded():
    table = smooth_table(60)
    options = FitOptions(objectives=["loss"], max_samples=20)
    fitted = fit_surrogate(table, "knn", options=options)
    assert [objective.name for objective in fitted.schema.objectives] == ["loss"]
    assert (fitted.info.rows, fitted.info.of, fitted.info.table) == (20, 60, table.digest())
    again, other = (fit_surrogate(table, "knn", seed=seed, options=options) for seed in (0, 1))
    assert fitted.digest() == again.digest() != other.digest()


def test_what_is_wrong_is_said_before_anything_is_fitted(monkeypatch):
    table = smooth_table(5)
    with pytest.raises(NotTabulated):
        fit_surrogate(load_blackbox("yahpo-lcbench")["3945"])
    with pytest.raises(
        InvalidOption, match=r"such as load_blackbox\(NAME\)\[TASK\], not to a LoadedBlackbox"
    ):
        fit_surrogate(load_blackbox("icml-deepar"))
    with pytest.raises(UnknownName, match="unknown surrogate 'forrest'; did you mean 'forest'"):
        fit_surrogate(table, "forrest")
    with pytest.raises(UnknownName, match="setting 'tree' of the surrogate 'forest'; did you mean 'trees'"):
        fit_surrogate(table, "forest", settings={"tree": 5})
    with pytest.raises(InvalidOption, match="trees is 0, but must be a whole number, from 1 to 10000"):
        fit_surrogate(table, "forest", settings={"trees": 0})
    with pytest.raises(InvalidOption, match="kind is 'best', but must be one of 'random', 'extra', 'both'"):
        fit_surrogate(table, "forest", settings={"kind": "best"})
    with pytest.raises(UnknownName, match="'los'; did you mean 'loss'"):
        fit_surrogate(table, options=FitOptions(objectives=["los"]))
    with pytest.raises(InvalidOption, match="seeds is 'all', but must be"):
        FitOptions(seeds="all")
    with pytest.raises(InvalidOption, match="max_samples is 0, but must be"):
        FitOptions(max_samples=0)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InvalidOption, match=r"needs scikit-learn to be fitted.*blackbox-repo\[surrogates\]"):
        fit_surrogate(table)


SCRIPT = """
import json, sys
from blackbox_repo import fit_surrogate
from blackbox_repo.surrogate.models import MODELS
from tests.blackbox_repo.surrogate.test_fit import FEW
from tests.blackbox_repo.surrogate.tables import smooth_table
print(json.dumps([fit_surrogate(smooth_table(60), model, settings=FEW[model]).digest() for model in MODELS]))
"""


def test_other_processes_with_other_numbers_of_threads_fit_the_same_bits(pytestconfig):
    """Hash seeds and the threads of OpenMP and BLAS do not matter."""
    here = [fit_surrogate(smooth_table(60), model, settings=FEW[model]).digest() for model in MODELS]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=pytestconfig.rootpath,
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == here


@pytest.mark.slow
def test_a_hundred_thousand_configurations_are_drawn_from():
    space = Space({"x": Categorical(tuple(range(1000))), "y": Categorical(tuple(range(100)))})
    schema = Schema(space, Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")
    values = np.arange(100_000)
    table = TabularBlackbox(
        schema,
        Table(
            hyperparameters={
                "x": Coded(tuple(range(1000)), values // 100),
                "y": Coded(tuple(range(100)), values % 100),
            },
            seeds=np.zeros(100_000, dtype=np.int64),
            points={"loss": values % 100 / 100},
            lengths=np.ones(100_000, dtype=np.int64),
        ),
        name="many/rows",
    )
    fitted = fit_surrogate(table, "knn", options=FitOptions(max_samples=2000))
    assert (fitted.info.rows, fitted.info.of) == (2000, 100_000)
