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
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Domain, Float, Integer, Value
from blackbox_repo.errors import FormatError, UnknownSeed
from blackbox_repo.frozen import sealed
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.network import Network

INACTIVE = "#na#"
_MICROSECONDS = 1_000_000
# the zero of the time, and what a rung at 3 needs to know: five rows cost little more than one
_FIRST_ROWS = 5


Row = tuple[list[int], list[float]]


class NetworkBlackbox(Blackbox):
    """Curves that a network predicts, and no further than they are read.

    The first points of curves that are asked for together are predicted together.

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
        self._network = network
        spec = network.spec
        _check_inputs(schema, spec, name)
        _check_task(spec, code, name)
        self._task = {} if code is None else {spec["task"]: code}
        self._outputs = _output_columns(schema, spec, name)
        self._fidelity_column = [entry["name"] for entry in spec["numeric"]].index(spec["fidelity"]["input"])
        self._fidelities = np.array(schema.fidelity.values, dtype=np.float64) + spec["fidelity"]["offset"]
        self._independent = schema.fidelity.kind == "independent"
        self._elapsed = spec["elapsed"]
        self._zero_rows = 0
        if self._elapsed is not None:
            self._time = [objective.name for objective in schema.objectives].index(str(schema.time))
            if self._elapsed["zero_at"] is not None:  # the zero of the time is the first row of every curve
                self._fidelities = np.insert(self._fidelities, 0, self._elapsed["zero_at"])
                self._zero_rows = 1

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curves([configuration], seed=seed)[0]

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        self._check_seed(seed)
        encoded = [self._encoded(configuration) for configuration in configurations]
        heads = _Heads(lambda: self._predicted(encoded, self._first_rows))
        return [self._curve(row, heads, index) for index, row in enumerate(encoded)]

    def digest(self) -> str:
        meaning = f"{self.schema.meaning()} {self._network.digest} {self._task}"
        return hashlib.sha256(meaning.encode()).hexdigest()

    @property
    def _first_rows(self) -> slice:
        """What is predicted at once; all of an independent fidelity, of which the last is asked most."""
        return slice(None) if self._independent else slice(_FIRST_ROWS)

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

    def _predicted(self, encoded: Sequence[Row], rows: slice) -> Array:
        """The network's outputs ``(configuration, row, output)`` for some rows of each curve."""
        fidelities = self._fidelities[rows]
        codes = np.repeat([codes for codes, _ in encoded], len(fidelities), axis=0)
        numbers = np.repeat([numbers for _, numbers in encoded], len(fidelities), axis=0)
        numbers[:, self._fidelity_column] = np.tile(fidelities, len(encoded))
        return self._network.evaluate(codes, numbers).reshape(len(encoded), len(fidelities), -1)

    def _objectives(self, raw: Array) -> Array:
        """The values ``(objective, point)`` of a curve whose first rows are ``raw``."""
        values: Array = raw[self._zero_rows :, self._outputs].T
        if self._elapsed is not None:
            zero = raw[0, self._outputs[self._time]] if self._zero_rows else 0.0
            seconds = lone_seconds if self._independent else elapsed_seconds
            values[self._time] = seconds(values[self._time] - zero, self._elapsed["min_step"])
        return values

    def _curve(self, row: Row, heads: _Heads, index: int) -> LearningCurve:
        points = _Points(
            np.full((len(self._outputs), len(self.schema.fidelity.values)), np.nan),
            lambda rows: self._predicted([row], rows)[0],
            self._objectives,
            lambda: heads.of(index),
        )
        frozen = sealed(points.values)
        views = {objective.name: frozen[i] for i, objective in enumerate(self.schema.objectives)}
        return LearningCurve(self.schema, views, {}, 0, frozen.shape[1], 0, fill=points.fill)


class _Heads:
    """The first rows of curves that were asked for together, predicted when one of them is first read."""

    def __init__(self, predict: Callable[[], Array]) -> None:
        self._predict = predict
        self._rows: Array | None = None

    def of(self, index: int) -> Array:
        """The first rows ``(row, output)`` of one of the curves."""
        if self._rows is None:
            self._rows = self._predict()
        rows: Array = self._rows[index]
        return rows


class _Points:
    """The points of one curve, predicted from the front as far as they are read.

    Args:
        values: ``(objective, point)``, to be filled.
        predict: Rows of the curve -> the network's outputs.
        objectives: The outputs of all rows up to some point -> values ``(objective, point)``.
        head: The outputs of the first rows.
    """

    def __init__(
        self,
        values: Array,
        predict: Callable[[slice], Array],
        objectives: Callable[[Array], Array],
        head: Callable[[], Array],
    ) -> None:
        self.values = values
        self._predict, self._objectives, self._head = predict, objectives, head
        self._raw: Array | None = None
        self._filled = 0

    def fill(self, count: int) -> None:
        """Predict ``count`` points at least; twice as many each time: a long curve takes few calls."""
        if count <= self._filled:
            return
        total = self.values.shape[1]
        if self._raw is None:
            self._raw = self._head()
            self._extend(min(self._objectives(self._raw).shape[1], total))
        if count > self._filled:
            stop = min(max(count, 2 * self._filled), total)
            stop = total if stop > 0.8 * total else stop
            # there may be a row before the first point
            rows = self._predict(slice(len(self._raw), stop - total or None))
            self._raw = np.concatenate([self._raw, rows])
            self._extend(stop)

    def _extend(self, stop: int) -> None:
        assert self._raw is not None
        self.values[:, self._filled : stop] = self._objectives(self._raw)[:, self._filled : stop]
        self._filled = stop


def elapsed_seconds(times: Array, min_step: float) -> Array:
    """Times made to rise: ``E[f] = max(E[f - 1] + min_step, times[f])``, ``E[0] = 0``.

    In whole microseconds, so that the result is the same for a curve and for the beginning of it.
    """
    raw = np.rint(times * _MICROSECONDS)
    ramp = round(min_step * _MICROSECONDS) * np.arange(1.0, len(times) + 1)
    elapsed: Array = (ramp + np.maximum.accumulate(np.maximum(raw - ramp, 0.0))) / _MICROSECONDS
    return elapsed


def lone_seconds(times: Array, min_step: float) -> Array:
    """The times of trainings that have nothing to do with each other: ``max(min_step, times[f])``."""
    seconds: Array = np.maximum(np.rint(times * _MICROSECONDS) / _MICROSECONDS, min_step)
    return seconds


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


def _output_columns(schema: Schema, spec: Mapping[str, Any], name: str) -> list[int]:
    """For each objective the output that it is made of."""
    outputs = [entry["name"] for entry in spec["outputs"]]
    columns = []
    for objective in schema.objectives:
        is_time = objective.name == schema.time and spec["elapsed"] is not None
        source = spec["elapsed"]["output"] if is_time else objective.name
        if source not in outputs:
            raise FormatError(f"the network of {name!r} has no output {source!r}; it has {outputs!r}")
        columns.append(outputs.index(source))
    return columns
