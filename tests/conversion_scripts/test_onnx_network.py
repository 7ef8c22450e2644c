import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.manifest import read_manifest
from blackbox_repo.storage import load_task
from blackbox_repo.surrogate import Network, NetworkBlackbox
from conversion_scripts.onnx_network import Columns, read_network
from conversion_scripts.yahpo_lcbench import COLUMNS

onnx = pytest.importorskip("onnx")

FOLDER = Path(__file__).parents[2] / "data_cache" / "yahpo-lcbench"
TINY = Columns(("kind",), ("x", "y"), ("u",))
ENCODING = {"kind": {"#na#": 0, "a": 1, "b": 2}}


def node(operation: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(operation, inputs, [output], **attributes)


class Graph:
    """A small model as YAHPO Gym exports them, node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def constant(self, value: float | list[int], dtype: Any = np.int64) -> str:
        name = f"c{len(self.nodes)}"
        tensor = onnx.numpy_helper.from_array(np.array(value, dtype=dtype))
        self.nodes.append(node("Constant", [], name, value=tensor))
        return name

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(node(operation, list(inputs), name, **attributes))
        return name

    def weight(self, name: str, *shape: int) -> str:
        size = int(np.prod(shape))
        wave = np.sin(np.arange(size) + len(name)) + (1.5 if "running_var" in name else 0.0)
        self.weights[name] = wave.reshape(shape).astype(np.float32)
        return name

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        weight, bias = self.weight(f"{name}.weight", outputs, inputs), self.weight(f"{name}.bias", outputs)
        return self.add("Gemm", x, weight, bias, alpha=1.0, beta=1.0, transB=1)

    def norm(self, x: str, name: str) -> str:
        parts = [self.weight(f"{name}.{p}", 4) for p in ("weight", "bias", "running_mean", "running_var")]
        return self.add("BatchNormalization", x, *parts, epsilon=1e-5, momentum=0.9)

    def column(self, tensor: str, k: int, *steps: tuple[str, float] | tuple[str]) -> str:
        x = self.add("Gather", tensor, self.constant(k), axis=1)
        for operation, *constant in steps:
            extra = [self.constant(c, np.float32) for c in constant]
            x = self.add(operation, x, *extra)
        return self.add("Unsqueeze", self.add("Cast", x, to=1), self.constant([1]))

    def block(self, x: str, name: str) -> str:
        hidden = self.linear(self.norm(x, f"{name}.norm"), f"{name}.linear0", 4, 6)
        width = self.add("Gather", self.add("Shape", hidden), last := self.constant([-1]), axis=0)
        zero = self.constant([0])
        rounded_up = self.add("Add", width, self.constant([1]))
        half = self.add("Div", rounded_up, self.constant([2]))
        middle = self.add("Mul", half, self.constant([1]))
        linear = self.add("Slice", hidden, zero, middle, last)
        end = self.add("Mul", half, self.constant([2]))
        gate = self.add("Relu", self.add("Slice", hidden, middle, end, last))
        return self.add("Add", x, self.linear(self.add("Mul", linear, gate), f"{name}.linear1", 3, 4))

    def network(self, *, last: str = "Sigmoid") -> "Graph":
        code = self.add("Gather", "x_cat", self.constant(0), axis=1)
        embedding = self.add("Gather", self.weight("embds_fct.0.weight", 3, 2), code)
        categories = self.add("Concat", embedding, axis=1)
        x = self.column("x_cont", 0, ("Add", 1e-12), ("Log",), ("Sub", -2.0), ("Div", 4.0))
        y = self.column("x_cont", 1, ("Sub", 1.0), ("Div", 8.0))
        numbers = self.add("Concat", x, y, axis=1)
        state = self.linear(self.add("Concat", categories, numbers, axis=1), "first_layer", 4, 4)
        for k in range(2):
            state = self.block(state, f"layers.{k}")
        state = self.add("Relu", self.norm(state, "last_normalization"))
        outputs = self.add(last, self.linear(state, "head", 4, 1))
        u = self.column(outputs, 0, ("Mul", 30.0), ("Add", -27.5), ("Exp",), ("Sub", 1e-12))
        self.nodes.append(node("Concat", [u], "output", axis=1))
        return self

    def model(self, batch: int | str = "batch_size") -> bytes:
        def tensor(name: str, kind: int, width: int) -> Any:
            return onnx.helper.make_tensor_value_info(name, kind, [batch, width])

        weights = [onnx.numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = onnx.helper.make_graph(
            self.nodes,
            "g",
            [tensor("x_cat", 6, 1), tensor("x_cont", 1, 2)],
            [tensor("output", 1, 1)],
            weights,
        )
        opset = [onnx.helper.make_opsetid("", 13)]
        made: bytes = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
        return made


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
    with pytest.raises(FormatError, match="no ONNX file"):
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
