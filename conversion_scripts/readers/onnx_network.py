"""Read the surrogate networks of YAHPO Gym 1.x from their ``model.onnx``.

The file holds a graph of elementary operations and the weights. It does not name its columns, which are the
``cat_names``, ``cont_names`` and ``y_names`` of the package ``yahpo_gym``. The graph is read node by node,
from the inputs to the outputs, and any other network than the known one is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.text.plain_text import printable
from conversion_scripts.readers.onnx_graph import Attributes, Graph, Node, parse_model, read_graph

_BINARY = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_UNARY = {"Log": "log", "Exp": "exp", "Neg": "negate", "Round": "round"}
_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
_FLOAT_TYPES = (1, 11)  # onnx.TensorProto.FLOAT and DOUBLE
_STEPS_LIMIT = 16  # steps that scale one column; the known networks have 6 at most
_EPSILON = float(np.float32(1e-5))
# the values of attributes that a node leaves out
_DEFAULTS: Mapping[str, Attributes] = {
    "BatchNormalization": {"epsilon": _EPSILON, "training_mode": 0},
    "Cast": {"saturate": 1},
    "Gather": {"axis": 0},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
    "Shape": {"start": 0},
}
_UNUSED = {"BatchNormalization": {"momentum"}}  # attributes that have no effect after the training


@dataclass(frozen=True)
class Columns:
    """The names of the columns of a network's inputs and outputs.

    Args:
        categorical: The categorical inputs, in order.
        numeric: The numeric inputs, in order.
        outputs: The outputs, in order.
    """

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    outputs: tuple[str, ...]


def read_network(
    model: bytes, encoding: Mapping[str, Mapping[str, int]], columns: Columns
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the spec (see ``blackbox_repo.surrogate.network``) of a YAHPO Gym 1.x surrogate.

    Args:
        model: The bytes of ``model.onnx``.
        encoding: The content of ``encoding.json``: the code of each value of each categorical input.
        columns: The names of the inputs and outputs.

    Raises:
        FormatError: The graph is that of another network, such as one from before YAHPO Gym 1.0, has other
            columns, or has weights that do not fit or are not usable.
    """
    content = parse_model(model)
    _check_batch_size(content.graph)
    graph = read_graph(content)
    _check_columns(graph, columns)
    reader = _Reader(graph)
    spec = reader.network(columns)
    for k, entry in enumerate(spec["categorical"]):
        entry["codes"] = _codes(encoding, entry["name"], len(graph.weights[f"embds_fct.{k}.weight"]))
    return dict(graph.weights), spec


def _check_batch_size(graph: Any) -> None:
    for tensor in graph.input:
        rows = [dimension.dim_value for dimension in tensor.type.tensor_type.shape.dim[:1]]
        if any(rows):
            raise FormatError(
                f"the input {tensor.name!r} has the fixed batch size {rows[0]}: the model is one "
                f"of before YAHPO Gym 1.0, whose values differ from 1.x; take the model.onnx of 1.0 or later"
            )


def _check_columns(graph: Graph, columns: Columns) -> None:
    for found, named in (
        (graph.inputs, {"x_cat": columns.categorical, "x_cont": columns.numeric}),
        (graph.outputs, {"output": columns.outputs}),
    ):
        for name, shape in found.items():
            if len(shape) != 2 or shape[1] != len(named.get(name, ())):
                width = shape[1] if len(shape) == 2 else f"{len(shape)} dimensions instead of"
                raise FormatError(
                    f"the model has {width} columns of {name!r}, which are named {named.get(name)!r}"
                )
        if set(found) != set(named):
            raise FormatError(f"the model has {sorted(found)!r}, not {sorted(named)!r}")


def _codes(encoding: Mapping[str, Mapping[str, int]], name: str, rows: int) -> dict[str, int]:
    """The code of each value; there is one for each row of the embedding."""
    codes = encoding.get(name)
    if not isinstance(codes, Mapping) or any(type(code) is not int for code in codes.values()):
        raise FormatError(f"the encoding has no whole numbers for the values of {name!r}")
    if sorted(codes.values()) != list(range(rows)):
        raise FormatError(
            f"the model has {rows} embeddings of {name!r}, but its codes are {sorted(codes.values())}"
        )
    return dict(codes)


class _Reader:
    """Takes the nodes of a graph one after the other; every weight must be used, and have the right shape."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._next = 0
        self._epsilons: set[float] = set()
        self._unused = set(graph.weights)

    def network(self, columns: Columns) -> dict[str, Any]:
        """The spec of the whole network, without the codes of categorical values."""
        embedded, width = [], len(columns.numeric)
        for k in range(len(columns.categorical)):
            code = self._take("Gather", "x_cat", k, axis=1)
            width += self._weight(f"embds_fct.{k}.weight", None, None).shape[1]
            embedded.append(self._take("Gather", f"embds_fct.{k}.weight", code))
        categories = self._take("Concat", *embedded, axis=1)
        numbers, numeric = self._columns("x_cont", columns.numeric)
        x, width = self._linear(self._take("Concat", categories, numbers, axis=1), "first_layer", width)
        blocks = 0
        while f"layers.{blocks}.norm.weight" in self._peek().inputs:
            x = self._block(x, f"layers.{blocks}", width)
            blocks += 1
        x = self._take("Relu", self._normalization(x, "last_normalization", width))
        head, _ = self._linear(x, "head", width, len(columns.outputs))
        last, scaled = self._columns(self._take("Sigmoid", head), columns.outputs)
        self._check_end(last)
        return {
            "categorical": [{"name": name} for name in columns.categorical],
            "numeric": numeric,
            "outputs": scaled,
            "blocks": blocks,
            "epsilon": self._epsilons.pop(),
        }

    def _check_end(self, last: str) -> None:
        if [last] != list(self._graph.outputs) or self._next < len(self._graph.nodes):
            raise FormatError(f"the model continues after {last!r}")
        if len(self._epsilons) != 1 or not 0 < min(self._epsilons) < math.inf:
            raise FormatError(
                f"the model's normalizations have {sorted(self._epsilons)} as epsilon, not one number above 0"
            )
        if self._unused:
            raise FormatError(f"the model has weights that nothing uses, such as {min(self._unused)!r}")

    def _columns(self, tensor: str, names: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
        """Read the steps that scale each column of a tensor, and the node that joins the columns again."""
        parts, entries = [], []
        for k, name in enumerate(names):
            part, steps = self._take("Gather", tensor, k, axis=1), []
            while self._peek().operation != "Unsqueeze":
                part, step = self._step(part)
                steps += step
                if len(steps) > _STEPS_LIMIT:
                    raise self._unexpected(f"the end of the {_STEPS_LIMIT} steps that scale {name!r}")
            parts.append(self._take("Unsqueeze", part, [1]))
            entries.append({"name": name, "steps": steps})
        return self._take("Concat", *parts, axis=1), entries

    def _step(self, tensor: str) -> tuple[str, list[list[Any]]]:
        node = self._peek()
        if node.operation == "Cast" and node.attributes.get("to") in _FLOAT_TYPES:
            return self._take(
                "Cast", tensor, to=node.attributes["to"]
            ), []  # we compute in float64 throughout
        if node.operation in _UNARY:
            return self._take(node.operation, tensor), [[_UNARY[node.operation]]]
        constant = self._graph.constants.get(node.inputs[-1]) if node.inputs else None
        if node.operation not in _BINARY or constant is None or constant.ndim:
            raise self._unexpected("a step that scales a column")
        value = float(constant)
        if value == 0 and node.operation in ("Div", "Mul"):
            raise self._unexpected(f"{node.operation} by another number than 0")
        return self._take(node.operation, tensor, value), [[_BINARY[node.operation], value]]

    def _block(self, x: str, name: str, outer: int) -> str:
        normal = self._normalization(x, f"{name}.norm", outer)
        hidden, inner = self._linear(normal, f"{name}.linear0", outer)
        if inner % 2:
            raise FormatError(f"the model's {name}.linear0 has {inner} outputs, which are no two halves")
        width = self._take("Gather", self._take("Shape", hidden), [-1], axis=0)
        half = self._take("Div", self._take("Add", width, [1]), [2])
        middle = self._take("Mul", half, [1])
        linear = self._take("Slice", hidden, [0], middle, [-1])
        end = self._take("Mul", half, [2])
        gate = self._take("Relu", self._take("Slice", hidden, middle, end, [-1]))
        back, _ = self._linear(self._take("Mul", linear, gate), f"{name}.linear1", inner // 2, outer)
        return self._take("Add", x, back)

    def _linear(self, x: str, name: str, inputs: int, outputs: int | None = None) -> tuple[str, int]:
        """The output tensor of a linear layer, and its width."""
        outputs = len(self._weight(f"{name}.weight", outputs, inputs))
        self._weight(f"{name}.bias", outputs)
        return self._take("Gemm", x, f"{name}.weight", f"{name}.bias", transB=1), outputs

    def _normalization(self, x: str, name: str, width: int) -> str:
        arrays = {part: self._weight(f"{name}.{part}", width) for part in _NORMALIZATION}
        if (arrays["running_var"] < 0).any():
            raise FormatError(f"the model's {name}.running_var has a variance below 0")
        epsilon = self._peek().attributes.get("epsilon", _EPSILON)
        self._epsilons.add(float(epsilon))
        return self._take("BatchNormalization", x, *(f"{name}.{part}" for part in arrays), epsilon=epsilon)

    def _weight(self, name: str, *shape: int | None) -> Array:
        """The weight of that name and shape, in which ``None`` stands for any length."""
        array = self._graph.weights.get(name)
        if array is None:
            raise FormatError(f"the model lacks the weights {name!r}")
        fits = array.ndim == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind != "f" or not array.size:
            wanted = tuple("any" if length is None else length for length in shape)
            raise FormatError(
                f"the model's {name} is {array.dtype} of the shape {array.shape}, not float of {wanted}"
            )
        self._unused.discard(name)
        return array

    def _peek(self) -> Node:
        if self._next == len(self._graph.nodes):
            raise FormatError("the model ends before its outputs are computed")
        return self._graph.nodes[self._next]

    def _take(self, operation: str, *inputs: str | float | list[int], **attributes: Any) -> str:
        """Take the next node, which must have this operation and these inputs and attributes; its output.

        An input is given as the name of a tensor, or as the value of a constant.
        """
        node = self._peek()
        defaults, unused = _DEFAULTS.get(operation, {}), _UNUSED.get(operation, set())
        found = {name: value for name, value in node.attributes.items() if name not in unused}
        if (
            node.operation != operation
            or len(node.inputs) != len(inputs)
            or {**defaults, **found} != {**defaults, **attributes}
            or not all(map(self._is_input, node.inputs, inputs))
        ):
            raise self._unexpected(f"{operation} of {', '.join(map(str, inputs))} {attributes or ''}")
        self._next += 1
        return node.output

    def _is_input(self, name: str, wanted: str | float | list[int]) -> bool:
        if isinstance(wanted, str):
            return name == wanted
        constant = self._graph.constants.get(name)
        whole = not isinstance(wanted, float)
        return (
            constant is not None
            and np.array_equal(constant, wanted)
            and (constant.dtype.kind == "i") >= whole
        )

    def _unexpected(self, wanted: str) -> FormatError:
        return FormatError(
            f"the model is not a residual network of YAHPO Gym 1.x: operation {self._next} is "
            f"{self._peek()}, but should be {printable(wanted.strip())}"
        )
