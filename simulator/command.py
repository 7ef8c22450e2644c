"""What bb-sim run was asked to do, in a form that a saved run keeps, so that it can be run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from blackbox_repo import views
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError
from simulator.api import simulate
from simulator.callbacks import Callback
from simulator.conditions import Conditions
from simulator.options import (
    Problem,
    check_count,
    duration,
    find_problem,
    grouped_settings,
    make_conditions,
    make_stop,
)
from simulator.run import Run
from simulator.scheduler import SchedulerFactory
from simulator.schedulers.registry import scheduler_factory
from simulator.stopping import Stop

DEFAULT_SECONDS = 7200.0


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
        options = run.header["command"]
        return cls(**{**options, "settings": tuple(options["settings"])})

    def prepared(self) -> Prepared:
        """Everything found, made and checked, nothing simulated; raises what is wrong with the options."""
        check_count("--workers", self.workers)
        check_count("--trials", self.trials)
        groups = grouped_settings(self.settings)
        problem = find_problem(self.name, self.time_model)
        blackbox = problem.blackbox
        if self.max_fidelity is not None:
            blackbox = views.up_to(blackbox, self.max_fidelity)
        if self.objective is not None:
            blackbox = views.with_target(blackbox, self.objective)
        seconds = None if self.time is None else duration(self.time)
        if seconds is None and self.trials is None and not set(groups["stop"]) - {"drain"}:
            seconds = problem.seconds or DEFAULT_SECONDS
        return Prepared(
            command=self,
            problem=problem,
            blackbox=blackbox,
            factory=scheduler_factory(self.scheduler, groups["scheduler"]),
            stop=make_stop(seconds, self.trials, groups["stop"]),
            conditions=make_conditions(groups["delays"], groups["conditions"]),
        )


@dataclass(frozen=True)
class Prepared:
    """A command that is ready to run."""

    command: Command
    problem: Problem
    blackbox: Blackbox
    factory: SchedulerFactory
    stop: Stop
    conditions: Conditions

    def run(self, callbacks: Sequence[Callback] = ()) -> Run:
        """Simulate; the command is kept in the run's header."""
        run = simulate(
            self.blackbox,
            self.factory,
            workers=self.problem.workers if self.command.workers is None else self.command.workers,
            stop=self.stop,
            seed=self.command.seed,
            conditions=self.conditions,
            callbacks=callbacks,
        )
        return replace(run, header={**run.header, "command": asdict(self.command)})
