"""Models that are made to be read wrongly; each is one change of one that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.onnx_network import Columns, read_network
from tests.conversion_scripts.onnx_models import Graph, node

onnx = pytest.importorskip("onnx")

COLUMNS = Columns(("kind",), ("x", "y"), ("u",))
ENCODING = {"kind": {"#na#": 0, "a": 1, "b": 2}}
Change = Callable[[Any], object]


def read(change: Change, encoding: Any = ENCODING) -> None:
    model = onnx.load_model_from_string(Graph().network().model())
    change(model)
    read_network(model.SerializeToString(), encoding, COLUMNS)


def refused(change: Change, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read(change)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def weight(model: Any, name: str) -> Any:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def operation(model: Any, name: str) -> Any:
    return next(node for node in model.graph.node if node.op_type == name)


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    def apply(model: Any) -> None:
        tensor = weight(model, name)
        array = change(onnx.numpy_helper.to_array(tensor).copy())
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, name))

    return apply


def put(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def apply(array: np.ndarray) -> np.ndarray:
        array.flat[-1] = value
        return array

    return apply


def test_the_model_without_a_change_is_read() -> None:
    read(lambda model: None)
    read(changed("head.bias", put(3.0)))
    read(changed("last_normalization.running_var", put(0.0)))


def test_attributes_may_be_left_out_where_they_are_the_defaults() -> None:
    def change(model: Any) -> None:
        gemm = operation(model, "Gemm")
        for attribute in [a for a in gemm.attribute if a.name in ("alpha", "beta")]:
            gemm.attribute.remove(attribute)
        for normalization in (n for n in model.graph.node if n.op_type == "BatchNormalization"):
            del normalization.attribute[:]

    read(change)


# --- what lies outside the file -----------------------------------------------------------------------------


def test_external_data_is_refused_and_its_file_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(range(256)))

    def change(model: Any) -> None:
        tensor = weight(model, "head.bias")
        onnx.external_data_helper.set_external_data(tensor, str(tmp_path / "secret"))
        tensor.ClearField("raw_data")

    refused(change, "the tensor 'head.bias' of the model lies in another file, which is not opened")

    def of_a_constant(model: Any) -> None:
        tensor = operation(model, "Constant").attribute[0].t
        onnx.external_data_helper.set_external_data(tensor, str(tmp_path / "secret"))

    refused(of_a_constant, "lies in another file")


@pytest.mark.parametrize(
    "opsets", [[], [("", 12)], [("", 23)], [("ai.onnx.ml", 3)], [("", 13), ("evil", 1)], [("\x1b[2J", 13)]]
)
def test_unknown_operation_sets_are_refused(opsets: list[tuple[str, int]]) -> None:
    def change(model: Any) -> None:
        del model.opset_import[:]
        model.opset_import.extend(onnx.helper.make_opsetid(*opset) for opset in opsets)

    refused(change, r"the model needs the operations .*; only ONNX's own are read, versions 13 to 22")


def test_an_operation_of_another_domain_is_refused_though_it_has_a_known_name() -> None:
    refused(
        lambda model: setattr(operation(model, "Relu"), "domain", "evil"),
        "the model has the operation Relu of 'evil'; only ONNX's own are read",
    )


def test_functions_and_sparse_weights_are_refused() -> None:
    sparse = onnx.helper.make_sparse_tensor(
        onnx.numpy_helper.from_array(np.ones(1, "f4"), "v"),
        onnx.numpy_helper.from_array(np.zeros(1, "i8"), "i"),
        [4],
    )
    refused(lambda model: model.graph.sparse_initializer.append(sparse), "sparse weights, which are not read")
    function = onnx.helper.make_function("", "Relu", [], [], [], [onnx.helper.make_opsetid("", 13)])
    refused(lambda model: model.functions.append(function), "has functions")
    refused(lambda model: model.training_info.add(), "training steps")


# --- what is there twice, or too often ----------------------------------------------------------------------


def test_doubled_initialisers_and_names_that_mean_two_tensors_are_refused() -> None:
    def twice(model: Any) -> None:
        model.graph.initializer.append(weight(model, "head.bias"))

    refused(twice, "two tensors of the name 'head.bias'")

    def hidden(model: Any) -> None:
        constant = onnx.numpy_helper.from_array(np.ones(1, "f4"))
        model.graph.node.insert(0, node("Constant", [], "head.bias", value=constant))

    refused(hidden, "two tensors of the name 'head.bias'")
    refused(lambda model: model.graph.node.append(operation(model, "Sigmoid")), "two tensors of the name 't")

    def input_too(model: Any) -> None:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((1, 2), "f4"), "x_cont"))

    refused(input_too, "two tensors of the name 'x_cont'")


def test_300_000_steps_are_refused_before_they_are_looked_at() -> None:
    def change(model: Any) -> None:
        model.graph.node.extend(node("Neg", [f"n{k}"], f"n{k + 1}") for k in range(300_000))

    refused(change, "the model has 300085 operations, more than the limit of 10000")


def test_more_steps_than_scale_a_column_are_refused() -> None:
    def change(model: Any) -> None:
        unsqueeze = operation(model, "Unsqueeze")
        steps = [node("Neg", [unsqueeze.input[0] if k == 0 else f"n{k}"], f"n{k + 1}") for k in range(20)]
        place = list(model.graph.node).index(unsqueeze)
        for step in reversed(steps):
            model.graph.node.insert(place, step)
        unsqueeze.input[0] = "n20"

    refused(change, "is Neg of n13, but should be the end of the 16 steps that scale 'x'")


def test_weights_that_nothing_uses_are_refused() -> None:
    extra = onnx.numpy_helper.from_array(np.ones((1000, 1000), "f4"), "luggage")
    refused(lambda model: model.graph.initializer.append(extra), "that nothing uses, such as 'luggage'")


# --- numbers that nothing can be computed with --------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["head.weight", "embds_fct.0.weight", "layers.1.norm.running_var"])
def test_weights_that_are_not_finite_are_refused(name: str, value: float) -> None:
    refused(changed(name, put(value)), f"the tensor '{name}' of the model has numbers that are not finite")


def test_a_constant_that_is_not_finite_is_refused() -> None:
    def change(model: Any) -> None:
        add = next(n for n in model.graph.node if n.op_type == "Add")
        constant = next(n for n in model.graph.node if n.output[0] == add.input[1])
        constant.attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.array(np.nan, "f4")))

    refused(change, "the tensor '' of the model has numbers that are not finite")


def test_a_negative_variance_is_refused() -> None:
    refused(
        changed("layers.0.norm.running_var", put(-0.5)),
        "the model's layers.0.norm.running_var has a variance below 0",
    )


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf")])
def test_a_normalization_that_could_divide_by_nothing_is_refused(epsilon: float) -> None:
    def change(model: Any) -> None:
        for found in (n for n in model.graph.node if n.op_type == "BatchNormalization"):
            next(a for a in found.attribute if a.name == "epsilon").f = epsilon

    refused(change, r"the model's normalizations have .* as epsilon, not one number above 0|is BatchNorm")


def test_a_division_by_0_is_refused() -> None:
    def change(model: Any) -> None:
        divide = operation(model, "Div")
        constant = next(n for n in model.graph.node if n.output[0] == divide.input[1])
        constant.attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.array(0, "f4")))

    refused(change, "should be Div by another number than 0")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("head.bias", lambda array: array.reshape(1, -1)),
        ("head.bias", lambda array: array[0]),
        ("first_layer.bias", lambda array: array[:1]),
        ("layers.0.norm.weight", lambda array: array[:1]),
        ("layers.0.norm.running_mean", lambda array: np.tile(array, 2)),
        ("layers.1.linear1.bias", lambda array: array[:1]),
        ("layers.1.linear1.weight", lambda array: array[:, :1]),
        ("layers.0.linear0.weight", lambda array: array.T.copy()),
        ("embds_fct.0.weight", lambda array: array[:, :1]),
        ("embds_fct.0.weight", lambda array: array[:, :0]),
        ("embds_fct.0.weight", lambda array: array.ravel()),
        ("head.weight", lambda array: array.astype("i8")),
        ("head.weight", lambda array: np.tile(array, (2, 1))),
    ],
)
def test_weights_of_another_shape_are_refused_also_where_they_would_broadcast(
    name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    refused(
        changed(name, change), r"^the model's [a-z_0-9.]+ is (float32|int64) of the shape \(.*\), not float"
    )


def test_a_hidden_layer_that_has_no_halves_is_refused() -> None:
    def change(model: Any) -> None:
        changed("layers.0.linear0.weight", lambda array: array[:3])(model)
        changed("layers.0.linear0.bias", lambda array: array[:3])(model)
        changed("layers.0.linear1.weight", lambda array: array[:, :2].copy())(model)

    refused(change, r"layers\.0\.linear0 has 3 outputs, which are no two halves")


def test_a_missing_weight_is_named() -> None:
    refused(
        lambda model: model.graph.initializer.remove(weight(model, "head.bias")),
        "the model lacks the weights 'head.bias'",
    )


# --- damage -------------------------------------------------------------------------------------------------


def test_tensors_that_hold_less_than_they_say_or_other_kinds_are_refused() -> None:
    def cut(model: Any) -> None:
        weight(model, "head.bias").raw_data = b"\0\0"

    refused(cut, "the tensor 'head.bias' of the model is damaged")

    def huge(model: Any) -> None:
        weight(model, "head.bias").dims[:] = [1 << 50]

    refused(huge, "the tensor 'head.bias' of the model is damaged")
    text = onnx.helper.make_tensor("head.bias", onnx.TensorProto.STRING, [1], [b"x"])
    refused(
        lambda model: weight(model, "head.bias").CopyFrom(text), "'head.bias' of the model is of the type 8"
    )


@pytest.mark.parametrize("name", ["Constant", "Cast", "BatchNormalization", "Gemm", "Concat"])
def test_an_operation_without_its_attributes_is_refused_with_words(name: str) -> None:
    def change(model: Any) -> None:
        del operation(model, name).attribute[:]

    if name == "BatchNormalization":  # its defaults are what was left out, but for one of three
        read(change)
    else:
        refused(change, "has no value|is not a residual network")


@pytest.mark.parametrize("field", ["input", "output"])
def test_an_operation_without_inputs_or_outputs_is_refused_with_words(field: str) -> None:
    for name in ("Relu", "Sub", "Shape", "Sigmoid"):
        refused(
            lambda model, n=name: operation(model, n).ClearField(field),
            "is not a residual network|has 0 outputs",
        )


def test_inputs_without_a_shape_are_refused_with_words() -> None:
    def change(model: Any) -> None:
        model.graph.input[1].type.tensor_type.ClearField("shape")

    refused(change, "the model has 0 dimensions instead of columns of 'x_cont'")
    refused(lambda model: model.graph.ClearField("input"), r"the model has \[\], not \['x_cat', 'x_cont'\]")
    refused(lambda model: model.ClearField("graph"), r"the model has \[\]")


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("Gemm", "transA", 1),
        ("Gemm", "alpha", 2.0),
        ("BatchNormalization", "training_mode", 1),
        ("Relu", "slope", 1.0),
    ],
)
def test_attributes_that_change_the_meaning_are_refused(name: str, attribute: str, value: float) -> None:
    def change(model: Any) -> None:
        found = operation(model, name)
        kept = [a for a in found.attribute if a.name != attribute]
        del found.attribute[:]
        found.attribute.extend([*kept, onnx.helper.make_attribute(attribute, value)])

    refused(change, f"operation \\d+ is {name} of .*, but should be {name}")


def test_an_attribute_that_is_no_number_or_is_there_twice_is_refused() -> None:
    text = onnx.helper.make_attribute("note", "x")
    refused(lambda model: operation(model, "Relu").attribute.append(text), "'note', which is not a number")
    axis = onnx.helper.make_attribute("axis", 1)
    refused(lambda model: operation(model, "Concat").attribute.append(axis), "has an attribute twice")


def test_names_of_operations_are_reported_without_their_control_characters() -> None:
    refused(
        lambda model: setattr(operation(model, "Sigmoid"), "op_type", "\x1b[2J\x1b]0;x\x07\n"),
        r"is \\x1b\[2J\\x1b\]0;x\\x07\\n of",
    )


@pytest.mark.parametrize(
    "encoding", [{}, {"kind": [0, 1, 2]}, {"kind": {"a": "0"}}, {"kind": {"a": 0.0, "b": 1.0, "c": 2.0}}]
)
def test_an_encoding_of_other_kinds_is_refused(encoding: Any) -> None:
    with pytest.raises(FormatError, match="the encoding has no whole numbers for the values of 'kind'"):
        read(lambda model: None, encoding)


def test_one_changed_byte_gives_the_same_error_class_or_a_network() -> None:
    """Every 7th byte of a model, flipped: nothing but a FormatError comes out."""
    content = Graph().network().model()
    refusals = 0
    for place in range(0, len(content), 7):
        broken = bytearray(content)
        broken[place] ^= 1 << (place % 8)
        try:
            read_network(bytes(broken), ENCODING, COLUMNS)
        except FormatError:
            refusals += 1
    assert refusals > len(content) // 7 // 2
