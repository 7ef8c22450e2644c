"""Residual networks as flat arrays, evaluated in float64 with numpy alone: the surrogates of YAHPO Gym 1.x.

A network is float32 arrays by name, as its training library called them, and a *spec*, a JSON object:

``categorical``
    One object an embedding, in the order of the code columns: ``name``; ``codes``, from the value as text to
    its row in the embedding, ``"#na#"`` for a hyperparameter that is inactive.
``numeric``
    One object a number column, in order: ``name``; ``steps``, which scale it for the network.
``outputs``
    One object an output, in order: ``name``; ``steps``, which turn the network's (0, 1) into the quantity;
    ``decimals``, if it is never rounded finer than to so many: small values may be differences of large ones.
``blocks``, ``epsilon``
    How many residual blocks there are, and the small number that batch normalization adds to variances.

A list of *steps* is applied from left to right, each to the result of the one before: ``["log"]``,
``["exp"]``, ``["negate"]``, ``["round"]``, ``["add", c]``, ``["subtract", c]``, ``["multiply", c]``,
``["divide", c]``.
For a logarithmic input that is ``[["add", 1e-12], ["log"], ["subtract", low], ["divide", range]]``. Constants
are the model's own; where those are float32, they stand here with all digits of that float32.

The arrays are ``embds_fct.K.weight``, ``first_layer.*``, ``layers.K.norm.*``, ``layers.K.linear0.*``,
``layers.K.linear1.*``, ``last_normalization.*`` and ``head.*``. The forward pass (Gorishniy et al. 2021,
"Revisiting deep learning models for tabular data", with gated linear units): ::

    x = first_layer(concat(embeddings, scaled numbers))
    x = x + linear1(a * relu(b)) for each block, where [a, b] = linear0(norm(x))
    outputs = steps(sigmoid(head(relu(last_normalization(x)))))

Spec keys that say how a *blackbox* uses the network are in ``surrogate/blackbox.py``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.numeric.rounding import round_decimals, round_significant
from blackbox_repo.surrogate.forward import MOST_IN_ONE_THREAD, Forward, Line, Linear
from blackbox_repo.surrogate.spec import check_arrays, check_spec

DIGITS = 6
_MOST_OF_ONE_ROW = 9216  # the same for a single row
_ROWS_A_BLOCK = 8
# the logits differ by 4e-15 at most when float64 sums are taken in other orders (measured)
_NOISE = 2e-13
# what a step's own rounding may add, as next to the 1 of log(1 + x)
_LAST_BITS = 2e-15

_FUNCTIONS: Mapping[str, Any] = {
    "log": np.log,
    "exp": np.exp,
    "negate": np.negative,
    "round": np.rint,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}
Steps = Sequence[Sequence[Any]]


def blocked_product(left: Array, right: Array) -> Array:
    """The matrix product in blocks that are too small for BLAS to start threads."""
    (rows, inner), columns = left.shape, right.shape[1]
    if rows * inner * columns <= _MOST_OF_ONE_ROW:
        return left @ right
    height = min(rows, _ROWS_A_BLOCK)
    width = math.ceil(columns / math.ceil(columns * height * inner / MOST_IN_ONE_THREAD))
    padded = np.concatenate([left, np.zeros((-rows % height, inner))]) if rows % height else left
    stacked = padded.reshape(-1, height, inner)
    product = np.empty((len(stacked), height, columns))
    for k in range(0, columns, width):
        np.matmul(stacked, right[:, k : k + width], out=product[:, :, k : k + width])
    return product.reshape(-1, columns)[:rows]


def exact_product(left: Array, right: Array) -> Array:
    """The matrix product with every sum rounded once, which no machine computes differently; slow."""
    return np.array([[_exact_sum((row * column).tolist()) for column in right.T] for row in left])


def _exact_sum(terms: list[float]) -> float:
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # beyond all floats, or infinity less infinity
        return math.nan


class Network:
    """A surrogate network, ready to evaluate.

    Args:
        arrays: Name -> float32 array, as listed in the module's description.
        spec: The JSON object of the module's description.

    Raises:
        FormatError: An array or a key of the spec is missing, unknown, or does not fit the others.
    """

    def __init__(self, arrays: Mapping[str, Array], spec: Mapping[str, Any]) -> None:
        check_spec(spec)
        check_arrays(arrays, spec)
        self.arrays, self.spec = arrays, spec
        self._numeric = _grouped([entry["steps"] for entry in spec["numeric"]])
        self._alone = [_grouped([entry["steps"]]) for entry in spec["numeric"]]
        self._outputs = _grouped([entry["steps"] for entry in spec["outputs"]])
        self._decimals = [entry.get("decimals") for entry in spec["outputs"]]
        self._assemble({name: array.astype(np.float64) for name, array in arrays.items()})

    def _assemble(self, arrays: Mapping[str, Array]) -> None:
        """Fold each normalization into the linear layer behind it, and each embedding into the first one."""
        first, column = arrays["first_layer.weight"].T, 0
        self._tables = []
        for k in range(len(self.spec["categorical"])):
            embedding = arrays[f"embds_fct.{k}.weight"]
            self._tables.append(embedding @ first[column : column + embedding.shape[1]])
            column += embedding.shape[1]
        self._first = Linear(np.ascontiguousarray(first[column:]), arrays["first_layer.bias"])
        self._blocks = []
        for k in range(self.spec["blocks"]):
            scale, shift = self._normalization(arrays, f"layers.{k}.norm")
            weight, bias = arrays[f"layers.{k}.linear0.weight"].T, arrays[f"layers.{k}.linear0.bias"]
            gated = Linear(np.ascontiguousarray(weight * scale[:, None]), bias + shift @ weight)
            back = np.ascontiguousarray(arrays[f"layers.{k}.linear1.weight"].T)
            self._blocks.append((gated, Linear(back, arrays[f"layers.{k}.linear1.bias"])))
        self._last = self._normalization(arrays, "last_normalization")
        self._head = Linear(np.ascontiguousarray(arrays["head.weight"].T), arrays["head.bias"])
        self._forward = Forward(self._blocks, self._last, self._head)

    def _normalization(self, arrays: Mapping[str, Array], name: str) -> tuple[Array, Array]:
        scale = arrays[f"{name}.weight"] / np.sqrt(arrays[f"{name}.running_var"] + self.spec["epsilon"])
        return scale, arrays[f"{name}.bias"] - arrays[f"{name}.running_mean"] * scale

    def evaluate(self, codes: Array, numbers: Array) -> Array:
        """All outputs, rounded to 6 significant digits: the same for a row in whatever batch it comes.

        Args:
            codes: Integers ``(row, categorical)``, as the spec's ``codes`` give them.
            numbers: Float64 ``(row, numeric)``, unscaled; 0 for a hyperparameter that is inactive.

        Returns:
            Float64 ``(row, output)``.
        """
        with np.errstate(all="ignore"):  # of numbers with which no network is trained
            bases = self._bases(codes, _stepped(self._numeric, numbers))
            line = Line(bases, np.zeros((len(bases), 1)), np.zeros(1))
            return self._outputs_of(line, lambda k: (codes[k : k + 1], numbers[k : k + 1]))

    def evaluate_along(self, codes: Array, numbers: Array, column: int, values: Array) -> Array:
        """As :meth:`evaluate`, for rows with each of some values of one number; faster than one by one.

        Args:
            codes: Integers ``(row, categorical)``.
            numbers: Float64 ``(row, numeric)``, without the column that varies.
            column: Which of the numbers that is.
            values: What it is, float64 ``(value,)``.

        Returns:
            Float64 ``(row, value, output)``.
        """

        def row(k: int) -> tuple[Array, Array]:
            base, value = divmod(k, len(values))
            one = numbers[base : base + 1].copy()
            one[:, column] = values[value]
            return codes[base : base + 1], one

        with np.errstate(all="ignore"):
            scaled = _stepped(self._numeric, numbers)
            scaled[:, column] = 0.0
            slope = np.append(self._first.weight[column], 0.0)[:, None]
            shares = _stepped(self._alone[column], values[:, None])[:, 0]
            outputs = self._outputs_of(Line(self._bases(codes, scaled), slope, shares), row)
        return outputs.reshape(len(codes), len(values), -1)

    def _bases(self, codes: Array, scaled: Array) -> Array:
        """What the first layer makes of rows, as ``forward`` wants it."""
        x = blocked_product(scaled, self._first.weight) + self._first.bias
        for k, table in enumerate(self._tables):
            x += table[codes[:, k]]
        bases = np.ones((x.shape[1] + 1, len(x)))
        bases[:-1] = x.T
        return bases

    def _outputs_of(self, line: Line, row: Callable[[int], tuple[Array, Array]]) -> Array:
        """The rounded outputs of a line; ``row`` gives the codes and numbers of one of its rows."""
        unit = self._unit_of(line, row)
        noise = _NOISE * unit * (1 - unit) + _LAST_BITS
        both = self._rounded(np.concatenate([unit + noise, unit - noise]))
        rounded, other = both[: len(unit)], both[len(unit) :]
        # a BLAS sums in an order of its own for each shape, number of threads and processor: where that could
        # change the rounded value, sum exactly
        unsettled = rounded != other
        if unsettled.any():
            for k in np.flatnonzero(unsettled.any(axis=1)).tolist():
                rounded[k] = self._rounded(self.unit(*row(k), exact_product))
        return rounded

    def _unit_of(self, line: Line, row: Callable[[int], tuple[Array, Array]]) -> Array:
        first, units = 0, []
        for part in line.parts(self._forward.most_rows):
            unit = self._forward.unit(part)
            if unit is None:
                unit = np.concatenate([self.unit(*row(k)) for k in range(first, first + part.size)])
            units.append(unit)
            first += part.size
        return np.concatenate(units) if len(units) > 1 else units[0]

    def _rounded(self, unit: Array) -> Array:
        raw = _stepped(self._outputs, unit)
        rounded = round_significant(raw, DIGITS)
        for column, decimals in enumerate(self._decimals):
            if decimals is not None:
                fine = np.abs(raw[:, column]) < 10.0 ** (DIGITS - 1 - decimals)
                rounded[fine, column] = round_decimals(raw[fine, column], decimals)
        return rounded

    def raw(self, codes: Array, numbers: Array, product: Any = blocked_product) -> Array:
        """All outputs unrounded: float64 ``(row, output)``; ``product`` multiplies two matrices."""
        return _stepped(self._outputs, self.unit(codes, numbers, product))

    def unit(self, codes: Array, numbers: Array, product: Any = blocked_product) -> Array:
        """What the network yields, in (0, 1), before its outputs' steps: float64 ``(row, output)``.

        This says what the network is; ``forward`` computes it faster, but for noise.
        """
        x = product(_stepped(self._numeric, numbers), self._first.weight) + self._first.bias
        for k, table in enumerate(self._tables):
            x += table[codes[:, k]]
        for gated, back in self._blocks:
            hidden = product(x, gated.weight)
            hidden += gated.bias
            half = hidden.shape[1] // 2
            gate = np.maximum(hidden[:, half:], 0.0)
            gate *= hidden[:, :half]
            x += product(gate, back.weight)
            x += back.bias
        x = np.maximum(x * self._last[0] + self._last[1], 0.0)
        logits = product(x, self._head.weight) + self._head.bias
        with np.errstate(over="ignore"):  # far below 0 the sigmoid is 0
            unit: Array = 1.0 / (1.0 + np.exp(-logits))
        return unit

    @cached_property
    def digest(self) -> str:
        """SHA-256 of spec and arrays."""
        hashed = hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode())
        for name, array in sorted(self.arrays.items()):
            hashed.update(f"{name} {array.shape}".encode())
            hashed.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return hashed.hexdigest()


# Columns whose steps have the same names are computed together: their indices, and each step's constants.
_Group = tuple[list[int] | slice, list[tuple[Any, tuple[Array, ...]]]]


def _grouped(columns: Sequence[Steps]) -> list[_Group]:
    members: dict[tuple[str, ...], list[int]] = {}
    for index, steps in enumerate(columns):
        members.setdefault(tuple(name for name, *_ in steps), []).append(index)
    groups = []
    for names, indices in members.items():
        functions = []
        for position, name in enumerate(names):
            constants = np.array([columns[index][position][1:] for index in indices], dtype=np.float64)
            functions.append((_FUNCTIONS[name], tuple(constants.T)))
        groups.append((_evenly_spaced(indices), functions))
    return groups


def _evenly_spaced(indices: list[int]) -> list[int] | slice:
    """The same columns as a slice, where they are one: these are not copied."""
    step = indices[1] - indices[0] if len(indices) > 1 else 1
    columns = slice(indices[0], indices[-1] + 1, step)
    return columns if indices == list(range(indices[-1] + 1))[columns] else indices


def _stepped(groups: Sequence[_Group], columns: Array) -> Array:
    result = np.empty(columns.shape)
    for indices, functions in groups:
        values = columns[:, indices]
        for function, constants in functions:
            values = function(values, *constants)
        result[:, indices] = values
    return result


def ends(steps: Steps) -> tuple[float, float]:
    """What an output is where the network yields 0 and 1: the ends of its range."""
    low, high = _stepped(_grouped([steps]), np.array([[0.0], [1.0]])).ravel().tolist()
    return low, high
