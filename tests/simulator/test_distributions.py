import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import InvalidOption
from simulator.distributions import Exponential, LogNormal, Uniform

POSITIONS = st.floats(0, 1, exclude_max=True)
ALL = [Uniform(2, 6), Exponential(3.0, shift=1.0), LogNormal(2.0, 0.5)]


@pytest.mark.parametrize("distribution", ALL)
@given(POSITIONS, POSITIONS)
def test_durations_are_finite_and_grow_with_the_position(distribution, one, other):
    low, high = sorted((one, other))
    assert 0 <= distribution.at(low) <= distribution.at(high) < math.inf


def test_known_quantiles():
    assert [Uniform(2, 6).at(position) for position in (0, 0.5)] == [2, 4]
    assert Exponential(3.0, shift=1.0).at(0) == 1
    assert Exponential(3.0).at(0.5) == pytest.approx(3 * math.log(2), rel=1e-11)
    assert LogNormal(2.0, 0.5).at(0.5) == 2
    assert LogNormal(2.0, 0.5).at(0.9772498680518208) == pytest.approx(2 * math.e, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(3, 2), "Uniform runs from 3 to 2, but must not run down"),
        (lambda: Uniform(-1, 2), "Uniform.low is -1, but must be a finite number, 0 or more"),
        (lambda: Exponential(math.nan), "Exponential.mean is nan, but must be"),
        (lambda: LogNormal(1.0, True), "LogNormal.sigma is True, but must be"),
    ],
)
def test_impossible_parameters_are_named(make, message):
    with pytest.raises(InvalidOption, match=message):
        make()
