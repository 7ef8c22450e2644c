"""Repeated trainings of a surrogate differ as those of its table do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from blackbox_repo import FitOptions, fit_surrogate, load_blackbox
from blackbox_repo.errors import FormatError, InvalidOption, UnknownSeed
from blackbox_repo.store.flat_arrays import flat_arrays_content, read_flat_arrays
from blackbox_repo.surrogate.flat import flatten, unflatten
from blackbox_repo.surrogate.metrics import seed_spread
from tests.blackbox_repo.surrogate.tables import drawn_configurations, make_table, smooth_table, tables

NOISE = FitOptions(noise=True)
ASKED = drawn_configurations(8)


def spread(blackbox, configurations, objective, place):
    rows = [[blackbox.curve(c, seed=s)[objective][place] for s in blackbox.seeds(c)] for c in configurations]
    return seed_spread(np.array(rows))


def test_a_training_is_the_prediction_and_the_residual_of_a_run_of_a_near_example():
    """The mean of both runs is 3 at the end, and they are 1 off it; the root of 2 / (2 - 1) is 1.41421."""
    runs = [[(8.0, 0.0, 1.0, 1.0), (2.0, 0.0, 1.0, 1.0)], [(8.0, 0.0, 1.0, 1.0), (4.0, 0.0, 7.0, 1.0)]]
    runs += [[(9.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0)], [(9.0, 0.0, 1.0, 1.0), (6.0, 0.0, 1.0, 1.0)]]
    table = make_table(runs, most=2, repeats=2)
    fitted = fit_surrogate(table, "knn", options=NOISE, settings={"neighbours": 1})
    assert fitted.seeds(ASKED[0]) == (0, 1)
    losses = {tuple(fitted.curve(each, seed=seed)["loss"].tolist()) for each in ASKED for seed in (0, 1)}
    assert losses <= {
        *((8, 3 - 1.41421), (8, 3 + 1.41421), (8, 0), (8, 6)),
        *((9, 3 - 1.41421), (9, 3 + 1.41421), (9, 0), (9, 6)),
    }
    assert len({last for _, last in losses}) > 2


@pytest.mark.parametrize("model", ["knn", "forest"])
def test_seeds_lie_as_far_apart_as_those_of_the_table(model):
    if model == "forest":
        pytest.importorskip("sklearn")
    table = smooth_table(60, repeats=4)
    fitted = fit_surrogate(table, model, options=NOISE, settings={} if model == "knn" else {"trees": 10})
    for place in (0, 4):
        own = spread(table, table.configurations(), "loss", place)
        assert spread(fitted, table.configurations(), "loss", place) == pytest.approx(own, rel=0.2)
    plain = fit_surrogate(table, model, settings={} if model == "knn" else {"trees": 10})
    mean = np.mean([[fitted.curve(c, seed=s)["loss"] for s in range(4)] for c in ASKED], axis=(0, 1))
    np.testing.assert_allclose(mean, np.mean([plain.curve(c)["loss"] for c in ASKED], axis=0), atol=0.003)


@given(tables())
@settings(max_examples=50, suppress_health_check=[HealthCheck.differing_executors])
def test_noisy_curves_still_increase_and_stay_in_the_range_of_the_table(table):
    if len(table.configurations()) < 2:
        return
    try:
        fitted = fit_surrogate(table, "knn", options=NOISE)
    except InvalidOption:
        return
    values = table.values("loss")
    low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
    for seed in fitted.seeds(ASKED[0]):
        for curve in fitted.curves(ASKED, seed=seed):
            assert (np.diff(curve["elapsed_time"]) > 0).all()
            assert (np.diff(curve["samples"]) >= 0).all()
            known = curve["loss"][np.isfinite(curve["loss"])]
            assert (known >= low - 1e-5 * abs(low)).all()
            assert (known <= high + 1e-5 * abs(high)).all()


def test_a_training_is_the_same_alone_together_after_reading_and_in_another_process():
    table = smooth_table(20, repeats=3)
    fitted = fit_surrogate(table, "knn", options=NOISE)
    spec, arrays = flatten(fitted)
    read = unflatten(spec, arrays, fitted.schema, fitted.info, "read")
    assert read.digest() == fitted.digest()
    together = fitted.curves(ASKED, seed=2)
    for configuration, curve in zip(ASKED, together, strict=True):
        for other in (fitted.curve(configuration, seed=2), read.curve(configuration, seed=2)):
            assert other["loss"].tolist() == curve["loss"].tolist()
            assert other["elapsed_time"].tolist() == curve["elapsed_time"].tolist()
    code = (
        "from tests.blackbox_repo.surrogate.test_noise import *\n"
        "fitted = fit_surrogate(smooth_table(20, repeats=3), 'knn', options=NOISE)\n"
        "print([fitted.curve(c, seed=2)['loss'].tolist() for c in ASKED])"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == str([curve["loss"].tolist() for curve in together])


def test_noise_belongs_to_the_digest_and_other_seeds_are_refused():
    table = smooth_table(20, repeats=3)
    noisy, plain = fit_surrogate(table, "knn", options=NOISE), fit_surrogate(table, "knn")
    assert noisy.digest() != plain.digest()
    with pytest.raises(UnknownSeed, match=r"predicts the seeds \(0, 1, 2\), not 3"):
        noisy.curve(ASKED[0], seed=3)


def test_a_table_that_repeats_no_training_has_no_noise_to_learn():
    with pytest.raises(
        InvalidOption, match="'icml-deepar/electricity' has no configuration with two training runs"
    ):
        fit_surrogate(load_blackbox("icml-deepar")["electricity"], "knn", options=NOISE)
    one_lacks_points = make_table([[(1.0, 1.0, 1.0, 1.0)], []], most=1, repeats=2)
    with pytest.raises(InvalidOption, match="no configuration with two training runs"):
        fit_surrogate(one_lacks_points, "knn", options=NOISE)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("first", lambda array: array[1:]),
        ("counts", lambda array: array + 100),
        ("residuals", lambda array: array[:, 1:]),
        ("residuals", lambda array: array + np.float32(np.inf)),
        ("rows", lambda array: array[:, 1:]),
        ("least", None),
    ],
)
def test_damaged_noise_is_refused(name, damage):
    fitted = fit_surrogate(smooth_table(8, repeats=2), "knn", options=NOISE)
    spec, arrays = flatten(fitted)
    changed = arrays.pop(f"noise.{name}")
    if damage is not None:
        arrays[f"noise.{name}"] = damage(changed)
    with pytest.raises(FormatError, match="noise of a surrogate"):
        unflatten(spec, arrays, fitted.schema, fitted.info, "read")


def test_runs_that_differ_by_more_than_float32_holds_are_no_obstacle():
    runs = [[(level, 1.0, 1.0, 1.0)] for level in (0.0, 1e200, 1.0, 2.0)]
    fitted = fit_surrogate(make_table(runs, most=1, repeats=2), "knn", options=NOISE)
    assert all(np.isfinite(fitted.curve(each, seed=1)["loss"]).all() for each in ASKED)


def test_noise_is_kept_on_disk(tmp_path):
    table = smooth_table(12, repeats=3)
    fitted = fit_surrogate(table, "knn", options=NOISE)
    spec, arrays = flatten(fitted)
    arrays = read_flat_arrays(flat_arrays_content(arrays), tmp_path / "noise.parquet")
    read = unflatten(spec, arrays, fitted.schema, fitted.info, "read")
    assert read.digest() == fitted.digest()
