"""What bb-sim run was asked to do, in a form that a saved run keeps, so that it can be run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from blackbox_repo import typed_json, views
from blackbox_repo.benchmark import BENCHMARKS
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.schema import Schema
from blackbox_repo.store.atomic_folder import atomic_directory
from blackbox_repo.surrogate.neighbour_weights import MODELS
from simulator.api import simulate
from simulator.callbacks import Callback
from simulator.problem import (
    Problem,
    check_count,
    duration,
    find_problem,
    grouped_settings,
    make_conditions,
    make_stop,
)
from simulator.registry import scheduler_factory
from simulator.results.run import Run
from simulator.results.saved_run import check_free
from simulator.scheduler import SchedulerFactory
from simulator.schedulers.mo_asha import choose_objectives
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop

DEFAULT_SECONDS = 7200.0
OFF_TABLE = ("error", "nearest", "surrogate", *(f"surrogate:{model}" for model in MODELS))
_COMMAND, _LOG = "command.json", "log.jsonl"


@dataclass(frozen=True)
class Command:
    """The options of ``bb-sim run``, as they were typed; ``None`` for what was left to the problem."""

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

    @classmethod
    def of(cls, run: Run, folder: Path) -> Command:
        """The command of a saved run.

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
        """What is optimized: what the scheduler is told to, or the benchmark says, or the target alone.

        Args:
            schema: Of the blackbox that is simulated.
        """
        named = grouped_settings(self.settings)["scheduler"].get("objectives")
        if named:
            return tuple(objective.name for objective in choose_objectives(schema, named))
        if self.scheduler == "mo-asha":
            return tuple(objective.name for objective in choose_objectives(schema, None))
        benchmark = BENCHMARKS.get(self.name)
        return (schema.target,) if benchmark is None or self.objective else benchmark.objectives

    def prepared(self) -> Prepared:
        """Everything found, made and checked, nothing simulated; raises what is wrong with the options."""
        check_count("--workers", self.workers)
        check_count("--trials", self.trials)
        groups = grouped_settings(self.settings)
        problem = find_problem(self.name, self.time_model)
        blackbox = problem.blackbox
        blackbox = _everywhere(blackbox, self.off_table)
        if self.max_fidelity is not None:
            blackbox = views.up_to(blackbox, self.max_fidelity)
        if self.objective is not None:
            blackbox = views.with_target(blackbox, self.objective)
        seconds, trials = None if self.time is None else duration(self.time), self.trials
        if seconds is None and trials is None and not set(groups["stop"]) - {"drain"}:
            trials = problem.evaluations
            seconds = problem.seconds if trials is not None else problem.seconds or DEFAULT_SECONDS
        return Prepared(
            command=self,
            problem=problem,
            blackbox=blackbox,
            factory=scheduler_factory(self.scheduler, groups["scheduler"]),
            stop=make_stop(seconds, trials, groups["stop"]),
            conditions=make_conditions(groups["delays"], groups["failures"], groups["conditions"]),
        )


def optimized(run: Run, folder: Path) -> tuple[str, ...]:
    """What a saved run optimized: the target, unless its command says otherwise."""
    if "command" not in run.header:
        return (run.schema.target,)
    return Command.of(run, folder).objectives(run.schema)


def _everywhere(blackbox: Blackbox, off_table: str) -> Blackbox:
    """The blackbox with what answers for configurations that its table lacks."""
    if off_table not in OFF_TABLE:
        raise UnknownName("--off-table", off_table, OFF_TABLE)
    kind, _, model = off_table.partition(":")
    if kind == "surrogate":
        return views.with_surrogate(blackbox, model or "knn")
    return views.nearest(blackbox) if kind == "nearest" else blackbox


@dataclass(frozen=True)
class Prepared:
    """A command that is ready to run."""

    command: Command
    problem: Problem
    blackbox: Blackbox
    factory: SchedulerFactory
    stop: Stop
    conditions: Conditions
    patience: float | None = None

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is optimized."""
        return self.command.objectives(self.blackbox.schema)

    def run(self, callbacks: Sequence[Callback] = (), log: UnfinishedRun | None = None) -> Run:
        """Simulate, or go on with a run that was cut off; the command is kept in the run's header."""
        run = simulate(
            self.blackbox,
            self.factory,
            workers=self.problem.workers if self.command.workers is None else self.command.workers,
            stop=self.stop,
            seed=self.command.seed,
            conditions=self.conditions,
            callbacks=callbacks,
            log=None if log is None else log.file,
            resume=log is not None and log.file.exists(),
            patience=self.patience,
        )
        return replace(run, header={**run.header, "command": asdict(self.command)})


@dataclass(frozen=True)
class UnfinishedRun:
    """The folder of a run that goes on, or was cut off: its command, and the log of its scheduler.

    When the run is finished, its results take the place of both.
    """

    folder: Path
    command: Command

    @property
    def file(self) -> Path:
        """The log."""
        return self.folder / _LOG

    @classmethod
    def begin(cls, folder: Path, command: Command) -> UnfinishedRun:
        """Make the folder.

        Raises:
            InvalidOption: It exists and is not empty.
        """
        check_free(folder)
        text = json.dumps(asdict(command), indent=1)
        with atomic_directory(folder, check_free) as partial:
            (partial / _COMMAND).write_text(text + "\n", encoding="utf-8")
        return cls(folder, command)

    @classmethod
    def of(cls, folder: Path) -> UnfinishedRun:
        """The unfinished run of a folder.

        Raises:
            InvalidOption: There is none.
            FormatError: Its command cannot be read.
        """
        if not (folder / _COMMAND).is_file():
            why = "a finished run" if (folder / "run.json").is_file() else "no run that was begun with --log"
            raise InvalidOption(f"{folder} holds {why}, so there is nothing to go on with")
        return cls(folder, typed_json.read(folder / _COMMAND, Command))

    def check_replaced(self, folder: Path) -> None:
        """Only what this run has written may make place for its results.

        Raises:
            InvalidOption: There is something else in the folder.
        """
        others = sorted({path.name for path in folder.iterdir()} - {_COMMAND, _LOG, f".{_LOG}.lock"})
        if others:
            raise InvalidOption(f"{folder} holds other files than its unfinished run: {', '.join(others)}")
