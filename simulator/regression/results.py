"""What a scheduler reached on a suite: one row a run, and the file with which a later one is compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from pickle import PicklingError

from blackbox_repo import __version__
from blackbox_repo.errors import FormatError, InvalidOption
from simulator.api import simulate
from simulator.regression.golden import Golden
from simulator.regression.scores import regret
from simulator.regression.suites import Case, Suite
from simulator.scheduler import SchedulerFactory

FORMAT = "blackbox-repo results 1"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        case: ``BLACKBOX/TASK``.
        seed: Of the run and of the scheduler.
        regret: Averaged over the budget; see :func:`simulator.regression.scores.regret`.
        best: The best value of the target in a report, ``None`` if there was none.
        trials: That were started.
        digest: Of its trace.
        golden: Its golden trace, for the first seed of each case, else ``None``.
    """

    case: str
    seed: int
    regret: float
    best: float | None
    trials: int
    digest: str
    golden: str | None


@dataclass(frozen=True)
class Results:
    """What a scheduler reached on a suite.

    Args:
        suite: The suite's name with its version.
        scheduler: What it says of itself, with its first seed.
        rows: In the order of the suite's cases, and of their seeds.
        version: Of this project.
    """

    suite: str
    scheduler: str
    rows: tuple[Row, ...]
    version: str = __version__

    @cached_property
    def by_run(self) -> Mapping[tuple[str, int], Row]:
        """Case and seed -> row."""
        return {(row.case, row.seed): row for row in self.rows}

    @property
    def cases(self) -> list[str]:
        """In the order of the suite."""
        return list(dict.fromkeys(row.case for row in self.rows))

    @property
    def seeds(self) -> list[int]:
        """Of each case."""
        return list(dict.fromkeys(row.seed for row in self.rows))

    @property
    def digest(self) -> str:
        """SHA-256 of the digests of all runs."""
        lines = [f"{row.case} {row.seed} {row.digest}\n" for row in self.rows]
        return sha256("".join(lines).encode()).hexdigest()

    def save(self, file: str | Path) -> None:
        """Write it to a parquet file, which appears complete or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = Path(file)
        columns = zip(*map(astuple, self.rows), strict=True)
        table = pa.table(dict(zip([field.name for field in fields(Row)], map(list, columns), strict=True)))
        said = {"format": FORMAT, "suite": self.suite, "scheduler": self.scheduler, "version": self.version}
        file.parent.mkdir(parents=True, exist_ok=True)
        partial_file = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            pq.write_table(table.replace_schema_metadata(said), partial_file, compression="zstd")
            partial_file.replace(file)
        finally:
            partial_file.unlink(missing_ok=True)

    @classmethod
    def load(cls, file: str | Path) -> Results:
        """What :meth:`save` wrote.

        Raises:
            InvalidOption: There is no such file.
            FormatError: It is something else.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(file)
            said = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
            if said.get("format") != FORMAT:
                raise FormatError(f"{file} holds no results of a suite (expected {FORMAT!r})")
            rows = tuple(Row(**row) for row in table.to_pylist())
        except FileNotFoundError:
            raise InvalidOption(f"there is no file {file}") from None
        except (pa.ArrowException, TypeError, OSError) as err:
            raise FormatError(f"{file} holds no results of a suite: {err}") from err
        return cls(said["suite"], said["scheduler"], rows, said["version"])


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
        factory: Makes it.
        suite: The problems.
        tasks: Only these cases, by ``BLACKBOX/TASK``.
        seeds: How many, from 0 up; by default as many as the suite says.
        jobs: Processes that share the work; no result depends on it. The factory must be importable then.
        progress: Told how many runs are done, and how many there are.

    Raises:
        UnknownName: The suite has no such task.
        InvalidOption: Fewer than one seed or process, or a factory that cannot go to another process.
        SchedulerError: The scheduler failed.
    """
    seeds = suite.seeds if seeds is None else seeds
    for name, count in (("seeds", seeds), ("jobs", jobs)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InvalidOption(f"{name} is {count!r}, but must be a whole number, 1 or more")
    work = [(case, seed) for case in suite.only(tasks) for seed in range(seeds)]
    done: list[tuple[Row, str]] = []
    with _mapped(jobs) as mapped:
        try:
            for one in mapped(partial(_row, factory), work):
                done.append(one)
                progress(len(done), len(work))
        except (AttributeError, TypeError, PicklingError) as err:
            if jobs > 1 and "pickle" in str(err).lower():
                raise InvalidOption(f"the scheduler cannot go to other processes: {err}; use 1 job") from err
            raise
    return Results(suite.name, done[0][1], tuple(row for row, _ in done))


def _row(factory: SchedulerFactory, what: tuple[Case, int]) -> tuple[Row, str]:
    """One run, and what its scheduler says of itself."""
    case, seed = what
    run = simulate(case.load(), factory, workers=case.workers, stop=case.stop, seed=seed)
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


@contextmanager
def _mapped(jobs: int) -> Iterator[Callable[..., Iterator[tuple[Row, str]]]]:
    """``map``, over so many processes; each with one thread for linear algebra, or they would wait."""
    if jobs == 1:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            yield partial(pool.map, chunksize=5)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
