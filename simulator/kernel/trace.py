"""The canonical record of a run, and its digest (T19)."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt

from blackbox_repo.curve import Array
from simulator.clock import END_OF_TIME
from simulator.kernel.cluster import Cluster
from simulator.kernel.events import Event, Kind
from simulator.kernel.segments import Code, Segment, TrialState

RECORD = np.dtype(
    [
        ("time", "<i8"),  # nanoseconds
        ("kind", "u1"),
        ("trial", "<i4"),
        ("segment", "<i4"),
        ("point", "<i4"),
        ("value", "<u8"),  # a report's target as its 64 bits; else the hash of what the event is about
        ("code", "u1"),  # what became of a report's point; else 0
    ]
)
Records = npt.NDArray[np.void]


@dataclass(frozen=True)
class Points:
    """Every point that was produced, in the order of T2: equally long columns."""

    time: npt.NDArray[np.int64]
    trial: npt.NDArray[np.int32]
    segment: npt.NDArray[np.int32]
    point: npt.NDArray[np.int32]
    code: npt.NDArray[np.int8]

    @classmethod
    def of(cls, cluster: Cluster, end: Event) -> Points:
        """The points of a finished run; what came by ``end`` too late for its scheduler is told apart."""
        columns = [array(kind) for kind in "qiiib"]
        for trial in cluster.trials:
            for segment in trial.segments:
                for points, code in _stretches(cluster, segment, end):
                    times = cluster.arrivals(segment, points)
                    if code is Code.AFTER_END:  # which may never arrive (T15)
                        times = [min(time, END_OF_TIME) for time in times]
                    columns[0].extend(times)
                    columns[1].extend(repeat(trial.number, len(points)))
                    columns[2].extend(repeat(segment.number, len(points)))
                    columns[3].extend(points)
                    columns[4].extend(repeat(code, len(points)))
        unsorted = [np.frombuffer(column, dtype=column.typecode) for column in columns]
        order = np.argsort(unsorted[0], kind="stable")  # those of one time are in order already
        return cls(*(column[order] for column in unsorted))

    def values(self, trials: Sequence[TrialState], objective: str) -> Array:
        """An objective at each point."""
        furthest = np.zeros(len(trials), dtype=np.int64)
        np.maximum.at(furthest, self.trial, self.point + 1)
        heads = [
            trial.curve.head(objective, count) for trial, count in zip(trials, furthest.tolist(), strict=True)
        ]
        if not heads:
            return np.empty(0)
        cells: Array = np.concatenate(heads)
        at = (np.cumsum(furthest) - furthest)[self.trial]
        at += self.point
        values: Array = cells[at]
        return values


def _stretches(cluster: Cluster, segment: Segment, end: Event) -> Iterator[tuple[range, Code]]:
    """The recorded points of a segment; late ones count by whether they came before the run's end."""
    start = segment.first
    for stop, code in segment.codes:
        if code is Code.LATE:
            yield from _late(cluster, segment, range(start, stop), end)
        else:
            yield range(start, stop), code
        start = stop


def _late(cluster: Cluster, segment: Segment, points: range, end: Event) -> Iterator[tuple[range, Code]]:
    for point in points:
        arrival = cluster.arrival(segment, point)
        if (arrival, Kind.REPORT, segment.trial, segment.number, point) < end:
            yield range(point, point + 1), Code.LATE
        elif cluster.produced(segment, point) <= end.time:
            yield range(point, point + 1), Code.AFTER_END


def build_records(points: Points, targets: Array, events: Sequence[tuple[Event, str]]) -> Records:
    """All events of a run in the order of T2.

    Args:
        points: Its points.
        targets: The target objective at each point.
        events: Everything else, each with a text that says what it is about.
    """
    others = np.zeros(len(events), dtype=RECORD)
    for row, (event, text) in enumerate(sorted(events)):
        others[row] = (*event, text_bits(text), 0)
    places = _places_among(points, others) + np.arange(len(others))
    records = np.zeros(len(points.time) + len(others), dtype=RECORD)
    records[places] = others
    reported = np.ones(len(records), dtype=bool)
    reported[places] = False
    records["kind"][reported] = Kind.REPORT
    for column in ("time", "trial", "segment", "point", "code"):
        records[column][reported] = getattr(points, column)
    wide = targets.astype("<f8")
    records["value"][reported] = np.where(np.isnan(wide), np.nan, wide).view("<u8")
    return records


def _places_among(points: Points, others: Records) -> npt.NDArray[np.int64]:
    """How many points come before each other event (T2)."""
    first = np.searchsorted(points.time, others["time"], side="left")
    last = np.searchsorted(points.time, others["time"], side="right")
    return np.where(others["kind"] < Kind.REPORT, first, last)


def text_bits(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def digest_of(records: Records) -> str:
    """The run's digest: SHA-256 of the records as they lie in memory."""
    return hashlib.sha256(records.tobytes()).hexdigest()
