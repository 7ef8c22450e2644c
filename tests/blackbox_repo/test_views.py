from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import views
from blackbox_repo.blackbox import from_function
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Categorical, Float, Integer, Ordinal
from blackbox_repo.errors import (
    BlackboxRepoError,
    InvalidConfiguration,
    InvalidOption,
    InvalidSpace,
    NotTabulated,
    UnknownFidelity,
    UnknownName,
    UnknownSeed,
)
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

SGD = {"lr": 0.1, "optimizer": "sgd", "momentum": 0.9}
ADAM = {"lr": 0.01, "optimizer": "adam"}
LATE = {"lr": 0.001, "optimizer": "sgd", "momentum": 0.0}


def by_learning_rate(configuration, fidelity):
    return fidelity * configuration["lr"] * 1000


VIEWS = {
    "table": lambda box: box,
    "up_to": lambda box: views.up_to(box, 2),
    "up_to the end": lambda box: views.up_to(box, 4),
    "select_fidelities": lambda box: views.select_fidelities(box, [4, 1]),
    "rename_objectives": lambda box: views.rename_objectives(box, {"loss": "error", "params": "loss"}),
    "with_target": lambda box: views.with_target(box, "params"),
    "nearest": views.nearest,
    "with_surrogate": views.with_surrogate,
    "fixed_seed 3": lambda box: views.fixed_seed(box, 3),
    "fixed_seed 0": lambda box: views.fixed_seed(box, 0),
    "mean_over_seeds": views.mean_over_seeds,
    "with_time_model": lambda box: views.with_time_model(box, 2.5),
    "with_time_model of a function": lambda box: views.with_time_model(box, by_learning_rate),
    "many": lambda box: views.up_to(
        views.with_time_model(
            views.nearest(views.rename_objectives(views.fixed_seed(box, 3), {"loss": "l"})), 9
        ),
        3,
    ),
    "many others": lambda box: views.mean_over_seeds(
        views.with_target(
            views.select_fidelities(views.with_time_model(box, by_learning_rate), [2, 3]), "params"
        )
    ),
}


@pytest.fixture(params=VIEWS)
def view(request, ragged):
    return VIEWS[request.param](ragged)


def same(curve, other):
    assert isinstance(curve, LearningCurve)
    assert (len(curve), curve.status, curve.seed) == (len(other), other.status, other.seed)
    assert curve.schema == other.schema
    for objective in curve.schema.objectives:
        np.testing.assert_array_equal(curve[objective.name], other[objective.name])


# --- what every blackbox with a table keeps to -----------------------------------------------------------


def test_the_values_are_those_of_the_curves(view):
    configurations = view.configurations()
    for objective in view.schema.objectives:
        values = view.values(objective.name)
        most = max(len(view.seeds(configuration)) for configuration in configurations)
        expected = np.full((len(configurations), most, len(view.schema.fidelity.values)), np.nan)
        for row, configuration in enumerate(configurations):
            for replicate, seed in enumerate(view.seeds(configuration)):
                curve = view.curve(configuration, seed=seed)
                expected[row, replicate, : len(curve)] = curve[objective.name]
        np.testing.assert_array_equal(values, expected)
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0, 0] = 0


def test_evaluations_are_points_of_the_curves(view):
    for configuration in view.configurations():
        for seed in view.seeds(configuration):
            curve = view.curve(configuration, seed=seed)
            assert curve.schema is view.schema
            for index, fidelity in enumerate(view.schema.fidelity.values):
                if index < len(curve):
                    expected = {o.name: curve[o.name][index] for o in view.schema.objectives}
                    np.testing.assert_equal(view.evaluate(configuration, fidelity, seed=seed), expected)
                else:
                    with pytest.raises(UnknownFidelity, match=f"epoch={fidelity} was not reached"):
                        view.evaluate(configuration, fidelity, seed=seed)


def test_many_curves_are_the_single_ones(view):
    configurations = list(view.configurations())
    for curve, configuration in zip(view.curves(configurations), configurations, strict=True):
        same(curve, view.curve(configuration))
        same(curve, view.curve(configuration, seed=view.seeds(configuration)[0]))
    assert view.curves([]) == []


def test_nobody_can_write_in_the_curves(view):
    curve = view.curve(SGD)
    for objective in view.schema.objectives:
        with pytest.raises(ValueError, match="read-only"):
            curve[objective.name][0] = 0


def test_the_callers_configuration_stays_as_it_is(view):
    mine = {"optimizer": "sgd", "momentum": 0.9, "lr": 0.1}
    view.curve(mine)
    view.curves([mine])
    view.evaluate(mine, view.schema.fidelity.values[0])
    view.seeds(mine)
    assert list(mine.items()) == [("optimizer", "sgd"), ("momentum", 0.9), ("lr", 0.1)]


@pytest.mark.parametrize(
    "configuration",
    [
        {"lr": 0.01},
        {**ADAM, "momentum": 0.5},
        {**ADAM, "lr": True},
        {**ADAM, "lr": [1]},
        {**ADAM, "l": 1},
        None,
    ],
)
def test_bad_configurations_are_refused_as_the_table_does(view, ragged, configuration):
    with pytest.raises(InvalidConfiguration) as told_by_table:
        ragged.curve(configuration)
    asks = (view.curve, view.seeds, view.evaluate, lambda c: view.curves([c]))
    for ask in asks:
        with pytest.raises(InvalidConfiguration) as caught:
            ask(configuration)
        assert str(caught.value) == str(told_by_table.value)


def test_bad_seeds_objectives_and_fidelities_are_refused(view):
    with pytest.raises(UnknownSeed, match="not (with )?99"):
        view.curve(ADAM, seed=99)
    with pytest.raises(UnknownSeed, match="not (with )?99"):
        view.curves([ADAM], seed=99)
    for ask in (view.values, lambda name: view.curve(SGD)[name]):
        with pytest.raises(UnknownName, match="unknown objective 'accuracy'"):
            ask("accuracy")
    with pytest.raises(UnknownFidelity, match="epoch=0 is not in"):
        view.evaluate(SGD, 0)


def test_samples_can_be_asked(view):
    for index in range(10):
        view.curve(view.schema.space.sample(index))


def test_the_frame_has_the_values(view):
    pytest.importorskip("pandas")
    frame = view.to_pandas()
    runs = [view.curve(c, seed=seed) for c in view.configurations() for seed in view.seeds(c)]
    for objective in view.schema.objectives:
        expected = np.concatenate([run[objective.name] for run in runs])
        np.testing.assert_array_equal(frame[objective.name], expected)
    assert frame["seed"].tolist() == [run.seed for run in runs for _ in range(len(run))]
    assert frame["epoch"].tolist() == [fidelity for run in runs for fidelity in run.fidelities]


def test_the_digest_tells_views_apart_and_says_nothing_of_code(ragged):
    digests = {name: make(ragged).digest() for name, make in VIEWS.items()}
    coded = {name for name, digest in digests.items() if not digest}
    assert coded == {"with_time_model of a function", "many others"}
    plain = [digest for digest in digests.values() if digest]
    assert len(set(plain)) == len(plain)
    assert {len(digest) for digest in plain} == {64}
    assert digests == {name: make(copy.copy(ragged)).digest() for name, make in VIEWS.items()}


def test_a_name_tells_what_the_view_is(ragged):
    names = {name: make(ragged).name for name, make in VIEWS.items()}
    assert names == {
        "table": "tiny/ragged",
        "up_to": "tiny/ragged | up_to(2)",
        "up_to the end": "tiny/ragged | up_to(4)",
        "select_fidelities": "tiny/ragged | select_fidelities(1, 4)",
        "rename_objectives": "tiny/ragged | rename_objectives({'loss': 'error', 'params': 'loss'})",
        "with_target": "tiny/ragged | with_target(params)",
        "nearest": "tiny/ragged | nearest",
        "with_surrogate": "tiny/ragged | with_surrogate(knn)",
        "fixed_seed 3": "tiny/ragged | fixed_seed(3)",
        "fixed_seed 0": "tiny/ragged | fixed_seed(0)",
        "mean_over_seeds": "tiny/ragged | mean_over_seeds",
        "with_time_model": "tiny/ragged | with_time_model(2.5)",
        "with_time_model of a function": "tiny/ragged | with_time_model(by_learning_rate)",
        "many": "tiny/ragged | fixed_seed(3) | rename_objectives({'loss': 'l'}) | nearest | "
        "with_time_model(9.0) | up_to(3)",
        "many others": "tiny/ragged | with_time_model(by_learning_rate) | select_fidelities(2, 3) | "
        "with_target(params) | mean_over_seeds",
    }


# --- what each view is made for --------------------------------------------------------------------------


def test_up_to_cuts_the_schema_and_the_curves(ragged):
    cut = views.up_to(ragged, 2)
    assert cut.schema.fidelity.values == (1, 2)
    runs = [cut.curve(SGD, seed=seed) for seed in (0, 3, 5)]
    assert [(run["loss"].tolist(), run.status) for run in runs] == [
        ([4, 3], "ok"),
        ([5, 4], "diverged"),  # it ended right there
        ([6, 5], "ok"),  # it crashed later
    ]
    assert cut.evaluate(SGD) == {"loss": 3.0, "params": 10.0}
    with pytest.raises(UnknownFidelity, match="epoch=3 is not in 1, 2"):
        cut.evaluate(SGD, 3)
    for wrong in (0, 2.5, 5):
        with pytest.raises(UnknownFidelity, match=rf"epoch={wrong} is not in 1\.\.4"):
            views.up_to(ragged, wrong)


def test_up_to_computes_no_point_that_is_not_read():
    asked = []

    class Lazy(type(from_function(SCHEMA_1D, dict))):
        def curve(self, configuration, *, seed=None):
            fills = {"loss": lambda start, stop: asked.append(stop)}
            return LearningCurve(self.schema, {"loss": np.arange(9.0)}, {}, 0, 9, 0, fills=fills)

    curve = views.with_time_model(views.up_to(Lazy(SCHEMA_1D, dict, "lazy", (0,)), 5), 2.0).curve({"x": 1})
    curve.head("elapsed_time", 5)
    assert curve.head("loss", 3).tolist() == [0, 1, 2]
    assert curve["loss"].tolist() == [0, 1, 2, 3, 4]
    assert max(asked) == 5
    assert 3 in asked


SCHEMA_1D = Schema(
    Space({"x": Float(0, 10)}), Fidelity("epoch", tuple(range(1, 10))), (Objective("loss", "min"),), "loss"
)


def test_select_fidelities_keeps_some_points(ragged):
    sparse = views.select_fidelities(ragged, [3, 1, 3.0])
    assert sparse.schema.fidelity.values == (1, 3)
    runs = [sparse.curve(SGD, seed=seed) for seed in (0, 3, 5)]
    assert [(run["loss"].tolist(), run["params"].tolist(), run.status) for run in runs] == [
        ([4, 2], [10, 10], "ok"),
        ([5], [11], "diverged"),
        ([6, 4], [12, 12], "crashed"),
    ]
    with pytest.raises(UnknownFidelity, match=r"epoch=5 is not in 1\.\.4"):
        views.select_fidelities(ragged, [1, 5])
    with pytest.raises(InvalidOption, match=r"select_fidelities\(\) needs at least one fidelity"):
        views.select_fidelities(ragged, [])


def test_selecting_a_beginning_is_cutting(ragged):
    for fidelity in (1, 2, 3, 4):
        cut = views.up_to(ragged, fidelity)
        selected = views.select_fidelities(ragged, range(1, fidelity + 1))
        for configuration in (SGD, ADAM, LATE):
            for seed in ragged.seeds(configuration):
                same(cut.curve(configuration, seed=seed), selected.curve(configuration, seed=seed))


def test_renamed_objectives_keep_their_parts(grid):
    renamed = views.rename_objectives(grid, {"error": "valid_error", "elapsed_time": "runtime"})
    assert [o.name for o in renamed.schema.objectives] == ["valid_error", "runtime", "params"]
    assert (renamed.schema.target, renamed.schema.time) == ("valid_error", "runtime")
    assert renamed.schema.objective("runtime").cumulative
    with pytest.raises(UnknownName, match="unknown objective 'error'; did you mean 'valid_error'"):
        renamed.values("error")
    with pytest.raises(UnknownName, match="unknown objective 'err'"):
        views.rename_objectives(grid, {"err": "e"})
    for taken in ("params", "op", "epoch", "seed"):
        with pytest.raises(InvalidSpace, match=f"the name '{taken}' is taken already"):
            views.rename_objectives(grid, {"error": taken})


def test_two_objectives_can_swap_their_names(ragged):
    swapped = views.rename_objectives(ragged, {"loss": "params", "params": "loss"})
    assert swapped.evaluate(SGD) == {"params": 1.0, "loss": 10.0}
    assert swapped.schema.target == "params"


def test_another_target_must_have_a_goal(grid):
    assert views.with_target(grid, "params").schema.target == "params"
    with pytest.raises(InvalidSpace, match="the target 'elapsed_time' has no goal"):
        views.with_target(grid, "elapsed_time")
    with pytest.raises(UnknownName, match="unknown objective 'parms'; did you mean 'params'"):
        views.with_target(grid, "parms")


@pytest.mark.parametrize(
    ("configuration", "closest"),
    [
        (SGD, SGD),
        ({"lr": 0.09, "optimizer": "sgd", "momentum": 0.9}, SGD),
        ({"lr": 0.5, "optimizer": "adam"}, ADAM),  # an inactive momentum is 1 away from any
        ({"lr": 0.005, "optimizer": "sgd", "momentum": 0.1}, LATE),
        ({"lr": 0.011, "optimizer": "sgd", "momentum": 0.44}, LATE),
        ({"lr": 0.011, "optimizer": "sgd", "momentum": 0.46}, SGD),
        ({"lr": 0.01, "optimizer": "sgd", "momentum": 0.45}, SGD),  # equally far: the first
    ],
)
def test_nearest_answers_with_the_closest_row(ragged, configuration, closest):
    near = views.nearest(ragged)
    assert near.seeds(configuration) == ragged.seeds(closest)
    for seed in ragged.seeds(closest):
        curve, expected = near.curve(configuration, seed=seed), ragged.curve(closest, seed=seed)
        np.testing.assert_array_equal(curve["loss"], expected["loss"])
        assert (curve.status, curve.seed) == (expected.status, expected.seed)


def test_samplers_draw_from_the_whole_space_of_nearest(ragged):
    near = views.nearest(ragged)
    assert near.schema.space.candidates is None
    assert near.schema.space == ragged.schema.space
    assert len({near.schema.space.sample(index)["lr"] for index in range(20)}) == 20
    assert views.nearest(views.up_to(ragged, 2)).schema.space.candidates is None
    assert views.up_to(near, 2).schema.space.candidates is None


def test_nearest_needs_a_table():
    with pytest.raises(NotTabulated, match="'f' lists no configurations"):
        views.nearest(from_function(SCHEMA_1D, dict, name="f"))


def test_nearest_skips_configurations_without_the_fixed_seed(ragged):
    near = views.nearest(views.fixed_seed(ragged, 0))
    assert near.curve({"lr": 0.01, "optimizer": "adam"}).seed == 0


MIXED = Space(
    {
        "width": Integer(1, 1024, log=True),
        "size": Ordinal(("s", "m", "l")),
        "op": Categorical(("a", "b", "c")),
        "rate": Float(0, 2),
    },
    {"rate": (Condition("op", ("a", "b")),)},
)


def distance(one, other):
    """As nearest() says it, slowly: a square for each hyperparameter."""
    total = 0.0
    for name in MIXED.domains:
        a, b = one.get(name), other.get(name)
        if a is None or b is None:
            part = 0.0 if a is b else 1.0
        elif name == "width":
            part = (math.log(a) - math.log(b)) / math.log(1024)
        elif name == "size":
            part = ("sml".index(a) - "sml".index(b)) / 2
        elif name == "op":
            part = float(a != b)
        else:
            part = (a - b) / 2
        total += part**2
    return total


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_no_row_is_closer_than_the_nearest(seed, count):
    known = {MIXED.key(c): c for c in (MIXED.sample(seed, index) for index in range(count))}
    rows = list(known.values())
    table = Table(
        {name: Coded.of(row.get(name) for row in rows) for name in MIXED.domains},
        np.zeros(len(rows), dtype=int),
        {"loss": np.arange(len(rows))},
        np.ones(len(rows), dtype=int),
    )
    schema = Schema(MIXED, Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")
    asked = MIXED.sample(seed, "asked")
    found = int(views.nearest(TabularBlackbox(schema, table)).evaluate(asked)["loss"])
    distances = [distance(asked, row) for row in rows]
    assert distances[found] == pytest.approx(min(distances), abs=1e-9)
    assert all(d > distances[found] - 1e-9 for d in distances[:found])


def test_fixed_seed_shows_the_configurations_that_have_it(ragged):
    first = views.fixed_seed(ragged, 0)
    assert [dict(c) for c in first.configurations()] == [SGD, LATE]
    assert [dict(c) for c in first.schema.space.candidates] == [SGD, LATE]
    assert first.values("loss").shape == (2, 1, 4)
    assert (first.seeds(SGD), first.curve(SGD).seed) == ((0,), 0)
    for ask in (first.curve, first.seeds):
        with pytest.raises(
            UnknownSeed, match=r"was trained with the seeds \[3\] in 'tiny/ragged', not with 0"
        ):
            ask(ADAM)
    with pytest.raises(UnknownSeed, match=r"'tiny/ragged | fixed_seed\(0\)' has the seed 0, not 3"):
        first.curve(SGD, seed=3)
    with pytest.raises(UnknownSeed, match="no configuration of 'tiny/ragged' was trained with the seed 7"):
        views.fixed_seed(ragged, 7)


def test_fixed_seed_leaves_a_whole_grid_whole(grid):
    second = views.fixed_seed(grid, 2)
    assert second.schema is grid.schema
    assert second.configurations() is grid.configurations()


def test_fixed_seed_works_without_a_table():
    box = from_function(SCHEMA_1D, lambda c, seed: {"loss": [seed] * 9}, seeds=(1, 2))
    assert views.fixed_seed(box, 2).evaluate({"x": 1}) == {"loss": 2.0}
    with pytest.raises(NotTabulated):
        views.fixed_seed(box, 2).values("loss")


def test_the_mean_ends_with_the_shortest_curve(ragged):
    mean = views.mean_over_seeds(ragged)
    curve = mean.curve(SGD)
    assert (curve["loss"].tolist(), curve["params"].tolist()) == ([5, 4], [11, 11])
    assert (curve.status, curve.seed, mean.seeds(SGD)) == ("diverged", 0, (0,))
    assert np.isnan(mean.curve(ADAM)["loss"]).tolist() == [False, True, False, False]
    assert (len(mean.curve(LATE)), mean.curve(LATE).status) == (0, "crashed")
    assert mean.curve(LATE).constant("params") == 30.5


def test_the_mean_of_whole_curves_keeps_their_time(grid):
    mean = views.mean_over_seeds(grid)
    np.testing.assert_array_equal(mean.values("error")[:, 0], grid.values("error").mean(axis=1))
    assert mean.curve({"op": "conv", "width": 1})["elapsed_time"].tolist() == [10, 20, 30.5]
    assert mean.schema == grid.schema


def test_a_time_model_adds_the_elapsed_time(ragged):
    timed = views.with_time_model(ragged, 2.5)
    assert timed.schema.time == "elapsed_time"
    time = timed.schema.objective("elapsed_time")
    assert (time.unit, time.goal, time.cumulative, time.provenance) == ("s", "none", True, "modelled")
    assert timed.curve(SGD, seed=3)["elapsed_time"].tolist() == [2.5, 5.0]
    by_rate = views.with_time_model(ragged, by_learning_rate)
    assert by_rate.curve(SGD, seed=3)["elapsed_time"].tolist() == [100, 200]
    assert by_rate.curve(ADAM)["elapsed_time"].tolist() == [10, 20, 30, 40]


def test_a_rate_is_the_function_that_it_stands_for(ragged):
    rate = views.with_time_model(ragged, 3)
    function = views.with_time_model(ragged, lambda configuration, fidelity: 3 * fidelity)
    for configuration in ragged.configurations():
        same(rate.curve(configuration), function.curve(configuration))


def test_a_time_model_sees_the_canonical_configuration(ragged):
    seen = []
    timed = views.with_time_model(ragged, lambda c, f: seen.append(dict(c)) or f)
    timed.curve({"optimizer": "adam", "lr": np.float64(0.01)})
    assert [list(c.items()) for c in seen] == [[("lr", 0.01), ("optimizer", "adam")]] * 4


@pytest.mark.parametrize("model", [0, -1.0, math.nan, math.inf, True, "2.5", None])
def test_a_rate_is_a_positive_number(ragged, model):
    with pytest.raises(InvalidOption) as caught:
        views.with_time_model(ragged, model)
    assert str(caught.value) == (
        "a time model is a positive number of seconds per epoch, or a function (configuration, fidelity) -> "
        f"elapsed seconds, not {model!r}"
    )


@pytest.mark.parametrize(
    "model",
    [
        lambda c, f: -f,
        lambda c, f: 10 - f,
        lambda c, f: math.nan,
        lambda c, f: math.inf,
    ],
)
def test_modelled_seconds_never_run_backwards(ragged, model):
    with pytest.raises(
        InvalidOption, match="elapsed seconds must be finite, from 0 up, and not decrease, but"
    ):
        views.with_time_model(ragged, model).curve(ADAM)


def test_a_recorded_time_is_not_replaced(grid):
    with pytest.raises(InvalidOption) as caught:
        views.with_time_model(grid, 1.0)
    assert str(caught.value) == (
        "'tiny/grid' records its time already, as 'elapsed_time': it takes no time model"
    )


def test_a_taken_name_is_not_given_twice(ragged):
    taken = views.rename_objectives(ragged, {"params": "elapsed_time"})
    with pytest.raises(InvalidSpace, match="the name 'elapsed_time' is taken already"):
        views.with_time_model(taken, 1.0)


def test_a_view_of_code_is_code():
    box = from_function(SCHEMA_1D, lambda c, seed: {"loss": [c["x"]] * 9})
    for make in (lambda b: views.up_to(b, 3), lambda b: views.with_time_model(b, 1.0), views.mean_over_seeds):
        view = make(box)
        assert view.digest() == ""
        assert view.evaluate({"x": 2})["loss"] == 2
        with pytest.raises(BlackboxRepoError, match="any (one|configuration) of its space can be asked"):
            view.values("loss")


def test_a_view_is_asked_in_the_batches_of_what_it_shows(ragged):
    ragged.batch = 64
    assert {make(ragged).batch for make in VIEWS.values()} == {64}
