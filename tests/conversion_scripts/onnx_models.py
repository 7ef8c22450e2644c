"""Small models as YAHPO Gym exports them, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def node(operation: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(operation, inputs, [output], **attributes)


class Graph:
    """A small model as YAHPO Gym exports them, put together node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self.widths = (0, 0, 0)

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

    def network(self, *, last: str = "Sigmoid") -> Graph:
        """One embedding of three rows, two numbers, one output."""
        categories = self.embeddings([3])
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
        self.widths = (1, 2, 1)
        return self

    def surrogate(self, rows: Sequence[int], numbers: int, outputs: int) -> Graph:
        """Embeddings of so many rows, so many numbers, which may be 0, and as many outputs, from 1 to 2."""
        codes = self.embeddings(rows)
        columns = [self.column("x_cont", k, ("Div", 8.0)) for k in range(numbers)]
        inputs = self.add("Concat", codes, self.add("Concat", *columns, axis=1), axis=1)
        state = self.block(self.linear(inputs, "first_layer", 2 * len(rows) + numbers, 4), "layers.0")
        state = self.add("Relu", self.norm(state, "last_normalization"))
        unit = self.add("Sigmoid", self.linear(state, "head", 4, outputs))
        parts = [self.column(unit, k, ("Mul", 1.0), ("Add", 1.0)) for k in range(outputs)]
        self.nodes.append(node("Concat", parts, "output", axis=1))
        self.widths = (len(rows), numbers, outputs)
        return self

    def embeddings(self, rows: Sequence[int]) -> str:
        parts = []
        for k, count in enumerate(rows):
            code = self.add("Gather", "x_cat", self.constant(k), axis=1)
            parts.append(self.add("Gather", self.weight(f"embds_fct.{k}.weight", count, 2), code))
        return self.add("Concat", *parts, axis=1)

    def model(self, batch: int | str = "batch_size") -> bytes:
        """The file."""

        def tensor(name: str, kind: int, width: int) -> Any:
            return onnx.helper.make_tensor_value_info(name, kind, [batch, width])

        weights = [onnx.numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = onnx.helper.make_graph(
            self.nodes,
            "g",
            [tensor("x_cat", 6, self.widths[0]), tensor("x_cont", 1, self.widths[1])],
            [tensor("output", 1, self.widths[2])],
            weights,
        )
        opset = [onnx.helper.make_opsetid("", 13)]
        made: bytes = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
        return made
