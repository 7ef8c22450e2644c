"""The surrogate networks of YAHPO Gym 1.x, out of their ``model.onnx``.

The file is a graph of elementary operations, with the weights beside it. It does not name its columns: they
are the ``cat_names``, ``cont_names`` and ``y_names`` of the package ``yahpo_gym``. The graph is read node by
node from inputs to outputs, and whatever is not exactly the known network is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import BlackboxRepoError, FormatError

_BINARY = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_UNARY = {"Log": "log", "Exp": "exp", "Neg": "negate", "Round": "round"}
_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
_FLOAT_TYPES = (1, 11)  # onnx.TensorProto.FLOAT and DOUBLE


@dataclass(frozen=True)
class Columns:
    """What the columns of a network's inputs and outputs are called, in order."""

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    outputs: tuple[str, ...]


def read_network(
    model: bytes, encoding: Mapping[str, Mapping[str, int]], columns: Columns
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the spec (see ``blackbox_repo.surrogate.network``) of a YAHPO Gym 1.x surrogate.

    Args:
        model: The content of ``model.onnx``.
        encoding: The content of ``encoding.json``: categorical input -> value -> code.
        columns: The names of inputs and outputs.

    Raises:
        FormatError: It is another graph, such as one of before YAHPO Gym 1.0, or has other columns.
    """
    graph, to_array = _parsed(model)
    _check_batch_size(graph)
    arrays: dict[str, Array] = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    _check_columns(graph, arrays, encoding, columns)
    constants = {
        node.output[0]: to_array(node.attribute[0].t) for node in graph.node if node.op_type == "Constant"
    }
    reader = _Reader([node for node in graph.node if node.op_type != "Constant"], constants)
    spec = reader.network(columns, [output.name for output in graph.output])
    for entry in spec["categorical"]:
        entry["codes"] = dict(encoding[entry["name"]])
    return arrays, spec


def _parsed(model: bytes) -> tuple[Any, Any]:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx.numpy_helper import to_array
    except ImportError as err:
        raise BlackboxRepoError(
            "reading a model.onnx needs the package onnx: pip install 'blackbox-repo[convert]'"
        ) from err
    try:
        return onnx.load_model_from_string(model).graph, to_array
    except DecodeError as err:
        raise FormatError(f"the model is no ONNX file: {err}") from err


def _check_batch_size(graph: Any) -> None:
    for tensor in graph.input:
        rows = tensor.type.tensor_type.shape.dim[0]
        if rows.dim_value:
            raise FormatError(
                f"the input {tensor.name!r} has the fixed batch size {rows.dim_value}: the model is one "
                f"of before YAHPO Gym 1.0, whose values differ from 1.x; take the model.onnx of 1.0 or later"
            )


def _check_columns(
    graph: Any, arrays: Mapping[str, Array], encoding: Mapping[str, Mapping[str, int]], columns: Columns
) -> None:
    named = {"x_cat": columns.categorical, "x_cont": columns.numeric, "output": columns.outputs}
    for tensor in (*graph.input, *graph.output):
        width = tensor.type.tensor_type.shape.dim[1].dim_value
        names = named.get(tensor.name)
        if names is None or len(names) != width:
            raise FormatError(f"the model has {width} columns of {tensor.name!r}, which are named {names!r}")
    for k, name in enumerate(columns.categorical):
        rows, codes = len(arrays[f"embds_fct.{k}.weight"]), sorted(encoding[name].values())
        if codes != list(range(rows)):
            raise FormatError(f"the model has {rows} embeddings of {name!r}, but its codes are {codes}")


class _Reader:
    """The graph's nodes without the constants, taken one after the other."""

    def __init__(self, nodes: Sequence[Any], constants: Mapping[str, Array]) -> None:
        self._nodes, self._constants = nodes, constants
        self._next = 0
        self._epsilons: set[float] = set()

    def network(self, columns: Columns, outputs: Sequence[str]) -> dict[str, Any]:
        """The spec of the whole graph, codes left out."""
        embedded = []
        for k in range(len(columns.categorical)):
            code = self._take("Gather", "x_cat", k, axis=1)
            embedded.append(self._take("Gather", f"embds_fct.{k}.weight", code))
        categories = self._take("Concat", *embedded, axis=1)
        numbers, numeric = self._columns("x_cont", columns.numeric)
        x = self._linear(self._take("Concat", categories, numbers, axis=1), "first_layer")
        blocks = 0
        while f"layers.{blocks}.norm.weight" in self._peek().input:
            x = self._block(x, f"layers.{blocks}")
            blocks += 1
        x = self._take("Relu", self._normalization(x, "last_normalization"))
        last, scaled = self._columns(self._take("Sigmoid", self._linear(x, "head")), columns.outputs)
        if [last] != list(outputs) or self._next < len(self._nodes) or len(self._epsilons) != 1:
            raise FormatError(f"the model goes on after {last!r}, or its normalizations differ")
        return {
            "categorical": [{"name": name} for name in columns.categorical],
            "numeric": numeric,
            "outputs": scaled,
            "blocks": blocks,
            "epsilon": self._epsilons.pop(),
        }

    def _columns(self, tensor: str, names: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
        """Each column of a tensor by itself through some steps, then all side by side again."""
        parts, entries = [], []
        for k, name in enumerate(names):
            part, steps = self._take("Gather", tensor, k, axis=1), []
            while self._peek().op_type != "Unsqueeze":
                part, step = self._step(part)
                steps += step
            parts.append(self._take("Unsqueeze", part, [1]))
            entries.append({"name": name, "steps": steps})
        return self._take("Concat", *parts, axis=1), entries

    def _step(self, tensor: str) -> tuple[str, list[list[Any]]]:
        node = self._peek()
        if node.op_type == "Cast" and node.attribute[0].i in _FLOAT_TYPES:
            return self._take("Cast", tensor), []  # we compute in float64 throughout
        if node.op_type in _UNARY:
            return self._take(node.op_type, tensor), [[_UNARY[node.op_type]]]
        constant = self._constants.get(node.input[-1])
        if node.op_type not in _BINARY or constant is None or constant.ndim:
            raise self._unexpected("a step that scales a column")
        value = float(constant)
        return self._take(node.op_type, tensor, value), [[_BINARY[node.op_type], value]]

    def _block(self, x: str, name: str) -> str:
        hidden = self._linear(self._normalization(x, f"{name}.norm"), f"{name}.linear0")
        width = self._take("Gather", self._take("Shape", hidden), [-1], axis=0)
        half = self._take("Div", self._take("Add", width, [1]), [2])
        middle = self._take("Mul", half, [1])
        linear = self._take("Slice", hidden, [0], middle, [-1])
        end = self._take("Mul", half, [2])
        gate = self._take("Relu", self._take("Slice", hidden, middle, end, [-1]))
        return self._take("Add", x, self._linear(self._take("Mul", linear, gate), f"{name}.linear1"))

    def _linear(self, x: str, name: str) -> str:
        return self._take("Gemm", x, f"{name}.weight", f"{name}.bias", alpha=1.0, beta=1.0, transB=1)

    def _normalization(self, x: str, name: str) -> str:
        attributes = {attribute.name: attribute.f for attribute in self._peek().attribute}
        self._epsilons.add(attributes.get("epsilon", 0.0))
        return self._take("BatchNormalization", x, *(f"{name}.{array}" for array in _NORMALIZATION))

    def _peek(self) -> Any:
        if self._next == len(self._nodes):
            raise FormatError("the model ends before its outputs are computed")
        return self._nodes[self._next]

    def _take(self, operation: str, *inputs: str | float | list[int], **attributes: float) -> str:
        """The output of the next node, which must be this operation on these inputs.

        An input is a tensor's name, or the value of a constant.
        """
        node = self._peek()
        found = {attribute.name: attribute.f or attribute.i for attribute in node.attribute}
        if (
            node.op_type != operation
            or len(node.input) != len(inputs)
            or any(found.get(name) != value for name, value in attributes.items())
            or not all(map(self._is, node.input, inputs))
        ):
            raise self._unexpected(f"{operation} of {', '.join(map(str, inputs))} {attributes or ''}")
        self._next += 1
        return str(node.output[0])

    def _is(self, name: str, wanted: str | float | list[int]) -> bool:
        if isinstance(wanted, str):
            return name == wanted
        return name in self._constants and np.array_equal(self._constants[name], wanted)

    def _unexpected(self, wanted: str) -> FormatError:
        node = self._peek()
        return FormatError(
            f"the model is no residual network of YAHPO Gym 1.x: operation {self._next} is {node.op_type} of "
            f"{', '.join(node.input)}, but should be {wanted.strip()}"
        )
