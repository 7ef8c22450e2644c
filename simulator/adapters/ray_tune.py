"""Ray Tune's trial schedulers and searchers (Liaw et al., 2018) as schedulers, without a cluster."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.adapters.fidelities import Resource
from simulator.adapters.library import (
    check_callable,
    check_kind,
    check_settings,
    find_class,
    make,
    name_of,
    require,
    version_of,
)
from simulator.adapters.ray_tune_control import TIME, Controller, Saved, Variants
from simulator.adapters.ray_tune_space import clip_numbers, decode, to_bounds, to_mutations, to_ray_tune
from simulator.adapters.values import has_single_value
from simulator.global_state import GlobalRandomState, library_seed, silence
from simulator.scheduler import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.scheduler_settings import check_initial, format_call

_SECONDS = "time_total_s"
"""Ray Tune's name for how long a trial has trained."""


class RayTune:
    """A factory of schedulers that do what ``Tuner.fit`` would do with this trial scheduler and searcher.

    Trials wait in a queue, as in Ray Tune: up to 16, or 1 with a searcher. A trial that exploits another one
    is a new trial of the simulation. It starts at the fidelity of the checkpoint that Ray Tune has saved: if
    the other one has gone on since, from some trial's checkpoint at that fidelity, or else from its latest.

    Args:
        scheduler: The name of a class in ``ray.tune.schedulers``, or a function that makes one and takes of
            what is offered what it needs: ``metric``, ``mode``, ``time_attr``, ``max_t``,
            ``hyperparam_mutations``, ``hyperparam_bounds``, ``custom_explore_fn``.
        searcher: A name that ``ray.tune.search.create_searcher`` knows, such as ``"optuna"``, or a function
            that makes one of ``metric``, ``mode``, ``seed`` and ``points_to_evaluate``; by default
            configurations are drawn at random.
        num_samples: How many trials there are, in population-based training the population; ``None`` for no
            end. Schedulers that wait for others, such as Hyperband, need it rather than a limit to trials.
        initial: Configurations to try first.
        settings: Keyword arguments of the scheduler's class.
        searcher_settings: Keyword arguments of the searcher's class.

    Raises:
        InvalidOption: Ray Tune, or what the scheduler or searcher needs, is not installed; or the scheduler
            has no place here.
        UnknownName: There is no such scheduler or searcher.
    """

    def __init__(
        self,
        scheduler: str | Callable[..., Any] = "AsyncHyperBandScheduler",
        *,
        searcher: str | Callable[..., Any] | None = None,
        num_samples: int | None = None,
        initial: Sequence[Configuration] = (),
        settings: Mapping[str, Any] | None = None,
        searcher_settings: Mapping[str, Any] | None = None,
    ) -> None:
        _import_library()
        with silence():
            self._scheduler, self._searcher = _scheduler_class(scheduler), _searcher_class(searcher)
        if scheduler == "ResourceChangingScheduler":
            raise InvalidOption(f"{scheduler} gives trials parts of a computer, which has none here")
        if scheduler == "HyperBandForBOHB" and searcher != "bohb":
            raise InvalidOption(f"{scheduler} talks to its searcher, so it needs searcher='bohb'")
        if num_samples is not None:
            num_samples = whole("num_samples", num_samples, 1)
        self._num_samples, self._initial = num_samples, initial
        self._settings = check_settings("settings", settings)
        self._searcher_settings = check_settings("searcher_settings", searcher_settings)

    def __call__(self, schema: Schema, seed: int) -> RayTuneScheduler:
        """A fresh scheduler for this blackbox.

        Raises:
            InvalidOption: A setting contradicts the blackbox, the run or this adapter, or Ray Tune refuses
                it; or there is a population but no ``num_samples``.
            InvalidSpace: There are conditions between hyperparameters.
        """
        _import_library()
        initial = check_initial(schema.space, self._initial)
        description = self._describe(seed, initial)
        seed = library_seed(seed)
        random = GlobalRandomState(seed)  # from which schedulers draw, and which cannot be told otherwise
        with random, silence():
            scheduler = self._make_scheduler(schema)
            search_alg = self._make_searcher(schema, seed, initial)
        source = search_alg.searcher if search_alg else Variants(to_ray_tune(schema.space), initial, seed)
        constants = {name: dom.at(0) for name, dom in schema.space.domains.items() if has_single_value(dom)}
        control = Controller(scheduler, search_alg, source, constants, self._num_samples)
        return RayTuneScheduler(control, schema, random, description)

    def _make_scheduler(self, schema: Schema) -> Any:
        population = (
            issubclass(self._scheduler, _population()) if isinstance(self._scheduler, type) else False
        )
        if population and self._num_samples is None:
            raise InvalidOption(f"{name_of(self._scheduler)} needs num_samples, the size of its population")
        most = Resource(schema.fidelity).of(schema.fidelity.values[-1])
        self._check_clock(schema, most)
        _check_names(self._settings, schema)
        goal = {"metric": schema.target, "mode": schema.objective(schema.target).goal}
        scheduler = make(
            self._scheduler,
            self._settings,
            supplied={**goal, **({"log_config": False} if population else {})},  # it writes files
            time_attr=TIME,
            max_t=most,
            hyperparam_mutations=to_mutations(schema.space),
            hyperparam_bounds=to_bounds(schema.space),
            custom_explore_fn=partial(clip_numbers, schema.space),
        )
        kind = require("ray.tune.schedulers", "ray", "ray[tune]").TrialScheduler
        return check_kind(scheduler, kind, self._scheduler)

    def _check_clock(self, schema: Schema, most: int) -> None:
        """Refuse a clock that does not run here, and a limit that no training reaches or that has no unit."""
        clock, limit = self._settings.get("time_attr", TIME), self._settings.get("max_t")
        seconds = [] if schema.time is None else [_SECONDS]
        if clock not in (TIME, *seconds):
            raise InvalidOption(
                f"time_attr is {clock!r}, but must be {TIME!r}, the number of the {schema.fidelity.name}"
                + (f", or {_SECONDS!r}" if seconds else "")
            )
        if clock == _SECONDS and limit is None and "max_t" in inspect.signature(self._scheduler).parameters:
            raise InvalidOption(f"time_attr={_SECONDS!r} needs max_t, in seconds")
        if clock == TIME and isinstance(limit, int | float) and limit > most:
            raise InvalidOption(f"max_t is {limit!r}, but trainings end at {TIME}={most}")

    def _make_searcher(self, schema: Schema, seed: int, initial: list[Any]) -> Any:
        if self._searcher is None:
            return None
        goal = {"metric": schema.target, "mode": schema.objective(schema.target).goal}
        seeds = dict.fromkeys(("seed", "random_state_seed", "random_state"), seed)
        supplied = {**goal, **seeds, "space": None, "points_to_evaluate": initial or None}
        searcher = make(self._searcher, self._searcher_settings, supplied=supplied)
        library = require("ray.tune.search", "ray", "ray[tune]")
        check_kind(searcher, library.Searcher, self._searcher)
        searcher.set_search_properties(*goal.values(), to_ray_tune(schema.space))
        return library.SearchGenerator(searcher)

    def _describe(self, seed: int, initial: list[Any]) -> str:
        parts: dict[str, Any] = {"seed": seed, "trial_scheduler": name_of(self._scheduler), **self._settings}
        if self._searcher is not None:
            parts |= {"searcher": name_of(self._searcher), **self._searcher_settings}
        parts |= {
            "seed": seed,
            "num_samples": self._num_samples,
            "initial": initial,
            "ray": version_of("ray"),
        }
        return format_call("RayTune", **parts)


def _import_library() -> None:
    """Import Ray Tune and silence its log and its searchers', which must be done in each process."""
    with silence():
        require("ray.tune", "ray", "ray[tune]")
    for logger in ("ray", "optuna", "hyperopt"):
        logging.getLogger(logger).setLevel(logging.ERROR)


def _check_names(settings: Mapping[str, Any], schema: Schema) -> None:
    """Refuse hyperparameters that population-based training should change, but that do not exist."""
    for setting in ("hyperparam_mutations", "hyperparam_bounds"):
        for name in settings.get(setting) or ():
            if name not in schema.space.domains:
                raise UnknownName(f"hyperparameter in {setting}", name, list(schema.space.domains))


def _scheduler_class(name: str | Callable[..., Any]) -> Any:
    if not isinstance(name, str):
        check_callable("the Ray Tune scheduler", name)
        return name
    if name == "PB2":
        return require("ray.tune.schedulers.pb2", "ray", "pandas, scikit-learn or ray[tune]").PB2
    module = require("ray.tune.schedulers", "ray", "ray[tune]")
    return find_class(module, name, module.TrialScheduler, "Ray Tune scheduler")


def _searcher_class(name: str | Callable[..., Any] | None) -> Any:
    if not isinstance(name, str):
        if name is not None:
            check_callable("the Ray Tune searcher", name)
        return name
    known = require("ray.tune.search", "ray", "ray[tune]").SEARCH_ALG_IMPORT
    if name not in known:
        raise UnknownName("Ray Tune searcher", name, sorted(known))
    try:
        found = known[name]()
    except ImportError as err:
        raise InvalidOption(f"Ray Tune's searcher {name!r} needs what cannot be imported: {err}") from err
    return None if found is known["random"]() else found


def _population() -> Any:
    return require("ray.tune.schedulers", "ray", "ray[tune]").PopulationBasedTraining


class RayTuneScheduler:
    """Ray Tune's trials as trials of the simulation.

    Args:
        control: What knows them.
        schema: What the blackbox records.
        random: What they draw from.
        description: What the header of a run says of the scheduler.
    """

    def __init__(
        self, control: Controller, schema: Schema, random: GlobalRandomState, description: str
    ) -> None:
        self._control, self._schema, self._random, self._description = control, schema, random, description
        self._resource = Resource(schema.fidelity)
        self._theirs: list[Any] = []
        self._reached: list[int] = []
        self._over: set[int] = set()

    def __repr__(self) -> str:
        return self._description

    def suggest(self) -> Start | Resume | None:
        """The trial that is to run next."""
        with self._random, silence():
            while (theirs := self._control.next_trial()) is not None:
                job = self._job(theirs)
                self._control.step()
                if job is not None:
                    return job
        return None

    def _job(self, theirs: Any) -> Start | Resume | None:
        number, saved = self._control.number(theirs), theirs.checkpoint
        theirs.set_status(theirs.RUNNING)
        if number is not None and saved.number == number:
            if number not in self._over:
                return Resume(number)
            self._control.stop_trial(theirs)  # it ends at once
            return None
        self._control.numbers[theirs.trial_id] = len(self._theirs)
        self._theirs.append(theirs)
        self._reached.append(0)
        configuration = decode(self._schema.space, theirs.config)
        return Start(configuration, checkpoint_of=None if saved is None else self._source(saved))

    def _source(self, saved: Saved) -> int:
        """The trial whose checkpoint is used: of a checkpoint only the fidelity counts (T8)."""
        if self._reached[saved.number] == saved.fidelity or saved.fidelity not in self._reached:
            return saved.number
        return self._reached.index(saved.fidelity)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """The trial scheduler decides; a training that is over anyway is not stopped."""
        theirs = self._theirs[trial.number]
        self._reached[trial.number] = self._resource.of(report.fidelity)
        result = {**report.values(), TIME: self._reached[trial.number], "done": False}
        if self._schema.time is not None:
            result["time_total_s"] = result[self._schema.time]
        with self._random, silence():
            self._control.tell(theirs, result)
        over = report.index == len(self._schema.fidelity.values) - 1
        waits = theirs.status in (theirs.PAUSED, theirs.PENDING)  # the latter if it is to run again at once
        if waits and theirs.checkpoint.number == trial.number:
            if not over:
                return PAUSE
            self._over.add(trial.number)
        return CONTINUE if over or theirs.status == theirs.RUNNING else STOP

    def abandoned(self) -> list[int]:
        """The trials that Ray Tune has ended, or continues as another trial from another checkpoint."""
        return [number for number, theirs in enumerate(self._theirs) if not self._goes_on(number, theirs)]

    def _goes_on(self, number: int, theirs: Any) -> bool:
        saved = theirs.checkpoint
        own = saved is not None and saved.number == self._control.number(theirs) == number
        return own and not theirs.is_finished()

    def on_end(self, trial: Trial) -> None:
        """Tell Ray Tune that a trial has completed or failed; a trial without a report has failed."""
        theirs = self._theirs[trial.number]
        ended = trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)
        if ended and theirs.status == theirs.RUNNING and self._control.number(theirs) == trial.number:
            with self._random, silence():
                if trial.status is TrialStatus.COMPLETED and TIME in theirs.last_result:
                    self._control.stop_trial(theirs)
                else:
                    self._control.fail(theirs)
                self._control.step()
