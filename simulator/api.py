"""simulate(): makes a simulated run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import GeneratorType
from typing import Any, cast

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.deprecated import arguments
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from simulator.callbacks import Callback
from simulator.errors import SchedulerError
from simulator.kernel.simulation import Simulation
from simulator.results.build import build_run, describe_run
from simulator.results.difference import find_first_difference
from simulator.results.record import check_storable
from simulator.results.run import Run
from simulator.scheduler import Scheduler, SchedulerFactory
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop
from simulator.wrappers.call_timeout import TimeLimited, check_call_timeout
from simulator.wrappers.generator import Search, SearchFunction, as_scheduler
from simulator.wrappers.log import Log, Logged

MAX_WORKERS = 1_000_000
"""Each takes memory and time from the first instant on, whether it gets a job or not."""


@arguments
def simulate(  # noqa: PLR0913  a run has as many parts, and all but two arguments are named
    blackbox: Blackbox,
    scheduler: Scheduler | SchedulerFactory | Search | SearchFunction,
    *,
    workers: int,
    stop: Stop,
    seed: int = 0,
    conditions: Conditions | None = None,
    callbacks: Sequence[Callback] = (),
    check_determinism: bool = False,
    log: str | Path | None = None,
    resume: bool = False,
    call_timeout: float | None = None,
) -> Run:
    """Replay the blackbox's learning curves against a scheduler on a simulated cluster.

    Args:
        blackbox: Where the curves come from; its schema must name a time.
        scheduler: A fresh scheduler, or a factory ``(schema, seed) -> scheduler`` such as the class ``ASHA``
            or a generator function (:class:`~simulator.wrappers.generator.GeneratorScheduler`). If it has a
            method ``close()``, that is called after the run.
        workers: Jobs that run at a time.
        stop: When the run ends.
        seed: Seed of the run: it decides which training seeds are replayed, and is handed to a factory.
        conditions: Delays, checkpoints and the like; by default an ideal cluster.
        callbacks: Told what happens; no result depends on them.
        check_determinism: Run twice and compare; takes a factory.
        log: A file to which the scheduler's answers are written as the run goes, so that it can go on should
            it be cut off.
        resume: Go on with the run of that log; takes a factory.
        call_timeout: Real seconds that one call of the scheduler may take; no result depends on it.

    Returns:
        The finished run.

    Raises:
        InvalidOption: An argument outside its range, a blackbox without time, or a log of another run.
        SchedulerError: The scheduler raised, asked for something that cannot be, or is not deterministic.
        SimulationError: The curves take no time. Of both, ``error.run`` is the run so far; it is the whole
            run if only the scheduler's ``close()`` raised.
    """
    workers, seed = whole("workers", workers, 1, MAX_WORKERS), whole("seed", seed)
    if blackbox.schema.time is None:
        raise InvalidOption(
            f"{blackbox.name!r} records no time, so it can only be simulated with a time model: "
            f"views.with_time_model(blackbox, SECONDS), or --time-model constant:SECONDS, where SECONDS is "
            f"per unit of {blackbox.schema.fidelity.name}"
        )
    stop.check(blackbox.schema)
    conditions = conditions or Conditions()
    check_call_timeout(call_timeout)
    is_factory = isinstance(scheduler, type) or not (
        hasattr(scheduler, "suggest") or isinstance(scheduler, GeneratorType)
    )
    if resume and log is None:
        raise InvalidOption("resume needs the log of the run that shall go on: log=FILE")
    if not is_factory:
        _check_runs_once(check_determinism=check_determinism, resume=resume)

    def simulated(observers: Sequence[Callback], log: str | Path | None, *, resume: bool) -> Run:
        made = _make(cast("SchedulerFactory", scheduler), blackbox.schema, seed) if is_factory else scheduler
        fresh = as_scheduler(cast("Scheduler | Search", made), blackbox.schema)
        try:
            header = describe_run(blackbox, fresh, seed, workers, stop, conditions)
            check_storable({**header, "schema": blackbox.schema.to_json()})
            with ExitStack() as open_files:
                wrapped = fresh if call_timeout is None else TimeLimited(fresh, call_timeout)
                if log is not None:
                    opened = open_files.enter_context(Log(Path(log), header, resume=resume))
                    wrapped = Logged(wrapped, opened)
                simulation = Simulation(blackbox, wrapped, workers, stop, seed, conditions, observers)
                run = _run(simulation, header, observers)
        except BaseException:
            with suppress(Exception, SystemExit):  # the first error says more
                _close(fresh)
            raise
        return _closed(fresh, run)

    run = simulated(callbacks, log, resume=resume)
    if check_determinism:
        difference = find_first_difference(run, simulated((), None, resume=False))
        if difference is not None:
            error = SchedulerError(f"{run.header['scheduler']} is not deterministic: {difference}")
            error.run = run
            raise error
    return run


def _run(simulation: Simulation, header: Mapping[str, Any], observers: Sequence[Callback]) -> Run:
    """The run of a simulation.

    Raises:
        RunError: The run was given up; ``error.run`` is what there was of it.
    """
    blackbox = simulation.blackbox
    for observer in observers:
        observer.on_start(blackbox.schema, header["workers"], simulation.stop)
    outcome = simulation.run()
    run = build_run(header, blackbox, outcome)
    if outcome.error is not None:
        outcome.error.run = run
        raise outcome.error
    for observer in observers:
        observer.on_finish(run)
    return run


def _check_runs_once(**asked: bool) -> None:
    for name, wanted in asked.items():
        if wanted:
            raise InvalidOption(f"{name} needs a factory (schema, seed) -> scheduler, not an instance")


def _make(factory: SchedulerFactory, schema: Schema, seed: int) -> Scheduler | Search:
    try:
        return factory(schema, seed)
    except SystemExit as err:
        raise SchedulerError(f"the factory raised {err!r} instead of making a scheduler") from err


def _close(scheduler: Scheduler) -> None:
    """Whatever happened, a scheduler that holds something lets go of it."""
    getattr(scheduler, "close", lambda: None)()


def _closed(scheduler: Scheduler, run: Run) -> Run:
    """The finished run, once its scheduler is closed; whatever that comes to, the run is kept.

    Raises:
        SchedulerError: ``close()`` raised something; ``error.run`` is the finished run.
    """
    try:
        _close(scheduler)
    except SchedulerError as err:
        err.run = run
        raise
    except (Exception, SystemExit) as err:
        what = f"{type(scheduler).__name__}.close() raised {err!r} when the run was over"
        error = SchedulerError(what)
        error.run = run
        raise error from err
    return run
