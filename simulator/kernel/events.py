"""What can happen in a run; events are ordered by what they are, not by when they were queued (T2)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeAlias

_new = tuple.__new__


class Kind(IntEnum):
    """Kinds of events; at one instant they are handled in this order."""

    START = 0
    REPORT = 1
    END = 2
    SIGNAL = 3
    STOPPED = 4
    LOST = 5
    JOINED = 6
    QUEUED = 7
    ANSWER = 8
    DEADLINE = 9

    __hash__ = int.__hash__  # as fast as it is equal to numbers


class JobEvent(NamedTuple):
    """Something that happens to a segment of a trial at ``time`` (ns), at one of its points."""

    time: int
    kind: Kind
    trial: int
    segment: int
    point: int


def job_event(time: int, kind: Kind, trial: int, segment: int, point: int) -> JobEvent:
    """A :class:`JobEvent`, made a little faster than by its class."""
    return _new(JobEvent, (time, kind, trial, segment, point))


class WorkerEvent(NamedTuple):
    """A worker is lost, or joins, at ``time`` (ns)."""

    time: int
    kind: Kind
    worker: int


class TimerEvent(NamedTuple):
    """The time limit, or a moment at which the scheduler answers or looks for requests, at ``time`` (ns)."""

    time: int
    kind: Kind


Event: TypeAlias = JobEvent | WorkerEvent | TimerEvent
"""Tuples compare in the order of T2; events of different types differ in their kinds."""


def describe(event: Event) -> str:
    """An event in the words of an error message."""
    kind = event.kind.name.lower()
    if isinstance(event, JobEvent):
        return f"{kind}, trial {event.trial}"
    return f"{kind}, worker {event.worker}" if isinstance(event, WorkerEvent) else kind
