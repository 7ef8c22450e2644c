"""What is known of a finished run: its header, its trace and its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Protocol

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from blackbox_repo.frozen import frozen
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.clock import to_seconds
from simulator.kernel.trace import Records, digest_of
from simulator.results.columns import CONFIG, Columns


class Trace(Protocol):
    """What happened in a run, event by event; it cannot be changed."""

    @property
    def records(self) -> Records:
        """All events in the order of docs/time.md, T2."""

    @property
    def reports(self) -> Mapping[str, Array]:
        """Column -> one value a point, in the order of arrival."""


@dataclass(frozen=True, eq=False)
class KeptTrace:
    """A trace that was made before, such as that of a saved run.

    Args:
        records: All events in the order of docs/time.md, T2.
        reports: Column -> one value a point, in the order of arrival.
    """

    records: Records
    reports: Mapping[str, Array]

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, frozen(getattr(self, each.name)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.records, dict(self.reports))  # arrays stay read-only


@dataclass(frozen=True, eq=False, repr=False)
class RunRecord:
    """A finished run as it is kept; two are equal if their digests are.

    Args:
        header: What was run: blackbox, scheduler, seed, workers, limits, conditions, schema, versions.
        reason: What ended it: the name of a limit, ``"exhausted"`` or ``"stalled"``.
        end: When it ended, in simulated nanoseconds.
        trace: What happened, event by event.
        trial_columns: Column -> one value a trial.
        segment_columns: Column -> one value a segment, in the order of (trial, segment).
        call_columns: Column -> one value a call of the scheduler, where its thinking took time.
        candidates: The configurations that exist, where the blackbox is a table that is no full grid; a saved
            run does not keep them.
    """

    header: Mapping[str, Any]
    reason: str
    end: int
    trace: Trace
    trial_columns: Mapping[str, Sequence[Any]]
    segment_columns: Mapping[str, Sequence[Any]]
    call_columns: Mapping[str, Sequence[Any]]
    candidates: Sequence[Configuration] | None = None

    def __post_init__(self) -> None:
        for name in ("header", "trial_columns", "segment_columns", "call_columns"):
            value = getattr(self, name)
            if not isinstance(value, Columns):  # which freeze what they hand out
                object.__setattr__(self, name, frozen(value))

    @property
    def records(self) -> Records:
        """All events in the order of docs/time.md, T2; see T19 there."""
        return self.trace.records

    @property
    def report_columns(self) -> Mapping[str, Array]:
        """Column -> one value a point, in the order of arrival.

        ``"decision"`` is a :class:`simulator.kernel.segments.Code`.
        """
        return self.trace.reports

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, each.name) for each in fields(self))  # arrays stay read-only

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, RunRecord) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the event record: equal for equal inputs on every machine (T19)."""
        return digest_of(self.records)

    @property
    def seconds(self) -> float:
        """How long the run lasted, in simulated seconds."""
        return to_seconds(self.end)

    @cached_property
    def schema(self) -> Schema:
        """The schema of the blackbox; with its candidates, unless the run was saved and loaded."""
        schema = Schema.from_json(self.header["schema"])
        return replace(schema, space=replace(schema.space, candidates=self.candidates))

    def configuration(self, trial: int) -> Configuration:
        """The configuration of a trial, as a dict of its own.

        Raises:
            InvalidOption: The run has no such trial.
        """
        count = len(self.trial_columns["trial"])
        if not 0 <= trial < count:
            raise InvalidOption(f"there is no trial {trial}: the run has the trials 0 to {count - 1}")
        values = {name: column[trial] for name, column in self._hyperparameters.items()}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def _hyperparameters(self) -> dict[str, Sequence[Any]]:
        return {name: self.trial_columns[f"{CONFIG}{name}"] for name in self.schema.space.domains}


def check_storable(header: Mapping[str, Any]) -> None:
    """Refuse what a header could not say in a file, before anything is simulated.

    Raises:
        InvalidOption: A number that is not finite, text that is not Unicode, or something that is no JSON.
    """
    for key, value in header.items():
        try:
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, TypeError, RecursionError) as err:
            raise InvalidOption(
                f"the run could not be saved: its {key} would hold what a JSON file cannot say ({err}); use "
                f"finite numbers and Unicode text"
            ) from err
