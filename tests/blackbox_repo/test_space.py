from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import FormatError, InvalidConfiguration, InvalidOption, InvalidSpace
from blackbox_repo.space import Condition, Space, configuration_text

SGD = "optimizer in ['sgd']"
SPACE = Space(
    {
        "optimizer": Categorical(("sgd", "adam")),
        "momentum": Float(0, 0.99),
        "nesterov": Categorical((True, False)),
        "layers": Integer(1, 4),
    },
    {
        "momentum": (Condition("optimizer", ("sgd",)),),
        "nesterov": (Condition("optimizer", ("sgd",)), Condition("momentum", (0.9,))),
    },
)
DOMAIN = st.sampled_from(
    [
        Float(-1, 1),
        Float(1e-5, 1, log=True),
        Integer(-2, 2),
        Integer(1, 64, log=True),
        Categorical(("a", "b", "ü")),
        Categorical((True, False)),
        Ordinal((1, 2.5, 8)),
        Constant("c"),
    ]
)
NAMES = st.text(min_size=1, max_size=4)


@st.composite
def spaces(draw, domain=DOMAIN, *, conditional=True):
    domains = draw(st.dictionaries(NAMES, domain, min_size=1, max_size=5))
    names, conditions = list(domains), {}
    for index, name in enumerate(names[1:] if conditional else []):
        if draw(st.booleans()):
            parent = draw(st.sampled_from(names[: index + 1]))
            positions = draw(st.lists(st.floats(0, 1), min_size=1, max_size=2))
            values = tuple(domains[parent].at(position) for position in positions)
            conditions[name] = (Condition(parent, values),)
    return Space(domains, conditions)


def test_a_checked_configuration_is_in_order_plain_and_new():
    given_configuration = {"layers": np.int64(2), "momentum": np.float32(0.5), "optimizer": "sgd"}
    checked = SPACE.check(given_configuration)
    assert list(checked.items()) == [("optimizer", "sgd"), ("momentum", 0.5), ("layers", 2)]
    assert [type(value) for value in checked.values()] == [str, float, int]
    assert list(given_configuration) == ["layers", "momentum", "optimizer"]


def test_a_hyperparameter_is_active_where_all_its_conditions_hold():
    assert SPACE.key({"optimizer": "adam", "layers": 1}) == ("adam", None, None, 1)
    assert SPACE.key({"optimizer": "sgd", "momentum": 0.5, "layers": 1}) == ("sgd", 0.5, None, 1)
    assert SPACE.key({"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "layers": 1.0}) == (
        "sgd",
        0.9,
        True,
        1,
    )


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (
            {"optimizer": "adam", "layer": 1},
            "{'optimizer': 'adam', 'layer': 1} has an unknown hyperparameter 'layer'; did you mean 'layers'?",
        ),
        ({"optimizer": "adam"}, "{'optimizer': 'adam'} lacks the hyperparameter 'layers'"),
        (
            {"optimizer": "adam", "momentum": 0.5, "layers": 1},
            f"momentum=0.5 is inactive here (it needs {SGD}); leave it out",
        ),
        (
            {"optimizer": "sgd", "momentum": 0.5, "nesterov": None, "layers": 1},
            f"nesterov=None is inactive here (it needs {SGD} and momentum in [0.9]); leave it out",
        ),
        ({"optimizer": "adam", "layers": True}, "layers=True is not a number"),
        ({"optimizer": "adam", "layers": 1.5}, "layers=1.5 is not a whole number"),
        ({"optimizer": "adam", "layers": [1]}, "layers=[1] is not a number"),
        ({"optimizer": ["adam"], "layers": 1}, "optimizer=['adam'] is none of 'sgd', 'adam'"),
        ({"optimizer": None, "layers": 1}, "optimizer=None is none of 'sgd', 'adam'"),
        ({"optimizer": "sgd", "momentum": math.nan, "layers": 1}, "momentum=nan is not finite"),
        ([1, 2], "a configuration is a mapping from hyperparameter to value, not [1, 2]"),
        (None, "a configuration is a mapping from hyperparameter to value, not None"),
    ],
)  # fmt: skip
def test_a_refused_configuration_is_told_why(configuration, message):
    with pytest.raises(InvalidConfiguration) as caught:
        SPACE.check(configuration)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("domains", "conditions", "message"),
    [
        ({}, {}, "a space needs at least one hyperparameter"),
        (
            {"a": Integer(1, 2)},
            {"b": ()},
            "a condition names the hyperparameter 'b'; known: 'a'",
        ),
        (
            {"a": Integer(1, 2), "b": Integer(1, 2)},
            {"a": (Condition("b", (1,)),)},
            "hyperparameter 'a' depends on 'b', which must be declared before it",
        ),
        (
            {"a": Integer(1, 2), "b": Integer(1, 2)},
            {"b": (Condition("a", (3,)),)},
            "'b' is active where 'a' is 3, which is not in 1 .. 2",
        ),
    ],
)
def test_a_space_that_contradicts_itself_cannot_be_built(domains, conditions, message):
    with pytest.raises(InvalidSpace) as caught:
        Space(domains, conditions)
    assert str(caught.value) == message


def test_a_space_does_not_change_with_the_dict_that_it_was_built_from():
    domains = {"a": Integer(1, 2)}
    space = Space(domains)
    domains["b"] = Integer(1, 2)
    assert list(space.domains) == ["a"]


def test_candidates_are_all_that_there_is():
    candidates = [{"a": 1}, {"a": 3}]
    space = Space({"a": Integer(1, 9)}, candidates=candidates)
    assert space.size == 2
    assert space.configuration(1) == {"a": 3}
    assert list(space.grid(5)) == candidates
    drawn = [space.sample(index) for index in range(20)]
    assert {configuration["a"] for configuration in drawn} == {1, 3}
    drawn[0]["a"] = 7
    assert candidates == [{"a": 1}, {"a": 3}]
    assert space == Space({"a": Integer(1, 9)})


def test_the_last_hyperparameter_turns_fastest():
    space = Space({"a": Categorical(("x", "y")), "b": Integer(1, 3)})
    assert [tuple(space.configuration(i).values()) for i in range(6)] == [
        ("x", 1), ("x", 2), ("x", 3), ("y", 1), ("y", 2), ("y", 3),
    ]  # fmt: skip
    with pytest.raises(IndexError, match=r"grid index 6 is not in 0 \.\. 5"):
        space.configuration(6)
    with pytest.raises(IndexError, match="grid index -1"):
        space.configuration(-1)


def test_only_finite_spaces_have_a_size():
    assert Space({"a": Float(0, 1)}).size is None
    assert SPACE.size is None
    with pytest.raises(InvalidSpace, match="only a finite space can be enumerated"):
        SPACE.configuration(0)


def test_a_grid_leaves_out_what_is_inactive():
    space = Space(
        {"optimizer": Categorical(("sgd", "adam")), "momentum": Float(0, 1)},
        {"momentum": (Condition("optimizer", ("sgd",)),)},
    )
    assert list(space.grid(3)) == [
        {"optimizer": "sgd", "momentum": 0.0},
        {"optimizer": "sgd", "momentum": 0.5},
        {"optimizer": "sgd", "momentum": 1.0},
        {"optimizer": "adam"},
    ]


def test_keys_in_turns_keep_their_own_draws():
    keys = [(0, "a"), (1, "a"), (True, "a"), (1.0, "a"), ("1", "a"), (0, "b"), (0,)]
    alone = [
        Space(SPACE.domains, SPACE.conditions).sample(*key, number) for number in range(3) for key in keys
    ]
    assert [SPACE.sample(*key, number) for number in range(3) for key in keys] == alone
    assert len({configuration_text(c) for c in alone[: len(keys)]}) == len(keys)
    for wrong in (np.array([1, 2]), [1], b"x"):
        with pytest.raises(InvalidOption, match="the key of a draw has the part"):
            SPACE.sample(0, wrong, 1)


def test_a_draw_for_one_hyperparameter_does_not_shift_anothers():
    short = Space({"a": Float(0, 1), "c": Float(0, 1)})
    long = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Float(0, 1)})
    assert {k: v for k, v in long.sample(3, "x").items() if k != "b"} == short.sample(3, "x")


def test_the_text_of_a_configuration_does_not_depend_on_its_order():
    assert (
        configuration_text({"b": "ü", "a": 1})
        == '{"a":1,"b":"\\u00fc"}'
        == configuration_text({"a": 1, "b": "ü"})
    )


@given(spaces())
def test_json_gives_back_an_equal_space(space):
    text = json.dumps(space.to_json())
    again = Space.from_json(json.loads(text))
    assert again == space
    assert list(again.domains) == list(space.domains)
    assert json.dumps(again.to_json()) == text


@given(spaces(), st.integers())
def test_every_sample_passes_the_check_which_changes_nothing_twice(space, seed):
    sampled = space.sample(seed, "sample")
    checked = space.check(sampled)
    assert checked == sampled
    assert space.check(checked) == checked
    assert list(space.check(checked)) == list(checked)


@given(spaces(), st.integers(), st.data())
def test_equal_configurations_have_equal_keys(space, seed, data):
    sampled = space.sample(seed)
    names = data.draw(st.permutations(list(sampled)))
    other = {
        name: np.float64(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for name, value in ((name, sampled[name]) for name in names)
    }
    assert space.key(other) == space.key(sampled)
    assert hash(space.key(other)) == hash(space.key(sampled))


FINITE_DOMAIN = DOMAIN.filter(lambda domain: domain.size is not None)


@given(spaces(FINITE_DOMAIN, conditional=False), st.data())
def test_a_grid_index_and_its_configuration_belong_together(space, data):
    index = data.draw(st.integers(0, space.size - 1))
    configuration = space.configuration(index)
    again = 0
    for name, domain in space.domains.items():
        again = again * domain.size + list(domain.values).index(configuration[name])
    assert again == index
    assert space.check(configuration) == configuration


@given(spaces(), st.integers(1, 3))
def test_a_grid_has_every_configuration_once(space, points):
    grid = list(space.grid(points))
    keys = [space.key(configuration) for configuration in grid]
    assert len(set(keys)) == len(grid) > 0


def test_the_values_of_a_condition_are_those_of_the_parent():
    space = Space(
        {"a": Ordinal((0.1, 0.3)), "b": Integer(1, 2)}, {"b": (Condition("a", (np.float64(0.1) * 3,)),)}
    )
    assert space.conditions["b"] == (Condition("a", (0.3,)),)
    assert space.check({"a": 0.3, "b": 1}) == {"a": 0.3, "b": 1}
    assert space.size == 3


def entry(**changes):
    return {"name": "x", "type": "float", "lower": 0, "upper": 1, "log": False} | changes


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "the space is malformed: object missing required field hyperparameters"),
        ({"hyperparameters": [], "more": 1}, "the space is malformed: object contains unknown field more"),
        (
            {"hyperparameters": [{"type": "float"}]},
            "hyperparameters[0] is malformed: object missing",
        ),
        (
            {"hyperparameters": [entry(), entry(name="y", lower="a")]},
            "hyperparameters[1] is malformed: lower",
        ),
        (
            {"hyperparameters": [entry(step=2)]},
            "hyperparameters[0] is malformed: object contains",
        ),
        ({"hyperparameters": [entry(), entry()]}, "hyperparameters[1] has the name 'x' of another one"),
        (
            {
                "hyperparameters": [
                    entry(),
                    entry(name="y", active_where=[{"parent": "x", "values": [1], "or": 2}]),
                ]
            },
            "hyperparameters[1] is malformed: active_where[0]: object contains unknown field or",
        ),
    ],
)
def test_json_that_is_no_space_is_refused_with_its_place(data, problem):
    with pytest.raises((FormatError, InvalidSpace), match=re.escape(problem)):
        Space.from_json(data)


# --- the numbers behind a grid ------------------------------------------------------------------------------


def test_a_continuous_space_has_numbers_in_place_of_the_ordinals_of_a_grid():
    grid = Space(
        {
            "lr": Ordinal((0.0005, 0.001, 0.005, 0.01, 0.05, 0.1)),
            "units": Ordinal((16, 32, 64, 128)),
            "dropout": Ordinal((0.0, 0.3, 0.6)),
            "heads": Ordinal((8, 16)),
            "size": Ordinal(("small", "middle", "large")),
            "architecture": Categorical((1000000, 1000001, 1000050)),
            "depth": Integer(1, 4),
        },
        candidates=[],
    )
    wide = grid.continuous()
    assert wide == Space(
        {
            "lr": Float(0.0005, 0.1, log=True),
            "units": Integer(16, 128, log=True),
            "dropout": Float(0.0, 0.6),
            "heads": Ordinal((8, 16)),
            "size": Ordinal(("small", "middle", "large")),
            "architecture": Categorical((1000000, 1000001, 1000050)),
            "depth": Integer(1, 4),
        }
    )
    assert wide.candidates is None
    assert wide.continuous() == wide


def test_a_continuous_space_keeps_conditions_and_the_ordinals_that_they_name():
    conditions = {"lr": (Condition("layers", (2, 3)),)}
    grid = Space({"layers": Ordinal((1, 2, 3)), "lr": Ordinal((0.1, 0.2, 0.3))}, conditions)
    wide = Space({"layers": Ordinal((1, 2, 3)), "lr": Float(0.1, 0.3)}, conditions)
    assert grid.continuous() == wide


@given(
    st.lists(
        st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False),
        min_size=1,
        unique=True,
    )
)
def test_a_continuous_space_holds_every_value_of_the_grid(values):
    wide = Space({"x": Ordinal(tuple(values))}).continuous()
    assert [wide.check({"x": value})["x"] for value in values] == values
