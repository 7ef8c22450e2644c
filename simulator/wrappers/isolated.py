"""Gives any scheduler a global random state of its own, as the schedulers of libraries have."""

from __future__ import annotations

from typing import Any

from blackbox_repo.schema import Schema
from simulator.global_state import GlobalRandomState, library_seed
from simulator.scheduler import Decision, Report, Scheduler, SchedulerFactory, Suggestion, Trial
from simulator.wrappers.generator import SearchFunction, as_scheduler


class Isolated:
    """A factory of schedulers that may draw from ``random`` and ``numpy.random`` as if they were alone.

    The generators are seeded by the run's seed, go on from call to call, and are the user's again around each
    call. Threads take turns: in a process, one isolated scheduler or library's scheduler is called at a time.

    Args:
        make: A factory ``(schema, seed) -> scheduler``, a generator function, or an ``AskTell``.

    Example:
        >>> import random
        >>> def search(schema, seed):
        ...     while True:
        ...         yield {"x": random.random()}
        >>> factory = Isolated(search)
    """

    def __init__(self, make: SchedulerFactory | SearchFunction) -> None:
        self._make: Any = make

    def __call__(self, schema: Schema, seed: int) -> IsolatedScheduler:
        """A fresh scheduler, made and called in a state of its own."""
        state = GlobalRandomState(library_seed(seed))
        with state:
            return IsolatedScheduler(as_scheduler(self._make(schema, seed), schema), state)


class IsolatedScheduler:
    """A scheduler each of whose calls has the global generators for itself."""

    def __init__(self, scheduler: Scheduler, state: GlobalRandomState) -> None:
        self.__wrapped__, self._state = scheduler, state

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        """What else it offers, such as ``upcoming`` and ``close``."""
        return getattr(self.__dict__["__wrapped__"], name)

    def suggest(self) -> Suggestion:
        """What the scheduler suggests."""
        with self._state:
            return self.__wrapped__.suggest()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides."""
        with self._state:
            return self.__wrapped__.on_report(trial, report)

    def on_end(self, trial: Trial) -> None:
        """Told to the scheduler."""
        with self._state:
            self.__wrapped__.on_end(trial)
