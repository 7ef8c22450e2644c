"""The points of a curve, predicted as they are read: those that are asked for, and what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.frozen import sealed

FIRST_ROWS = 5
"""The zero of the time, and what a rung at 3 needs to know: five rows cost little more than one."""
MOST_CURVES = 8
"""As many whole curves at a time as make it quick; more would not be quicker."""
_MICROSECONDS = 1_000_000
Fill = Callable[[int, int], None]


class Together:
    """The rows of curves that were asked for together, which are predicted together.

    Their first few rows are predicted when those of one of them are read. Where more is read of a curve at
    once, the same rows of the next curves are predicted with it, of twice as many curves each time, as most
    callers read one after the other.

    Args:
        predict: Numbers of curves, and which rows of them -> the network's outputs ``(curve, row, output)``.
        count: How many curves there are.
        head: How many rows of each are predicted together, if there are several curves.
    """

    def __init__(self, predict: Callable[[slice, slice | Array], Array], count: int, head: int) -> None:
        self._predict, self._count, self._head = predict, count, head
        self._heads: Array | None = None
        self._ahead: dict[tuple[int, int, int], Array] = {}
        self._group = 1

    def rows(self, curve: int, rows: Array) -> Array:
        """Some rows of a curve: their outputs ``(row, output)``."""
        outputs: Array = self._predict(slice(curve, curve + 1), rows)[0]
        return outputs

    def first_rows(self, curve: int, first: int, last: int) -> tuple[int, Array]:
        """The rows from ``first`` to ``last`` (not included) of a curve of which no row is known, or more.

        Gives the number of the first of them, and their outputs.
        """
        if self._count > 1 and last <= self._head:
            if self._heads is None:
                self._heads = self._predict(slice(None), slice(self._head))
            return 0, self._heads[curve]
        if (curve, first, last) not in self._ahead:
            group = range(curve, min(curve + self._group, self._count))
            self._group = min(2 * self._group, MOST_CURVES)
            outputs = self._predict(slice(group.start, group.stop), slice(first, last))
            self._ahead = {(k, first, last): rows for k, rows in zip(group, outputs, strict=True)}
        return first, self._ahead.pop((curve, first, last))


@dataclass(frozen=True)
class Meaning:
    """What the rows of a curve mean.

    Row ``zero_rows + k`` is point k; the first ``head`` rows are predicted at once. An objective is the
    output of that index, but ``seconds`` makes the ``time`` of the outputs since the zero: of all up to a
    point, or of a point's own, if ``points`` are trained ``alone``.
    """

    points: int
    zero_rows: int
    head: int
    outputs: Mapping[str, int]
    time: str | None
    alone: bool
    seconds: Callable[[Array], Array]


class Points:
    """The points of one curve, predicted as they are read.

    Args:
        meaning: What the rows of the curve mean.
        together: Predicts rows of this curve and of others.
        curve: The number of this one.
    """

    def __init__(self, meaning: Meaning, together: Together, curve: int) -> None:
        self._meaning, self._together, self._curve = meaning, together, curve
        rows = meaning.zero_rows + meaning.points
        self._rows = np.full((len(meaning.outputs), rows), np.nan)
        self._known = bytearray(rows)
        self._flags = np.frombuffer(self._known, dtype=np.bool_)  # the same memory
        self._elapsed = np.full(meaning.points, np.nan)
        self._front = self._timed = 0  # so many points from the first one on are known, and have their time

    def columns(self) -> dict[str, Array]:
        """Objective -> its values, read-only and still to be filled."""
        points = sealed(self._rows)[:, self._meaning.zero_rows :]
        columns = dict(zip(self._meaning.outputs, points, strict=True))
        if self._meaning.time is not None:
            columns[self._meaning.time] = sealed(self._elapsed)
        return columns

    def fills(self) -> dict[str, Fill]:
        """Objective -> what predicts its points from a first to a last one, the latter not included."""
        fills: dict[str, Fill] = dict.fromkeys(self._meaning.outputs, self.fill)
        if self._meaning.time is not None:
            fills[self._meaning.time] = self.fill_time
        return fills

    def fill(self, start: int, stop: int) -> None:
        """Predict the points from ``start`` to ``stop``, but for their elapsed time."""
        if stop > self._front:
            self._reach(start, stop, self._meaning.zero_rows)

    def fill_time(self, start: int, stop: int) -> None:
        """As :meth:`fill`, for the elapsed time: it needs its zero and, as a rule, all points before."""
        if stop <= self._timed:
            return
        meaning = self._meaning
        start = start if meaning.alone else 0
        stop = self._reach(start, stop, 0)
        raw = self._rows[list(meaning.outputs).index(str(meaning.time))]
        zero = raw[0] if meaning.zero_rows else 0.0
        self._elapsed[start:stop] = meaning.seconds(raw[meaning.zero_rows :][start:stop] - zero)
        if start <= self._timed:
            self._timed = stop

    def _reach(self, start: int, stop: int, first: int) -> int:
        """Predict these points, and the rows from ``first`` to the first point; gives where they end.

        From the front on they are twice as many each time: a long curve takes few calls.
        """
        zero_rows, total = self._meaning.zero_rows, self._meaning.points
        if start <= self._front:
            stop = min(max(stop, 2 * self._front, self._meaning.head - zero_rows), total)
            start, stop = 0, total if stop > 0.8 * total else stop
            self._front = stop
        else:
            self._learn(first, zero_rows)
            first = zero_rows + start
        self._learn(first, zero_rows + stop)
        return stop

    def _learn(self, first: int, last: int) -> None:
        """Predict those of the rows from ``first`` to ``last`` (not included) that are not known."""
        if 0 not in self._known[first:last]:
            return
        missing = first + np.flatnonzero(~self._flags[first:last])
        if 1 in self._known:
            rows: slice | Array = missing
            outputs = self._together.rows(self._curve, missing)
        else:
            first, outputs = self._together.first_rows(self._curve, first, last)
            rows = slice(first, first + len(outputs))
        self._rows[:, rows] = outputs[:, list(self._meaning.outputs.values())].T
        self._flags[rows] = True


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
