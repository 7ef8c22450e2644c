from __future__ import annotations

import numpy as np
import pytest

from blackbox_repo.schema import Objective
from blackbox_repo.surrogate.basis import CurveBasis

LOSS = Objective("loss", "min")
TIME = Objective("time", "min", cumulative=True)
EPOCHS = np.arange(1.0, 13.0)
RATES = np.linspace(0.1, 1.0, 40)


def rebuilt(basis, curves):
    return basis.curves(basis.ends(curves), basis.coefficients(curves))


def losses():
    return 2.0 + RATES[:, np.newaxis] * np.exp(-EPOCHS * RATES[::-1, np.newaxis])


def times(spread=1.0):
    steps = np.exp(spread * np.sin(np.outer(RATES * 3, EPOCHS / 3)))
    return np.cumsum(steps, axis=1)


def test_smooth_curves_are_an_end_and_a_few_coefficients():
    curves = losses()
    basis = CurveBasis.of(LOSS, curves)
    assert basis.numbers.scale == "linear"
    assert len(basis.components) <= 3
    assert np.abs(rebuilt(basis, curves) - curves).max() < 0.01
    assert rebuilt(basis, curves)[:, -1].tolist() == curves[:, -1].tolist()


def test_components_have_8_digits_and_a_positive_largest_entry():
    basis = CurveBasis.of(LOSS, losses())
    for component in basis.components:
        assert component[np.abs(component).argmax()] > 0
        assert [float(f"{entry:.7e}") for entry in component] == component.tolist()


def test_time_strictly_increases_to_its_end_whatever_is_predicted():
    curves = times()
    basis = CurveBasis.of(TIME, curves)
    assert basis.numbers.scale == "increments"
    wild = 20 * np.sin(np.arange(40 * len(basis.components)).reshape(40, -1))
    found = basis.curves(curves[:, -1], wild)
    assert (np.diff(found, axis=1, prepend=0.0) > 0).all()
    assert found[:, -1].tolist() == curves[:, -1].tolist()
    assert np.abs(rebuilt(basis, curves) / curves - 1).max() < 0.05


def test_time_that_begins_at_zero_begins_there():
    curves = times() - times()[:, :1]
    found = rebuilt(CurveBasis.of(TIME, curves), curves)
    assert found[:, 0].tolist() == [0.0] * 40
    assert (np.diff(found, axis=1) > 0).all()


def test_time_of_independent_trainings_is_positive_and_may_fall():
    curves = times()[:, ::-1]
    basis = CurveBasis.of(TIME, curves, incremental=False)
    assert basis.numbers.scale == "log"
    assert np.abs(rebuilt(basis, curves) / curves - 1).max() < 0.3
    assert (basis.curves(curves[:, -1], -1e6 * np.ones((40, len(basis.components)))) > 0).all()


def test_values_over_orders_of_magnitude_keep_small_ones_apart():
    curves = losses()
    curves[::9] *= 10.0 ** np.arange(3, 18, 3)[:, np.newaxis]
    basis = CurveBasis.of(LOSS, curves)
    assert basis.numbers.scale == "asinh"
    found = rebuilt(basis, curves)
    small = curves.max(axis=1) < 10
    assert np.abs(found - curves)[small].max() < 0.2
    assert np.isfinite(basis.curves(np.full(3, 1e300), np.full((3, len(basis.components)), 1e9))).all()


def test_a_constant_objective_is_an_end_alone():
    values = RATES[:, np.newaxis]
    basis = CurveBasis.of(Objective("parameters", "min", constant=True), values)
    assert basis.components.shape == (0, 1)
    assert rebuilt(basis, values).tolist() == values.tolist()


@pytest.mark.parametrize("objective", [LOSS, TIME])
def test_equal_curves_have_no_components(objective):
    curves = np.repeat(times()[:1], 5, axis=0)
    basis = CurveBasis.of(objective, curves)
    assert len(basis.components) == 0
    assert np.abs(rebuilt(basis, curves) / curves - 1).max() < 1e-6


def test_a_fidelity_without_any_value_is_predicted_as_unknown():
    curves = losses()
    curves[:, [0, 11]] = np.nan
    curves[3, 5] = np.nan
    found = rebuilt(CurveBasis.of(LOSS, curves), curves)
    assert np.isnan(found[:, [0, 11]]).all()
    assert np.isfinite(found[:, 1:11]).all()
    assert np.isnan(rebuilt(CurveBasis.of(LOSS, np.full((4, 3), np.nan)), np.ones((2, 3)))).all()


def test_a_curve_is_the_same_alone_and_among_others():
    curves = times()
    basis = CurveBasis.of(TIME, curves)
    ends, coefficients = basis.ends(curves), basis.coefficients(curves)
    together = basis.curves(ends, coefficients)
    alone = [basis.curves(ends[k : k + 1], coefficients[k : k + 1])[0].tolist() for k in range(40)]
    assert together.tolist() == alone
