"""The options of ``bb-sim run`` as a value that a saved run keeps, so that it can be run again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import typer

from blackbox_repo import typed_json, views
from blackbox_repo.benchmark import BENCHMARKS, Benchmark
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.find_surrogate import find_surrogate
from blackbox_repo.roots.source import Source
from blackbox_repo.schema import Schema
from blackbox_repo.store.atomic_directory import atomic_directory
from blackbox_repo.surrogate.models import MODELS
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.text.late_progress import report_once_used
from blackbox_repo.text.plain_text import printable
from simulator.callbacks import Callback
from simulator.cli.options import (
    check_count,
    group_settings,
    make_conditions,
    make_stop,
    parse_duration,
)
from simulator.problem import Setup, find_problem, parse_time_model
from simulator.registry import scheduler_factory
from simulator.results.run import Run
from simulator.results.saved_run import check_free
from simulator.scheduler import SchedulerFactory
from simulator.schedulers.mo_asha import choose_objectives

DEFAULT_SECONDS = 7200.0
OFF_TABLE = ("error", "nearest", *MODELS, "surrogate", *(f"surrogate:{model}" for model in MODELS))
_COMMAND, _LOG = "command.json", "log.jsonl"


@dataclass(frozen=True)
class Command:
    """The options of ``bb-sim run`` as they were typed; ``None`` where the benchmark's own value is taken."""

    name: str
    scheduler: str
    workers: int | None
    time: str | None
    trials: int | None
    seed: int
    objective: str | None
    max_fidelity: float | None
    time_model: str | None
    settings: tuple[str, ...]
    off_table: str = "error"
    roots: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run, folder: Path) -> Command:
        """The command of a saved run.

        Args:
            run: The saved run.
            folder: Where it is saved, for the error.

        Raises:
            FormatError: The run was not made by ``bb-sim run``.
        """
        if "command" not in run.header:
            raise FormatError(
                f"{folder} was not made by bb-sim run, so it does not say how to run it again; "
                f"use simulate(..., check_determinism=True)"
            )
        return typed_json.convert(run.header["command"], cls, folder / "run.json")

    def objectives(self, schema: Schema) -> tuple[str, ...]:
        """The objectives that are optimized: the scheduler's setting, the benchmark's, or the target alone.

        Args:
            schema: The schema of the blackbox that is simulated.
        """
        named = group_settings(self.settings)["scheduler"].get("objectives")
        if named:
            return tuple(objective.name for objective in choose_objectives(schema, named))
        if self.scheduler == "mo-asha":
            return tuple(objective.name for objective in choose_objectives(schema, None))
        benchmark = BENCHMARKS.get(self.name)
        return (schema.target,) if benchmark is None or self.objective else benchmark.objectives

    def prepare(self) -> Prepared:
        """Find, make and check everything that the run needs; nothing is simulated.

        Raises:
            BlackboxRepoError: One of the options is wrong.
        """
        check_count("--workers", self.workers)
        check_count("--trials", self.trials)
        groups = group_settings(self.settings)
        model = self.time_model
        seconds_per_unit = None if model is None else parse_time_model(model, "--time-model")
        source = Source(self.roots or None)
        if self.off_table not in OFF_TABLE:
            raise UnknownName("--off-table", self.off_table, OFF_TABLE)
        extend = partial(_extend, off_table=self.off_table, source=source)
        benchmark, blackbox = find_problem(self.name, seconds_per_unit, source, extend)
        if self.off_table == "nearest":
            blackbox = views.nearest(blackbox)
        if self.max_fidelity is not None:
            blackbox = views.up_to(blackbox, self.max_fidelity)
        if self.objective is not None:
            blackbox = views.with_target(blackbox, self.objective)
        seconds, trials = self._limits(benchmark, groups["stop"])
        setup = Setup(
            blackbox,
            workers=benchmark.workers if self.workers is None else self.workers,
            stop=make_stop(seconds, trials, groups["stop"]),
            seed=self.seed,
            conditions=make_conditions(groups["delays"], groups["failures"], groups["conditions"]),
        )
        return Prepared(self, benchmark, setup, scheduler_factory(self.scheduler, groups["scheduler"]))

    def _limits(self, benchmark: Benchmark, others: Mapping[str, object]) -> tuple[float | None, int | None]:
        """Seconds and trials: the benchmark's budget, unless any limit is given."""
        seconds = None if self.time is None else parse_duration(self.time)
        if seconds is not None or self.trials is not None or set(others) - {"drain"}:
            return seconds, self.trials
        if benchmark.evaluations is not None:
            return benchmark.seconds, benchmark.evaluations
        return benchmark.seconds or DEFAULT_SECONDS, None


def optimized_objectives(run: Run, folder: Path) -> tuple[str, ...]:
    """The objectives that a saved run optimized: the target, unless its command says otherwise.

    Args:
        run: The saved run.
        folder: Where it is saved, for the error.
    """
    if "command" not in run.header:
        return (run.schema.target,)
    return Command.of(run, folder).objectives(run.schema)


def _extend(blackbox: Blackbox, off_table: str, source: Source) -> Blackbox:
    """The table as it is stored, with a surrogate for what it lacks if there is to be one."""
    if off_table in ("error", "nearest"):
        return blackbox
    model = off_table.removeprefix("surrogate").removeprefix(":") or "knn"  # as older releases called it
    with report_once_used(f"surrogate of {blackbox.name}") as progress:
        surrogate = find_surrogate(blackbox, model, source=source, say=progress.step)
    _tell_unusual(surrogate, blackbox.schema)
    return views.with_surrogate(blackbox, surrogate)


def _tell_unusual(surrogate: SurrogateBlackbox, schema: Schema) -> None:
    """Say on stderr how a stored surrogate was fitted that is not one with the defaults."""
    chosen = [f"{name} {value}" for name, value in surrogate.info.unusual().items()]
    chosen += ["another space than the table"] * (surrogate.schema.space != schema.space)
    if chosen:
        said = f"off the table answers the stored surrogate {surrogate.info.model}: {', '.join(chosen)}"
        typer.echo(printable(said), err=True)


@dataclass(frozen=True)
class Prepared:
    """A command that is ready to run.

    Args:
        command: The options.
        benchmark: The problem that they name.
        setup: What is simulated.
        factory: Makes the scheduler.
        call_timeout: Real seconds that a call of the scheduler may take; ``None`` for no limit.
    """

    command: Command
    benchmark: Benchmark
    setup: Setup
    factory: SchedulerFactory
    call_timeout: float | None = None

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives that are optimized."""
        return self.command.objectives(self.setup.blackbox.schema)

    def run(self, callbacks: Sequence[Callback] = (), log: UnfinishedRun | None = None) -> Run:
        """Simulate, or continue a run that was interrupted; the command is kept in the run's header.

        Args:
            callbacks: They are told what happens.
            log: The unfinished run that is begun or continued; ``None`` if no log is kept.
        """
        run = self.setup.run(
            self.factory,
            callbacks=callbacks,
            log=None if log is None else log.file,
            resume=log is not None and log.file.exists(),
            call_timeout=self.call_timeout,
        )
        return replace(run, header={**run.header, "command": asdict(self.command)})


def check_unused(folder: Path) -> None:
    """Refuse a folder that holds anything, and say how an unfinished run in it can be continued.

    Args:
        folder: The folder.

    Raises:
        InvalidOption: It exists and is not empty.
    """
    if (folder / _COMMAND).is_file():
        raise InvalidOption(
            f"{folder} holds an unfinished run; continue it with --resume {folder}, or choose another folder"
        )
    check_free(folder)


@dataclass(frozen=True)
class UnfinishedRun:
    """The folder of a run that is not finished: its command, and the log of its scheduler's answers.

    When the run is finished, its results replace both files.

    Args:
        folder: The folder.
        command: The options of the run.
    """

    folder: Path
    command: Command

    @property
    def file(self) -> Path:
        """The file of the log."""
        return self.folder / _LOG

    @classmethod
    def begin(cls, folder: Path, command: Command) -> UnfinishedRun:
        """Create the folder with the command in it.

        Args:
            folder: The folder.
            command: The options of the run.

        Raises:
            InvalidOption: It exists and is not empty.
        """
        check_unused(folder)
        text = json.dumps(asdict(command), indent=1)
        with atomic_directory(folder, check_unused) as partial:
            (partial / _COMMAND).write_text(text + "\n", encoding="utf-8")
        return cls(folder, command)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun:
        """The unfinished run of a folder.

        Args:
            folder: The folder.

        Raises:
            InvalidOption: It holds no unfinished run.
            FormatError: Its command cannot be read.
        """
        if not (folder / _COMMAND).is_file():
            why = (
                "a finished run" if (folder / "run.json").is_file() else "no run that was started with --log"
            )
            raise InvalidOption(f"{folder} holds {why}, so there is nothing to resume")
        return cls(folder, typed_json.read(folder / _COMMAND, Command))

    def check_replaced(self, folder: Path) -> None:
        """Check that the folder holds only what this run has written, as its results will replace that.

        Args:
            folder: The folder.

        Raises:
            InvalidOption: It holds another file.
        """
        others = sorted({path.name for path in folder.iterdir()} - {_COMMAND, _LOG, f".{_LOG}.lock"})
        if others:
            raise InvalidOption(f"{folder} holds other files than its unfinished run: {', '.join(others)}")
