"""The canonical record of a run, and its digest (T19)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from blackbox_repo.curve import Array
from simulator.kernel.events import Kind
from simulator.kernel.outcome import STATUSES, Outcome, Points, Trials

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


def build_records(outcome: Outcome, targets: Array) -> Records:
    """All events of a run in the order of T2.

    Args:
        outcome: The run.
        targets: The target objective at each of its points.
    """
    points, others = outcome.points, _records_of_events(outcome)
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


def _records_of_events(outcome: Outcome) -> Records:
    """The events that are no reports; answers at one instant about one job in the order of their texts."""
    events, texts = outcome.events, list(_texts(outcome))
    records = np.zeros(len(texts), dtype=RECORD)
    for name in ("time", "kind", "trial", "segment", "point"):
        records[name] = getattr(events, name)
    records["value"] = [text_bits(text) for text in texts]
    keys = [records[name] for name in ("point", "segment", "trial", "kind", "time")]
    if events.answers:
        keys.insert(0, np.argsort(np.argsort(np.array(texts, dtype=object), kind="stable"), kind="stable"))
    return records[np.lexsort(keys)]


def _texts(outcome: Outcome) -> Iterator[str]:
    """What each event is about: the text whose hash is in its record."""
    events, segments, trials = outcome.events, outcome.segments, outcome.trials
    first = np.searchsorted(segments.trial, np.arange(len(trials.seed))).tolist()
    workers = segments.worker.tolist()
    rows = zip(
        *(getattr(events, name).tolist() for name in ("kind", "trial", "segment", "outcome")), strict=True
    )
    end = len(events.kind) - 1
    for row, (kind, trial, segment, status) in enumerate(rows):
        if kind == Kind.START:
            worker = workers[first[trial] + segment]
            yield f"{worker} {trials.seed[trial]} {_configuration(trials, trial)!a}"
        elif row == end:
            yield outcome.reason
        else:
            yield events.answers.get(row, "") if status == 0 else _name(status)


def _name(status: int) -> str:
    named = STATUSES[status]
    assert named is not None
    return str(named.value)


def _configuration(trials: Trials, trial: int) -> dict[str, object]:
    values = ((name, column[trial]) for name, column in trials.configurations.items())
    return {name: value for name, value in values if value is not None}


def text_bits(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def digest_of(records: Records) -> str:
    """The run's digest: SHA-256 of the records as they lie in memory."""
    return hashlib.sha256(records.tobytes()).hexdigest()
