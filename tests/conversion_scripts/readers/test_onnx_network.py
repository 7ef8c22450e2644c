import json
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.surrogate import Network, NetworkBlackbox
from conversion_scripts.readers.onnx_network import Columns, read_network
from conversion_scripts.recipes.yahpo_lcbench import COLUMNS
from tests.conversion_scripts.onnx_models import Graph

pytest.importorskip("onnx")

FOLDER = Path(__file__).parents[3] / "data_cache" / "yahpo-lcbench"
TINY = Columns(("kind",), ("x", "y"), ("u",))
ENCODING = {"kind": {"#na#": 0, "a": 1, "b": 2}}


def test_a_graph_becomes_arrays_and_a_spec() -> None:
    arrays, spec = read_network(Graph().network().model(), ENCODING, TINY)
    eps = float(np.float32(1e-12))
    assert spec == {
        "categorical": [{"name": "kind", "codes": {"#na#": 0, "a": 1, "b": 2}}],
        "numeric": [
            {"name": "x", "steps": [["add", eps], ["log"], ["subtract", -2.0], ["divide", 4.0]]},
            {"name": "y", "steps": [["subtract", 1.0], ["divide", 8.0]]},
        ],
        "outputs": [{"name": "u", "steps": [["multiply", 30.0], ["add", -27.5], ["exp"], ["subtract", eps]]}],
        "blocks": 2,
        "epsilon": float(np.float32(1e-5)),
    }
    assert arrays["layers.1.linear1.weight"].shape == (4, 3)
    assert json.loads(json.dumps(spec)) == spec


def test_the_arrays_and_the_spec_compute_what_onnxruntime_computes() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = Graph().network().model()
    codes = np.arange(60, dtype=np.int32)[:, None] % 3
    numbers = np.stack([np.linspace(0.5, 9, 60), np.linspace(1, 9, 60)[::-1]], axis=1).astype(np.float32)
    theirs = onnxruntime.InferenceSession(model).run(None, {"x_cat": codes, "x_cont": numbers})[0]
    ours = Network(*read_network(model, ENCODING, TINY)).evaluate(codes, numbers.astype(np.float64))
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=5e-7 * float(np.ptp(theirs)))


def test_a_model_with_a_fixed_batch_size_is_refused_as_older_than_1_0() -> None:
    with pytest.raises(FormatError, match=r"fixed batch size 1: the model is one of before YAHPO Gym 1\.0"):
        read_network(Graph().network().model(batch=1), ENCODING, TINY)


def test_a_graph_with_another_operation_is_refused_by_name() -> None:
    with pytest.raises(FormatError, match=r"is Tanh of .*, but should be Sigmoid of"):
        read_network(Graph().network(last="Tanh").model(), ENCODING, TINY)


def test_a_graph_with_other_wiring_is_refused() -> None:
    graph = Graph().network()
    relu = next(n for n in graph.nodes if n.op_type == "Relu")
    product = next(n for n in graph.nodes if n.op_type == "Mul" and relu.output[0] in n.input)
    product.input[0] = relu.output[0]  # relu(b) * relu(b) has the same operations
    with pytest.raises(FormatError, match="but should be Mul of"):
        read_network(graph.model(), ENCODING, TINY)


def test_columns_must_be_as_many_as_the_model_has() -> None:
    model = Graph().network().model()
    with pytest.raises(FormatError, match=r"2 columns of 'x_cont', which are named \('x',\)"):
        read_network(model, ENCODING, Columns(("kind",), ("x",), ("u",)))
    with pytest.raises(FormatError, match=r"3 embeddings of 'kind', but its codes are \[0, 1\]"):
        read_network(model, {"kind": {"#na#": 0, "a": 1}}, TINY)


def test_what_is_no_onnx_file_is_refused() -> None:
    with pytest.raises(FormatError, match="is not an ONNX file"):
        read_network(b"<!DOCTYPE html>", ENCODING, TINY)


# --- LCBench ------------------------------------------------------------------------------------------------


def test_lcbenchs_columns_are_scaled_from_the_bounds_of_lcbenchs_space() -> None:
    manifest = read_manifest(FOLDER)
    assert manifest.network is not None
    steps = {entry["name"]: entry["steps"] for entry in manifest.network["numeric"]}
    assert tuple(steps) == COLUMNS.numeric
    low = {name: s[-2][1] for name, s in steps.items()}
    high = {name: s[-2][1] + s[-1][1] for name, s in steps.items()}
    for name, s in steps.items():
        if ["log"] in s:
            low[name], high[name] = np.exp(low[name]), np.exp(high[name])
    found = {name: (float(f"{low[name]:.2g}"), float(f"{high[name]:.2g}")) for name in steps}
    assert found == {
        "epoch": (1, 52),
        "batch_size": (16, 510),
        "learning_rate": (1e-4, 0.099),
        "momentum": (0.1, 0.98),
        "weight_decay": (4.9e-5, 0.1),
        "num_layers": (1, 4),
        "max_units": (64, 1000),
        "max_dropout": (5.4e-4, 1),
    }


def test_lcbenchs_outputs_lie_where_the_source_says() -> None:
    # instance_target_statistics.csv of slds-lmu/yahpo_data, task 3945: smallest and largest prediction
    published = {
        "val_accuracy": (15.986547, 99.62601),
        "val_cross_entropy": (0.09390256, 15.934282),
        "val_balanced_accuracy": (0.32511845, 0.9069537),
        "test_cross_entropy": (0.38088173, 0.7424948),
        "test_balanced_accuracy": (0.31317964, 0.89573276),
    }
    blackbox = load_task(FOLDER, read_manifest(FOLDER), "3945")
    assert isinstance(blackbox, NetworkBlackbox)
    curves = blackbox.curves([blackbox.schema.space.sample("ranges", k) for k in range(100)])
    for name, (low, high) in published.items():
        seen = np.concatenate([curve[name] for curve in curves])
        slack = 0.15 * (high - low)
        assert low - slack <= seen.min() <= seen.max() <= high + slack, name
        assert np.ptp(seen) > 0.2 * (high - low), name
    # five times the epochs take several times as long, so the first number column is the epoch. Not five
    # times: the surrogate's time is no straight line (medians of this ratio over the tasks: 3.1 to 6.2)
    ratios = [curve["elapsed_time"][49] / curve["elapsed_time"][9] for curve in curves]
    assert 2.5 < np.median(ratios) < 7
