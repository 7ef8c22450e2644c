"""Read the graph of an ONNX model as plain nodes and arrays, all of which lie in the file itself.

ONNX lets a model keep its weights in any other file, give two tensors the same name, and use operations of
other packages. Such a model is refused, and so is one with weights that are not finite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import BlackboxRepoError, FormatError
from blackbox_repo.text.plain_text import printable

NODES_LIMIT = 10_000  # the largest known model has 416
OPSETS = range(13, 23)  # in these versions the operations that are read here mean the same
_DOMAINS = ("", "ai.onnx")  # both names mean ONNX's own operations
_FLOAT, _INT, _TENSOR = 1, 2, 4  # onnx.AttributeProto.FLOAT, INT and TENSOR
_TYPES = (1, 7, 11)  # onnx.TensorProto.FLOAT, INT64 and DOUBLE
Attributes: TypeAlias = Mapping[str, "float | int | Array"]


@dataclass(frozen=True)
class Node:
    """One operation of a graph.

    Args:
        operation: The name of the operation, such as ``Gemm``.
        inputs: The names of its input tensors.
        output: The name of its output tensor.
        attributes: The values of its attributes by name.
    """

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: Attributes

    def __str__(self) -> str:
        return printable(f"{self.operation} of {', '.join(self.inputs)}")


@dataclass(frozen=True)
class Graph:
    """The computation of a model.

    Args:
        inputs: The shape of each input by name, in which 0 stands for any length.
        outputs: The shape of each output by name.
        weights: The arrays of weights by name.
        constants: The values of the constant nodes by the names of their outputs.
        nodes: The other nodes in the order in which they are computed.
    """

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    weights: Mapping[str, Array]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]


def parse_model(model: bytes) -> Any:
    """The ``ModelProto`` of the library onnx for the content of a ``model.onnx``.

    Args:
        model: The bytes of the file.

    Raises:
        FormatError: The file is not an ONNX model.
        BlackboxRepoError: The library onnx is not installed.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as err:
        raise BlackboxRepoError(
            "reading a model.onnx needs the package onnx: pip install 'blackbox-repo[convert]'"
        ) from err
    try:
        return onnx.load_model_from_string(model)
    except DecodeError as err:
        raise FormatError(f"the model is not an ONNX file: {printable(err)}") from err


def read_graph(model: Any) -> Graph:
    """The graph of a model.

    Args:
        model: The model as :func:`parse_model` gives it.

    Raises:
        FormatError: The model needs other operations than ONNX's own or other files, has two tensors of the
            same name, or has numbers that are not finite.
    """
    _check_contents(model)
    found = model.graph
    weights = [(_text(tensor.name), _array(tensor)) for tensor in found.initializer]
    nodes = [_node(node) for node in found.node]
    constants = {node.output: _constant(node) for node in nodes if node.operation == "Constant"}
    inputs, outputs = _shapes(found.input), _shapes(found.output)
    _check_names([name for name, _ in weights], [node.output for node in nodes], inputs)
    return Graph(
        dict(inputs),
        dict(outputs),
        dict(weights),
        constants,
        tuple(node for node in nodes if node.operation != "Constant"),
    )


def _check_contents(model: Any) -> None:
    opsets = [(_text(opset.domain), opset.version) for opset in model.opset_import]
    if len(opsets) != 1 or opsets[0][0] not in _DOMAINS or opsets[0][1] not in OPSETS:
        raise FormatError(
            f"the model needs the operations {opsets}; only ONNX's own are read, versions {OPSETS[0]} to "
            f"{OPSETS[-1]}"
        )
    if model.functions or model.training_info or model.graph.sparse_initializer:
        raise FormatError("the model has functions, training steps or sparse weights, which are not read")
    count = len(model.graph.node)
    if count > NODES_LIMIT:
        raise FormatError(f"the model has {count} operations, more than the limit of {NODES_LIMIT}")


def _check_names(*kinds: Iterable[Any]) -> None:
    names = [name[0] if isinstance(name, tuple) else name for kind in kinds for name in kind]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise FormatError(f"the model has two tensors of the name {twice!r}; each needs a name of its own")


def _text(name: object) -> str:
    """The name, which must be text; the library gives bytes where it is not UTF-8."""
    if not isinstance(name, str):
        raise FormatError(f"the model has the name {name!r}, which is not UTF-8 text")
    return name


def _array(tensor: Any) -> Array:
    """The array of a tensor, which must be of finite numbers."""
    from onnx.numpy_helper import to_array

    name = repr(_text(tensor.name))
    if tensor.data_location or tensor.external_data:
        raise FormatError(f"the tensor {name} of the model lies in another file, which is not opened")
    if tensor.data_type not in _TYPES:
        raise FormatError(
            f"the tensor {name} of the model is of the type {tensor.data_type}; {_TYPES} are read"
        )
    try:
        array = np.asarray(to_array(tensor))
    except (TypeError, ValueError) as err:
        raise FormatError(f"the tensor {name} of the model is damaged: {printable(err)}") from err
    if not np.isfinite(array).all():
        raise FormatError(f"the tensor {name} of the model has numbers that are not finite")
    return array


def _node(node: Any) -> Node:
    operation, outputs = _text(node.op_type), [_text(output) for output in node.output]
    name = printable(operation)
    if _text(node.domain) not in _DOMAINS:
        raise FormatError(f"the model has the operation {name} of {node.domain!r}; only ONNX's own are read")
    if len(outputs) != 1 or not outputs[0]:
        raise FormatError(f"the operation {name} of the model has {len(outputs)} outputs, not one")
    attributes = {_text(attribute.name): _value(attribute, name) for attribute in node.attribute}
    if len(attributes) < len(node.attribute):
        raise FormatError(f"the operation {name} of the model has an attribute twice")
    return Node(operation, tuple(map(_text, node.input)), outputs[0], attributes)


def _value(attribute: Any, operation: str) -> float | int | Array:
    if attribute.type == _FLOAT:
        return float(attribute.f)
    if attribute.type == _INT:
        return int(attribute.i)
    if attribute.type == _TENSOR:
        return _array(attribute.t)
    raise FormatError(
        f"the operation {operation} of the model has the attribute {attribute.name!r}, which is not a number"
    )


def _constant(node: Node) -> Array:
    if node.inputs or set(node.attributes) != {"value"}:
        raise FormatError(f"the constant {node.output!r} of the model has no value, or more than that")
    return np.asarray(node.attributes["value"])


def _shapes(tensors: Iterable[Any]) -> list[tuple[str, tuple[int, ...]]]:
    return [(_text(t.name), tuple(int(d.dim_value) for d in t.type.tensor_type.shape.dim)) for t in tensors]
