"""A finished run: its columns, its digest, what it found, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption
from blackbox_repo.folders import appearing
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.space import Configuration
from simulator.clock import to_seconds
from simulator.events import Kind
from simulator.segments import Code
from simulator.trace import RECORD, Records, digest_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
TOLD = (Code.CONTINUE, Code.PAUSE, Code.STOP)
_HEADER, _TRIALS, _SEGMENTS = "run.json", "trials.parquet", "segments.parquet"
_REPORTS, _CALLS, _TRACE = "reports.parquet", "calls.parquet", "trace.parquet"


_TABLES = (_TRIALS, _SEGMENTS, _REPORTS, _CALLS, _TRACE)


@dataclass(frozen=True)
class Best:
    """The best value that was reported in a run.

    Args:
        objective: Of which objective.
        value: In the objective's unit.
        trial: The number of the trial.
        configuration: What it trained.
        fidelity: Where on its curve.
        time: Simulated seconds at which the report arrived.
    """

    objective: str
    value: float
    trial: int
    configuration: Configuration
    fidelity: float
    time: float


@dataclass(frozen=True)
class Incumbent:
    """Each report that was better than all before it: equally long arrays, times ascending (seconds)."""

    time: Array
    value: Array
    trial: Array
    fidelity: Array


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        header: What was run: blackbox, scheduler, seed, workers, limits, conditions, schema, versions.
        reason: What ended it: the name of a limit, ``"exhausted"`` or ``"stalled"``.
        end: When it ended, in simulated nanoseconds.
        records: All events in the order of docs/time.md, T2.
        trial_columns: Column -> one value a trial.
        segment_columns: Column -> one value a segment, in the order of (trial, segment).
        report_columns: Column -> one value a report, in the order of arrival.
        call_columns: Column -> one value a call of the scheduler, where its thinking took time.
    """

    header: Mapping[str, Any]
    reason: str
    end: int
    records: Records
    trial_columns: Mapping[str, Any]
    segment_columns: Mapping[str, Any]
    report_columns: Mapping[str, Array]
    call_columns: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the event record: equal for equal inputs on every machine (T19)."""
        return digest_of(self.records)

    @property
    def seconds(self) -> float:
        """How long the run lasted, in simulated seconds."""
        return to_seconds(self.end)

    @property
    def schema(self) -> Schema:
        """The schema of the blackbox."""
        return Schema.from_json(self.header["schema"])

    def trials(self) -> pa.Table:
        """One row a trial: number, ``config.<hyperparameter>``, seed, status, times, and so on.

        ``checkpoint_of`` is the trial with whose checkpoint it began; objectives that are constant along the
        curve stand here too.
        """
        import pyarrow as pa

        columns = dict(self.trial_columns)
        columns["checkpoint_of"] = pa.array(columns["checkpoint_of"], pa.int64())
        return pa.table(columns)

    def segments(self) -> pa.Table:
        """One row a job: trial, segment, worker, times (s), outcome; what a Gantt chart shows.

        ``until`` is the fidelity after which it was to end by itself, if its scheduler had said so.
        The worker was busy from ``busy_from`` to ``ended`` and trained from ``started``, which is null if the
        run ended before.
        """
        import pyarrow as pa

        types = {name: pa.int64() for name in ("trial", "segment", "worker")}
        types |= {name: pa.float64() for name in ("busy_from", "started", "ended", "until")}
        return pa.table(dict(self.segment_columns), schema=pa.schema({**types, "outcome": pa.string()}))

    def reports(self) -> pa.Table:
        """One row a point: time (s), trial, segment, fidelity, decision, objectives; in order of arrival."""
        import pyarrow as pa

        names = [Code(code).name.lower() if code else "" for code in range(max(Code) + 1)]
        columns = dict(self.report_columns)
        codes = pa.array(columns.pop("code"))
        return pa.table({**columns, "decision": pa.DictionaryArray.from_arrays(codes, pa.array(names))})

    def calls(self) -> pa.Table:
        """One row a call of the scheduler: what about, when (s) it arrived, was taken and answered, and how.

        Empty unless ``conditions`` had a decision time or polling (T12, T13). ``suggest`` has the trial and
        segment that came of it, if any. What the scheduler was thinking about when the run ended comes last:
        ``answered`` is when its answer would have come, which is null.
        """
        import pyarrow as pa

        types = {"call": pa.string(), "trial": pa.int64(), "segment": pa.int64(), "fidelity": pa.float64()}
        types |= {name: pa.float64() for name in ("arrived", "taken", "answered")}
        return pa.table(dict(self.call_columns), schema=pa.schema({**types, "answer": pa.string()}))

    def incumbent(self, objective: str | None = None) -> Incumbent:
        """The reports that improved on all before, by default in the target.

        Raises:
            UnknownName: There is no such objective.
            InvalidOption: The objective has no goal, or is constant along the curve.
        """
        chosen = self._with_goal(objective)
        told = np.isin(self.report_columns["code"], TOLD)
        values = self.report_columns[chosen.name][told]
        losses = np.where(np.isnan(values), np.inf, -values if chosen.goal == "max" else values)
        before = np.minimum.accumulate(np.concatenate([[np.inf], losses]))[:-1]
        better = losses < before
        columns = {name: self.report_columns[name][told][better] for name in ("time", "trial", "fidelity")}
        return Incumbent(value=values[better], **columns)

    def best(self, objective: str | None = None, *, by: float | None = None) -> Best | None:
        """The best report, by default in the target, at any time; ``None`` if there was none.

        Args:
            objective: Another objective than the target.
            by: Only reports up to this simulated second.

        Raises:
            UnknownName: There is no such objective.
            InvalidOption: The objective has no goal, or is constant along the curve.
        """
        incumbent = self.incumbent(objective)
        known = len(incumbent.time) if by is None else int((incumbent.time <= by).sum())
        if not known:
            return None
        trial = int(incumbent.trial[known - 1])
        return Best(
            objective=self._with_goal(objective).name,
            value=float(incumbent.value[known - 1]),
            trial=trial,
            configuration=self.configuration(trial),
            fidelity=incumbent.fidelity[known - 1].item(),
            time=float(incumbent.time[known - 1]),
        )

    def configuration(self, trial: int) -> Configuration:
        """The configuration of a trial."""
        columns = {
            name.removeprefix("config."): column[trial]
            for name, column in self.trial_columns.items()
            if name.startswith("config.")
        }
        return {name: value for name, value in columns.items() if value is not None}

    def statistics(self) -> dict[str, float]:
        """Rates between 0 and 1 that tell how well the schedulers' suggestions and the workers were used.

        ``duplicates``: trials with a configuration that was started before. ``off_table``: trials whose curve
        is another configuration's that stands in for theirs. ``idle``: time of the workers, but for those
        away, without a job.
        """
        trials = len(self.trial_columns["trial"])
        different = {tuple(self.configuration(trial).items()) for trial in range(trials)}
        present = self.seconds * self.header["workers"] - self._seconds_away()
        busy = float(np.sum(np.subtract(self.segment_columns["ended"], self.segment_columns["busy_from"])))
        return {
            "duplicates": 1 - len(different) / trials if trials else 0.0,
            "off_table": sum(self.trial_columns["off_table"]) / trials if trials else 0.0,
            "idle": max(1 - busy / present, 0.0) if present > 0 else 0.0,
        }

    def _seconds_away(self) -> float:
        times = self.records["time"]
        lost, joined = (times[self.records["kind"] == kind] for kind in (Kind.LOST, Kind.JOINED))
        back = int(joined.sum()) + (len(lost) - len(joined)) * self.end
        return to_seconds(back - int(lost.sum()))

    def save(self, folder: str | Path, check: Callable[[Path], object] | None = None) -> None:
        """Write the run to a new folder: JSON and parquet files; it appears complete or not at all.

        Args:
            folder: Where.
            check: Called with a folder that exists; raises if it must not be replaced. By default only an
                empty one may be, and one that holds this very run.

        Raises:
            InvalidOption: The folder must not be replaced.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = Path(folder)
        check = check or (lambda existing: check_free(existing, self.digest))
        if folder.exists():
            check(folder)
        with appearing(folder, check) as partial:
            trace = pa.table({name: np.ascontiguousarray(self.records[name]) for name in RECORD.names or ()})
            tables = {
                _TRIALS: self.trials(),
                _SEGMENTS: self.segments(),
                _REPORTS: self.reports(),
                _CALLS: self.calls(),
                _TRACE: trace,
            }
            for name, table in tables.items():
                pq.write_table(table, partial / name, compression="zstd")
            described = {"format": FORMAT, "digest": self.digest, "reason": self.reason, "end_ns": self.end}
            text = json.dumps({**described, **self.header}, indent=1, allow_nan=False)
            (partial / _HEADER).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a run that :meth:`save` wrote.

        Raises:
            FormatError: The folder holds no run, or one of a newer format.
            IntegrityError: The trace is not the one whose digest was written.
        """
        import pyarrow.parquet as pq

        folder = Path(folder)
        header = read_header(folder)
        read = {name: pq.ParquetFile(folder / name).read() for name in _TABLES}
        records = np.zeros(len(read[_TRACE]), dtype=RECORD)
        for name in RECORD.names or ():
            records[name] = read[_TRACE][name].to_numpy()
        if digest_of(records) != header["digest"]:
            raise IntegrityError(f"the trace in {folder} does not have the digest {header['digest']}")
        reports = {name: read[_REPORTS][name] for name in read[_REPORTS].column_names}
        decisions = reports.pop("decision").to_pylist()
        columns = {name: column.to_numpy() for name, column in reports.items()}
        columns["code"] = np.array([Code[decision.upper()] for decision in decisions], dtype=np.int8)
        return cls(
            header={k: v for k, v in header.items() if k not in ("format", "digest", "reason", "end_ns")},
            reason=header["reason"],
            end=header["end_ns"],
            records=records,
            trial_columns=read[_TRIALS].to_pydict(),
            segment_columns=read[_SEGMENTS].to_pydict(),
            report_columns=columns,
            call_columns=read[_CALLS].to_pydict(),
        )

    def _with_goal(self, name: str | None) -> Objective:
        objective = self.schema.objective(name or self.schema.target)
        if objective.goal == "none" or objective.constant:
            raise InvalidOption(
                f"the objective {objective.name!r} cannot be best: it has no goal or is constant in a trial"
            )
        return objective


def read_header(folder: Path) -> dict[str, Any]:
    """The JSON of a saved run.

    Raises:
        FormatError: The folder holds no run, or one of a newer format.
    """
    try:
        header: dict[str, Any] = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        version = header["format"]
    except (OSError, ValueError, KeyError) as err:
        raise FormatError(f"{folder} does not hold a run: its {_HEADER} is missing or malformed") from err
    if version > FORMAT:
        raise FormatError(f"{folder} holds a run of format {version}, but this version reads up to {FORMAT}")
    return header


def check_free(folder: Path, digest: str | None = None) -> None:
    """Refuse a folder that holds anything but the run of this digest.

    Raises:
        InvalidOption: It exists and is neither empty nor the same run.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if (folder / _HEADER).is_file() and digest is not None and read_header(folder).get("digest") == digest:
        return
    unfinished = (folder / "log.jsonl").is_file() and (folder / "command.json").is_file()
    remedy = f"go on with the run in it (--resume {folder})" if unfinished else "remove it"
    raise InvalidOption(
        f"{folder} exists already and holds something else; choose another folder or {remedy}"
    )
