"""Syne Tune's schedulers (Salinas et al., AutoML 2022), called as its own ``Tuner`` calls them."""

from __future__ import annotations

import importlib
import inspect
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.adapters.fidelities import Resource
from simulator.adapters.library import (
    check_callable,
    check_objectives,
    check_settings,
    describe_error,
    goals_of,
    name_of,
    refuse_contradictions,
    require,
    translate_errors,
    version_of,
)
from simulator.adapters.syne_tune_space import decode, encode, to_syne_tune
from simulator.errors import SchedulerError
from simulator.global_state import GlobalRandomState, library_seed, silence
from simulator.scheduler import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.scheduler_settings import check_initial

MODULES = (
    "syne_tune.optimizer.baselines",
    "syne_tune.optimizer.schedulers",
    "syne_tune.optimizer.schedulers.multiobjective",
    "syne_tune.optimizer.schedulers.multiobjective.moasha",
)
"""The modules in which schedulers are looked up by name."""
DECISIONS = {"CONTINUE": CONTINUE, "PAUSE": PAUSE, "STOP": STOP}
CREATED = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""The creation time of every trial: no scheduler reads it, and simulated time has no date."""
ST_TUNER_TIME = "st_tuner_time"
"""Syne Tune's name for the seconds since the run began."""


class SyneTune:
    """A factory of schedulers that do what Syne Tune's ``Tuner`` would do with this scheduler.

    It is told values to be small: those of an objective with goal ``"max"`` are negated. NaN and infinite
    values, which its schedulers cannot rank, are told as the worst value so far; before there is one they are
    not told. Fidelities that are no whole numbers from 1 are told by their position: 1, 2, 3, ...

    Args:
        scheduler: The name of a class in ``syne_tune.optimizer.baselines`` or ``.schedulers``, such as
            ``"ASHA"``, ``"PopulationBasedTraining"`` or ``"MOASHA"``; or a function that makes a
            ``TrialScheduler`` and takes of what is offered what it needs: ``config_space``, ``metric`` or
            ``metrics`` (to be minimized), ``random_seed``, ``time_attr``, ``max_t``, ``points_to_evaluate``.
        base: What suggests where the scheduler only stops, as ``"MedianStoppingRule"`` does.
        objectives: Optimize these instead of the target, several of them with a scheduler for that.
        initial: Configurations to try first.
        settings: Keyword arguments of the scheduler's class.

    Raises:
        InvalidOption: Syne Tune, or what the scheduler needs, is not installed.
        UnknownName: There is no such scheduler.
    """

    def __init__(
        self,
        scheduler: str | Callable[..., Any] = "ASHA",
        *,
        base: str | Callable[..., Any] = "RandomSearch",
        objectives: Sequence[str] = (),
        initial: Sequence[Configuration] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        _import_library()
        for each in (scheduler, base):
            find_scheduler(each)  # errors come now; the process of the run imports it again, in silence
        self._scheduler, self._base = scheduler, base
        self._objectives, self._initial = check_objectives(objectives), initial
        self._settings = check_settings("settings", settings)

    def __call__(self, schema: Schema, seed: int) -> SyneTuneScheduler:
        """A fresh scheduler for this blackbox.

        Raises:
            InvalidOption: A setting contradicts the blackbox, the run or this adapter, or Syne Tune refuses
                it, or does not take initial configurations here; or an objective has no goal.
            InvalidSpace: There are conditions between hyperparameters.
        """
        _import_library()
        initial = check_initial(schema.space, self._initial)
        scheduler, base = find_scheduler(self._scheduler), find_scheduler(self._base)
        description = self._describe(scheduler, seed, initial)
        goals = goals_of(schema, self._objectives)
        metrics, signs = list(goals), {name: -1 if goal == "max" else 1 for name, goal in goals.items()}
        most = Resource(schema.fidelity).of(schema.fidelity.values[-1])
        _check_count(scheduler, metrics)
        own = library_seed(seed)
        several = len(metrics) > 1
        supplied = {
            "metric": metrics if several else metrics[0],
            "metrics": metrics,
            "mode": ["min"] * len(metrics) if several else "min",
            "do_minimize": True,
            "random_seed": own,
            "time_attr": schema.fidelity.name,
            "resource_attr": schema.fidelity.name,
            "max_resource_attr": limit_of(schema),
            "config_space": {**to_syne_tune(schema.space), limit_of(schema): most},
            "points_to_evaluate": [encode(schema.space, configuration) for configuration in initial],
        }
        _check_limit(self._settings.get("max_t", most), most)
        random = GlobalRandomState(own)  # from which most of Syne Tune draws, whatever its random_seed
        with random, silence():
            made = _make(scheduler, self._settings, {**supplied, "max_t": most}, base)
        if not callable(getattr(made, "suggest", None)):
            raise InvalidOption(f"{name_of(scheduler)} made a {type(made).__name__}, which suggests nothing")
        return SyneTuneScheduler(made, schema, signs, random, description)

    def _describe(self, scheduler: Any, seed: int, initial: list[Any]) -> str:
        parts: dict[str, Any] = {"seed": seed, "scheduler": name_of(scheduler)}
        if "scheduler" in parameters_of(scheduler):
            parts["base"] = name_of(find_scheduler(self._base))
        parts |= {"objectives": self._objectives, "initial": initial, **self._settings}
        parts["syne_tune"] = version_of("syne-tune")
        kept = (f"{name}={value}" for name, value in parts.items() if value not in ([], ()))
        return f"SyneTune({', '.join(kept)})"


def _import_library() -> None:
    """Import Syne Tune and silence its log, which must be done in each process."""
    with silence():
        require("syne_tune", "syne-tune", "syne-tune")
    logging.getLogger("syne_tune").setLevel(logging.ERROR)


def find_scheduler(scheduler: str | Callable[..., Any]) -> Any:
    """The class of that name in one of ``MODULES``; a function is returned as it is.

    Raises:
        UnknownName: There is none.
        InvalidOption: Neither a name nor a function.
    """
    if not isinstance(scheduler, str):
        check_callable("the Syne Tune scheduler", scheduler)
        return scheduler
    base = require("syne_tune.optimizer.scheduler", "syne-tune", "syne-tune").TrialScheduler
    known: dict[str, Any] = {}
    with silence():
        for module in map(importlib.import_module, MODULES):
            known |= {name: value for name, value in vars(module).items() if _is_scheduler(value, base)}
    if scheduler not in known:
        raise UnknownName("Syne Tune scheduler", scheduler, sorted(known))
    return known[scheduler]


def _is_scheduler(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base


def limit_of(schema: Schema) -> str:
    """The key in a configuration under which a scheduler may set the fidelity at which the job ends."""
    return f"max_{schema.fidelity.name}"


def _make(factory: Any, settings: Mapping[str, Any], offered: Mapping[str, Any], base: Any) -> Any:
    """Make the scheduler with the settings, and with other arguments as far as it takes them."""
    name, taken, known = name_of(factory), dict(offered), parameters_of(factory)
    for setting in settings:
        if setting not in known:
            raise UnknownName(f"{name} setting", setting, sorted(known))
    refuse_contradictions(name, settings, {key: offered[key] for key in offered if key != "max_t"})
    if "scheduler" in known and "scheduler" not in settings:
        taken |= {"scheduler": _make(base, {}, offered, base), "points_to_evaluate": []}
    if "max_resource_attr" not in known:
        limit = taken["max_resource_attr"]
        taken["config_space"] = {key: value for key, value in taken["config_space"].items() if key != limit}
    if len(taken["metrics"]) > 1 and not {"metrics", "mode"} & known:
        raise InvalidOption(f"{name} optimizes one objective only, but objectives is {taken['metrics']!r}")
    first = {"points_to_evaluate": taken.pop("points_to_evaluate")}
    if first["points_to_evaluate"]:
        if "points_to_evaluate" in known:
            taken |= first
        elif "searcher_kwargs" in known:
            own = check_settings("searcher_kwargs", settings.get("searcher_kwargs"))
            settings = {**settings, "searcher_kwargs": {**own, **first}}
        else:
            raise InvalidOption(f"{name} takes no initial configurations")
    taken = {key: value for key, value in taken.items() if key in known}
    with translate_errors(f"{name} cannot be made with the settings {dict(settings)!r}"):
        return factory(**{**taken, **settings})


def parameters_of(factory: Any) -> set[str]:
    """The parameters of a class; up to 0.13, they include those of the classes above it (``**kwargs``)."""
    known = set(inspect.signature(factory).parameters)
    if isinstance(factory, type) and "kwargs" in known:
        for above in factory.__mro__[:-1]:
            known |= set(inspect.signature(above).parameters)
            known |= getattr(sys.modules[above.__module__], "_ARGUMENT_KEYS", set())
    return known - {"kwargs"}


def _check_count(scheduler: Any, metrics: Sequence[str]) -> None:
    """Up to 0.13, the type of ``metric`` says whether a scheduler optimizes one objective or several."""
    known = inspect.signature(scheduler).parameters
    kind = str(getattr(known["metric"].annotation, "__name__", "")) if "metric" in known else ""
    if kind.lower() == "list" and len(metrics) == 1:
        raise InvalidOption(f"{name_of(scheduler)} optimizes several objectives; name them in objectives")
    if kind == "str" and len(metrics) > 1:
        raise InvalidOption(
            f"{name_of(scheduler)} optimizes one objective only, but objectives is {list(metrics)!r}"
        )


def _check_limit(limit: object, most: int) -> None:
    limit = plain(limit)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= most:
        raise InvalidOption(
            f"max_t is {limit!r}, but must be a whole number from 1 to {most}, where trainings end"
        )


class SyneTuneScheduler:
    """Calls a ``TrialScheduler`` in the order in which ``Tuner`` does.

    Args:
        scheduler: A fresh instance.
        schema: What the blackbox records.
        signs: Objective -> -1 if it is told negated.
        random: What it draws from.
        description: What the header of a run says of the scheduler.
    """

    def __init__(
        self,
        scheduler: Any,
        schema: Schema,
        signs: Mapping[str, int],
        random: GlobalRandomState,
        description: str,
    ) -> None:
        self._scheduler, self._schema, self._description = scheduler, schema, description
        self._random, self._resource = random, Resource(schema.fidelity)
        self._results = Results(signs)
        self._trials: list[Any] = []
        self._last: dict[int, dict[str, Any]] = {}
        self._removed: set[int] = set()
        self._new_trial = require("syne_tune.backend.trial_status", "syne-tune", "syne-tune").Trial
        self._wants_number = "trial_id" in inspect.signature(scheduler.suggest).parameters  # up to 0.13
        if hasattr(scheduler, "set_time_keeper"):  # up to 0.13; its own clock is the computer's
            scheduler.set_time_keeper(self._results.clock())

    def __repr__(self) -> str:
        return self._description

    def suggest(self) -> Start | Resume | None:
        """What the scheduler suggests."""
        with self._isolated():
            number = (len(self._trials),) if self._wants_number else ()
            suggestion = self._scheduler.suggest(*number)
            if suggestion is None:
                return None
            if not suggestion.spawn_new_trial_id:
                return self._resume(suggestion)
            trial = self._new_trial(len(self._trials), suggestion.config.copy(), CREATED)
            self._trials.append(trial)
            self._scheduler.on_trial_add(trial)
        configuration = decode(self._schema.space, trial.config)
        return Start(configuration, self._until(trial), suggestion.checkpoint_trial_id)

    def _resume(self, suggestion: Any) -> Resume:
        trial = self._trials[suggestion.checkpoint_trial_id]
        if suggestion.config is not None:
            self._check_same(trial, suggestion.config)
            trial.config = suggestion.config
        self._removed.discard(trial.trial_id)
        return Resume(trial.trial_id, self._until(trial))

    def _check_same(self, trial: Any, config: Mapping[str, Any]) -> None:
        """Refuse another configuration: no curve says how a training continues with that."""
        before, now = (decode(self._schema.space, given) for given in (trial.config, config))
        if before != now:
            raise SchedulerError(
                f"{self._description} resumed trial {trial.trial_id} with another configuration, {now!r} "
                f"instead of {before!r}; the blackbox has no curve of a training that changes on the way"
            )

    @contextmanager
    def _isolated(self) -> Iterator[None]:
        """A context for each call; names are undefined in Syne Tune if their packages are not installed."""
        with self._random, silence():
            try:
                yield
            except NameError as err:
                raise SchedulerError(f"{self._description} failed: {describe_error(err)}") from err

    def _until(self, trial: Any) -> float | None:
        limit = trial.config.get(limit_of(self._schema))
        return None if limit is None else self._resource.until(limit)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """The scheduler decides; a training that has reached its end is not stopped."""
        result = self._results.result(report)
        if result is None:
            return CONTINUE
        result[self._schema.fidelity.name] = self._resource.of(report.fidelity)
        theirs = self._trials[trial.number]
        self._last[trial.number] = result
        with self._isolated():
            decision = self._scheduler.on_trial_result(theirs, result)
            if decision != "CONTINUE":
                self._removed.add(trial.number)
                self._scheduler.on_trial_remove(theirs)
        over = report.index == len(self._schema.fidelity.values) - 1
        return CONTINUE if over and decision == "STOP" else DECISIONS[decision]

    def abandoned(self) -> Sequence[int]:
        """All trials: ``Tuner`` ends the run when nothing is suggested any more."""
        return range(len(self._trials))

    def on_end(self, trial: Trial) -> None:
        """Tell the scheduler that a trial has completed or failed; a trial without a report has failed."""
        ended = trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)
        if not ended or trial.number in self._removed:
            return
        theirs, last = self._trials[trial.number], self._last.get(trial.number)
        with self._isolated():
            if trial.status is TrialStatus.COMPLETED and last is not None:
                self._scheduler.on_trial_complete(theirs, last)
            else:
                self._scheduler.on_trial_error(theirs)


class Results:
    """Reports as Syne Tune's schedulers are told them.

    Args:
        signs: Objective -> -1 if it is told negated.
    """

    def __init__(self, signs: Mapping[str, int]) -> None:
        self._signs = signs
        self._worst: dict[str, float] = {}
        self._now = 0.0

    def clock(self) -> Any:
        """A ``TimeKeeper`` that stands at the time of the last report."""
        base = require("syne_tune.backend.time_keeper", "syne-tune", "syne-tune").TimeKeeper
        return type("Clock", (base,), {"time": lambda _: self._now})()

    def result(self, report: Report) -> dict[str, Any] | None:
        """All values and the time; ``None`` for a NaN while there is no worst value to replace it."""
        self._now = report.time
        told: dict[str, Any] = {**report.values(), ST_TUNER_TIME: report.time}
        for name, sign in self._signs.items():
            value = sign * told[name]
            if math.isfinite(value):
                self._worst[name] = max(value, self._worst.get(name, value))
            elif name not in self._worst:
                return None
            told[name] = value if math.isfinite(value) else self._worst[name]
        return told
