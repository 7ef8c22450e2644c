"""Learning curves: what one training run recorded at each fidelity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from blackbox_repo.errors import InvalidConfiguration, UnknownFidelity, UnknownName
from blackbox_repo.frozen import sealed

if TYPE_CHECKING:
    from blackbox_repo.schema import Schema

Status = Literal["ok", "diverged", "crashed"]
Array: TypeAlias = npt.NDArray[Any]
_EXACT = 2**53


class LearningCurve:
    """The recorded values of one training run, as read-only views of arrays; nothing is copied.

    ``curve["valid_error"]`` is an array with one value for each point, ``len(curve)`` the number of points,
    and ``curve.at(50)`` gives all objectives at one fidelity. A curve that has fewer points than the schema
    has fidelities ended early; ``status`` says why.

    Args:
        schema: The schema of the blackbox.
        points: Objective name -> array in which ``start:stop`` are this curve's points.
        constants: Objective name -> array in which ``row`` is this run's value.
        start: The index of its first point in the arrays of ``points``.
        stop: The index after its last point.
        row: The index of its values in the arrays of ``constants``.
        status: ``"ok"``, ``"diverged"`` or ``"crashed"``.
        seed: The seed of the training run.
        fills: How a curve that computes on demand does so: objective name -> a function that is called with
            ``(start, stop)`` before the points from ``start`` to ``stop`` (not included) are read.
    """

    __slots__ = ("_constants", "_fills", "_points", "_row", "_start", "_stop", "schema", "seed", "status")

    def __init__(  # noqa: PLR0913, PLR0917  built by blackboxes only, on the hottest path: no grouping object
        self,
        schema: Schema,
        points: Mapping[str, Array],
        constants: Mapping[str, Array],
        start: int,
        stop: int,
        row: int,
        status: Status = "ok",
        seed: int = 0,
        fills: Mapping[str, Callable[[int, int], None]] | None = None,
    ) -> None:
        self.schema = schema
        self.status: Status = status
        self.seed = seed
        self._points, self._constants = points, constants
        self._start, self._stop, self._row = start, stop, row
        self._fills = fills

    @classmethod
    def of(
        cls,
        schema: Schema,
        values: Mapping[str, Sequence[float] | Array | float],
        *,
        status: Status = "ok",
        seed: int = 0,
    ) -> LearningCurve:
        """A curve from plain values: a sequence for each curve objective, a number for each constant one.

        Raises:
            InvalidConfiguration: Values are missing, unequal in length, longer than the fidelity, or a
                cumulative objective decreases.
        """
        missing = [o.name for o in schema.objectives if o.name not in values]
        if missing:
            raise InvalidConfiguration(f"the curve lacks the objectives {missing!r}")
        for objective in schema.objectives:
            if np.ndim(values[objective.name]) != (0 if objective.constant else 1):
                kind = "one number, it is constant" if objective.constant else "a sequence over the fidelity"
                raise InvalidConfiguration(
                    f"the objective {objective.name!r} must be {kind}, not {values[objective.name]!r}"
                )
        points = {name: _floats(name, values[name]) for name in schema.curve_names}
        constants = {name: _floats(name, [values[name]]) for name in schema.constant_names}
        lengths = {*map(len, points.values())}
        if len(lengths) > 1 or max(lengths, default=0) > len(schema.fidelity.values):
            found = {name: len(array) for name, array in points.items()}
            raise InvalidConfiguration(
                f"the points of a curve must be equal in number and at most {len(schema.fidelity.values)}"
                f", but are {found!r}"
            )
        for objective in schema.objectives if schema.fidelity.kind == "incremental" else ():
            if objective.cumulative and not objective.constant and _decreases(points[objective.name]):
                raise InvalidConfiguration(f"the cumulative objective {objective.name!r} decreases")
        return cls(schema, points, constants, 0, next(iter(lengths), 1), 0, status, seed)

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, objective: str) -> Array:
        return self.head(objective, len(self))

    def __repr__(self) -> str:
        last = self.fidelities[-1] if len(self) else None
        return f"LearningCurve({len(self)} points to {self.schema.fidelity.name}={last}, {self.status})"

    @property
    def fidelities(self) -> tuple[float, ...]:
        """The fidelities of the points."""
        return self.schema.fidelity.values[: len(self)]

    def head(self, objective: str, count: int) -> Array:
        """The first ``count`` values of an objective (fewer where the curve ends before), read-only.

        No more than these are computed.

        Raises:
            UnknownName: There is no such objective.
        """
        if count > self._stop - self._start:  # noqa: PLR1730  min() is slower, and this path is hot
            count = self._stop - self._start
        points = self._points.get(objective)
        if points is not None:
            if self._fills is not None and objective in self._fills:
                self._fills[objective](0, count)
            return points[self._start : self._start + count]
        if objective in self._constants:
            return np.broadcast_to(self._constants[objective][self._row : self._row + 1], count)
        raise UnknownName("objective", objective, [o.name for o in self.schema.objectives])

    def locate(self, objective: str, count: int) -> tuple[Array, int]:
        """Where the first ``count`` values of an objective lie: in which read-only array, and from where on.

        Curves of one table have one array, so that the values of many curves can be taken from it at once.

        Raises:
            UnknownName: There is no such objective, or it is constant.
        """
        if objective not in self._points:
            raise UnknownName("objective", objective, self._points)
        if self._fills is not None and objective in self._fills:
            self._fills[objective](0, count)
        return self._points[objective], self._start

    def constant(self, objective: str) -> float:
        """The value of a constant objective; even a curve without points has one."""
        return float(self._constants[objective][self._row])

    def point(self, objective: str, index: int) -> float:
        """The value of an objective at the point of that index; no other is computed unless it depends on it.

        Raises:
            UnknownName: There is no such objective.
            IndexError: There is no such point.
        """
        points = self._points.get(objective)
        if points is None or not 0 <= index < self._stop - self._start:
            return float(self.head(objective, index + 1)[index])
        if self._fills is not None and objective in self._fills:
            self._fills[objective](index, index + 1)
        return float(points[self._start + index])

    def at(self, fidelity: float, objectives: Iterable[str] | None = None) -> dict[str, float]:
        """Objectives at one fidelity.

        Args:
            fidelity: One of the schema's.
            objectives: Which ones, by default all. A surrogate network predicts all points up to this one for
                the elapsed time, but this one alone for any other objective.

        Raises:
            UnknownFidelity: The schema has no such fidelity, or the curve ends before it.
            UnknownName: There is no such objective.
        """
        index = self.schema.fidelity.index(fidelity)
        if index >= len(self):
            raise UnknownFidelity(
                f"{self.schema.fidelity.name}={fidelity!r} was not reached: {self!r} ends before it"
            )
        names = [o.name for o in self.schema.objectives] if objectives is None else objectives
        return {name: self.point(name, index) for name in names}

    def under(self, schema: Schema, count: int | None = None) -> LearningCurve:
        """The first ``count`` points under another schema with the same objectives.

        If the run has more points, it had neither diverged nor crashed by then: the status is ``"ok"``.
        """
        stop = self._stop if count is None else min(self._start + count, self._stop)
        status: Status = self.status if stop == self._stop else "ok"
        place = (self._start, stop, self._row, status, self.seed, self._fills)
        return LearningCurve(schema, self._points, self._constants, *place)

    def renamed(self, schema: Schema, names: Mapping[str, str]) -> LearningCurve:
        """The same points with other names of objectives.

        Args:
            schema: The schema with the new names.
            names: Old name -> new name; other objectives keep theirs.
        """
        points = {names.get(name, name): array for name, array in self._points.items()}
        constants = {names.get(name, name): array for name, array in self._constants.items()}
        fills = self._fills and {names.get(name, name): fill for name, fill in self._fills.items()}
        place = (self._start, self._stop, self._row, self.status, self.seed, fills)
        return LearningCurve(schema, points, constants, *place)

    def extended(self, schema: Schema, name: str, values: Array) -> LearningCurve:
        """The same points with one more objective.

        Args:
            schema: The schema with the objective.
            name: The name of the objective.
            values: Its values at the points of this curve, read-only.
        """
        points = {known: array[self._start : self._stop] for known, array in self._points.items()}
        points[name] = values
        place = (0, len(self), self._row, self.status, self.seed, self._fills)
        return LearningCurve(schema, points, self._constants, *place)


def _decreases(points: Array) -> bool:
    return bool((points[1:] < points[:-1]).any())


def _floats(objective: str, values: Any) -> Array:
    if type(values) is np.ndarray and values.dtype == np.float64:
        return sealed(values.copy())
    if isinstance(values, np.ma.MaskedArray):
        raise InvalidConfiguration(
            f"the objective {objective!r} must not be a masked array; what is missing in it is NaN"
        )
    return sealed(
        exact_floats(f"the objective {objective!r}", np.array(values)).astype(np.float64, copy=False)
    )


def exact_floats(what: str, array: Array) -> Array:
    """An array of numbers of any type as float64, or as float32 if that is its type.

    Raises:
        InvalidConfiguration: The array holds no real numbers, or integers beyond 2**53, which float64 rounds.
    """
    kind = array.dtype.kind
    if array.dtype in (np.float64, np.float32):
        return array
    if kind not in "fiub" or array.dtype.itemsize > 8:
        raise InvalidConfiguration(f"{what} must be numbers that float64 can hold, not {array.dtype}")
    if kind in "iu" and array.size and not -_EXACT <= int(array.min()) <= int(array.max()) <= _EXACT:
        raise InvalidConfiguration(
            f"{what} has whole numbers from {array.min()} to {array.max()}, but float64 holds all of them "
            f"only from {-_EXACT} to {_EXACT} (2**53); divide them by a unit"
        )
    return array.astype(np.float64)
