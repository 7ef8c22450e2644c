"""Checks of a network's description and arrays; network.py and blackbox.py explain the keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError

_CONSTANTS = {
    "log": 0,
    "exp": 0,
    "negate": 0,
    "round": 0,
    "add": 1,
    "subtract": 1,
    "multiply": 1,
    "divide": 1,
}
_MOST_BLOCKS = 1000
_Step = list[str | int | float]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON object without other keys than the declared ones."""


class _Embedding(_Strict):
    name: str
    codes: dict[str, Annotated[int, msgspec.Meta(ge=0)]]


class _Number(_Strict):
    name: str
    steps: list[_Step]


class _Output(_Number):
    decimals: Annotated[int, msgspec.Meta(ge=0, le=22)] | None = None


class _Fidelity(_Strict):
    input: str
    offset: int | float


class _Elapsed(_Strict):
    output: str
    zero_at: int | float | None
    min_step: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class _Spec(_Strict):
    categorical: list[_Embedding]
    numeric: Annotated[list[_Number], msgspec.Meta(min_length=1)]
    outputs: Annotated[list[_Output], msgspec.Meta(min_length=1)]
    blocks: Annotated[int, msgspec.Meta(ge=0, le=_MOST_BLOCKS)]
    epsilon: Annotated[float, msgspec.Meta(ge=0, le=1)]
    # the keys of blackbox.py, which misses them itself
    task: str | None = None
    fidelity: _Fidelity | None = None
    fixed: dict[str, int | float] = {}
    elapsed: _Elapsed | None = None


def check_spec(spec: Mapping[str, Any]) -> None:
    """Check the keys of a description, their types and the steps of its scaling.

    Raises:
        FormatError: A key is missing, unknown or of a wrong type, or a step is unknown.
    """
    found = typed_json.convert(dict(spec), _Spec, "the description of the network")
    inputs = [entry.name for entry in found.categorical] + [entry.name for entry in found.numeric]
    for names in (inputs, [entry.name for entry in found.outputs]):
        if len(set(names)) < len(names):
            raise FormatError(f"the network has two inputs or two outputs of one name: {names!r}")
    for entry in (*found.numeric, *found.outputs):
        for step in entry.steps:
            _check_step(step, entry.name)


def _check_step(step: _Step, name: str) -> None:
    function, *constants = step or [""]
    if not isinstance(function, str) or function not in _CONSTANTS:
        raise FormatError(
            f"the network's step {function!r} must be one of {', '.join(_CONSTANTS)}, but {name!r} has it"
        )
    wanted = _CONSTANTS[function]
    numbers = [c for c in constants if not isinstance(c, str) and math.isfinite(c)]
    if (
        len(numbers) != len(constants)
        or len(constants) != wanted
        or (function == "divide" and not numbers[0])
    ):
        raise FormatError(
            f"the network's step {step!r} of {name!r} must have {wanted} finite numbers, no zero divisor"
        )


def check_arrays(arrays: Mapping[str, Array], spec: Mapping[str, Any]) -> None:
    """Check that arrays fit the description and one another.

    Raises:
        FormatError: An array is missing, unknown, of a wrong shape or not finite, or a variance is below 0.
    """
    for name, shape in _shapes(arrays, spec).items():
        if name not in arrays:
            raise FormatError(f"the network lacks {name!r}")
        array = arrays[name]
        if array.shape != shape:
            raise FormatError(
                f"the network's array {name!r} has the shape {array.shape}, but {shape} fits the others"
            )
        variance = name.endswith("running_var")
        if not np.isfinite(array).all() or (variance and (array + spec["epsilon"] <= 0).any()):
            raise FormatError(
                f"the network's array {name!r} has values that are not finite, or variances of 0 or less"
            )


def _shapes(arrays: Mapping[str, Array], spec: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name -> expected shape of each array, from the description and the sizes of some arrays."""
    widths = [_size(arrays, f"embds_fct.{k}.weight", 1) for k in range(len(spec["categorical"]))]
    width = _size(arrays, "first_layer.weight", 0)
    shapes: dict[str, tuple[int, ...]] = {}
    for k, entry in enumerate(spec["categorical"]):
        rows = _size(arrays, f"embds_fct.{k}.weight", 0)
        if max(entry["codes"].values(), default=0) >= rows:
            raise FormatError(
                f"the network's embedding of {entry['name']!r} has {rows} rows, but a code beyond them"
            )
        shapes[f"embds_fct.{k}.weight"] = (rows, widths[k])
    shapes["first_layer.weight"] = (width, sum(widths) + len(spec["numeric"]))
    shapes["first_layer.bias"] = (width,)
    for k in range(spec["blocks"]):
        half = _size(arrays, f"layers.{k}.linear1.weight", 1)
        shapes |= _normalization(f"layers.{k}.norm", width)
        shapes |= {f"layers.{k}.linear0.weight": (2 * half, width), f"layers.{k}.linear0.bias": (2 * half,)}
        shapes |= {f"layers.{k}.linear1.weight": (width, half), f"layers.{k}.linear1.bias": (width,)}
    outputs = len(spec["outputs"])
    shapes |= _normalization("last_normalization", width)
    return shapes | {"head.weight": (outputs, width), "head.bias": (outputs,)}


def _normalization(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}


def _size(arrays: Mapping[str, Array], name: str, axis: int) -> int:
    if name not in arrays:
        raise FormatError(f"the network lacks {name!r}")
    if arrays[name].ndim != 2:
        raise FormatError(f"the network's array {name!r} has {arrays[name].ndim} dimensions, not 2")
    return int(arrays[name].shape[axis])
