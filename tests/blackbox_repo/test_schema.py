from __future__ import annotations

import json
import math
import pickle
import re

import numpy as np
import pytest

from blackbox_repo.domains import Integer
from blackbox_repo.errors import FormatError, InvalidOption, InvalidSpace, UnknownFidelity, UnknownName
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space

LOSS = Objective("loss", "min")
SCORE = Objective("score", "max", unit="%", provenance="surrogate")
TIME = Objective("elapsed_time", "none", unit="s", cumulative=True)


def schema(*objectives, hyperparameter="x", fidelity="epoch", target="loss", time=None):
    space = Space({hyperparameter: Integer(1, 2)})
    return Schema(space, Fidelity(fidelity, (1, 2)), objectives or (LOSS,), target, time)


def test_a_loss_is_small_where_the_goal_is_met():
    assert LOSS.loss(0.25) == 0.25
    assert SCORE.loss(0.25) == -0.25
    assert LOSS.loss(math.nan) == SCORE.loss(math.nan) == math.inf


def test_words_outside_their_list_are_refused():
    with pytest.raises(InvalidSpace, match="the goal 'minimize' must be one of 'min', 'max', 'none'"):
        Objective("loss", "minimize")
    with pytest.raises(InvalidSpace, match="the provenance 'guessed' must be one of"):
        Objective("loss", "min", provenance="guessed")
    with pytest.raises(InvalidSpace, match="the kind 'steps' must be one of 'incremental', 'independent'"):
        Fidelity("epoch", (1,), kind="steps")


def test_whole_fidelities_are_integers():
    assert Fidelity("fraction", (0.25, 0.5, 1.0)).values == (0.25, 0.5, 1)
    assert [type(v) for v in Fidelity("fraction", (0.5, 1.0)).values] == [float, int]


@pytest.mark.parametrize("values", [(), (2, 1), (1, 1), (-1, 1), (math.nan,), (1, math.nan), (1, math.inf)])
def test_fidelities_ascend_from_zero_or_above(values):
    with pytest.raises(InvalidSpace, match="the values of fidelity 'epoch' must ascend strictly from 0"):
        Fidelity("epoch", values)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (range(1, 51), "1..50"),
        (range(0, 10_001, 200), "0..10000 in steps of 200"),
        ((1, 3, 9), "1, 3, 9"),
        ((1, 2), "1, 2"),
        ((0.25, 0.5, 0.75), "0.25..0.75 in steps of 0.25"),
        ((7,), "7"),
    ],
)
def test_a_fidelity_is_described_in_a_few_words(values, text):
    assert Fidelity("epoch", tuple(values)).describe() == text


@pytest.mark.parametrize("wanted", [0.1 * 3, 0.3, np.float64(0.1) * 3, 1 - 0.7, 0.3 * (1 + 9e-13)])
def test_a_fidelity_is_found_where_the_last_digits_are_those_of_arithmetic(wanted):
    tenths = Fidelity("fraction", tuple(k / 10 for k in range(1, 11)))
    assert tenths.index(wanted) == 2
    assert tenths.index_at_or_above(wanted) == 2
    assert tenths.index(sum([0.1] * 10)) == 9
    with pytest.raises(UnknownFidelity, match=r"^fraction=0.3001 is not in 0.1, 0.2, 0.3, "):
        tenths.index(0.3001)


def test_large_fidelities_that_are_neighbours_are_told_apart():
    large = Fidelity("step", (10**15, 10**15 + 1, 10**15 + 2))
    assert [large.index(value) for value in large.values] == [0, 1, 2]
    assert [large.index_at_or_above(value) for value in (*large.values, 10**15 + 1.75)] == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("wanted", "position"), [(0, 0), (0.05, 0), (0.1, 0), (0.11, 1), (0.95, 9), (1.0, 9), (1.01, None)]
)
def test_the_fidelity_at_or_next_above_a_number(wanted, position):
    assert Fidelity("fraction", tuple(k / 10 for k in range(1, 11))).index_at_or_above(wanted) == position


def test_a_fidelity_knows_its_positions():
    fidelity = Fidelity("epoch", tuple(range(1, 51)))
    assert (fidelity.index(1), fidelity.index(50.0)) == (0, 49)
    for wrong in (0, 51, 2.5, "3", None, math.nan, [3]):
        with pytest.raises(UnknownFidelity) as caught:
            fidelity.index(wrong)
        assert str(caught.value) == f"epoch={wrong!r} is not in 1..50"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"objectives": (LOSS, LOSS)}, "loss"),
        ({"hyperparameter": "loss"}, "loss"),
        ({"hyperparameter": "epoch"}, "epoch"),
        ({"hyperparameter": "seed"}, "seed"),
        ({"objectives": (LOSS, Objective("status", "none"))}, "status"),
        ({"objectives": (LOSS, Objective("epoch", "none"))}, "epoch"),
        ({"fidelity": "seed"}, "seed"),
    ],
)
def test_no_two_things_share_a_name(arguments, name):
    objectives = arguments.pop("objectives", ())
    with pytest.raises(InvalidSpace, match=f"the name '{name}' is taken already; choose another one"):
        schema(*objectives, **arguments)


def test_an_objective_plays_only_the_part_that_it_can():
    with pytest.raises(UnknownName, match="unknown objective 'los'; did you mean 'loss'"):
        schema(target="los")
    with pytest.raises(InvalidSpace, match="the target 'elapsed_time' has no goal; it needs 'min' or 'max'"):
        schema(LOSS, TIME, target="elapsed_time")
    with pytest.raises(InvalidSpace, match="the time 'score' must be cumulative"):
        schema(LOSS, SCORE, time="score")
    with pytest.raises(UnknownName, match="unknown objective 'runtime'"):
        schema(LOSS, TIME, time="runtime")


def test_another_target_leaves_the_rest():
    other = schema(LOSS, SCORE, TIME, time="elapsed_time").with_target("score")
    assert other == schema(LOSS, SCORE, TIME, time="elapsed_time", target="score")


def test_json_gives_back_an_equal_schema():
    original = schema(LOSS, SCORE, TIME, time="elapsed_time")
    text = json.dumps(original.to_json())
    again = Schema.from_json(json.loads(text))
    assert again == original
    assert json.dumps(again.to_json()) == text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data.pop("target"), "the schema is malformed: object missing required field target"),
        (lambda data: data.update(more=1), "the schema is malformed: object contains unknown field more"),
        (
            lambda data: data["objectives"][1].update(goal="up"),
            "objectives[1].goal = 'up': invalid",
        ),
        (
            lambda data: data["objectives"][0].update(gaol="min"),
            "objectives[0]: object contains unknown",
        ),
        (
            lambda data: data["fidelity"].update(values=[2, 1]),
            "fidelity: the values of fidelity 'epoch'",
        ),
        (
            lambda data: data["space"].update(hyperparameters=None),
            "the schema: space is malformed: hyper",
        ),
    ],
)
def test_json_that_is_no_schema_is_refused_with_the_key_and_the_rule(change, problem):
    data = schema(LOSS, SCORE).to_json()
    change(data)
    with pytest.raises(FormatError, match=re.escape(problem)):
        Schema.from_json(data)


def test_writing_in_the_json_object_does_not_reach_the_schema():
    original = schema(LOSS)
    original.to_json()["objectives"][0]["name"] = "gain"
    assert original.objectives[0].name == "loss"


def test_a_schema_crosses_processes_whole():
    original = schema(LOSS)
    again = pickle.loads(pickle.dumps(original))  # noqa: S301, TID251  our own bytes, as in a study
    assert again == original
    assert again.fidelity.index(2) == 1


def test_an_objective_has_no_name_that_the_results_of_a_run_use() -> None:
    space, fidelity = Space({"x": Integer(1, 2)}), Fidelity("epoch", (1,))
    with pytest.raises(
        InvalidSpace, match="an objective cannot be called 'time': the results of a run have a"
    ):
        Schema(
            space, fidelity, (Objective("loss", "min"), Objective("time", "none", cumulative=True)), "loss"
        )


@pytest.mark.parametrize("known", [(0, math.inf), (-math.inf, 1), (math.nan, 1), (2, 1), (1,), ("a", "b"), 3])
def test_a_known_range_has_two_finite_ends(known):
    with pytest.raises(
        InvalidSpace, match="the known range .* of 'loss' must be the smallest and the largest"
    ):
        Objective("loss", "min", known_range=known)


def test_a_known_range_is_two_floats():
    found = Objective("loss", "min", known_range=[np.float32(0.5), 2]).known_range
    assert (found, [type(end) for end in found]) == ((0.5, 2.0), [float, float])


@pytest.mark.parametrize("name", ["", " a", "a\n", "a\0", "\ud800", "\x1b[1m", "\u202e", 3, None])
def test_names_are_text_that_can_be_printed(name):
    with pytest.raises(InvalidSpace, match="must be printable text"):
        schema(Objective(name, "min"), target=name)


@pytest.mark.parametrize("name", ["checkpoint_of", "off_table", "config.x"])
def test_an_objective_may_be_called_what_only_constant_ones_would_clash_with(name):
    schema(Objective(name, "min"), target=name)
    with pytest.raises(InvalidSpace, match=f"an objective cannot be called '{name}'"):
        schema(LOSS, Objective(name, "none", constant=True))


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.float16])
def test_the_loss_of_a_narrow_number_does_not_wrap_round(kind):
    assert Objective("score", "max").loss(kind(100)) == -100


PARAMS = Objective("params", "min", constant=True)
FLOPS = Objective("flops", "none", constant=True)


@pytest.mark.parametrize(
    ("names", "kept", "target", "time"),
    [
        (["loss"], ["loss"], "loss", None),
        (["score"], ["score"], "score", None),
        (["score", "elapsed_time"], ["score", "elapsed_time"], "score", "elapsed_time"),
        (["flops", "score", "loss"], ["loss", "score", "flops"], "loss", None),
        (["params", "score"], ["score", "params"], "params", None),
        (["params"], ["elapsed_time", "params"], "params", "elapsed_time"),
        (["loss", "loss"], ["loss"], "loss", None),
    ],
)
def test_some_objectives_keep_their_order_and_the_target_and_time_among_them(names, kept, target, time):
    whole = schema(LOSS, SCORE, TIME, PARAMS, FLOPS, time="elapsed_time")
    found = whole.with_objectives(names)
    assert [objective.name for objective in found.objectives] == kept
    assert (found.target, found.time) == (target, time)
    assert (found.space, found.fidelity) == (whole.space, whole.fidelity)


def test_a_curve_comes_along_with_what_is_constant_and_with_nothing_else():
    untimed, constant = schema(LOSS, SCORE, PARAMS), schema(PARAMS, FLOPS, target="params")
    assert [o.name for o in untimed.with_objectives(["params"]).objectives] == ["loss", "params"]
    assert untimed.with_objectives(["params"]).target == "params"
    assert [o.name for o in constant.with_objectives(["params"]).objectives] == ["params"]


@pytest.mark.parametrize("names", [[], ["flops"], ["elapsed_time", "flops"]])
def test_objectives_without_a_goal_are_no_schema(names):
    whole = schema(LOSS, TIME, PARAMS, FLOPS, time="elapsed_time")
    with pytest.raises(InvalidOption) as caught:
        whole.with_objectives(names)
    assert str(caught.value) == (
        f"none of the objectives {names!r} has a goal; name one of ['loss', 'params'], too"
    )


def test_an_unknown_objective_among_others_is_named():
    with pytest.raises(UnknownName, match="unknown objective 'lss'; did you mean 'loss'"):
        schema(LOSS, SCORE).with_objectives(["score", "lss"])
