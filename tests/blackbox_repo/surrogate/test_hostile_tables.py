"""Surrogates of tables, settings and options that are hard to bear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blackbox_repo import fit_surrogate
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.keyed_random import Stream
from blackbox_repo.surrogate.models import MODELS
from blackbox_repo.surrogate.options import FitOptions
from tests.blackbox_repo.surrogate.tables import drawn_configurations, make_table, smooth_table

pytest.importorskip("sklearn")
pytest.importorskip("xgboost")
FAST: dict[str, dict[str, Any]] = {
    "knn": {},
    "forest": {"trees": 20},
    "extra_trees": {"trees": 20},
    "xgboost": {"n_estimators": 4},
}
assert set(FAST) == set(MODELS)


def table_of(values: np.ndarray, **given: Any) -> Any:
    """A table whose loss and accuracy are these values ``(configuration, fidelity)``."""
    runs = [[[value, -value, 1.0, 1.0] for value in run] for run in values.tolist()]
    return make_table(runs, most=values.shape[1], **given)


def drawn(choices: list[float], count: int = 150, most: int = 4) -> np.ndarray:
    ranks = Stream("hostile tables").block(0, count * most) % np.uint64(len(choices))
    return np.array(choices)[ranks.astype(np.intp)].reshape(count, most)


@pytest.mark.parametrize("model", FAST)
@pytest.mark.parametrize("unit", [1.0, 1e-300, 1e300])
def test_values_that_cancel_are_the_same_alone_and_among_others(model: str, unit: float) -> None:
    surrogate = fit_surrogate(table_of(unit * drawn([-1.0, 1.0, 0.3, -0.1])), model, settings=FAST[model])
    asked = [surrogate.schema.space.sample("asked", number) for number in range(300)]
    for alone, among in zip(map(surrogate.curve, asked), surrogate.curves(asked), strict=True):
        for name in ("loss", "accuracy"):
            assert alone[name].tobytes() == among[name].tobytes()


@pytest.mark.parametrize("model", FAST)
def test_the_mean_of_opposite_values_is_zero_without_a_sign(model: str) -> None:
    values = np.full((40, 3), 0.1)
    values[::2] = -0.1
    surrogate = fit_surrogate(table_of(values, repeats=2), model, settings=FAST[model])
    for curve in surrogate.curves(drawn_configurations(20)):
        assert curve["loss"].tobytes() == np.zeros(3).tobytes()


@pytest.mark.parametrize("model", FAST)
def test_huge_values_stay_finite(model: str) -> None:
    surrogate = fit_surrogate(table_of(drawn([1e308, -1e308, 1.0, np.inf])), model, settings=FAST[model])
    assert all(np.isfinite(curve["loss"]).all() for curve in surrogate.curves(drawn_configurations(20)))


def test_a_table_whose_target_is_never_known_is_refused() -> None:
    table = table_of(np.full((5, 2), np.nan))
    with pytest.raises(InvalidOption, match="no finite value of 'loss', the target"):
        fit_surrogate(table)


def test_a_seed_without_any_point_is_named() -> None:
    table = make_table([[(1.0, 1.0, 1.0, 1.0)], []] * 3, most=1, repeats=2)
    with pytest.raises(InvalidOption, match="no training run with the seed 1 with a point"):
        fit_surrogate(table, "knn", options=FitOptions(seeds="separate"))


def test_one_as_a_share_of_features_means_all_of_them() -> None:
    table = smooth_table(30)
    digests = {fit_surrogate(table, settings={"trees": 4, "max_features": n}).digest() for n in (1, 1.0)}
    assert len(digests) == 1


def test_extra_trees_are_of_one_kind() -> None:
    with pytest.raises(UnknownName, match=r"unknown setting 'kind' of the surrogate 'extra_trees'"):
        fit_surrogate(smooth_table(5), "extra_trees", settings={"kind": "random"})


@pytest.mark.parametrize(("name", "value"), [("others", 1e300), ("min_samples_leaf", 10**20)])
def test_settings_that_the_library_cannot_bear_are_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidOption, match=f"{name} is"):
        fit_surrogate(smooth_table(5), settings={name: value})


def test_scalars_of_numpy_are_kept_as_the_equal_built_in_values() -> None:
    options = FitOptions(noise=np.True_, objectives=np.array(["loss", "params"]), max_samples=np.int64(9))
    info = fit_surrogate(
        smooth_table(9, repeats=2), settings={"trees": np.int64(3)}, seed=np.uint8(4), options=options
    ).info
    found = [info.seed, *info.settings.values(), info.options.noise, *(info.options.objectives or ())]
    assert [type(value) for value in found] == [int, int, bool, str, str]


@pytest.mark.parametrize("objectives", ["loss", 5, [], [1]])
def test_objectives_that_are_no_names_are_refused(objectives: Any) -> None:
    with pytest.raises(InvalidOption, match="must be a list of names"):
        FitOptions(objectives=objectives)
