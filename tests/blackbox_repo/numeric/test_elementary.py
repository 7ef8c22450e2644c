from __future__ import annotations

import hashlib
import math
from decimal import Decimal, localcontext
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.numeric.elementary import exp, exp_array, log, log_array, normal_quantile

ULP = 2.0**-52


@given(st.floats(-700, 700))
def test_an_exponential_is_right_to_the_last_digits(exponent: float) -> None:
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(exponent).exp()
        assert abs(Decimal(exp(exponent)) / exact - 1) < 2 * ULP


@given(st.floats(5e-324, allow_infinity=False))
def test_a_logarithm_is_right_to_the_last_digits(number: float) -> None:
    with localcontext() as context:
        context.prec = 40
        exact = Decimal(number).ln()
        assert abs(Decimal(log(number)) - exact) <= 2 * ULP * float(abs(exact))


@given(st.lists(st.floats(-760, 800), min_size=1, max_size=50))
def test_an_array_has_the_values_that_come_singly(exponents: list[float]) -> None:
    with np.errstate(all="raise"):
        assert exp_array(np.array(exponents)).tolist() == [exp(exponent) for exponent in exponents]


@given(st.lists(st.floats(5e-324, allow_infinity=False), min_size=1, max_size=50))
def test_an_array_has_the_logarithms_that_come_singly(numbers: list[float]) -> None:
    with np.errstate(all="raise"):
        assert log_array(np.array(numbers)).tolist() == [log(number) for number in numbers]


def test_the_ends() -> None:
    assert [exp(x) for x in (0.0, -0.0, -1000.0, 1000.0)] == [1.0, 1.0, 0.0, math.inf]
    assert log(1.0) == 0.0


@given(st.floats(2.0**-53, 1 - 2.0**-53))
def test_a_normal_quantile_is_that_of_the_standard_library(position: float) -> None:
    assert normal_quantile(position) == pytest.approx(NormalDist().inv_cdf(position), rel=1e-13, abs=1e-15)


def test_values_are_the_same_on_every_machine_for_ever() -> None:
    positions = [k / 1000 for k in range(1, 1000)]
    values = [f(p) for p in positions for f in (exp, log, normal_quantile)]
    assert hashlib.sha256(np.array(values, dtype="<f8").tobytes()).hexdigest()[:16] == "34028524f9562ee0"
