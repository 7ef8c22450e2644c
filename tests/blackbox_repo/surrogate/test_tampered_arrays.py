"""Arrays that somebody changed: they are refused, or predict something, but nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from blackbox_repo import fit_surrogate
from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.keyed_random import Stream
from blackbox_repo.surrogate.flat import flatten, unflatten
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.surrogate.trees import Trees
from tests.blackbox_repo.surrogate.tables import drawn_configurations, smooth_table

pytest.importorskip("sklearn")
pytest.importorskip("xgboost")
SETTINGS: dict[str, dict[str, Any]] = {"knn": {}, "forest": {"trees": 3}, "xgboost": {"n_estimators": 2}}


@cache
def fitted(model: str) -> SurrogateBlackbox:
    table = smooth_table(12, most=3, repeats=2)
    return fit_surrogate(table, model, settings=SETTINGS[model], options=FitOptions(noise=True))


def read(surrogate: SurrogateBlackbox, arrays: dict[str, Array]) -> SurrogateBlackbox:
    return unflatten(flatten(surrogate)[0], arrays, surrogate.schema, surrogate.info, "tampered")


def _with(value: float) -> Callable[[Array, Stream], Array]:
    def change(array: Array, stream: Stream) -> Array:
        changed = array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)
        if changed.size:
            changed.reshape(-1)[stream.integer(changed.size, 0)] = value
        return changed

    return change


CHANGES: dict[str, Callable[[Array, Stream], Array]] = {
    "shorter": lambda array, _: array[:-1],
    "longer": lambda array, _: np.concatenate([array, array[-1:]]),
    "nothing": lambda array, _: array.ravel()[:0],
    "an axis more": lambda array, _: array[np.newaxis],
    "a scalar": lambda array, _: np.array(array.ravel()[0]) if array.size else array[np.newaxis],
    "bools": lambda array, _: array.astype(bool),
    "not whole": lambda array, _: array.astype(np.float64) + 0.5,
    "zeros": lambda array, _: np.zeros_like(array),
    "reversed": lambda array, _: array.ravel()[::-1].reshape(array.shape),
    "-1": _with(-1),
    "its length": lambda array, stream: _with(len(array))(array, stream),
    "2**31": _with(2**31),
}
NOT_FINITE = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "1e300": 1e300}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("model", SETTINGS)
def test_changed_arrays_are_refused_or_predict_curves(model: str, change: str) -> None:
    surrogate = fitted(model)
    for name, array in flatten(surrogate)[1].items():
        changed = CHANGES[change](array, Stream("tampered", name, change))
        _expect_refused_or_curves(surrogate, {**flatten(surrogate)[1], name: changed})


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("model", SETTINGS)
def test_numbers_that_are_not_finite_or_huge_are_refused_or_predict_curves(model: str, value: str) -> None:
    surrogate = fitted(model)
    for name, array in flatten(surrogate)[1].items():
        if array.dtype.kind == "f":
            changed = _with(NOT_FINITE[value])(array, Stream("tampered", name, value))
            _expect_refused_or_curves(surrogate, {**flatten(surrogate)[1], name: changed})


def _expect_refused_or_curves(surrogate: SurrogateBlackbox, arrays: dict[str, Array]) -> None:
    try:
        found = read(surrogate, arrays)
    except FormatError:
        return
    asked = drawn_configurations(5)
    for seed in found.seeds(asked[0]):
        for curve in found.curves(asked, seed=seed):
            assert len(curve) == 3
            assert not (np.diff(curve["elapsed_time"]) <= 0).any()


@pytest.mark.parametrize("model", SETTINGS)
def test_each_array_must_be_there(model: str) -> None:
    surrogate = fitted(model)
    for name in flatten(surrogate)[1]:
        arrays = {other: array for other, array in flatten(surrogate)[1].items() if other != name}
        with pytest.raises(FormatError):
            read(surrogate, arrays)


@pytest.mark.parametrize(("name", "value"), [("members", -1), ("members", 10**6), ("counts", 0)])
def test_members_of_leaves_are_examples(name: str, value: int) -> None:
    surrogate = fitted("forest")
    arrays = flatten(surrogate)[1]
    changed = arrays[f"0.{name}"].astype(np.int64)
    changed[-1] = value
    with pytest.raises(FormatError, match="leaf of a forest|leaves of a forest"):
        read(surrogate, {**arrays, f"0.{name}": changed})


def test_a_tree_that_is_a_chain_is_refused_before_it_takes_long() -> None:
    inner = np.arange(1_000_000) % 2 == 0  # every second node has a leaf as its left child
    inner[-1] = False
    arrays = {
        "roots": np.zeros(1, dtype=np.uint8),
        "feature": np.zeros(len(inner), dtype=np.uint8),
        "threshold": np.zeros(len(inner), dtype=np.float32),
        "right": np.where(inner, 2, 0).astype(np.uint8),
    }
    arrays = {name: array if name == "roots" else array[:-1] for name, array in arrays.items()}
    arrays["right"][-1] = 0
    with pytest.raises(FormatError, match="more than 10000 levels"):
        Trees.of(arrays)
