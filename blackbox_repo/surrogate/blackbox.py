"""A task of a surrogate network as a blackbox.

Further keys of the network's spec (the others are in ``surrogate/network.py``) say how it is asked:

``task``
    The categorical input that takes the task's code; null if there is none.
``fidelity``
    ``{"input": NAME, "offset": 1}``: the numeric input that takes the fidelity, and what is added to the
    schema's value. With offset 1, epoch 1 of the schema is epoch 2 of the network.
``fixed``
    Numeric input -> its value, for inputs that are neither hyperparameter nor fidelity.
``elapsed``
    ``{"output": NAME, "zero_at": 1, "min_step": 0.001}``: the schema's time is made of this output, as
    seconds since the network's fidelity ``zero_at``, and rises by ``min_step`` at least from one fidelity to
    the next, for a surrogate of the time may go backwards:
    ``E[f] = max(E[f - 1] + min_step, output[f] - output[zero_at])``, ``E[0] = 0``, in whole microseconds.
    With ``zero_at`` null the output counts from 0 already. At an independent fidelity every point is a
    training of its own: ``E[f] = max(min_step, output[f])``. Null where the time is an output like any other.

Every other input is the hyperparameter of its name, every other objective the output of its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Domain, Float, Integer, Value
from blackbox_repo.errors import FormatError, UnknownSeed
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.network import Network
from blackbox_repo.surrogate.points import (
    FIRST_ROWS,
    Meaning,
    Points,
    Together,
    elapsed_seconds,
    lone_seconds,
)

INACTIVE = "#na#"
Row = tuple[list[int], list[float]]


class NetworkBlackbox(Blackbox):
    """Curves that a network predicts, and no further than they are read.

    Points of curves that are asked for together are predicted together.

    Args:
        schema: What the objectives mean.
        network: The network, which tasks may share.
        code: The task's code in the network's embedding; ``None`` for a network without tasks.
        name: What messages call the blackbox.

    Raises:
        FormatError: Neither schema nor spec say where an input or an objective comes from.
    """

    batch = 64

    def __init__(self, schema: Schema, network: Network, code: int | None, *, name: str = "network") -> None:
        self.schema, self.name = schema, name
        self._network, self._code = network, code
        spec = network.spec
        _check_inputs(schema, spec, name)
        _check_task(spec, code, name)
        self._task = {} if code is None else {spec["task"]: code}
        outputs = _output_columns(schema, spec, name)
        self._fidelity_column = [entry["name"] for entry in spec["numeric"]].index(spec["fidelity"]["input"])
        self._fidelities = np.array(schema.fidelity.values, dtype=np.float64) + spec["fidelity"]["offset"]
        elapsed = spec["elapsed"]
        zero_rows = 0
        if elapsed is not None and elapsed["zero_at"] is not None:  # the first row of every curve
            self._fidelities, zero_rows = np.insert(self._fidelities, 0, elapsed["zero_at"]), 1
        self._meaning = _meaning(schema, elapsed, outputs, zero_rows)

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curves([configuration], seed=seed)[0]

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        self._check_seed(seed)
        encoded = [self._encoded(configuration) for configuration in configurations]

        def predict(curves: slice, rows: slice | Array) -> Array:
            return self._predicted(encoded[curves], rows)

        together = Together(predict, len(encoded), self._meaning.head)
        return [self._curve(together, index) for index in range(len(encoded))]

    def under(self, schema: Schema, name: str) -> NetworkBlackbox:
        """What the same network predicts of another schema's objectives."""
        return NetworkBlackbox(schema, self._network, self._code, name=name)

    def digest(self) -> str:
        meaning = f"{self.schema.meaning()} {self._network.digest} {self._task}"
        return hashlib.sha256(meaning.encode()).hexdigest()

    def _check_seed(self, seed: int | None) -> None:
        if seed not in (None, 0):
            raise UnknownSeed(f"{self.name!r} is a surrogate, which has the seed 0 only, not {seed!r}")

    def _encoded(self, configuration: Configuration) -> Row:
        """The codes and numbers of a configuration, the fidelity's place still to be filled."""
        spec, values = self._network.spec, self.schema.space.check(configuration)
        codes = [
            self._task[entry["name"]] if entry["name"] in self._task else _code(entry, values)
            for entry in spec["categorical"]
        ]
        numbers = {**values, **spec["fixed"]}
        return codes, [numbers.get(entry["name"], 0.0) for entry in spec["numeric"]]

    def _predicted(self, encoded: Sequence[Row], rows: slice | Array) -> Array:
        """The network's outputs ``(configuration, row, output)`` for some rows of each curve."""
        codes = np.array([codes for codes, _ in encoded])
        numbers = np.array([numbers for _, numbers in encoded])
        column, fidelities = self._fidelity_column, self._fidelities[rows]
        if len(fidelities) > 1:
            return self._network.evaluate_along(codes, numbers, column, fidelities)
        numbers[:, column] = fidelities
        return self._network.evaluate(codes, numbers)[:, np.newaxis]

    def _curve(self, together: Together, index: int) -> LearningCurve:
        points = Points(self._meaning, together, index)
        return LearningCurve(
            self.schema, points.columns(), {}, 0, self._meaning.points, 0, fills=points.fills()
        )


def _code(entry: Mapping[str, Any], values: Mapping[str, Value]) -> int:
    return int(entry["codes"][str(values.get(entry["name"], INACTIVE))])


def _check_task(spec: Mapping[str, Any], code: int | None, name: str) -> None:
    if (code is None) != (spec.get("task") is None):
        raise FormatError(
            f"{name!r} has the code {code!r}, but its network's input for tasks is {spec['task']!r}"
        )
    codes = [entry["codes"].values() for entry in spec["categorical"] if entry["name"] == spec["task"]]
    if code is not None and not any(code in known for known in codes):
        raise FormatError(f"{name!r} has the code {code}, which its network's input {spec['task']!r} lacks")


def _check_inputs(schema: Schema, spec: Mapping[str, Any], name: str) -> None:
    missing = [key for key in ("fidelity", "fixed", "elapsed") if key not in spec]
    if missing or spec["fidelity"] is None:
        raise FormatError(f"the network of {name!r} says nothing of {missing or 'its fidelity'}")
    given = {*schema.space.domains, spec["fidelity"]["input"], spec.get("task"), *spec["fixed"]}
    for entry in (*spec["categorical"], *spec["numeric"]):
        if entry["name"] not in given:
            raise FormatError(
                f"the network of {name!r} has the input {entry['name']!r}, which is neither hyperparameter, "
                f"fidelity nor fixed"
            )
    if spec["fidelity"]["input"] not in [entry["name"] for entry in spec["numeric"]]:
        raise FormatError(
            f"the network of {name!r} has no number {spec['fidelity']['input']!r} for the fidelity"
        )
    for entry in spec["categorical"]:
        if entry["name"] != spec.get("task"):
            _check_codes(schema, entry, name)
    for entry in spec["numeric"]:
        domain = schema.space.domains.get(entry["name"])
        if domain is not None and any(isinstance(value, str) for value in _few(domain)):
            raise FormatError(
                f"the network of {name!r} takes {entry['name']!r} as a number, but it is {domain!r}"
            )


def _check_codes(schema: Schema, entry: Mapping[str, Any], name: str) -> None:
    """Refuse an embedding that lacks a choice of its hyperparameter."""
    domain = schema.space.domains.get(entry["name"])
    wanted = [str(value) for value in _few(domain)] if domain is not None else []
    wanted += [INACTIVE] if entry["name"] in schema.space.conditions else []
    missing = [value for value in wanted if value not in entry["codes"]]
    if missing or not wanted:
        raise FormatError(
            f"the network of {name!r} has no code of {entry['name']!r} for {missing or domain!r}"
        )


def _few(domain: Domain) -> Sequence[Value]:
    """The choices of a domain; none where they are numbers in a range."""
    return () if isinstance(domain, Float | Integer) else domain.values


def _meaning(
    schema: Schema, elapsed: Mapping[str, Any] | None, outputs: Mapping[str, int], zero_rows: int
) -> Meaning:
    """What the rows of a curve mean, of which ``zero_rows`` come before the first point."""
    points, alone = len(schema.fidelity.values), schema.fidelity.kind == "independent"

    def seconds(times: Array) -> Array:
        return (lone_seconds if alone else elapsed_seconds)(times, (elapsed or {})["min_step"])

    # all points of an independent fidelity are predicted at once, for the last is asked most
    head = zero_rows + points if alone else min(FIRST_ROWS, zero_rows + points)
    time = None if elapsed is None else schema.time
    return Meaning(points, zero_rows, head, outputs, time, alone, seconds)


def _output_columns(schema: Schema, spec: Mapping[str, Any], name: str) -> dict[str, int]:
    """For each objective the output that it is made of."""
    outputs = [entry["name"] for entry in spec["outputs"]]
    columns = {}
    for objective in schema.objectives:
        is_time = objective.name == schema.time and spec["elapsed"] is not None
        source = spec["elapsed"]["output"] if is_time else objective.name
        if source not in outputs:
            raise FormatError(f"the network of {name!r} has no output {source!r}; it has {outputs!r}")
        columns[objective.name] = outputs.index(source)
    return columns
