"""What happens in a run, kept in columns: written by the cluster, read when the run is over."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.domains import Float
from blackbox_repo.space import Configuration, Space
from simulator.clock import END_OF_TIME
from simulator.kernel.events import Event, JobEvent, Kind, WorkerEvent
from simulator.kernel.outcome import NEVER, STATUSES, Events, Points, Segments, Trials
from simulator.kernel.segments import Code, Segment, TrialState
from simulator.kernel.timetable import Timetable
from simulator.scheduler import TrialStatus

_AT_ONCE = 1024
"""So many rows are kept as Python objects before they become arrays."""
_WIDTH = len(JobEvent._fields)
_NUMBER = {status: number for number, status in enumerate(STATUSES)}


class _Stretch(NamedTuple):
    """The points of a segment: the curve on which they lie, their codes, and when they arrive."""

    trial: int
    segment: int
    first: int
    codes: Sequence[tuple[int, Code]]
    offset: int
    times: Array
    curve: LearningCurve


class Recorder:
    """Rows that become columns.

    Args:
        blackbox: The blackbox whose curves are replayed.
    """

    def __init__(self, blackbox: Blackbox) -> None:
        schema = blackbox.schema
        self._blackbox = blackbox
        space = schema.space
        self._constants = [o.name for o in schema.objectives if o.constant]
        self._objectives = [o.name for o in schema.objectives if not o.constant]
        self._trials = Trials(
            {name: _column(space, name) for name in space.domains},
            *([], [], []),
            {name: [] for name in self._constants},
            [],
        )
        self._events = _Rows(("<i8", "u1", "<i4", "<i4", "<i4", "u1"))
        self._answers: dict[int, str] = {}
        self._segments = _Rows(("<i4", "<i4", "<i4", "<i8", "<i8", "<i8", "<i4", "u1"))
        self._stretches: list[_Stretch] = []
        self._points: list[Points] = []
        self._no_points: dict[str, Array] = {}  # of trials without points: no values, but a type

    # --- while the run goes on ------------------------------------------------------------------------------

    def add_trial(self, configuration: Configuration, curve: LearningCurve, checkpoint_of: Any) -> None:
        """A trial was started."""
        columns = self._trials
        for name, column in columns.configurations.items():
            column.append(configuration.get(name))
        columns.seed.append(curve.seed)
        columns.checkpoint_of.append(checkpoint_of)
        columns.off_table.append(not self._blackbox.holds(configuration))
        for name, values in columns.constants.items():
            values.append(curve.constant(name))

    def add_event(self, event: Event, outcome: TrialStatus | None = None) -> None:
        """Something else has happened than that a report arrived; a job's end has an outcome."""
        status = 0 if outcome is None else _NUMBER[outcome]
        row = (*event, status) if len(event) == _WIDTH else (event[0], event[1], *_row_of(event), status)
        self._events.add(row)

    def add_end(self, last: Event) -> None:
        """The run has ended after this event; nothing is added after that."""
        self._events.add((last.time, Kind.DEADLINE, *_row_of(last), 0))

    def add_answer(self, event: JobEvent, answer: str) -> None:
        """The scheduler's answer to a request about this job has taken effect."""
        self._answers[len(self._events)] = answer
        self._events.add((*event, 0))

    def add_segments(self, trial: TrialState, timetable: Timetable, last: Event | None = None) -> None:
        """Keep the segments of a trial; ``last`` is the run's last event, where they may go on after it."""
        for segment in trial.segments:
            until = NEVER if segment.job.until is None else segment.job.until
            started = segment.start if segment.begun else NEVER
            assert segment.end is not None
            assert segment.outcome is not None
            status = _NUMBER[segment.outcome]
            place = (trial.number, segment.number, segment.worker)
            self._segments.add((*place, segment.busy_from, started, segment.end, until, status))
            codes = segment.codes
            if last is not None and codes and codes[-1][1] is Code.LATE:
                codes = _settled(segment, timetable, last)
            if codes:
                self._add_points(segment, codes, timetable)
        if not any(segment.codes for segment in trial.segments):
            for name in self._objectives:
                empty = trial.curve.head(name, 0)
                self._no_points[name] = np.concatenate([self._no_points.get(name, empty), empty])

    def _add_points(self, segment: Segment, codes: Sequence[tuple[int, Code]], timetable: Timetable) -> None:
        trial, first, stop = segment.trial, segment.first, codes[-1][0]
        offset = timetable.offset(segment)
        if offset is not None and offset + trial.elapsed(stop - 1) <= END_OF_TIME:
            times: Array = np.frombuffer(trial.known_elapsed[first:stop], dtype=np.int64)
        else:
            arrivals = timetable.arrivals(segment, range(first, stop))
            times, offset = np.array([min(time, END_OF_TIME) for time in arrivals], dtype=np.int64), 0
        stretch = _Stretch(trial.number, segment.number, first, codes, offset, times, trial.curve)
        self._stretches.append(stretch)
        if len(self._stretches) == _AT_ONCE:
            self._gather_points()

    def _gather_points(self) -> None:
        stretches, self._stretches = sorted(self._stretches, key=itemgetter(0, 1)), []
        counts = np.array([len(stretch.times) for stretch in stretches])
        first = np.array([stretch.first for stretch in stretches])
        point = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        time = np.repeat([stretch.offset for stretch in stretches], counts)
        time += np.concatenate([stretch.times for stretch in stretches])
        lengths, codes = zip(*_lengths(stretches), strict=True)
        self._points.append(
            Points(
                time=time,
                trial=np.repeat(np.array([stretch.trial for stretch in stretches], np.int32), counts),
                segment=np.repeat(np.array([stretch.segment for stretch in stretches], np.int32), counts),
                point=point.astype(np.int32),
                code=np.repeat(np.array(codes, np.int8), lengths),
                values={name: _values(name, stretches, counts, point) for name in self._objectives},
            )
        )

    # --- when it is over ------------------------------------------------------------------------------------

    def trials(self, statuses: Iterable[TrialStatus]) -> Trials:
        """One row a trial."""
        self._trials.status.extend(status.value for status in statuses)
        return self._trials

    def segments(self) -> Segments:
        """One row a segment, in the order of (trial, segment)."""
        columns = self._segments.columns()
        order = np.lexsort((columns[1], columns[0]))
        return Segments(*(column[order] for column in columns))

    def events(self) -> Events:
        """One row an event that is no report, in the order in which they were handled."""
        time, kind, trial, segment, point, outcome = self._events.columns()
        return Events(time, kind, trial, segment, point, outcome, self._answers)

    def points(self, last: Event) -> Points:
        """One row a point that was produced, in the order of T2.

        Args:
            last: The event after which the run ended; what came later came too late for the scheduler.
        """
        if self._stretches:
            self._gather_points()
        parts, self._points = self._points, []
        if self._no_points or not parts:
            parts.append(
                Points.empty({name: self._no_points.get(name, np.empty(0)) for name in self._objectives})
            )
        points = parts[0] if len(parts) == 1 else Points.concatenate(parts)
        order, columns, values = points.order(), points.columns(), dict(points.values)
        del parts, points
        for part in (columns, values):  # one column at a time, so that each needs twice its memory alone
            for name, column in part.items():
                part[name] = column[order]
        points = Points(**columns, values=values)
        return points.with_codes(_after(points, last))


def _values(name: str, stretches: Sequence[_Stretch], counts: Array, point: Array) -> Array:
    """The values of an objective at all points of the stretches."""
    located = [stretch.curve.locate(name, stretch.codes[-1][0]) for stretch in stretches]
    table = located[0][0]
    if all(array is table for array, _ in located):
        values: Array = table[np.repeat([start for _, start in located], counts) + point]
        return values
    parts = zip(located, stretches, strict=True)
    return np.concatenate(
        [array[start + stretch.first : start + stretch.codes[-1][0]] for (array, start), stretch in parts]
    )


def _row_of(event: Event) -> tuple[int, int, int]:
    """What stands in a record for trial, segment and point; of a worker's event its number (T19)."""
    if isinstance(event, JobEvent):
        return event.trial, event.segment, event.point
    return (event.worker if isinstance(event, WorkerEvent) else 0), 0, 0


def _settled(segment: Segment, timetable: Timetable, last: Event) -> list[tuple[int, Code]]:
    """The codes of a segment that was halted: its late points count by whether they came before the end."""
    *codes, (stop, _) = segment.codes
    start = codes[-1][0] if codes else segment.first
    for point in range(start, stop):
        if timetable.report(segment, point) < last:
            code = Code.LATE
        elif timetable.produced(segment, point) <= last.time:
            code = Code.AFTER_END
        else:
            break
        if codes and codes[-1][1] is code:
            codes.pop()
        codes.append((point + 1, code))
    return codes


def _after(points: Points, last: Event) -> Array:
    """The codes, where late points that were still on their way when the run ended are told apart."""
    late = np.flatnonzero(points.code == Code.LATE)
    time = points.time[late]
    after: Array = time > last.time
    for row in np.flatnonzero(time == last.time).tolist():
        at = late[row]
        place = (int(points.trial[at]), int(points.segment[at]), int(points.point[at]))
        after[row] = not (last.time, Kind.REPORT, *place) < last
    codes: Array = points.code.copy()
    codes[late[after]] = Code.AFTER_END
    return codes


def _lengths(stretches: Iterable[_Stretch]) -> Iterator[tuple[int, Code]]:
    for stretch in stretches:
        start = stretch.first
        for stop, code in stretch.codes:
            yield stop - start, code
            start = stop


def _column(space: Space, name: str) -> MutableSequence[Any]:
    """For the values of a hyperparameter: 8 bytes each, where all of them are floats."""
    always_float = isinstance(space.domains[name], Float) and name not in space.conditions
    return array("d") if always_float else []


class _Rows:
    """Rows of whole numbers that become columns, some thousand at a time."""

    def __init__(self, types: Sequence[str]) -> None:
        self._types = types
        self._rows: list[tuple[Any, ...]] = []
        self._parts: list[list[Array]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        self._count += 1
        if len(self._rows) == _AT_ONCE:
            self._gather()

    def columns(self) -> list[Array]:
        self._gather()
        return [
            np.concatenate([part[index] for part in self._parts]) if self._parts else np.empty(0, kind)
            for index, kind in enumerate(self._types)
        ]

    def _gather(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            columns = zip(*rows, strict=True)
            self._parts.append(
                [np.array(column, kind) for column, kind in zip(columns, self._types, strict=True)]
            )
