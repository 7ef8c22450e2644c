"""Optuna's samplers and pruners as schedulers (Akiba et al., KDD 2019), asked and told."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from blackbox_repo.domains import Categorical, Domain, Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidOption, InvalidSpace
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator.adapters.library import (
    check_callable,
    check_kind,
    check_objectives,
    check_settings,
    find_class,
    goals_of,
    make,
    name_of,
    quiet,
    require,
    version_of,
)
from simulator.global_state import library_seed, silence
from simulator.scheduler import CONTINUE, STOP, Decision, Report, Start, Trial, TrialStatus
from simulator.scheduler_settings import check_initial

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

STUDY_NAME = "simulated"
"""The name of every study: HyperbandPruner draws brackets by it, and by default names differ."""


class Optuna:
    """A factory of schedulers that do what an Optuna study with this sampler and pruner would do.

    Every report goes to ``trial.report``, at the step of its fidelity (or its position, where that is no
    whole number), and ``trial.should_prune`` decides. A trial that has completed is told with the values of
    its last report, one that failed as failed; a NaN counts as a failure, as in ``Study.optimize``.

    Args:
        sampler: The name of a class in ``optuna.samplers``, or a function ``seed -> sampler``; the seed is
            ``library_seed`` of the run's.
        pruner: The name of a class in ``optuna.pruners``, or a function that makes one; by default nothing
            is pruned.
        objectives: Optimize these instead of the target, several of them without pruning; each by its goal.
        initial: Configurations to try first.
        sampler_settings: Keyword arguments of the sampler's class.
        pruner_settings: Keyword arguments of the pruner's class.

    Raises:
        InvalidOption: Optuna is not installed, or refuses the settings; or several objectives with a pruner.
        UnknownName: There is no such sampler or pruner.
    """

    def __init__(
        self,
        sampler: str | Callable[[int], Any] = "TPESampler",
        *,
        pruner: str | Callable[[], Any] = "NopPruner",
        objectives: Sequence[str] = (),
        initial: Sequence[Configuration] = (),
        sampler_settings: Mapping[str, Any] | None = None,
        pruner_settings: Mapping[str, Any] | None = None,
    ) -> None:
        library = _import_library()
        samplers, pruners = library.samplers, library.pruners
        self._sampler: Any = sampler
        self._pruner: Any = pruner
        for what, given in (("sampler", sampler), ("pruner", pruner)):
            if not isinstance(given, str):
                check_callable(f"the Optuna {what}", given)
        if isinstance(sampler, str):
            self._sampler = find_class(samplers, sampler, samplers.BaseSampler, "Optuna sampler")
        if isinstance(pruner, str):
            self._pruner = find_class(pruners, pruner, pruners.BasePruner, "Optuna pruner")
        self._sampler_settings = check_settings("sampler_settings", sampler_settings)
        self._pruner_settings = check_settings("pruner_settings", pruner_settings)
        self._objectives, self._initial = check_objectives(objectives), initial
        if len(self._objectives) > 1 and self._pruner is not pruners.NopPruner:
            raise InvalidOption(
                f"Optuna prunes for one objective only, but objectives is {list(objectives)!r}"
            )

    def __call__(self, schema: Schema, seed: int) -> OptunaScheduler:
        """A fresh study for this blackbox.

        Raises:
            InvalidOption: Optuna refuses the settings; or an objective has no goal.
        """
        library = _import_library()
        goals = goals_of(schema, self._objectives)
        initial = check_initial(schema.space, self._initial)
        with silence():
            study = library.create_study(
                study_name=STUDY_NAME,
                directions=["minimize" if goal == "min" else "maximize" for goal in goals.values()],
                sampler=self._make_sampler(library_seed(seed), library.samplers.BaseSampler),
                pruner=check_kind(
                    make(self._pruner, self._pruner_settings), library.pruners.BasePruner, self._pruner
                ),
            )
            for configuration in initial:
                study.enqueue_trial(configuration)
        return OptunaScheduler(study, schema, list(goals), f"seed={seed}, {self._describe(initial)}")

    def _make_sampler(self, seed: int, kind: type) -> Any:
        sampler = make(self._sampler, self._sampler_settings, supplied={"seed": seed})
        return check_kind(sampler, kind, self._sampler)

    def _describe(self, initial: list[Any]) -> str:
        parts = {"sampler": name_of(self._sampler), **self._sampler_settings}
        parts |= {"pruner": name_of(self._pruner), **self._pruner_settings}
        parts |= {"objectives": list(self._objectives)} if self._objectives else {}
        parts |= {"initial": initial} if initial else {}
        return ", ".join(
            f"{name}={value}" for name, value in {**parts, "optuna": version_of("optuna")}.items()
        )


def _import_library() -> Any:
    """Import Optuna and silence its log, which must be done in each process."""
    library = require("optuna", "optuna")
    quiet("optuna")
    return library


class OptunaScheduler:
    """Asks and tells one study."""

    def __init__(
        self, study: optuna.Study, schema: Schema, objectives: Sequence[str], description: str
    ) -> None:
        self._study, self._schema, self._objectives, self._description = (
            study,
            schema,
            objectives,
            description,
        )
        self._trials: list[optuna.Trial] = []
        self._last: dict[int, Report] = {}
        import optuna

        self._states = optuna.trial.TrialState
        self._prunes = not isinstance(study.pruner, optuna.pruners.NopPruner)
        self._stopped = False
        vars(study)["stop"] = self._stop  # its own stops nothing but Study.optimize

    def __repr__(self) -> str:
        return f"Optuna({self._description})"

    def _stop(self) -> None:
        """Suggest nothing any more: a sampler such as grid search has tried everything."""
        self._stopped = True

    def suggest(self) -> Start | None:
        """What the sampler suggests, until it has stopped the study."""
        if self._stopped:
            return None
        with silence():  # of warnings such as that a sampler is experimental
            trial = self._study.ask()
            configuration = suggest_configuration(trial, self._schema.space)
        self._trials.append(trial)
        return Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """The pruner decides."""
        self._last[trial.number] = report
        if not self._prunes:
            return CONTINUE  # a curve may end anywhere, and its last value counts
        fidelity = report.fidelity
        step = int(fidelity) if fidelity == int(fidelity) else report.index + 1
        asked = self._trials[trial.number]
        with silence():
            asked.report(report[self._objectives[0]], step)
            return STOP if asked.should_prune() else CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Tell the study the result; it is told nothing of a trial that is interrupted."""
        report = self._last.pop(trial.number, None)
        if trial.status is TrialStatus.INTERRUPTED:
            return
        values = None if report is None else [report[name] for name in self._objectives]
        with silence():
            self._tell(self._trials[trial.number], trial.status, values)

    def _tell(self, asked: optuna.Trial, status: TrialStatus, values: list[float] | None) -> None:
        if status is TrialStatus.COMPLETED and values is not None and not any(map(math.isnan, values)):
            self._study.tell(asked, values)
        elif status is TrialStatus.STOPPED:
            self._study.tell(asked, state=self._states.PRUNED)
        else:
            self._study.tell(asked, state=self._states.FAIL)


def suggest_configuration(trial: optuna.Trial, space: Space) -> dict[str, Value]:
    """A configuration of values that Optuna suggests, for the hyperparameters that are active only."""
    configuration: dict[str, Value] = {}
    for name, domain in space.domains.items():
        if not space.is_active(name, configuration):
            continue
        if isinstance(domain, Float):
            configuration[name] = trial.suggest_float(name, domain.lower, domain.upper, log=domain.log)
        elif isinstance(domain, Integer):
            configuration[name] = trial.suggest_int(name, domain.lower, domain.upper, log=domain.log)
        else:
            choice: Any = trial.suggest_categorical(name, domain.values)
            configuration[name] = choice
    return configuration


def to_optuna(space: Space) -> dict[str, BaseDistribution]:
    """The space as Optuna's distributions; ordinals become categorical, conditions are left to the caller."""
    distributions = require("optuna.distributions", "optuna")

    def distribution(domain: Domain) -> Any:
        if isinstance(domain, Float):
            return distributions.FloatDistribution(domain.lower, domain.upper, log=domain.log)
        if isinstance(domain, Integer):
            return distributions.IntDistribution(domain.lower, domain.upper, log=domain.log)
        return distributions.CategoricalDistribution(domain.values)

    return {name: distribution(domain) for name, domain in space.domains.items()}


def from_optuna(distributions: Mapping[str, BaseDistribution]) -> Space:
    """The space of Optuna's distributions; integers with a step become ordinals.

    Raises:
        InvalidSpace: A float with a step.
    """
    library = require("optuna.distributions", "optuna")

    def domain(name: str, given: Any) -> Domain:
        if isinstance(given, library.CategoricalDistribution):
            return Categorical(tuple(given.choices))
        if isinstance(given, library.IntDistribution):
            if given.step != 1:
                return Ordinal(tuple(range(given.low, given.high + 1, given.step)))
            return Integer(given.low, given.high, log=given.log)
        if given.step is not None:
            raise InvalidSpace(
                f"{name!r} is a float in steps of {given.step}, for which there is no domain here"
            )
        return Float(given.low, given.high, log=given.log)

    return Space({name: domain(name, given) for name, given in distributions.items()})
