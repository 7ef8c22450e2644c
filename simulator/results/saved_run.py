"""A saved run: a folder of JSON and parquet files, each of which is checked by its SHA-256.

``run.json`` has what was run, and the size and SHA-256 of each table; ``run.sha256`` has the SHA-256 of
``run.json``, in the format that ``sha256sum --check`` reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError, InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.store.atomic_directory import atomic_directory, recover
from simulator.clock import NANOSECONDS
from simulator.kernel.events import Kind
from simulator.results.columns import fidelities
from simulator.results.record import KeptTrace, RunRecord

FORMAT = 2
HEADER, CHECKSUM = "run.json", "run.sha256"
_TRIALS, _SEGMENTS, _REPORTS, _CALLS, _TRACE = (
    f"{name}.parquet" for name in ("trials", "segments", "reports", "calls", "trace")
)
FILES = (_TRIALS, _SEGMENTS, _REPORTS, _CALLS, _TRACE)

_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Run = TypeVar("_Run", bound=RunRecord)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    sha256: _Sha256
    bytes: _Count


class _Header(msgspec.Struct):
    """What every ``run.json`` says; further keys say more of what was run."""

    format: int
    digest: _Sha256
    reason: str
    end_ns: _Count
    files: dict[str, _File]
    blackbox: str
    blackbox_digest: str
    scheduler: str
    seed: int
    workers: Annotated[int, msgspec.Meta(ge=1)]
    stop: dict[str, Any]
    conditions: dict[str, Any]
    version: str
    numbers: int
    schema: dict[str, Any]


_OF_THE_FOLDER = ("format", "digest", "reason", "end_ns", "files")


@dataclass(frozen=True)
class Saved:
    """The header of a saved run.

    Args:
        folder: The folder of the run.
        text: All of ``run.json``, as JSON.
        known: The keys that every header has, with types checked.
    """

    folder: Path
    text: dict[str, Any]
    known: _Header

    @property
    def digest(self) -> str:
        """Of the run's trace."""
        return self.known.digest

    @property
    def header(self) -> dict[str, Any]:
        """The header as the run has it."""
        return {key: value for key, value in self.text.items() if key not in _OF_THE_FOLDER}


# --- saving -----------------------------------------------------------------------------------------------


def save(run: RunRecord, folder: Path, check: Callable[[Path], object] | None = None) -> None:
    """See :meth:`simulator.results.run.Run.save`."""
    import pyarrow.parquet as pq

    from simulator.results import run_tables

    tables = {
        _TRIALS: run_tables.trials_table,
        _SEGMENTS: run_tables.segments_table,
        _REPORTS: run_tables.reports_table,
        _CALLS: run_tables.calls_table,
        _TRACE: run_tables.trace_table,
    }
    check = check or (lambda existing: check_free(existing, run.digest))
    if folder.exists():
        check(folder)
    with atomic_directory(folder, check) as place:
        for name, make_table in tables.items():  # one after the other is in memory
            pq.write_table(make_table(run), place / name, compression="zstd")
        files = {name: _describe((place / name).read_bytes()) for name in tables}
        said = {"format": FORMAT, "digest": run.digest, "reason": run.reason, "end_ns": run.end}
        text = json.dumps({**said, **run.header, "files": files}, indent=1, allow_nan=False)
        content = f"{text}\n".encode()
        (place / HEADER).write_bytes(content)
        (place / CHECKSUM).write_bytes(_format_checksum(content))


def _describe(content: bytes) -> dict[str, Any]:
    return {"sha256": sha256(content).hexdigest(), "bytes": len(content)}


def _format_checksum(header: bytes) -> bytes:
    return f"{sha256(header).hexdigest()}  {HEADER}\n".encode()


def check_free(folder: Path, digest: str | None = None) -> None:
    """Refuse a folder that holds anything but the run of this digest.

    Args:
        folder: Where a run is to be saved.
        digest: The digest of that run; ``None`` for a run that is not known yet.

    Raises:
        InvalidOption: It exists and is neither empty nor the same run.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if digest is None or _digest_in(folder) != digest:
        raise InvalidOption(
            f"{folder} exists already and holds something else; choose another folder or remove it"
        )


def _digest_in(folder: Path) -> str | None:
    try:
        return read_header(folder).digest
    except FormatError:
        return None


# --- loading ----------------------------------------------------------------------------------------------


def read_header(folder: Path) -> Saved:
    """The header of a saved run.

    Raises:
        FormatError: The folder holds no run, or one of another format.
        IntegrityError: The header is not the one that was saved.
    """
    try:
        content = typed_json.read_regular(folder / HEADER)
    except (OSError, FormatError) as err:
        raise FormatError(f"{folder} does not hold a run: its {HEADER} cannot be read") from err
    text = typed_json.decode(content, dict[str, Any], folder / HEADER)
    _check_format(folder, text.get("format"))
    try:
        found = typed_json.read_regular(folder / CHECKSUM)
    except (OSError, FormatError) as err:
        raise IntegrityError(f"{folder} lacks a readable {CHECKSUM}, so its run cannot be checked") from err
    if found != _format_checksum(content):
        raise IntegrityError(f"{folder / HEADER} is damaged: its sha256 is not the one in {CHECKSUM}")
    return Saved(folder, text, typed_json.convert(text, _Header, folder / HEADER))


def _check_format(folder: Path, found: object) -> None:
    if not isinstance(found, int):
        raise FormatError(f"{folder} does not hold a run: its {HEADER} is malformed")
    if found > FORMAT:
        raise FormatError(f"{folder} holds a run of format {found}, but this version reads up to {FORMAT}")
    if found < FORMAT:
        raise FormatError(
            f"{folder} holds a run of format {found}, whose files cannot be checked, as they have no hashes; "
            f"any parquet reader opens its tables, and the run can be simulated again"
        )


def load(folder: Path, kind: type[_Run]) -> _Run:
    """See :meth:`simulator.results.run.Run.load`; what is made of the files is a ``kind``."""
    from simulator.results import run_tables

    recover(folder)
    saved = read_header(folder)
    if set(saved.known.files) != set(FILES):
        raise FormatError(
            f"{folder / HEADER} lists the files {sorted(saved.known.files)!r}, not {list(FILES)}"
        )
    schema = _schema(saved)

    def part(name: str, columns_of: Callable[[Any], Any]) -> Any:
        table = _read(saved, name)
        with _naming(folder / name):
            return columns_of(table)

    trace = KeptTrace(
        part(_TRACE, run_tables.records_of),
        part(_REPORTS, partial(run_tables.report_columns_of, schema=schema)),
    )
    run = kind(
        header=saved.header,
        reason=saved.known.reason,
        end=saved.known.end_ns,
        trace=trace,
        trial_columns=part(_TRIALS, partial(run_tables.trial_columns_of, schema=schema)),
        segment_columns=part(_SEGMENTS, run_tables.segment_columns_of),
        call_columns=part(_CALLS, run_tables.call_columns_of),
    )
    for name, check in ((_TRACE, _check_digest), (_SEGMENTS, _check_segments), (_REPORTS, _check_reports)):
        with _naming(folder / name):
            check(run, saved)
    return run


def _check_digest(run: RunRecord, saved: Saved) -> None:
    if run.digest != saved.digest:
        raise IntegrityError(f"it does not have the digest {saved.digest}")


def _check_segments(run: RunRecord, _saved: Saved) -> None:
    counts = run.trial_columns["segments"]
    numbers = [(trial, segment) for trial, count in enumerate(counts) for segment in range(count)]
    if [*zip(run.segment_columns["trial"], run.segment_columns["segment"], strict=True)] != numbers:
        raise FormatError(f"its segments are not those of which {_TRIALS} tells")


def _check_reports(run: RunRecord, _saved: Saved) -> None:
    for name, values in _columns_of_the_trace(run):
        if not np.array_equal(run.report_columns[name], values, equal_nan=True):
            raise FormatError(f"its column {name!r} is not that of which {_TRACE} tells")


def _columns_of_the_trace(run: RunRecord) -> Iterator[tuple[str, Array]]:
    """The columns of the reports that the trace has too, one by one."""
    reports = run.records[run.records["kind"] == Kind.REPORT]
    yield "time", reports["time"] / NANOSECONDS
    yield "trial", reports["trial"]
    yield "segment", reports["segment"]
    yield "fidelity", fidelities(run.schema)[reports["point"]]
    yield "decision", reports["code"]
    if not run.schema.objective(run.schema.target).constant:
        yield run.schema.target, reports["value"].view(np.float64)


def _schema(saved: Saved) -> Schema:
    with _naming(saved.folder / HEADER):
        return Schema.from_json(saved.text["schema"])


def _read(saved: Saved, name: str) -> Any:
    """A table, once its file is known to be the one that was saved."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, expected = saved.folder / name, saved.known.files[name]
    try:
        content = typed_json.read_regular(path, expected.bytes)
    except (OSError, FormatError) as err:
        raise IntegrityError(f"{path} is missing, or is not the file that was saved: {err}") from err
    found = sha256(content).hexdigest()
    if found != expected.sha256:
        raise IntegrityError(
            f"{path} is damaged: its sha256 is {found}, but {HEADER} says {expected.sha256}; restore the "
            f"file, or run it again"
        )
    with _naming(path):
        return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the name of the file to errors about its content."""
    try:
        yield
    except IntegrityError as err:
        raise IntegrityError(f"{path} is damaged: {err}") from err
    except (BlackboxRepoError, LookupError, TypeError, ValueError, OSError) as err:
        what = " ".join(str(err).split())  # Arrow's messages may have several lines
        raise FormatError(f"{path} is no part of a saved run: {what}") from err
