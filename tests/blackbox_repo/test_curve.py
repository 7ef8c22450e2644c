from __future__ import annotations

import math

import numpy as np
import pytest

from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Integer
from blackbox_repo.errors import InvalidConfiguration, UnknownFidelity, UnknownName
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space

SCHEMA = Schema(
    Space({"x": Integer(1, 2)}),
    Fidelity("epoch", (1, 2, 3)),
    (
        Objective("loss", "min"),
        Objective("elapsed_time", "none", cumulative=True),
        Objective("params", "min", constant=True),
    ),
    "loss",
    "elapsed_time",
)
WHOLE = {"loss": [3, 2, 1], "elapsed_time": [10, 20, 20], "params": 7}


def test_a_curve_is_read_by_objective_and_by_fidelity():
    curve = LearningCurve.of(SCHEMA, WHOLE, seed=5)
    assert len(curve) == 3
    assert curve.fidelities == (1, 2, 3)
    assert curve["loss"].tolist() == [3, 2, 1]
    assert curve["params"].tolist() == [7, 7, 7]
    assert curve.at(2) == {"loss": 2.0, "elapsed_time": 20.0, "params": 7.0}
    assert curve.point("loss", 0) == 3.0
    assert curve.constant("params") == 7.0
    assert (curve.seed, curve.status) == (5, "ok")
    assert repr(curve) == "LearningCurve(3 points to epoch=3, ok)"


def test_a_short_curve_ends_before_the_fidelity_does():
    curve = LearningCurve.of(SCHEMA, {"loss": [3], "elapsed_time": [10], "params": 7}, status="crashed")
    assert curve.head("loss", 3).tolist() == curve.head("loss", 1).tolist() == [3]
    assert curve.head("params", 3).tolist() == [7]
    with pytest.raises(UnknownFidelity) as caught:
        curve.at(2)
    assert str(caught.value) == (
        "epoch=2 was not reached: LearningCurve(1 points to epoch=1, crashed) ends before it"
    )
    with pytest.raises(UnknownFidelity, match="epoch=4 is not in 1..3"):
        curve.at(4)


def test_a_curve_may_have_no_points():
    curve = LearningCurve.of(SCHEMA, {"loss": [], "elapsed_time": [], "params": 7}, status="crashed")
    assert (len(curve), curve.fidelities, curve.constant("params")) == (0, (), 7.0)
    assert repr(curve) == "LearningCurve(0 points to epoch=None, crashed)"


def test_unknown_objectives_are_named():
    with pytest.raises(UnknownName, match="unknown objective 'los'; did you mean 'loss'"):
        LearningCurve.of(SCHEMA, WHOLE)["los"]


@pytest.mark.parametrize("objective", ["loss", "elapsed_time", "params"])
def test_nobody_can_write_in_a_curve(objective):
    array = LearningCurve.of(SCHEMA, WHOLE)[objective]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_a_curve_keeps_its_own_copy():
    loss = np.array([3.0, 2.0, 1.0])
    curve = LearningCurve.of(SCHEMA, {**WHOLE, "loss": loss})
    loss[:] = 0
    assert curve["loss"].tolist() == [3, 2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": [3, 2]}, r"equal in number and at most 3, but are \{'loss': 2, 'elapsed_time': 3\}"),
        ({"loss": [4, 3, 2, 1], "elapsed_time": [1, 2, 3, 4]}, "equal in number and at most 3"),
        ({"elapsed_time": [10, 20, 19]}, "the cumulative objective 'elapsed_time' decreases"),
        ({"loss": 3}, "the objective 'loss' must be a sequence over the fidelity, not 3"),
        (
            {"params": [7, 7, 7]},
            r"the objective 'params' must be one number, it is constant, not \[7, 7, 7\]",
        ),
    ],
)
def test_values_that_make_no_curve_are_refused(change, message):
    with pytest.raises(InvalidConfiguration, match=message):
        LearningCurve.of(SCHEMA, {**WHOLE, **change})


def test_all_missing_objectives_are_named():
    with pytest.raises(
        InvalidConfiguration, match=r"the curve lacks the objectives \['elapsed_time', 'params'\]"
    ):
        LearningCurve.of(SCHEMA, {"loss": [1]})


def test_nan_and_infinity_are_values():
    curve = LearningCurve.of(
        SCHEMA, {**WHOLE, "loss": [1, math.nan, math.inf], "elapsed_time": [1, math.inf, math.inf]}
    )
    assert np.isnan(curve.at(2)["loss"])
    assert curve.at(3)["loss"] == math.inf


def test_a_curve_on_demand_computes_no_more_than_is_read():
    asked = []
    points = {"loss": np.arange(4.0), "elapsed_time": np.arange(4.0)}
    fills = {"loss": lambda start, stop: asked.append((start, stop))}
    curve = LearningCurve(SCHEMA, points, {"params": np.array([7])}, 1, 4, 0, fills=fills)
    curve.head("loss", 1)
    assert curve.point("loss", 1) == 2.0
    curve.head("params", 3)
    curve.head("elapsed_time", 3)
    curve.head("loss", 9)
    assert asked == [(0, 1), (1, 2), (0, 3)]
    with pytest.raises(IndexError):
        curve.point("loss", 3)
    assert curve.at(2, ["loss"]) == {"loss": 2.0}
    with pytest.raises(UnknownName, match="'losses'; did you mean 'loss'"):
        curve.at(2, ["losses"])
    renamed = curve.renamed(SCHEMA, {"loss": "error"})
    asked.clear()
    renamed.head("error", 2)
    assert asked == [(0, 2)]


def test_a_cut_curve_computes_no_more_either():
    asked = []
    fills = {"loss": lambda start, stop: asked.append((start, stop))}
    curve = LearningCurve(SCHEMA, {"loss": np.arange(3.0)}, {}, 0, 3, 0, fills=fills)
    cut = curve.under(SCHEMA, 2)
    assert asked == []
    assert cut["loss"].tolist() == [0, 1]
    assert cut.head("loss", 3).tolist() == [0, 1]
    assert asked == [(0, 2), (0, 2)]


def test_a_run_that_went_on_had_not_crashed_by_the_cut():
    curve = LearningCurve.of(SCHEMA, {"loss": [3, 2], "elapsed_time": [1, 2], "params": 7}, status="crashed")
    assert [curve.under(SCHEMA, count).status for count in (0, 1, 2, 3, None)] == [
        "ok",
        "ok",
        "crashed",
        "crashed",
        "crashed",
    ]


def test_renamed_and_extended_curves_show_the_same_run():
    points = {"loss": np.arange(9.0)}
    curve = LearningCurve(SCHEMA, points, {"params": np.array([7, 8, 9])}, 3, 5, 1, "diverged", 4)
    renamed = curve.renamed(SCHEMA, {"loss": "error", "params": "size"})
    assert renamed["error"].tolist() == [3, 4]
    assert renamed["size"].tolist() == [8, 8]
    extended = curve.extended(SCHEMA, "seconds", np.array([0.5, 1.5]))
    assert {name: extended[name].tolist() for name in ("loss", "seconds", "params")} == {
        "loss": [3, 4],
        "seconds": [0.5, 1.5],
        "params": [8, 8],
    }
    for other in (renamed, extended):
        assert (other.status, other.seed, len(other)) == ("diverged", 4, 2)


def test_whole_numbers_that_float64_rounds_are_no_values():
    for values in ([2**53 + 1, 1], [2**70]):
        with pytest.raises(InvalidConfiguration, match="the objective 'loss'"):
            LearningCurve.of(SCHEMA, {"loss": values, "elapsed_time": [1] * len(values), "params": 7})


def test_a_masked_array_is_no_values():
    """numpy would take what its mask hides for a value."""
    masked = np.ma.array([2.0, 1.0], mask=[False, True])
    with pytest.raises(
        InvalidConfiguration, match="'loss' must not be a masked array; what is missing in it"
    ):
        LearningCurve.of(SCHEMA, {"loss": masked, "elapsed_time": [1, 2], "params": 7})


def test_no_array_of_a_curve_can_be_made_writable():
    curve = LearningCurve.of(SCHEMA, {"loss": [2, 1], "elapsed_time": [1, 2], "params": 7})
    for name in ("loss", "elapsed_time", "params"):
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            curve[name].flags.writeable = True
