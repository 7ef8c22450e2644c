"""NNI's strategies of architecture search as schedulers, unmodified, on a simulated execution engine."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Schema
from simulator.adapters.library import check_callable, check_settings, make, name_of, require, version_of
from simulator.adapters.nni import require_nni
from simulator.adapters.nni_space import to_choices
from simulator.errors import SchedulerError
from simulator.global_state import PROCESS_LOCK, library_seed, silence
from simulator.scheduler import CONTINUE, Decision, Report, Start, Trial, TrialStatus
from simulator.scheduler_settings import format_call

STRATEGIES = ("GridSearch", "Random", "RegularizedEvolution", "TPE")
_GRACE = 5.0
"""Real seconds that a strategy has to end when the run is over."""


class NNINAS:
    """A factory of schedulers each of which is a strategy of ``nni.nas.strategy``, run as it is.

    A strategy's own loop runs until it needs an idle worker, and goes on when there is one; where it would
    sleep, no time passes. NNI always maximizes, so for goal ``"min"`` it is told the negated target. A model
    whose training fails has no metric. The hyperparameters must have lists of values and no conditions.

    Args:
        strategy: ``"RegularizedEvolution"``, ``"Random"``, ``"GridSearch"`` or ``"TPE"``, or a function
            ``seed -> strategy``.
        settings: Keyword arguments of the strategy's class, such as ``population_size``.

    Raises:
        InvalidOption: NNI is not installed; or settings for the goal, which is the blackbox's.
        UnknownName: There is no such strategy.
    """

    def __init__(
        self,
        strategy: str | Callable[[int], Any] = "RegularizedEvolution",
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        strategies = _import_library()
        self._settings = check_settings("settings", settings)
        if "optimize_mode" in self._settings:
            raise InvalidOption("optimize_mode is the goal of the blackbox's target; leave it out")
        self._strategy: Any = strategy
        self._name = name_of(strategy)
        if not isinstance(strategy, str):
            check_callable("the NNI strategy", strategy)
        if isinstance(strategy, str):
            if strategy not in STRATEGIES:
                raise UnknownName("NNI strategy", strategy, STRATEGIES)
            self._strategy, self._name = getattr(strategies, strategy), strategy
            if strategy == "TPE":  # whose class takes anything, and minimizes what NNI wants to be maximized
                self._strategy = _make_tpe

    def __call__(self, schema: Schema, seed: int) -> NNINASScheduler:
        """A fresh strategy and a fresh engine for this blackbox.

        Raises:
            InvalidOption: NNI refuses the settings.
            InvalidSpace: A hyperparameter without a list of values, or a conditional one.
        """
        _import_library()
        with silence():
            space = _make_model_space(to_choices(schema.space))
            strategy = make(self._strategy, self._settings, supplied={"seed": library_seed(seed)})
        parts = {"seed": seed, "strategy": self._name, **self._settings}
        description = format_call("NNINAS", **{**parts, "seed": seed, "nni": version_of("nni")})
        return NNINASScheduler(strategy, space, schema, description)


def _import_library() -> Any:
    """Import NNI's strategies, silence them and let them not sleep, which must be done in each process."""
    with PROCESS_LOCK, _without_framework(require_nni()):
        strategies = require("nni.nas.strategy", "nni")
        require("nni.nas.strategy.hpo", "nni").time = _CLOCK
    logging.getLogger("nni.nas").setLevel(logging.CRITICAL)  # what goes wrong is raised
    return strategies


def _make_tpe(seed: int, tpe_args: Mapping[str, Any] | None = None) -> Any:
    strategies = require("nni.nas.strategy", "nni")
    return strategies.TPE(optimize_mode="maximize", seed=seed, tpe_args=tpe_args)


def _make_model_space(choices: Mapping[str, list[Any]]) -> Any:
    """NNI's space of models; a model has its choices and no network."""
    categorical = require("nni.mutable", "nni").Categorical
    mutables = {name: categorical(values, label=name) for name, values in choices.items()}
    model = require("nni", "nni").trace(SimpleNamespace)()
    return require("nni.nas.space", "nni").SimplifiedModelSpace(model, mutables, None)


class NNINASScheduler:
    """Starts a trial for each model that a strategy submits, and dispatches its events to the engine."""

    def __init__(self, strategy: Any, space: Any, schema: Schema, description: str) -> None:
        self._events = require("nni.nas.execution.event", "nni")
        self._status = require("nni.nas.space", "nni").ModelStatus
        self._engine = _make_engine()
        self._loop = _Loop(lambda: strategy(space, self._engine), self._engine)
        self._description, self._strategy = description, strategy
        self._target = schema.objective(schema.target)
        self._models: list[Any] = []
        self._last: dict[int, float] = {}

    def __repr__(self) -> str:
        return self._description

    def suggest(self) -> Start | None:
        """The next model that is submitted.

        Raises:
            SchedulerError: The strategy has failed.
        """
        if not self._engine.submitted:
            self._loop.offer_worker()
        if self._loop.error is not None:
            error = self._loop.error
            raise SchedulerError(f"{self._description} failed: {error!r}{self._explain()}") from error
        if not self._engine.submitted:
            return None
        model = self._engine.submitted.popleft()
        self._models.append(model)
        return Start(dict(model.sample))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """An intermediate metric, on which no strategy of NNI decides: its engines cannot stop a model."""
        value = report[self._target.name]
        metric = value if self._target.goal == "max" else -value
        self._last[trial.number] = metric
        event = self._events.IntermediateMetricEvent(self._models[trial.number], metric)
        self._engine.dispatch_model_event(event)
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Dispatch the final metric and the end of the training."""
        model, metric = self._models[trial.number], self._last.pop(trial.number, None)
        status = self._status.Failed
        if trial.status is TrialStatus.INTERRUPTED:
            status = self._status.Interrupted
        elif trial.status is TrialStatus.COMPLETED and metric is not None:
            status = self._status.Trained
            self._engine.dispatch_model_event(self._events.FinalMetricEvent(model, metric))
        self._engine.dispatch_model_event(self._events.TrainingEndEvent(model, status))

    def close(self) -> None:
        """End the strategy: its budget is spent."""
        self._loop.end()

    def _explain(self) -> str:
        population = getattr(self._strategy, "_population", None)  # NNI's message does not name it
        if population is None or population:
            return ""
        return (
            "; its population is empty: population_size must exceed the models that run at once, and those "
            "among its first that fail"
        )


class _Loop:
    """A strategy's blocking loop in a thread of its own; of the two threads one runs at a time."""

    def __init__(self, run: Callable[[], None], engine: Any) -> None:
        self._run, self._engine = run, engine
        self._thread = threading.Thread(target=self._work, name="NNI strategy", daemon=True)
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._over = False
        self.error: Exception | None = None
        engine.loop = self

    def offer_worker(self) -> None:
        """Let the strategy run until it needs another idle worker."""
        self._engine.idle = True
        self._switch()

    def end(self) -> None:
        """Let the strategy end: there are no workers and there is no budget any more."""
        self._engine.closing, self._engine.idle = True, False
        if self._thread.is_alive():
            self._switch(_GRACE)

    def inside(self) -> bool:
        """Whether the strategy's thread runs, not a callback of an event."""
        return threading.current_thread() is self._thread

    def park(self) -> None:
        """Wait in the strategy's thread for a worker or for the end of the run."""
        self._back.release()
        self._go.acquire()

    def _switch(self, seconds: float | None = None) -> None:
        if self._over:
            return
        if not self._thread.ident:
            self._thread.start()
        self._go.release()
        self._back.acquire(timeout=seconds)

    def _work(self) -> None:
        self._go.acquire()
        try:
            _CLOCK.stay_awake()
            self._run()
        except Exception as err:  # is raised where the scheduler is asked
            self.error = err
        self._over = True
        self._back.release()


class _Engine:
    """The simulated part of NNI's ``ExecutionEngine``; its events are NNI's own."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: deque[Any] = deque()
        self.loop: Any = None
        self.idle = self.closing = False
        self._history: list[Any] = []

    def idle_worker_available(self) -> bool:
        while not self.idle and not self.closing and self.loop.inside():
            self.loop.park()
        return self.idle

    def budget_available(self) -> bool:
        return not self.closing

    def submit_models(self, *models: Any) -> None:
        training = require("nni.nas.space", "nni").ModelStatus.Training
        for model in models:
            if not model.status.frozen() or model.status.completed():
                raise RuntimeError(f"Model must be frozen before submitting, but got {model}")
            model.status = training
        self.idle = False
        self._history.extend(models)
        self.submitted.extend(models)

    def wait_models(self, *models: Any) -> None:
        while not self.closing and not all(model.status.completed() for model in models or self._history):
            self.loop.park()

    def list_models(self, status: Any = None) -> list[Any]:
        return [model for model in self._history if status in (None, model.status)]

    def shutdown(self) -> None:
        self.closing = True


def _make_engine() -> Any:
    """An engine that is a subclass of NNI's own."""
    base = require("nni.nas.execution", "nni").ExecutionEngine
    return type("SimulatedExecutionEngine", (_Engine, base), {})()


class _Clock:
    """Replaces the module ``time`` in NNI's TPE, which sleeps a second after each model.

    In the threads of our strategies it does not.
    """

    def __init__(self) -> None:
        self._awake = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        if not getattr(self._awake, "here", False):
            time.sleep(seconds)

    def stay_awake(self) -> None:
        """Let ``sleep`` return at once in the calling thread from now on."""
        self._awake.here = True


_CLOCK = _Clock()


@contextmanager
def _without_framework(library: Any) -> Iterator[None]:
    """A context in which modules of NNI can be imported without PyTorch."""
    before = library.get_default_framework()
    library.set_default_framework("none")
    try:
        yield
    finally:
        library.set_default_framework(before)
