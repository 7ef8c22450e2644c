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
    Null where the time is an output like any other.

Every other input is the hyperparameter of its name, every other objective the output of its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Value
from blackbox_repo.errors import FormatError, UnknownSeed
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.network import Network

INACTIVE = "#na#"
_MICROSECONDS = 1_000_000
# four rows, these and the zero of the time, cost little more than one
_FEWEST_POINTS = 3


Row = tuple[list[int], list[float]]


class NetworkBlackbox(Blackbox):
    """Curves that a network predicts, and no further than they are read.

    Args:
        schema: What the objectives mean.
        network: The network, which tasks may share.
        code: The task's code in the network's embedding; ``None`` for a network without tasks.
        name: What messages call the blackbox.

    Raises:
        FormatError: Neither schema nor spec say where an input or an objective comes from.
    """

    def __init__(self, schema: Schema, network: Network, code: int | None, *, name: str = "network") -> None:
        self.schema, self.name = schema, name
        self._network = network
        spec = network.spec
        self._task = {} if code is None else {spec["task"]: code}
        _check_inputs(schema, spec, name)
        self._outputs = _output_columns(schema, spec, name)
        self._fidelity_column = [entry["name"] for entry in spec["numeric"]].index(spec["fidelity"]["input"])
        self._fidelities = np.array(schema.fidelity.values, dtype=np.float64) + spec["fidelity"]["offset"]
        self._elapsed = spec["elapsed"]
        if self._elapsed is not None:  # the zero of the time is the first row of every curve
            self._fidelities = np.insert(self._fidelities, 0, self._elapsed["zero_at"])
            self._time = [objective.name for objective in schema.objectives].index(str(schema.time))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        self._check_seed(seed)
        codes, numbers = self._encoded(configuration)
        points = _Points(lambda rows: self._predicted([codes], [numbers], rows)[0], self)
        return self._curve(points.values, points.fill)

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        self._check_seed(seed)
        if not configurations:
            return []
        codes, numbers = zip(*map(self._encoded, configurations), strict=True)
        raw = self._predicted(codes, numbers, slice(None))
        return [self._curve(self.objectives(outputs)) for outputs in raw]

    def digest(self) -> str:
        hashed = hashlib.sha256(json.dumps(self.schema.to_json(), sort_keys=True).encode())
        hashed.update(f"{self._network.digest} {self._code}".encode())
        return hashed.hexdigest()

    def objectives(self, outputs: Array) -> Array:
        """The schema's objectives ``(objective, point)`` from the network's outputs ``(row, output)``.

        The rows are the first ones of a curve; where the time has a zero of its own, that is row 0.
        """
        values = outputs[self._lead :, self._columns].T
        if self._elapsed is not None:
            time = outputs[:, self._columns[self._time]]
            values[self._time] = elapsed_seconds(time[1:], time[0], self._elapsed["min_step"])
        return values
