from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.domains import (
    Categorical,
    Constant,
    Float,
    Integer,
    Ordinal,
    domain_from_json,
    domain_to_json,
)
from blackbox_repo.errors import InvalidSpace

POSITION = st.floats(0, 1)
FINITE = st.floats(-1e100, 1e100)


@st.composite
def domains(draw):
    kind = draw(st.sampled_from(["float", "log", "integer", "log integer", "categorical", "ordinal", "one"]))
    if kind == "float":
        return Float(*sorted((draw(FINITE), draw(FINITE))))
    if kind == "log":
        return Float(*sorted((draw(st.floats(1e-300, 1e300)), draw(st.floats(1e-300, 1e300)))), log=True)
    if kind == "integer":
        return Integer(*sorted((draw(st.integers(-(10**6), 10**6)), draw(st.integers(-(10**6), 10**6)))))
    if kind == "log integer":
        return Integer(*sorted((draw(st.integers(1, 10**6)), draw(st.integers(1, 10**6)))), log=True)
    values = draw(st.lists(st.text() | st.integers() | FINITE | st.booleans(), min_size=1, unique=True))
    if kind == "one":
        return Constant(values[0])
    return (Categorical if kind == "categorical" else Ordinal)(tuple(values))


@pytest.mark.parametrize(
    ("domain", "given_value", "value"),
    [
        (Float(0, 1), 1, 1.0),
        (Float(0, 1), np.float32(0.5), 0.5),
        (Float(0, 1), Fraction(1, 4), 0.25),
        (Integer(1, 5), 1.0, 1),
        (Integer(1, 5), np.int64(5), 5),
        (Integer(1, 5), np.float32(2), 2),
        (Integer(0, 2**60), 2**53 + 1, 2**53 + 1),
        (Categorical(("a", "b")), np.str_("b"), "b"),
        (Categorical((1, 2)), 2.0, 2),
        (Categorical((1, 2)), np.int8(2), 2),
        (Categorical((True, False)), np.bool_(False), False),
        (Ordinal((0.5, 1)), 1.0, 1),
        (Constant(3), 3.0, 3),
    ],
)
def test_a_value_becomes_the_plain_one_that_the_domain_holds(domain, given_value, value):
    checked = domain.check(given_value)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("domain", "value", "rule"),
    [
        (Float(0, 1), True, "is not a number"),
        (Float(0, 1), np.bool_(True), "is not a number"),
        (Float(0, 1), "0.5", "is not a number"),
        (Float(0, 1), None, "is not a number"),
        (Float(0, 1), [0.5], "is not a number"),
        (Float(0, 1), math.nan, "is not finite"),
        (Float(0, 1), -math.inf, "is not finite"),
        (Float(0, 1), 10**400, "is not finite"),
        (Float(0, 1), 1.5, r"is not in \[0\.0, 1\.0\]"),
        (Integer(1, 5), True, "is not a number"),
        (Integer(1, 5), 1.5, "is not a whole number"),
        (Integer(1, 5), 6, r"is not in 1 \.\. 5"),
        (Categorical(("a", "b")), "c", "is none of 'a', 'b'$"),
        (Categorical(("1", "2")), 1, "is none of '1', '2'; did you mean '1'\\?"),
        (Categorical((1, 2)), True, "is none of 1, 2$"),
        (Categorical((True, False)), 1, "is none of True, False$"),
        (Categorical((1, 2)), [1], r"is none of 1, 2$"),
        (Categorical((1, 2)), np.array([1]), r"is none of 1, 2$"),
        (Categorical(tuple(range(9))), 10, "is none of 0, 1, 2, 3, 4, 5, 6, 7, ...$"),
        (Constant(1), True, "is not the constant 1"),
        (Constant(1), np.array([1, 1]), "is not the constant 1"),
    ],
)
def test_a_refused_value_breaks_a_rule_that_is_named(domain, value, rule):
    with pytest.raises(ValueError, match=rule):
        domain.check(value)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Float(2, 1), "Float runs from 2 to 1, but must not run down"),
        (lambda: Float(0, 1, log=True), "Float in log scale starts at 0, but must start above 0"),
        (lambda: Float(0, math.inf), "the bound inf of Float is not finite"),
        (lambda: Float(False, 1), "the bound False of Float is not a number"),
        (lambda: Float(-1e308, 1e308), "is wider than a float can say"),
        (lambda: Integer(1.5, 2), "the bounds of an Integer are whole numbers, not 1.5"),
        (lambda: Categorical(()), "must be at least one, and all different"),
        (lambda: Categorical(("a", "a")), "must be at least one, and all different"),
        (lambda: Ordinal((1, True)), "must be at least one, and all different"),
        (lambda: Categorical((None,)), "a choice is a string, a finite number or a bool, not None"),
        (lambda: Constant(math.nan), "a choice is a string, a finite number or a bool, not nan"),
        (lambda: domain_from_json({"type": "real"}), "the domain type 'real' must be one of float, integer"),
    ],
)
def test_a_domain_that_contradicts_itself_cannot_be_built(make, rule):
    with pytest.raises(InvalidSpace, match=rule):
        make()


def test_choices_are_kept_as_built_in_values():
    assert [type(value) for value in Categorical((np.int64(1), np.float32(0.5), np.str_("a"))).values] == [
        int,
        float,
        str,
    ]
    assert type(Constant(np.float64(0.5)).value) is float


def test_positions_run_from_end_to_end():
    assert [Float(1, 100, log=True).at(p) for p in (0, 0.5, 1)] == [1.0, 10.0, 100.0]
    assert [Integer(1, 3).at(p) for p in (0, 0.33, 0.34, 0.99, 1)] == [1, 1, 2, 3, 3]
    assert [Integer(1, 7, log=True).at(p) for p in (0, 0.34, 0.67, 1)] == [1, 2, 4, 7]
    assert [Ordinal(("s", "m", "l")).at(p) for p in (0, 0.5, 1)] == ["s", "m", "l"]
    assert Constant("x").at(0.7) == "x"


def test_a_spread_goes_from_end_to_end_without_repeating():
    assert Float(0, 1).spread(3) == (0.0, 0.5, 1.0)
    assert Float(0, 1).spread(1) == (0.0,)
    assert Integer(1, 3).spread(5) == (1, 2, 3)
    assert Integer(1, 1000, log=True).spread(4) == (1, 10, 100, 1000)
    assert Categorical(("a", "b", "c")).spread(2) == ("a", "b", "c")


@given(domains(), POSITION)
def test_every_position_gives_a_value_of_the_domain(domain, position):
    value = domain.at(position)
    assert domain.check(value) == value


@given(domains(), st.integers(1, 5))
def test_every_value_of_a_spread_is_one_of_the_domain(domain, points):
    assert all(domain.check(value) == value for value in domain.spread(points))


@given(domains())
def test_json_gives_back_an_equal_domain(domain):
    text = json.dumps(domain_to_json(domain))
    again = domain_from_json(json.loads(text))
    assert again == domain
    assert json.dumps(domain_to_json(again)) == text
