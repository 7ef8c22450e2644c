import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Categorical, Float
from blackbox_repo.errors import FormatError, InvalidConfiguration, UnknownSeed
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import Manifest, read_manifest
from blackbox_repo.surrogate import Network, NetworkBlackbox
from blackbox_repo.surrogate import network as network_module
from blackbox_repo.surrogate.forward import Forward, Line
from blackbox_repo.surrogate.network import _stepped, blocked_product, ends, exact_product
from blackbox_repo.surrogate.points import elapsed_seconds

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data_cache" / "yahpo-lcbench"
FIXTURE = ROOT / "tests" / "fixtures" / "yahpo_lcbench_onnxruntime.npz"
OUTPUTS = ["time", "val_accuracy", "val_cross_entropy", "val_balanced_accuracy"]
OUTPUTS += ["test_cross_entropy", "test_balanced_accuracy"]


@cache
def manifest() -> Manifest:
    return read_manifest(FOLDER)


@cache
def box(task: str = "189906") -> NetworkBlackbox:
    loaded = load_task(FOLDER, manifest(), task)
    assert isinstance(loaded, NetworkBlackbox)
    return loaded


def network() -> Network:
    return box()._network


@pytest.fixture(scope="module")
def onnxruntime() -> dict[str, Array]:
    with np.load(FIXTURE) as stored:
        return {name: stored[name].astype(np.int64 if name == "codes" else np.float64) for name in stored}


def configuration(*key: Any) -> dict[str, Any]:
    return manifest().schema.space.sample("test-network", *key)


def raw_curve(task: str, sampled: dict[str, Any]) -> Array:
    """The network's outputs at its epochs 1 to 52, as (epoch, output), put together by hand."""
    spec = network().spec
    numbers = [[{**sampled, "epoch": epoch}[e["name"]] for e in spec["numeric"]] for epoch in range(1, 53)]
    codes = np.full((52, 1), spec["categorical"][0]["codes"][task])
    return network().evaluate(codes, np.array(numbers, dtype=np.float64))


# --- the network --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", ["single", "batch"])
def test_outputs_agree_with_onnxruntime_without_exception(batch: str, onnxruntime: dict[str, Array]) -> None:
    theirs = onnxruntime[batch]
    ours = network().evaluate(onnxruntime["codes"], onnxruntime["numbers"])
    assert theirs.shape == (1000, 6)
    # float32 through exp(27 y - 27) and an approximate sigmoid: small outputs agree only next to the range.
    # Our rounding takes half of the 1e-5.
    tolerance = np.maximum(1e-5 * np.abs(theirs), 5e-7 * np.ptp(theirs, axis=0))
    exceptions = np.abs(ours - theirs) > tolerance
    assert dict(zip(OUTPUTS, exceptions.sum(axis=0).tolist(), strict=True)) == dict.fromkeys(OUTPUTS, 0)


def test_agreement_is_measured_on_all_tasks_and_epochs(onnxruntime: dict[str, Array]) -> None:
    assert set(onnxruntime["codes"].ravel()) == {task.code for task in manifest().tasks.values()}
    assert set(onnxruntime["numbers"][:, 0]) == set(range(1, 53))


@pytest.mark.parametrize("rows", [1, 4, 50, 127, 128, 129])
def test_a_row_has_the_same_bits_in_batches_of_any_size(rows: int, onnxruntime: dict[str, Array]) -> None:
    codes, numbers = onnxruntime["codes"], onnxruntime["numbers"]
    whole = network().evaluate(codes, numbers)
    parts = [
        network().evaluate(codes[k : k + rows], numbers[k : k + rows])
        for k in range(0, 1000 if rows > 1 else 300, rows)
    ]
    assert np.concatenate(parts).tobytes() == whole[: sum(map(len, parts))].tobytes()


def test_every_output_is_a_number_of_six_digits(onnxruntime: dict[str, Array]) -> None:
    outputs = network().evaluate(onnxruntime["codes"], onnxruntime["numbers"])
    assert [float(f"{value:.5e}") for value in outputs.ravel()] == outputs.ravel().tolist()


def test_a_value_that_noise_could_round_either_way_is_summed_exactly(
    monkeypatch: pytest.MonkeyPatch, onnxruntime: dict[str, Array]
) -> None:
    codes, numbers = onnxruntime["codes"][:40], onnxruntime["numbers"][:40]
    expected = network().evaluate(codes, numbers)
    calls = []

    def counted(left: Array, right: Array) -> Array:
        calls.append(left.shape)
        return exact_product(left, right)

    monkeypatch.setattr(network_module, "exact_product", counted)
    monkeypatch.setattr(network_module, "_NOISE", 1e-8)
    found = network().evaluate(codes, numbers)
    assert 0 < len(calls) < 40 * 8
    assert {shape[0] for shape in calls} == {1}
    assert found.tobytes() == expected.tobytes()


def share_of_noise(found: Array, exact: Array) -> float:
    """The largest difference as a share of what is allowed for."""
    allowed = network_module._NOISE * exact * (1 - exact) + network_module._LAST_BITS
    return float(np.max(np.abs(found - exact) / allowed))


def test_other_orders_of_summation_stay_far_below_the_noise_allowed_for(
    onnxruntime: dict[str, Array],
) -> None:
    codes, numbers = onnxruntime["codes"][:20], onnxruntime["numbers"][:20]
    exact = network().unit(codes, numbers, exact_product)
    assert share_of_noise(network().unit(codes, numbers), exact) < 0.2
    bases = network()._bases(codes, _stepped(network()._numeric, numbers))
    rows = network()._forward.unit(Line(bases, np.zeros((len(bases), 1)), np.zeros(1)))
    assert rows is not None
    assert share_of_noise(rows, exact) < 0.2


def test_rows_that_differ_in_one_number_have_the_same_bits_as_by_themselves(
    onnxruntime: dict[str, Array],
) -> None:
    codes, numbers = onnxruntime["codes"][:6], onnxruntime["numbers"][:6]
    for count in (1, 2, 50, 200):
        epochs = np.linspace(1.0, 52.0, count)
        found = network().evaluate_along(codes, numbers, 0, epochs)
        assert found.shape == (6, count, 6)
        for base in range(6):
            rows = np.repeat(numbers[base : base + 1], count, axis=0)
            rows[:, 0] = epochs
            alone = network().evaluate(np.repeat(codes[base : base + 1], count, axis=0), rows)
            assert found[base].tobytes() == alone.tobytes()


def test_a_line_of_rows_stays_far_below_the_noise_allowed_for(
    monkeypatch: pytest.MonkeyPatch, onnxruntime: dict[str, Array]
) -> None:
    computed: list[Array] = []
    unit = Forward.unit

    def recorded(self: Forward, line: Line) -> Array | None:
        found = unit(self, line)
        assert found is not None
        computed.append(found)
        return found

    monkeypatch.setattr(Forward, "unit", recorded)
    codes, numbers, epochs = onnxruntime["codes"][:2], onnxruntime["numbers"][:2], np.arange(1.0, 53.0, 6)
    network().evaluate_along(codes, numbers, 0, epochs)
    rows = np.repeat(numbers, len(epochs), axis=0)
    rows[:, 0] = np.tile(epochs, 2)
    exact = network().unit(np.repeat(codes, len(epochs), axis=0), rows, exact_product)
    assert share_of_noise(np.concatenate(computed), exact) < 0.2


def test_numbers_that_overflow_in_a_closed_unit_are_none_as_in_the_network_itself() -> None:
    arrays, spec = tiny()
    # the unit is closed, b = -1, but a is beyond all floats: a * relu(b) is no number
    arrays["layers.0.linear0.weight"] = np.array([[0, 3e38], [0, 0]], dtype=np.float32)
    arrays["layers.0.linear0.bias"] = np.array([0, -1], dtype=np.float32)
    codes, numbers = np.array([[1], [1]]), np.array([[-2 * 650.0], [-2.0]])
    found = Network(arrays, spec).evaluate(codes, numbers)
    assert np.isnan(found[0]).all()
    assert not np.isnan(found[1]).any()
    assert np.isnan(
        Network(arrays, spec).evaluate_along(codes[:1], numbers[:1], 0, numbers[:, 0])[0, 0]
    ).all()


def test_rounding_could_not_hide_a_wrong_weight(onnxruntime: dict[str, Array]) -> None:
    arrays = {name: np.array(array) for name, array in network().arrays.items()}
    arrays["layers.1.linear0.weight"][17, 5] += 0.01
    changed = Network(arrays, network().spec)
    codes, numbers = onnxruntime["codes"], onnxruntime["numbers"]
    assert np.any(changed.evaluate(codes, numbers) != network().evaluate(codes, numbers))
    assert changed.digest != network().digest


def tiny(**changes: Any) -> tuple[dict[str, Array], dict[str, Any]]:
    """A network of width 2 with one block, which can be computed by hand."""
    one, zero = np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)
    norm = {"weight": one, "bias": zero, "running_mean": zero, "running_var": one}
    arrays = {
        "embds_fct.0.weight": np.array([[0.0], [3.0]], dtype=np.float32),
        "first_layer.weight": np.array([[1, 0], [0, 1]], dtype=np.float32),
        "first_layer.bias": zero,
        "layers.0.linear0.weight": np.array([[1, 0], [0, 1]], dtype=np.float32),
        "layers.0.linear0.bias": zero,
        "layers.0.linear1.weight": np.array([[1], [0]], dtype=np.float32),
        "layers.0.linear1.bias": np.array([0, 1], dtype=np.float32),
        "head.weight": np.array([[0.1, 0], [0, 1]], dtype=np.float32),
        "head.bias": zero,
        **{f"layers.0.norm.{name}": array for name, array in norm.items()},
        **{f"last_normalization.{name}": array for name, array in norm.items()},
    }
    spec = {
        "categorical": [{"name": "kind", "codes": {"#na#": 0, "b": 1}}],
        "numeric": [{"name": "x", "steps": [["divide", 2.0], ["negate"], ["exp"], ["subtract", 1.0]]}],
        "outputs": [{"name": "u", "steps": [["multiply", 10.0]]}, {"name": "v", "steps": [["round"]]}],
        "blocks": 1,
        "epsilon": 0.0,
    }
    return arrays, {**spec, **changes}


def test_the_forward_pass_can_be_followed_by_hand() -> None:
    found = Network(*tiny()).evaluate(np.array([[1], [0]]), np.array([[-2 * np.log(3.0)], [0.0]]))
    # row 0: embedding 3, number exp(log 3) - 1 = 2; block: (3 + 3 * relu(2), 2 + 1) = (9, 3)
    # row 1: (0, 0); block: (0, 0 + 1)
    expected = [[10 / (1 + np.exp(-0.9)), 1.0], [10 / 2, 1.0]]
    assert found.tolist() == [[float(f"{value:.5e}") for value in row] for row in expected]


def test_a_missing_array_or_an_unknown_step_is_named() -> None:
    arrays, spec = tiny()
    del arrays["head.bias"]
    with pytest.raises(FormatError, match=r"lacks 'head\.bias'"):
        Network(arrays, spec)
    with pytest.raises(FormatError, match=r"step 'sqrt' must be one of log, exp, negate"):
        Network(*tiny(numeric=[{"name": "x", "steps": [["sqrt"]]}]))


def test_small_differences_of_large_numbers_are_rounded_to_decimals() -> None:
    arrays, spec = tiny()
    # 1 + u - 1 keeps but the absolute digits of u
    outputs = [{"name": "u", "steps": [["multiply", 1e-7], ["add", 1.0], ["subtract", 1.0]], "decimals": 9}]
    outputs.append({"name": "v", "steps": [["multiply", -1e-12]], "decimals": 9})
    found = Network(arrays, {**spec, "outputs": outputs}).evaluate(
        np.array([[1]]), np.array([[-2 * np.log(3)]])
    )
    assert found.tolist() == [[round(1e-7 / (1 + np.exp(-0.9)), 9), 0.0]]
    assert found[0, 0] == 7.1e-08
    assert math.copysign(1, found[0, 1]) == 1


def test_an_output_ends_where_the_network_yields_0_and_1() -> None:
    assert ends([["multiply", 3.0], ["add", 1.0]]) == (1.0, 4.0)
    assert ends([["add", 1.0], ["log"], ["negate"]]) == (0.0, -math.log(2))


@pytest.mark.parametrize("columns", [1, 2, 255, 257, 419, 838, 910, 2048])
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 128])
def test_a_product_in_blocks_is_the_product(rows: int, columns: int) -> None:
    left = np.sin(np.arange(rows * 128.0)).reshape(rows, 128)
    right = np.cos(np.arange(128.0 * columns)).reshape(128, columns)
    np.testing.assert_allclose(blocked_product(left, right), left @ right, rtol=0, atol=1e-12)


# --- the blackbox -------------------------------------------------------------------------------------------


def predicted_rows(monkeypatch: pytest.MonkeyPatch, predictor: Network) -> list[list[float]]:
    """The fidelities of the rows that are predicted from now on, call by call; the first number is one."""
    rows: list[list[float]] = []
    evaluate, evaluate_along = predictor.evaluate, predictor.evaluate_along

    def single(codes: Array, numbers: Array) -> Array:
        rows.append(numbers[:, 0].tolist())
        return evaluate(codes, numbers)

    def along(codes: Array, numbers: Array, column: int, values: Array) -> Array:
        rows.append(values.tolist() * len(codes))
        return evaluate_along(codes, numbers, column, values)

    monkeypatch.setattr(predictor, "evaluate", single)
    monkeypatch.setattr(predictor, "evaluate_along", along)
    return rows


def values(curve: LearningCurve) -> bytes:
    return b"".join(curve[objective.name].tobytes() for objective in curve.schema.objectives)


def test_epoch_1_is_the_networks_epoch_2_and_epoch_50_its_51() -> None:
    for task in ("189906", "7593", "167152"):
        sampled = configuration("shift", task)
        raw, curve = raw_curve(task, sampled), box(task).curve(sampled)
        for column, name in enumerate(OUTPUTS[1:], start=1):
            assert curve[name].tolist() == raw[1:51, column].tolist()
    assert len(curve) == 50
    assert curve.fidelities == tuple(range(1, 51))


def test_elapsed_time_follows_its_rule_on_every_task() -> None:
    backwards = 0
    for task in manifest().tasks:
        for k in range(3):
            sampled = configuration("time", task, k)
            raw = raw_curve(task, sampled)[:, 0]
            elapsed = [0.0]
            for epoch in range(1, 51):
                elapsed.append(round(max(elapsed[-1] + 0.001, raw[epoch] - raw[0]), 6))
            found = box(task).curve(sampled)["elapsed_time"]
            assert found.tolist() == elapsed[1:]
            assert found[0] > 0
            assert np.all(np.diff(found) > 0)
            backwards += bool(np.any(np.diff(raw) < 0))
    assert backwards > 0  # the rule was needed


def test_a_time_that_goes_backwards_waits_with_a_millisecond_a_step() -> None:
    times = np.array([101.0, 99.5, 101.0005, 104.0, 104.0])
    assert elapsed_seconds(times - 100.0, 0.001).tolist() == [1.0, 1.001, 1.002, 4.0, 4.001]
    assert elapsed_seconds(np.array([-10.0, -9.0]), 0.001).tolist() == [0.001, 0.002]


@pytest.mark.parametrize(
    "reads", [[1, 2, 3, 4, 5, 50], [7, 8, 30], [3, 27, 9], [50], [0, 1], list(range(1, 51))]
)
def test_a_curve_read_in_pieces_equals_the_whole(reads: list[int]) -> None:
    for k in range(4):
        sampled = configuration("pieces", k)
        whole, piecewise = box().curves([sampled])[0], box().curve(sampled)
        for count in reads:
            for objective in ("elapsed_time", "val_accuracy"):
                assert piecewise.head(objective, count).tobytes() == whole.head(objective, count).tobytes()
        assert values(piecewise) == values(whole)


def test_curves_computed_together_equal_curves_computed_singly() -> None:
    sampled = [configuration("together", k) for k in range(60)]
    together = [values(curve) for curve in box().curves(sampled)]
    assert together == [values(box().curve(one)) for one in sampled]
    assert box().curves([]) == []


def test_points_are_predicted_no_further_than_twice_as_far_as_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = predicted_rows(monkeypatch, network())
    for objective, first in (("val_accuracy", 2), ("elapsed_time", 1)):  # the time needs its zero
        curve = box().curve(configuration("lazy"))
        assert rows == []
        for count in range(1, 51):
            curve.head(objective, count)
        assert [(row[0], row[-1]) for row in rows] == [(first, 5), (6, 9), (10, 17), (18, 33), (34, 51)]
        assert [epoch for row in rows for epoch in row] == list(range(first, 52))
        rows.clear()


def test_a_point_is_predicted_alone_and_the_time_only_where_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sampled = configuration("alone")
    expected = box().curve(sampled)
    whole = {name: expected[name].tolist() for name in (*OUTPUTS[1:], "elapsed_time")}
    rows = predicted_rows(monkeypatch, network())
    curve = box().curve(sampled)
    assert curve.at(50, OUTPUTS[1:]) == {name: whole[name][49] for name in OUTPUTS[1:]}
    assert curve.point("val_accuracy", 19) == whole["val_accuracy"][19]
    assert rows == [[51], [21]]
    assert curve.at(50)["elapsed_time"] == whole["elapsed_time"][49]
    assert rows == [[51], [21], [*range(1, 21), *range(22, 51)]]
    assert curve["test_cross_entropy"].tolist() == whole["test_cross_entropy"]
    assert box().evaluate(sampled, 7, objectives=["val_accuracy"]) == {
        "val_accuracy": whole["val_accuracy"][6]
    }


def test_first_points_of_curves_asked_for_together_are_predicted_together_and_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configurations = [configuration("together", k) for k in range(7)]
    alone = [box().curve(each) for each in configurations]
    expected = [(curve["val_accuracy"].tolist(), curve["elapsed_time"].tolist()) for curve in alone]
    rows = predicted_rows(monkeypatch, network())
    together = box().curves(configurations)
    assert rows == []
    for curve in together:
        curve.head("elapsed_time", 3)
    assert list(map(len, rows)) == [35]
    assert [
        (curve["val_accuracy"].tolist(), curve["elapsed_time"].tolist()) for curve in together
    ] == expected


@pytest.mark.parametrize("objective", ["val_accuracy", "elapsed_time"])
def test_whole_curves_that_are_read_one_after_the_other_are_predicted_in_growing_groups(
    monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    configurations = [configuration("groups", k) for k in range(20)]
    expected = [box().curve(each)[objective].tobytes() for each in configurations]
    rows = predicted_rows(monkeypatch, network())
    curves = box().curves(configurations)
    assert [curve[objective].tobytes() for curve in curves] == expected
    points = 50 if objective == "val_accuracy" else 51
    assert list(map(len, rows)) == [points * curves for curves in (1, 2, 4, 8, 5)]


def test_curves_asked_for_together_are_read_in_any_order_and_to_any_point() -> None:
    configurations = [configuration("orders", k % 5) for k in range(9)]
    whole = [values(box().curve(each)) for each in configurations]
    curves = box().curves(configurations)
    for index, curve in enumerate(reversed(curves)):
        curve.point("val_accuracy", 49 - index % 2)
        curve.head("elapsed_time", 3 + 7 * (index % 3))
    for curve in curves[::2]:
        curve.head("test_cross_entropy", 40)
    assert [values(curve) for curve in curves] == whole


def test_what_was_read_once_cannot_be_changed() -> None:
    curve = box().curve(configuration("frozen"))
    with pytest.raises(ValueError, match="read-only"):
        curve["val_accuracy"][0] = 0.0


def test_the_same_configuration_differs_by_task() -> None:
    sampled = configuration("tasks")
    assert len({values(box(task).curve(sampled)) for task in ("189906", "7593", "167152")}) == 3
    assert len({box(task).digest() for task in manifest().tasks}) == 34


def test_a_surrogate_has_the_seed_0_and_refuses_others() -> None:
    sampled = configuration("seeds")
    assert box().seeds(sampled) == (0,)
    assert values(box().curve(sampled, seed=0)) == values(box().curve(sampled))
    for ask in (lambda: box().curve(sampled, seed=1), lambda: box().curves([sampled], seed=1)):
        with pytest.raises(UnknownSeed, match="has the seed 0 only, not 1"):
            ask()


def test_the_space_checks_the_configuration() -> None:
    with pytest.raises(InvalidConfiguration, match="num_layers=6 is not in 1"):
        box().curve({**configuration("check"), "num_layers": 6})


def test_inputs_and_outputs_that_nobody_names_are_refused() -> None:
    spec = dict(network().spec)
    del spec["task"]
    with pytest.raises(FormatError, match="input 'OpenML_task_id', which is neither hyperparameter"):
        NetworkBlackbox(manifest().schema, Network(network().arrays, {**spec, "task": None}), 1)
    outputs = json.loads(json.dumps(spec["outputs"]).replace("val_accuracy", "accuracy"))
    renamed = Network(network().arrays, {**network().spec, "outputs": outputs})
    with pytest.raises(FormatError, match="no output 'val_accuracy'; it has"):
        NetworkBlackbox(manifest().schema, renamed, 1, name="renamed")


def timed(kind: Any, values: tuple[float, ...], zero_at: int | None) -> NetworkBlackbox:
    """``u`` is the time: 10 times the sigmoid of a tenth of the wave of x."""
    schema = Schema(
        Space({"y": Float(0.0, 1.0)}),
        Fidelity("x", values, kind=kind),
        (Objective("v", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="v",
        time="elapsed_time",
    )
    arrays, spec = tiny()
    elapsed = {"output": "u", "zero_at": zero_at, "min_step": 0.5}
    asked = {"task": "kind", "fidelity": {"input": "x", "offset": 0}, "fixed": {}, "elapsed": elapsed}
    return NetworkBlackbox(schema, Network(arrays, {**spec, **asked}), 1)


def test_a_time_that_counts_from_0_is_taken_as_it_is_but_rises() -> None:
    raw = Network(*tiny()).evaluate(np.array([[1]] * 3), np.array([[1.0], [2.0], [3.0]]))[:, 0]
    assert np.all(np.diff(raw) <= 0)
    expected = [raw[0], raw[0] + 0.5, raw[0] + 1.0]
    found = timed("incremental", (1, 2, 3), None).curve({"y": 0.5})["elapsed_time"]
    assert found.tolist() == [round(seconds, 6) for seconds in expected]


def test_at_independent_fidelities_each_time_is_its_own() -> None:
    raw = Network(*tiny()).evaluate(np.array([[1]] * 3), np.array([[1.0], [2.0], [3.0]]))[:, 0]
    curve = timed("independent", (1, 2, 3), None).curve({"y": 0.5})
    assert curve["elapsed_time"].tolist() == [max(0.5, round(seconds, 6)) for seconds in raw.tolist()]
    assert len(curve["v"]) == 3


def test_all_points_of_an_independent_fidelity_are_predicted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = timed("independent", tuple(range(1, 13)), None)
    rows = predicted_rows(monkeypatch, surrogate._network)
    for curve in surrogate.curves([{"y": 0.25}, {"y": 0.5}]):
        curve.point("v", 11)
    assert list(map(len, rows)) == [24]


def test_tasks_share_their_network_as_long_as_one_is_in_use() -> None:
    assert box("3945")._network is box("7593")._network is load_task(FOLDER, manifest(), "3945")._network  # type: ignore[attr-defined]


def test_inactive_and_fixed_inputs_have_their_values() -> None:
    schema = Schema(
        Space(
            {"switch": Categorical(("on", "off")), "kind": Categorical(("b",)), "y": Float(0.0, 1.0)},
            {"kind": (Condition("switch", ("on",)),)},
        ),
        Fidelity("x", (1, 2)),
        (Objective("u", "min"),),
        target="u",
    )
    arrays, spec = tiny()
    asked = {"task": None, "fidelity": {"input": "x", "offset": 0}, "fixed": {}, "elapsed": None}
    surrogate = NetworkBlackbox(schema, Network(arrays, {**spec, **asked}), None)
    by_hand = Network(arrays, spec)
    for switch, code in (({"switch": "on", "kind": "b"}, 1), ({"switch": "off"}, 0)):
        expected = by_hand.evaluate(np.array([[code]] * 2), np.array([[1.0], [2.0]]))[:, 0]
        assert surrogate.curve({**switch, "y": 0.5})["u"].tolist() == expected.tolist()
