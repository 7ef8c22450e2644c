"""The results of a scheduler on a suite: one row for each run, and the file for later comparisons."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from pickle import PicklingError
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from blackbox_repo import __version__, typed_json
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.store.atomic_directory import name_full_disk, sync_to_disk
from blackbox_repo.store.lock import exclusive
from simulator.quality.golden import Golden
from simulator.quality.scores import regret
from simulator.quality.suites import Case, Suite
from simulator.scheduler import SchedulerFactory
from simulator.versions import NUMBERS

if TYPE_CHECKING:
    from concurrent.futures import Executor

FORMAT = "blackbox-repo results 2"
REMEDY = "bb-sim ci --update, pytest --sim-regen"
_MOST_ROWS, _MOST_BYTES = 1_000_000, 1 << 28
_Count = Annotated[int, msgspec.Meta(ge=0)]
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        case: ``BLACKBOX/TASK``.
        seed: Seed of the run and of the scheduler.
        regret: The regret, averaged over the budget; see :func:`simulator.quality.scores.regret`.
        best: The best value of the target in a report; ``None`` if there was no report.
        trials: The number of trials that were started.
        digest: The digest of the run's trace.
        golden: The golden trace of the run, for the first seed of each case; otherwise ``None``.
    """

    case: str
    seed: _Count
    regret: Annotated[float, msgspec.Meta(ge=0, le=1)]
    best: float | None
    trials: _Count
    digest: str
    golden: str | None


_COLUMNS = [field.name for field in fields(Row)]


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    """The metadata of a file, without that of Arrow."""

    format: str
    suite: str
    scheduler: str
    version: str
    numbers: int
    sha256: str


@dataclass(frozen=True)
class Results:
    """The results of a scheduler on a suite.

    Args:
        suite: Name of the suite, with its version.
        scheduler: Description of the scheduler, with its first seed.
        rows: The runs, ordered as the cases of the suite, then by seed.
        version: The version of this project.
        numbers: The version of the numbers; see :mod:`simulator.versions`.
    """

    suite: str
    scheduler: str
    rows: tuple[Row, ...]
    version: str = __version__
    numbers: int = NUMBERS

    @cached_property
    def by_run(self) -> Mapping[tuple[str, int], Row]:
        """Case and seed -> row."""
        return {(row.case, row.seed): row for row in self.rows}

    @property
    def cases(self) -> list[str]:
        """The names of the cases, ordered as in the suite."""
        return list(dict.fromkeys(row.case for row in self.rows))

    @property
    def seeds(self) -> list[int]:
        """The seeds of each case."""
        return list(dict.fromkeys(row.seed for row in self.rows))

    @property
    def digest(self) -> str:
        """The SHA-256 of the digests of all runs."""
        lines = [f"{row.case} {row.seed} {row.digest}\n" for row in self.rows]
        return sha256("".join(lines).encode()).hexdigest()

    def content_sha256(self) -> str:
        """The SHA-256 of all content, to the last bit of each number."""
        head = [self.suite, self.scheduler, self.version, self.numbers]
        lines = [json.dumps(line) for line in (head, *map(astuple, self.rows))]
        return sha256("\n".join(lines).encode()).hexdigest()

    def save(self, file: str | Path) -> None:
        """Write a parquet file; it appears complete or not at all.

        Args:
            file: The file; an old one is replaced.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = Path(file)
        columns = zip(*map(astuple, self.rows), strict=True)
        table = pa.table(dict(zip(_COLUMNS, map(list, columns), strict=True)), _arrow_schema())
        metadata = {
            "format": FORMAT,
            "suite": self.suite,
            "scheduler": self.scheduler,
            "version": self.version,
        }
        metadata |= {"numbers": str(self.numbers), "sha256": self.content_sha256()}
        partial_file = file.with_name(f".{file.name}.partial")
        with exclusive(file, timeout=10), name_full_disk(file):
            try:
                pq.write_table(table.replace_schema_metadata(metadata), partial_file, compression="zstd")
                sync_to_disk(partial_file)
                partial_file.replace(file)
                sync_to_disk(file.parent)
            finally:
                partial_file.unlink(missing_ok=True)

    @classmethod
    def load(cls, file: str | Path) -> Results:
        """Read a file that :meth:`save` wrote.

        Args:
            file: The file.

        Raises:
            InvalidOption: There is no such file.
            FormatError: It holds something else, has another format, or was changed.
        """
        file = Path(file)
        metadata, rows = _read(file)
        suite, scheduler = metadata.suite, metadata.scheduler
        found = cls(suite, scheduler, tuple(rows), metadata.version, metadata.numbers)
        if found.content_sha256() != metadata.sha256:
            raise FormatError(
                f"{file} is damaged or was edited: its content does not have the sha256 that it says; "
                f"restore it, or write it anew ({REMEDY})"
            )
        _check_rows(file, found)
        return found


def _arrow_schema() -> Any:
    import pyarrow as pa

    kinds = (pa.string(), pa.int64(), pa.float64(), pa.float64(), pa.int64(), pa.string(), pa.string())
    return pa.schema(list(zip(_COLUMNS, kinds, strict=True)))


def _read(file: Path) -> tuple[_Metadata, list[Row]]:
    """The content of a file, with its types checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        content = typed_json.read_regular(file)
        parquet = pq.ParquetFile(pa.BufferReader(content))
        metadata = {k.decode(): v.decode() for k, v in (parquet.schema_arrow.metadata or {}).items()}
        _check_format(file, metadata.get("format"))
        _check_columns(parquet)
        rows = parquet.read(use_threads=False).to_pylist()
    except FileNotFoundError:
        raise InvalidOption(f"there is no file {file}") from None
    except (pa.ArrowException, ValueError, OSError, FormatError) as err:
        raise FormatError(f"{file} holds no results of a suite: {' '.join(str(err).split())}") from err
    numbers = metadata.get("numbers", "")
    checked = {**metadata, "numbers": int(numbers) if numbers.isdecimal() and len(numbers) < 10 else numbers}
    return typed_json.convert(checked, _Metadata, file), typed_json.convert(rows, list[Row], file)


def _check_format(file: Path, found: str | None) -> None:
    if found == "blackbox-repo results 1":
        raise FormatError(
            f"it is of an older format, made under another version of the numbers and without a digest; "
            f"write {file.name} anew with the scheduler as it was ({REMEDY})"
        )
    if found != FORMAT:
        raise FormatError(f"it does not say that it is {FORMAT!r}")


def _check_columns(parquet: Any) -> None:
    """Refuse other columns, or more rows than a suite can have, before anything is decoded."""
    if not parquet.schema_arrow.equals(_arrow_schema()):
        raise FormatError(f"its columns are {parquet.schema_arrow.names!r}, or of other types")
    found = parquet.metadata
    size = sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))
    if found.num_rows > _MOST_ROWS or size > _MOST_BYTES:
        raise FormatError(f"it has {found.num_rows} rows of {size} bytes, more than any suite has")


def _check_rows(file: Path, results: Results) -> None:
    """Refuse content that no measurement gives, even if its hash is right."""
    rows = results.rows
    if not rows:
        raise FormatError(f"{file} holds no runs")
    if len(results.by_run) < len(rows):
        keys = [(row.case, row.seed) for row in rows]
        double = next(key for key in keys if keys.count(key) > 1)
        raise FormatError(f"{file} holds seed {double[1]} of {double[0]!r} more than once")
    for row in rows:
        if row.best is not None and math.isnan(row.best):
            raise FormatError(f"{file} says of seed {row.seed} of {row.case!r} that its best value is NaN")
        if row.golden is not None:
            _check_golden(file, row)


def _check_golden(file: Path, row: Row) -> None:
    try:
        golden = Golden.parse(row.golden or "")
    except FormatError as err:
        raise FormatError(f"{file}: the golden trace of {row.case!r} is damaged: {err}") from err
    if golden.head["digest"] != row.digest:
        raise FormatError(f"{file}: the golden trace of {row.case!r} is not that of its run")


def measure(
    factory: SchedulerFactory,
    suite: Suite,
    *,
    tasks: Sequence[str] | None = None,
    seeds: int | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> Results:
    """Run a scheduler on a suite.

    Args:
        factory: Makes the scheduler; with more than one process it must be importable.
        suite: The benchmarks.
        tasks: Names of the cases to run, ``BLACKBOX/TASK``; by default all.
        seeds: The number of seeds, from 0 up; by default that of the suite.
        jobs: The number of processes; no result depends on it.
        progress: Called with the number of runs that are done, and the number of all runs.

    Raises:
        UnknownName: The suite has no such task.
        InvalidOption: There is no seed or no process, or the factory cannot be sent to another process.
        SchedulerError: The scheduler failed.
    """
    seeds = whole("seeds", suite.seeds if seeds is None else seeds, 1)
    jobs = whole("jobs", jobs, 1)
    work = [(case, seed) for case in suite.only(tasks) for seed in range(seeds)]
    done: list[tuple[Row, str]] = []
    with _parallel_map(jobs) as parallel_map:
        try:
            for one in parallel_map(partial(_row, factory), work):
                done.append(one)
                progress(len(done), len(work))
        except (AttributeError, TypeError, PicklingError) as err:
            if jobs > 1 and "pickle" in str(err).lower():
                raise InvalidOption(
                    f"the scheduler cannot be sent to other processes: {err}; use 1 job"
                ) from err
            raise
    return Results(suite.name, done[0][1], tuple(row for row, _ in done))


def _row(factory: SchedulerFactory, what: tuple[Case, int]) -> tuple[Row, str]:
    """The row of a run, and the description of its scheduler."""
    case, seed = what
    run = case.setup(seed).run(factory)
    best = run.best()
    row = Row(
        case.name,
        seed,
        regret(case, run),
        None if best is None else best.value,
        len(run.trial_columns["trial"]),
        run.digest,
        Golden.of(run).text if seed == 0 else None,
    )
    return row, run.header["scheduler"]


def _map_in_pool(
    pool: Executor, function: Callable[..., tuple[Row, str]], work: Sequence[object]
) -> Iterator[tuple[Row, str]]:
    """``pool.map``; the processes that it starts ignore Ctrl-C, as this process ends them."""
    if sys.platform == "win32":
        return pool.map(function, work, chunksize=5)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit it
    try:
        return pool.map(function, work, chunksize=5)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _parallel_map(jobs: int) -> Iterator[Callable[..., Iterator[tuple[Row, str]]]]:
    """``map`` over several processes, each with a single thread for linear algebra."""
    if jobs == 1:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield partial(_map_in_pool, pool)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
