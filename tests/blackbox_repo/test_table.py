from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import (
    BlackboxRepoError,
    ConfigurationNotInTable,
    InvalidConfiguration,
    UnknownFidelity,
    UnknownName,
    UnknownSeed,
)
from blackbox_repo.keyed_random import number_of
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space, configuration_text
from blackbox_repo.table import Coded, Table, TabularBlackbox

LOSS = Objective("loss", "min")


def one_point_table(domains, *columns, seeds=None, points=None):
    """A blackbox of one epoch whose loss is the number of the row."""
    schema = Schema(Space(domains), Fidelity("epoch", (1,)), (LOSS,), "loss")
    rows = len(columns[0])
    table = Table(
        hyperparameters=dict(zip(domains, map(Coded.of, columns), strict=True)),
        seeds=np.zeros(rows, dtype=int) if seeds is None else np.array(seeds),
        points={"loss": np.arange(rows, dtype=float) if points is None else points},
        lengths=np.ones(rows, dtype=int),
    )
    return TabularBlackbox(schema, table, name="t")


def losses(blackbox, *configurations):
    return [blackbox.evaluate(configuration)["loss"] for configuration in configurations]


def slow_values(blackbox, objective):
    configurations = blackbox.configurations()
    most = max(len(blackbox.seeds(configuration)) for configuration in configurations)
    array = np.full((len(configurations), most, len(blackbox.schema.fidelity.values)), np.nan)
    for i, configuration in enumerate(configurations):
        for j, seed in enumerate(blackbox.seeds(configuration)):
            curve = blackbox.curve(configuration, seed=seed)
            for k in range(len(curve)):
                array[i, j, k] = curve.point(objective, k)
    return array


# --- full grids ---------------------------------------------------------------------------------------------


def test_a_grid_answers_every_configuration_of_its_space(grid):
    for index in range(grid.schema.space.size):
        configuration = grid.schema.space.configuration(index)
        assert dict(grid.configurations()[index]) == configuration
        for replicate, seed in enumerate((1, 2)):
            curve = grid.curve(configuration, seed=seed)
            assert curve["error"].tolist() == grid.values("error")[index, replicate].tolist()
            assert curve["params"].tolist() == [configuration["width"] * 1000] * 3
            assert curve["elapsed_time"].tolist() == [10, 20, 30.5]


def test_the_candidates_of_another_table_do_not_count(ragged):
    half = replace(
        ragged.table,
        hyperparameters={n: Coded(c.values, c.codes[:3]) for n, c in ragged.table.hyperparameters.items()},
        seeds=ragged.table.seeds[:3],
        points={"loss": ragged.table.points["loss"][:9]},
        lengths=ragged.table.lengths[:3],
        constants={"params": ragged.table.constants["params"][:3]},
        status=None,
    )
    one = TabularBlackbox(ragged.schema, half)
    assert list(one.schema.space.candidates) == [{"lr": 0.1, "optimizer": "sgd", "momentum": 0.9}]
    assert one.curve(one.configurations()[0], seed=3)["loss"].tolist() == [5, 4]
    scattered = TabularBlackbox(one.schema, ragged.table)
    assert scattered.digest() == ragged.digest()


def test_a_grid_keeps_its_space_without_candidates(grid, ragged):
    assert grid.schema.space.candidates is None
    assert grid.schema.space.size == 6
    assert len(ragged.schema.space.candidates) == ragged.schema.space.size == 3


def test_the_first_seed_is_the_default(grid):
    configuration = {"op": "conv", "width": 1}
    assert grid.seeds(configuration) == (1, 2)
    assert grid.curve(configuration).seed == 1
    assert grid.curve(configuration, seed=np.int64(2)).seed == 2
    with pytest.raises(UnknownSeed) as caught:
        grid.curve(configuration, seed=0)
    assert str(caught.value) == (
        "{'op': 'conv', 'width': 1} was trained with the seeds [1, 2] in 'tiny/grid', not with 0"
    )


def test_configurations_are_asked_in_any_order_and_in_numpys_types(grid):
    expected = grid.curve({"op": "pool", "width": 2})["error"].tolist()
    for width in (2.0, np.int64(2), np.float32(2)):
        assert grid.curve({"width": width, "op": np.str_("pool")})["error"].tolist() == expected


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"op": "conv", "width": True}, "width=True is not a number"),
        ({"op": "conv", "width": np.bool_(True)}, "is not a number"),
        ({"op": "conv", "width": 4}, r"width=4 is not in 1 \.\. 3"),
        ({"op": "conv", "width": 1.5}, "width=1.5 is not a whole number"),
        ({"op": "conv", "width": math.nan}, "width=nan is not finite"),
        ({"op": "conv", "width": [1]}, r"width=\[1\] is not a number"),
        ({"op": ["conv"], "width": 1}, r"op=\['conv'\] is none of 'conv', 'pool'"),
        ({"op": {}, "width": 1}, r"op=\{\} is none of"),
        ({"op": "conv"}, "lacks the hyperparameter 'width'"),
        ({"op": "conv", "width": 1, "widht": 1}, "unknown hyperparameter 'widht'; did you mean 'width'"),
        ({"op": "conv", "with": 1}, "unknown hyperparameter 'with'; did you mean 'width'"),
        ("conv", "a configuration is a mapping"),
        (None, "a configuration is a mapping"),
    ],
)
def test_a_table_refuses_what_its_space_refuses(grid, configuration, message):
    for ask in (grid.curve, grid.seeds, grid.evaluate):
        with pytest.raises(InvalidConfiguration, match=message):
            ask(configuration)


def test_a_grid_in_another_order_is_looked_up_all_the_same():
    box = one_point_table({"a": Integer(1, 2), "b": Integer(1, 2)}, [1, 1, 2, 2], [2, 1, 1, 2])
    assert losses(box, {"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}) == [1, 0, 2]


@pytest.mark.parametrize(
    "domain",
    [Integer(0, 2), Categorical(("a", "b", "c")), Ordinal((0.5, 1, 2)), Categorical((2, 0, 1))],
)
def test_a_table_of_one_hyperparameter_is_a_table(domain):
    values = list(domain.values)
    box = one_point_table({"only": domain}, values)
    assert losses(box, *({"only": value} for value in values)) == [0, 1, 2]
    with pytest.raises(InvalidConfiguration):
        box.curve({"only": "z"})


def test_a_constant_hyperparameter_must_be_given():
    box = one_point_table({"c": Constant(1), "x": Integer(0, 1)}, [1, 1], [0, 1])
    assert losses(box, {"c": 1, "x": 0}, {"c": 1.0, "x": 1}) == [0, 1]
    with pytest.raises(InvalidConfiguration, match="c=True is not the constant 1"):
        box.curve({"c": True, "x": 0})
    with pytest.raises(InvalidConfiguration, match="lacks the hyperparameter 'c'"):
        box.curve({"x": 0})


def test_bools_and_numbers_are_told_apart_within_one_table():
    box = one_point_table(
        {"flag": Categorical((False, True)), "n": Integer(0, 1)}, [False, False, True, True], [0, 1, 0, 1]
    )
    assert losses(box, {"flag": False, "n": 1}, {"flag": np.bool_(True), "n": 0}) == [1, 2]
    with pytest.raises(InvalidConfiguration, match="flag=1 is none of False, True"):
        box.curve({"flag": 1, "n": 0})
    with pytest.raises(InvalidConfiguration, match="n=True is not a number"):
        box.curve({"flag": True, "n": True})


# --- what is looked up once ---------------------------------------------------------------------------------


def assert_looked_up_as_one_by_one(box, asked):
    """Canonical form with its types and order, seeds, number and curves are those of separate questions."""
    looked_up, checked = box.trainings(asked), box.schema.space.check(asked)
    assert [(n, type(v), v) for n, v in looked_up.configuration.items()] == [
        (n, type(v), v) for n, v in checked.items()
    ]
    assert looked_up.seeds == box.seeds(asked)
    for _ in range(2):  # computed, and remembered
        assert looked_up.number == number_of(configuration_text(checked))
    for seed in (None, *looked_up.seeds):
        here, there = looked_up.curve(seed), box.curve(asked, seed=seed)
        assert (here.seed, here.status) == (there.seed, there.status)
        for objective in box.schema.objectives:
            assert here[objective.name].tobytes() == there[objective.name].tobytes()


def test_a_configuration_looked_up_once_has_all_that_is_asked_for_one_by_one(grid, ragged):
    for box in (grid, ragged):
        for configuration in box.configurations():
            assert_looked_up_as_one_by_one(box, configuration)
    assert_looked_up_as_one_by_one(grid, {"width": np.float32(2), "op": np.str_("pool")})
    assert_looked_up_as_one_by_one(ragged, {"optimizer": "adam", "lr": 0.001 * 10})
    with pytest.raises(UnknownSeed):
        grid.trainings(grid.configurations()[0]).curve(0)


@pytest.mark.parametrize("seeds", [[0, 0, 0], [3, 3, 4], [-(2**63), -(2**63), -(2**63)]])
def test_seeds_are_those_of_the_row_whether_all_have_the_same_or_not(seeds):
    box = one_point_table({"x": Integer(0, 2)}, [0, 1, 2], seeds=seeds)
    assert [box.seeds({"x": x}) for x in range(3)] == [(seed,) for seed in seeds]
    assert [box.trainings({"x": x}).seeds for x in range(3)] == [(seed,) for seed in seeds]


def test_text_and_numbers_of_all_kinds_have_the_number_of_their_json():
    columns = {"t": ['a"\\', "é☃", "\n"], "b": [True, False, True], "n": [1, 1.5, -2], "c": [0.1, 1e-9, 3e22]}
    box = one_point_table(
        {name: Categorical(dict.fromkeys(c)) for name, c in columns.items()}, *columns.values()
    )
    for configuration in box.configurations():
        assert_looked_up_as_one_by_one(box, configuration)


def test_a_wrong_configuration_is_refused_in_the_same_words_when_it_is_looked_up(grid, ragged):
    wrong = [{"op": "conv", "width": True}, {"op": "conv"}, {"op": "conv", "width": 1, "x": 1}, None, "conv"]
    wrong += [{"lr": 0.5, "optimizer": "adam"}, {"lr": 0.01, "optimizer": "adam", "momentum": None}]
    for box in (grid, ragged):
        for configuration in wrong:
            with pytest.raises(BlackboxRepoError) as expected:
                box.curve(configuration)
            with pytest.raises(type(expected.value)) as found:
                box.trainings(configuration)
            assert str(found.value) == str(expected.value)


# --- scattered, conditional and ragged tables ---------------------------------------------------------------


def test_ragged_runs_are_found_by_their_seed(ragged):
    sgd = {"lr": 0.1, "optimizer": "sgd", "momentum": 0.9}
    assert ragged.seeds(sgd) == (0, 3, 5)
    runs = [ragged.curve(sgd, seed=seed) for seed in (0, 3, 5)]
    assert [(run["loss"].tolist(), run.status, run["params"].tolist()) for run in runs] == [
        ([4, 3, 2, 1], "ok", [10] * 4),
        ([5, 4], "diverged", [11] * 2),
        ([6, 5, 4], "crashed", [12] * 3),
    ]
    assert ragged.curve({"lr": 0.01, "optimizer": "adam"}).seed == 3
    with pytest.raises(UnknownFidelity, match="epoch=3 was not reached: LearningCurve"):
        ragged.evaluate(sgd, 3, seed=3)


def test_a_run_without_points_has_a_status(ragged):
    run = ragged.curve({"lr": 0.001, "optimizer": "sgd", "momentum": 0.0}, seed=0)
    assert (len(run), run.status, run["loss"].tolist(), run.constant("params")) == (0, "crashed", [], 30)


def test_a_run_never_reads_into_the_next_one(ragged):
    run = ragged.curve({"lr": 0.1, "optimizer": "sgd", "momentum": 0.9}, seed=3)
    assert run.head("loss", 4).tolist() == [5, 4]
    with pytest.raises(IndexError):
        run.point("loss", 2)


def test_an_inactive_hyperparameter_is_left_out(ragged):
    assert dict(ragged.configurations()[1]) == {"lr": 0.01, "optimizer": "adam"}
    for value in (None, 0.5):
        with pytest.raises(InvalidConfiguration) as caught:
            ragged.curve({"lr": 0.01, "optimizer": "adam", "momentum": value})
        assert str(caught.value) == (
            f"momentum={value!r} is inactive here (it needs optimizer in ['sgd']); leave it out"
        )


def test_a_configuration_that_the_table_lacks_is_told_what_to_do(ragged):
    with pytest.raises(ConfigurationNotInTable) as caught:
        ragged.curve({"lr": 0.5, "optimizer": "adam"})
    assert str(caught.value) == (
        "{'lr': 0.5, 'optimizer': 'adam'} is not among the 3 configurations of 'tiny/ragged'; "
        "wrap the blackbox with views.nearest(...) to take the closest one, or with "
        "views.with_surrogate(...) to predict it (bb-sim run --off-table nearest, or forest)"
    )


def test_samples_of_a_scattered_table_are_in_it(ragged):
    for index in range(20):
        ragged.curve(ragged.schema.space.sample(index))


def test_the_list_of_configurations_is_a_sequence(grid):
    configurations = grid.configurations()
    assert len(configurations) == 6
    assert dict(configurations[-1]) == {"op": "pool", "width": 3}
    assert [dict(c) for c in configurations[1:3]] == [{"op": "conv", "width": 2}, {"op": "conv", "width": 3}]
    assert len(list(configurations)) == 6
    changed = configurations[0]
    changed["width"] = 9
    assert dict(configurations[0]) == {"op": "conv", "width": 1}


# --- what makes no table ------------------------------------------------------------------------------------


def test_rows_of_a_configuration_lie_together():
    with pytest.raises(InvalidConfiguration, match="the rows of some configurations of 't' are not adjacent"):
        one_point_table({"x": Integer(1, 9)}, [1, 2, 1], seeds=[0, 0, 1])


@pytest.mark.parametrize("seeds", [[0, 1, 1], [0, 2, 1]])
def test_seeds_ascend(seeds):
    message = f"the seeds of a configuration must ascend in 't', but row 2 has {seeds[2]} after {seeds[1]}"
    with pytest.raises(InvalidConfiguration, match=message):
        one_point_table({"x": Integer(1, 9)}, [1, 2, 2], seeds=seeds)


def test_values_lie_in_their_domains():
    with pytest.raises(InvalidConfiguration, match=r"x=10 in the table of 't' is not in 1 \.\. 9"):
        one_point_table({"x": Integer(1, 9)}, [1, 10])


def test_values_are_kept_as_the_domain_says_them():
    box = one_point_table({"x": Integer(1, 9), "y": Float(0, 1)}, [1.0, 2.0], [0, 1])
    assert [tuple(map(repr, c.values())) for c in box.configurations()] == [("1", "0.0"), ("2", "1.0")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: replace(t, points={}), r"the table of 'x' lacks \['loss'\]"),
        (lambda t: replace(t, constants={}), r"the table of 'x' lacks \['params'\]"),
        (lambda t: replace(t, hyperparameters={}), r"lacks \['lr', 'optimizer', 'momentum'\]"),
        (
            lambda t: replace(t, points={"loss": t.points["loss"][:-1]}),
            "'loss' of 'x' has 16 values, but must have 17",
        ),
        (
            lambda t: replace(t, constants={"params": np.zeros(5)}),
            "'params' of 'x' has 5 values, but must have 6",
        ),
        (lambda t: replace(t, lengths=t.lengths + 1), "have 1 to 5 points, but the fidelity 'epoch' has 4"),
        (
            lambda t: replace(t, lengths=t.lengths[:5], points={"loss": t.points["loss"][:13]}),
            "the column 'lengths' of 'x' has 5 values, but must have 6",
        ),
    ],
)
def test_columns_that_do_not_fit_together_are_refused(ragged, change, message):
    schema = replace(ragged.schema, space=replace(ragged.schema.space, candidates=None))
    with pytest.raises(InvalidConfiguration, match=message):
        TabularBlackbox(schema, change(ragged.table), name="x")


def test_an_empty_table_is_refused():
    with pytest.raises(InvalidConfiguration, match="the table of 't' lacks 'rows'"):
        one_point_table({"x": Integer(1, 9)}, [])


# --- whole tables -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grid", "ragged"])
def test_values_are_those_of_the_curves(name, request):
    box = request.getfixturevalue(name)
    for objective in box.schema.objectives:
        values = box.values(objective.name)
        np.testing.assert_array_equal(values, slow_values(box, objective.name))
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0, 0] = 0
    with pytest.raises(UnknownName, match="unknown objective 'err"):
        box.values("err")


@st.composite
def ragged_tables(draw):
    seeds = draw(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=5))
    rows = [(x, seed) for x, its_seeds in enumerate(seeds) for seed in sorted(its_seeds)]
    lengths = np.array(draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    schema = Schema(
        Space({"x": Integer(0, draw(st.sampled_from([len(seeds) - 1, 9])))}),
        Fidelity("epoch", (1, 2, 3)),
        (LOSS, Objective("params", "min", constant=True)),
        "loss",
    )
    table = Table(
        {"x": Coded.of(x for x, _ in rows)},
        np.array([seed for _, seed in rows]),
        {"loss": np.arange(lengths.sum()).astype(draw(st.sampled_from(["f4", "f8"])))},
        lengths,
        {"params": np.arange(len(rows))},
    )
    return TabularBlackbox(schema, table)


@given(ragged_tables())
def test_values_of_any_ragged_table_are_those_of_the_curves(box):
    for objective in ("loss", "params"):
        np.testing.assert_array_equal(box.values(objective), slow_values(box, objective))


def test_a_frame_has_a_row_for_each_point_that_exists(ragged):
    pytest.importorskip("pandas")
    frame = ragged.to_pandas()
    assert list(frame.columns) == ["lr", "optimizer", "momentum", "seed", "epoch", "loss", "params"]
    assert len(frame) == 17
    rows = frame[(frame.optimizer == "sgd") & (frame.lr == 0.1) & (frame.seed == 3)]
    assert rows[["epoch", "loss", "params"]].to_numpy().tolist() == [[1, 5, 11], [2, 4, 11]]
    adam = frame[frame.optimizer == "adam"]
    assert adam.momentum.isna().all()
    assert adam.loss.isna().tolist() == [False, True, False, False]
    assert (adam.seed == 3).all()


def test_a_frame_without_pandas_says_what_to_install(grid, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_pandas\(\) needs pandas: install it with pip install '"):
        grid.to_pandas()


# --- labels and digests -------------------------------------------------------------------------------------


def labelled_table():
    schema = Schema(Space({"x": Integer(1, 9)}), Fidelity("epoch", (1,)), (LOSS,), "loss")
    table = Table(
        {"x": Coded.of([4, 4, 7])},
        np.array([0, 1, 0]),
        {"loss": np.zeros(3)},
        np.ones(3, dtype=int),
        labels={"arch": Coded.of(["four", "four", "seven"])},
    )
    return TabularBlackbox(schema, table)


def test_labels_are_other_names_of_configurations():
    box = labelled_table()
    assert box.label("arch") == ["four", "seven"]
    assert dict(box.labelled("arch", "seven")) == {"x": 7}
    with pytest.raises(UnknownName, match="unknown arch 'seve'; did you mean 'seven'"):
        box.labelled("arch", "seve")
    with pytest.raises(UnknownName, match="unknown label 'arc'; did you mean 'arch'"):
        box.label("arc")


def changed(box, **changes):
    schema = replace(box.schema, space=replace(box.schema.space, candidates=None))
    return TabularBlackbox(schema, replace(box.table, **changes), name="another name")


def test_a_digest_is_of_the_numbers_not_of_how_they_are_stored(grid):
    errors = grid.table.points["error"]
    wide = changed(grid, points={**grid.table.points, "error": errors.astype(np.float64)})
    assert wide.digest() == grid.digest()
    integers = changed(grid, seeds=grid.table.seeds.astype(np.int16), constants=dict(grid.table.constants))
    assert integers.digest() == grid.digest()
    ops = grid.table.hyperparameters["op"]
    assert ops.values == ("conv", "pool")
    recoded = Coded(("pool", "conv"), 1 - ops.codes)
    other = changed(grid, hyperparameters={**grid.table.hyperparameters, "op": recoded})
    assert other.digest() == grid.digest()


def test_a_digest_does_not_see_which_nan_it_is(ragged):
    loss = ragged.table.points["loss"].copy()
    assert np.isnan(loss[10])
    loss.view(np.uint64)[10] = 0xFFF8000000000123
    assert np.isnan(loss[10])
    assert changed(ragged, points={"loss": loss}).digest() == ragged.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {"points": {"loss": t.points["loss"] + np.eye(17)[4] * 1e-12}},
        lambda t: {"constants": {"params": t.constants["params"] + np.eye(6)[5]}},
        lambda t: {"seeds": np.array([0, 3, 6, 3, 0, 3])},
        lambda t: {"status": np.array([0, 1, 1, 0, 2, 0])},
        lambda t: {"status": None},
        lambda t: {
            "hyperparameters": {**t.hyperparameters, "lr": Coded.of([0.2] * 3 + [0.01] + [0.001] * 2)}
        },
        lambda t: {"lengths": np.array([4, 3, 2, 4, 0, 4])},
    ],
)
def test_one_changed_value_changes_the_digest(ragged, change):
    assert changed(ragged, **change(ragged.table)).digest() != ragged.digest()


def test_a_digest_is_the_same_for_ever(ragged):
    assert ragged.digest() == "9ff6b0e09b199bf359c4404199c35a44752b02b5d28658e5dfc2c98775a652c2"


# --- size ---------------------------------------------------------------------------------------------------


def random_column(count, values, key):
    ranks = (np.arange(count) * 2654435761 + key) % 2**32 * values // 2**32
    return Coded.of_array(ranks.astype(np.int64))


def scattered_task():
    rows = 5000
    columns = {f"x{i}": random_column(rows, 50, 7919 * i) for i in range(5)}
    columns["row"] = Coded.of_array(np.arange(rows))
    domains = {name: Integer(0, rows) for name in columns}
    return domains, columns, rows, 20


def grid_task():
    rows = 5**6
    digits = np.arange(rows)[:, np.newaxis] // 5 ** np.arange(5, -1, -1) % 5
    columns = {f"op{i}": Coded.of_array(digits[:, i]) for i in range(6)}
    return {name: Integer(0, 4) for name in columns}, columns, rows, 20


@pytest.mark.parametrize("task", [scattered_task, grid_task])
def test_a_loaded_task_is_little_more_than_its_arrays(task):
    domains, columns, rows, epochs = task()
    schema = Schema(Space(domains), Fidelity("epoch", tuple(range(1, epochs + 1))), (LOSS,), "loss")
    tracemalloc.start()
    table = Table(
        {name: Coded(column.values, column.codes.copy()) for name, column in columns.items()},
        np.zeros(rows, dtype=np.int32),
        {"loss": np.zeros(rows * epochs)},
        np.full(rows, epochs, dtype=np.int32),
    )
    arrays = tracemalloc.get_traced_memory()[0]
    box = TabularBlackbox(schema, table)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(box.configurations()) == rows
    assert used < 2 * arrays + 300 * rows


# --- what is handed out cannot be changed -------------------------------------------------------------------


def poisons(array):
    """Whether the array, or one that it is a view of, can be made writable."""
    while isinstance(array, np.ndarray):
        try:
            array.flags.writeable = True
        except ValueError:
            array = array.base
        else:
            return True
    return False


def test_no_array_that_a_table_hands_out_can_be_made_writable(grid, ragged):
    for blackbox in (grid, ragged):
        table, curve = blackbox.table, blackbox.curve(blackbox.configurations()[0])
        arrays = [table.seeds, table.lengths, *table.points.values(), *table.constants.values()]
        arrays += [column.codes for column in (*table.hyperparameters.values(), *table.labels.values())]
        arrays += [] if table.status is None else [table.status]
        for objective in blackbox.schema.objectives:
            arrays += [blackbox.values(objective.name), curve[objective.name], curve.head(objective.name, 1)]
        assert not any(map(poisons, arrays))


def test_the_arrays_that_a_table_was_made_of_may_change_afterwards():
    points = np.array([1.0, 2.0])
    blackbox = one_point_table({"x": Integer(1, 2)}, [1, 2], points=points)
    points[:] = 0
    assert losses(blackbox, {"x": 1}, {"x": 2}) == [1, 2]


def test_arrays_that_nobody_can_change_are_not_copied():
    points = np.frombuffer(np.array([1.0, 2.0]).tobytes())
    blackbox = one_point_table({"x": Integer(1, 2)}, [1, 2], points=points)
    assert np.shares_memory(blackbox.table.points["loss"], points)


def test_neither_mappings_nor_configurations_of_a_table_can_be_changed(grid):
    for mapping in (
        grid.table.points,
        grid.table.constants,
        grid.table.hyperparameters,
        grid.table.labels,
        grid.schema.space.domains,
        grid.schema.space.conditions,
    ):
        for change in (lambda m: m.update(a=1), lambda m: m.clear(), lambda m: m.__setitem__("a", 1)):
            with pytest.raises(TypeError, match="this mapping cannot be changed"):
                change(mapping)
    first = dict(grid.configurations()[0])
    grid.configurations()[0].clear()
    assert grid.configurations()[0] == first


# --- types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [np.uint8, np.int8, np.uint16, np.int64, np.uint64, np.float16, np.float32, bool]
)
def test_objectives_of_any_type_are_floats(kind):
    blackbox = one_point_table({"x": Integer(1, 2)}, [1, 2], points=np.array([1, 0], dtype=kind))
    assert blackbox.values("loss").dtype in (np.float32, np.float64)
    assert (-blackbox.values("loss")).ravel().tolist() == [-1, 0]


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1])
def test_whole_numbers_that_float64_rounds_are_refused(value):
    with pytest.raises(InvalidConfiguration, match=r"the objective 'loss' of 't' has whole numbers from"):
        one_point_table({"x": Integer(1, 2)}, [1, 2], points=np.array([value, 1]))
    one_point_table({"x": Integer(1, 2)}, [1, 2], points=np.array([2**53, -(2**53)]))


@pytest.mark.parametrize("kind", [complex, object, "U3", "M8[s]"])
def test_what_is_no_number_is_no_objective(kind):
    points = np.array([1, 2]).astype(kind)
    with pytest.raises(InvalidConfiguration, match=r"the objective 'loss' of 't' must be numbers"):
        one_point_table({"x": Integer(1, 2)}, [1, 2], points=points)


def test_seeds_may_have_64_bits_without_sign():
    seeds = np.array([2**63 + 5, 2**63 + 7], dtype=np.uint64)
    blackbox = one_point_table({"x": Integer(1, 2)}, [1, 1], seeds=seeds)
    assert blackbox.seeds({"x": 1}) == (2**63 + 5, 2**63 + 7)
    negative = one_point_table({"x": Integer(1, 2)}, [1, 1], seeds=seeds.astype(np.int64))
    assert blackbox.digest() != negative.digest()
    assert blackbox.to_pandas()["seed"].tolist() == [2**63 + 5, 2**63 + 7]


def test_unsigned_seeds_that_descend_are_refused():
    with pytest.raises(InvalidConfiguration, match="must ascend in 't', but row 1 has 3 after 5"):
        one_point_table({"x": Integer(1, 2)}, [1, 1], seeds=np.array([5, 3], dtype=np.uint8))


def test_whole_numbers_of_two_kinds_are_one_configuration():
    blackbox = one_point_table({"x": Integer(1, 2)}, [1, 1.0, 2], seeds=[0, 1, 0])
    assert list(blackbox.configurations()) == [{"x": 1}, {"x": 2}]
    assert blackbox.seeds({"x": 1}) == (0, 1)


# --- conditions ---------------------------------------------------------------------------------------------


CONDITIONAL = Space(
    {"learner": Categorical(("svm", "tree")), "depth": Integer(1, 3)},
    {"depth": (Condition("learner", ("tree",)),)},
)


def conditional(learners, depths):
    schema = Schema(CONDITIONAL, Fidelity("epoch", (1,)), (LOSS,), "loss")
    rows = len(learners)
    table = Table(
        {"learner": Coded.of(learners), "depth": Coded.of(depths)},
        np.zeros(rows, dtype=int),
        {"loss": np.arange(rows, dtype=float)},
        np.ones(rows, dtype=int),
    )
    return TabularBlackbox(schema, table, name="t")


def test_a_hyperparameter_that_no_row_uses_is_no_obstacle():
    assert list(conditional(["svm"], [None]).configurations()) == [{"learner": "svm"}]


@pytest.mark.parametrize(
    ("learners", "depths", "message"),
    [
        (["tree", "svm"], [1, 2], "row 1 of 't' has depth=2, which is inactive there"),
        (["tree", "tree"], [1, None], "row 1 of 't' has no 'depth'"),
        ([None, "tree"], [None, 1], "row 0 of 't' has no 'learner'"),
        ([None, "tree"], [1, 1], "row 0 of 't' has no 'learner'"),
    ],
)
def test_a_row_has_a_value_where_it_is_active_and_nowhere_else(learners, depths, message):
    with pytest.raises(InvalidConfiguration) as caught:
        conditional(learners, depths)
    assert str(caught.value) == message


# --- what does not fit together -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": np.array([0, 9, 0, 0])}, "the statuses of 't' are 0 to 9, but each must be from 0 to 2"),
        ({"status": np.zeros(3, dtype=int)}, "the column 'status' of 't' has 3 values, but must have 4"),
        ({"labels": {"arch": Coded.of("abc")}}, "the column 'arch' of 't' has 3 values, but must have 4"),
        (
            {"labels": {"arch": Coded(("a",), np.array([0, 0, 0, 1]))}},
            "the codes of 'arch' in 't' are 0 to 1",
        ),
        ({"hyperparameters": {"x": Coded((1,), np.array([0, 0, 0, -2]))}}, "the codes of 'x' in 't' are -2"),
        ({"lengths": np.array([1.0, 2, 1, 1])}, "the lengths of 't' must be whole numbers"),
        ({"points": {"loss": np.zeros((5, 1))}}, "the column 'loss' of 't' has (5, 1) values"),
        ({"points": {}, "constants": {"loss": np.zeros(4)}}, "the table of 't' lacks ['loss']"),
        ({"fidelities": np.array([1, 1, 3, 1, 1])}, "point 1 of row 1 of 't' is of epoch 3, but 2 belongs"),
        ({"fidelities": np.array([2, 1, 2, 1, 1])}, "point 0 of row 0 of 't' is of epoch 2, but 1 belongs"),
    ],
)
def test_columns_that_do_not_fit_are_refused_by_name(change, message):
    schema = Schema(Space({"x": Integer(1, 4)}), Fidelity("epoch", (1, 2)), (LOSS,), "loss")
    fits = Table(
        {"x": Coded.of([1, 2, 3, 4])},
        np.zeros(4, dtype=int),
        {"loss": np.arange(5.0)},
        np.array([1, 2, 1, 1]),
        fidelities=np.array([1, 1, 2, 1, 1]),
    )
    TabularBlackbox(schema, fits, name="t")
    with pytest.raises(InvalidConfiguration) as caught:
        TabularBlackbox(schema, replace(fits, **change), name="t")
    assert message in str(caught.value)


@pytest.mark.parametrize("points", [[1.0, 2.0], np.ma.array([1.0, 2.0], mask=[1, 0])], ids=["list", "masked"])
def test_columns_of_a_table_are_numpy_arrays_without_a_mask(points):
    with pytest.raises(
        InvalidConfiguration, match="'loss' of a table must be a numpy array, not (list|Masked)"
    ):
        one_point_table({"x": Integer(1, 2)}, [1, 2], points=points)


@pytest.mark.parametrize("length", [0, 2])
def test_constants_alone_make_curves_of_one_point(length):
    schema = Schema(
        Space({"x": Integer(1, 2)}), Fidelity("epoch", (1, 2)), (replace(LOSS, constant=True),), "loss"
    )
    losses = {"loss": np.ones(2)}
    table = Table({"x": Coded.of([1, 2])}, np.zeros(2, dtype=int), {}, np.ones(2, dtype=int), losses)
    assert len(TabularBlackbox(schema, table).curve({"x": 1})) == 1
    with pytest.raises(InvalidConfiguration, match="where all objectives are constant each has one"):
        TabularBlackbox(schema, replace(table, lengths=np.full(2, length)))


def test_columns_of_numpy_scalars_have_built_in_values():
    column = Coded.of([np.int64(3), 3, np.str_("a"), np.float32(0.5), None, np.bool_(True)])
    assert [*map(repr, column.values)] == ["3", "'a'", "0.5", "True"]
    assert column.codes.tolist() == [0, 0, 1, 2, -1, 3]
