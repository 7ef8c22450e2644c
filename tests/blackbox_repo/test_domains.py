from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.domain_json import domain_from_json, domain_to_json
from blackbox_repo.domains import (
    Categorical,
    Constant,
    Float,
    Integer,
    Ordinal,
)
from blackbox_repo.errors import FormatError, InvalidSpace

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
        (lambda: Float(2, 1), "Float has the lower bound 2 above the upper bound 1"),
        (lambda: Float(0, 1, log=True), "Float in log scale starts at 0, but must start above 0"),
        (lambda: Float(0, math.inf), "the bound inf of Float is not finite"),
        (lambda: Float(False, 1), "the bound False of Float is not a number"),
        (lambda: Float(-1e308, 1e308), "has a width beyond the range of floats"),
        (lambda: Integer(1.5, 2), "the bounds of an Integer are whole numbers, not 1.5"),
        (lambda: Categorical(()), "must be at least one and all different"),
        (lambda: Categorical(("a", "a")), "must be at least one and all different"),
        (lambda: Ordinal((1, True)), "must be at least one and all different"),
        (lambda: Categorical((None,)), "a choice is a string, a finite number or a bool, not None"),
        (lambda: Constant(math.nan), "a choice is a string, a finite number or a bool, not nan"),
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


GEOMETRIC = np.exp(np.linspace(np.log(1e-5), np.log(10.0), 5)).tolist()


@pytest.mark.parametrize(
    ("domain", "given_value", "value"),
    [
        (Float(1e-5, 10.0, log=True), GEOMETRIC[0], 1e-5),
        (Float(1e-5, 10.0, log=True), GEOMETRIC[-1], 10.0),
        *[(Float(1e-5, 0.1), *ends) for ends in zip(np.logspace(-5, -1, 2), (1e-5, 0.1), strict=True)],
        *[(Float(1e-5, 0.3), *ends) for ends in zip(np.geomspace(1e-5, 0.3, 2), (1e-5, 0.3), strict=True)],
        (Float(0.1, 0.3), 0.1 * 3, 0.3),
        (Float(-0.3, 0.1), -0.1 * 3, -0.3),
        (Float(0.3, 0.3), 0.1 * 3, 0.3),
        (Ordinal((0.1, 0.2, 0.3)), 0.1 * 3, 0.3),
        (Categorical((0.3, "x", 7)), np.float64(0.1 * 3), 0.3),
        (Categorical((0.7, 0.1 * 7)), 0.1 * 7, 0.1 * 7),
        (Categorical((0.7, 0.1 * 7)), 0.7, 0.7),
        (Constant(0.3), 0.1 * 3, 0.3),
        (Integer(1, 100, log=True), np.exp(np.log(100.0)), 100),
        (Integer(1, 100), 29.000000000000004, 29),
        (Ordinal((1, 10, 100)), 100.00000000000004, 100),
    ],
)  # fmt: skip
def test_a_number_off_by_its_last_digits_is_taken_for_what_it_means(domain, given_value, value):
    checked = domain.check(given_value)
    assert (checked, type(checked)) == (value, type(value))


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (Float(1e-5, 0.1), 1e-5 * (1 - 1e-11)),
        (Float(0, 1), -1e-300),
        (Float(0.1, 1), 1 + 1e-11),
        (Ordinal((0.1, 0.3)), 0.3 + 1e-11),
        (Ordinal((0.1, 0.3)), "0.3"),
        (Integer(1, 100), 29.0000001),
        (Integer(1, 10**15), 10**15 + 1),
        (Categorical((10**15, "x")), 10**15 + 1),
        (Categorical((10**400, 0.5)), 10**400 + 1),
        (Categorical((1.0, 2.0)), 10**400),
        (Categorical((0.5, True)), 1),
    ],
)
def test_a_number_that_differs_is_refused(domain, value):
    with pytest.raises(ValueError, match="is "):
        domain.check(value)


def test_a_float_within_its_range_is_taken_as_it_is():
    assert Float(0, 1).check(0.1 * 3) == 0.1 * 3 != 0.3


@pytest.mark.parametrize(
    ("domain", "middle"),
    [
        (Float(0, 3), 1.5),
        (Float(1e-4, 1, log=True), 1e-2),
        (Float(2, 2), 2.0),
        (Integer(1, 9), 5),
        (Integer(1, 2), 2),
        (Integer(1, 100, log=True), 10),
        (Categorical(("x", "y", "z")), "x"),
        (Ordinal(("s", "m", "l")), "m"),
        (Ordinal((1, 2, 4, 8)), 4),
        (Constant(7), 7),
    ],
)
def test_the_middle_of_a_domain(domain, middle):
    assert (domain.middle, type(domain.middle)) == (middle, type(middle))


def test_a_float_from_a_number_to_itself_has_one_value():
    assert (Float(2, 2).size, Float(2, 2).values, Float(2, 3).size, Float(2, 3).values) == (
        1,
        (2.0,),
        None,
        None,
    )
    assert Float(2, 2).spread(3) == (2.0,)
    assert Integer(1, 9).spread(2) == (1, 9)


def test_whole_numbers_are_drawn_evenly_and_to_the_last_digit():
    wide = Integer(0, 10**15)
    drawn = [wide.at(position) for position in (np.arange(300) * 0.6180339887498949 % 1).tolist()]
    assert len({value % 1000 for value in drawn}) > 200  # 12 digits would leave multiples of a thousand
    small = Integer(1, 3).at_all(np.arange(3000) / 3000)
    assert [small.count(value) for value in (1, 2, 3)] == [1000, 1000, 1000]
    assert Integer(0, 10**30).at(1 - 2**-53) > 10**30 - 10**15


@pytest.mark.parametrize("choice", ["\ud800", "a\udfffb"])
def test_a_choice_is_text_that_a_file_can_hold(choice):
    for domain in (lambda: Categorical(("a", choice)), lambda: Ordinal((choice,)), lambda: Constant(choice)):
        with pytest.raises(InvalidSpace, match="is not Unicode text, which no file could hold"):
            domain()


@pytest.mark.parametrize("lower", [10**11, 10**15, 2**60, -(2**63), 10**300])
def test_whole_numbers_beyond_twelve_digits_are_spread_to_the_last_one(lower):
    domain = Integer(lower, lower + 100)
    assert domain.spread(5) == tuple(lower + step for step in (0, 25, 50, 75, 100))
    assert domain.middle == lower + 50


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("upper", [2**53 + 1, 2**63 - 1, 2**64 - 1])
def test_a_spread_ends_at_a_bound_that_is_no_float(upper, log):
    spread = Integer(1, upper, log=log).spread(4)
    assert (spread[0], spread[-1]) == (1, upper)


def test_a_range_clips_numbers_to_its_ends():
    assert [Float(0.5, 2).clip(number) for number in (-1.0, 1.25, 9.0)] == [0.5, 1.25, 2.0]
    assert [Integer(2, 5).clip(number) for number in (-1, 3, 7)] == [2, 3, 5]
    assert Integer(2, 5).clip(3.5) == 3.5


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"type": "real"}, "type = 'real': must be one of float, integer, categorical, ordinal, constant"),
        ({"type": ["float"]}, "type = ['float']: must be one of"),
        ({"lower": 0}, "type = None: must be one of"),
        ({"type": "float", "lower": "0", "upper": 1, "log": False}, "lower = '0': expected float, got str"),
        (
            {"type": "float", "lower": 2, "upper": 1, "log": False},
            "float has the lower bound 2.0 above the upper bound 1.0",
        ),
        ({"type": "integer", "lower": 0, "log": False}, "object missing required field upper"),
        ({"type": "constant", "value": 1, "log": False}, "object contains unknown field log"),
    ],
)
def test_json_that_is_no_domain_is_refused_with_the_rule_that_it_breaks(data, rule):
    with pytest.raises(FormatError, match=re.escape(rule)):
        domain_from_json(data)
