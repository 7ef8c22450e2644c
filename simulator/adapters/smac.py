"""SMAC3's facades as schedulers (Lindauer et al., JMLR 2022): with budgets through ``until``, and without."""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.adapters.ask_tell import AskTellScheduler, Job, Outcome
from simulator.adapters.config_space import decoded, encoded, to_config_space
from simulator.adapters.fidelities import nearest, smallest
from simulator.adapters.library import class_in, require, version_of
from simulator.schedulers.settings import check_initial, shown


class SMAC:
    """A factory of schedulers that do what ``optimize`` of a facade would do.

    Budgets are rounded to the nearest fidelity of the blackbox. What failed, and NaN, is told as crashed, at
    the cost of the worst trial so far, or once there is one: at SMAC's own default, infinity, its models
    fail. A first trial that crashes does not end the run. SMAC's files are not kept.

    Args:
        facade: A class of ``smac``, such as ``"MultiFidelityFacade"`` or ``"BlackBoxFacade"``.
        resume: Let a configuration that is promoted go on from its checkpoint; SMAC itself begins anew.
        scenario: Keyword arguments of ``smac.Scenario``. ``deterministic`` is true by default, so that no
            configuration is tried with several seeds. After ``n_trials``, if it is given, none is suggested.
        intensifier: Keyword arguments of the facade's ``get_intensifier``, such as ``eta``.
        initial_design: Keyword arguments of the facade's ``get_initial_design``, such as ``n_configs``.
        maximizer: Keyword arguments of the facade's ``get_acquisition_maximizer``, such as ``challengers``:
            most of SMAC's real time goes there.
        model: Keyword arguments of the facade's ``get_model``, such as ``n_trees``.
        initial: Configurations to try after those of the initial design.

    Raises:
        InvalidOption: SMAC is not installed.
        UnknownName: There is no such facade.
    """

    def __init__(  # noqa: PLR0913  a facade has so many parts
        self,
        facade: str = "HyperparameterOptimizationFacade",
        *,
        resume: bool = False,
        scenario: Mapping[str, Any] | None = None,
        intensifier: Mapping[str, Any] | None = None,
        initial_design: Mapping[str, Any] | None = None,
        maximizer: Mapping[str, Any] | None = None,
        model: Mapping[str, Any] | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            library = require("smac", "smac", "smac")
            base = require("smac.facade", "smac").AbstractFacade
        logging.getLogger("smac").setLevel(logging.ERROR)  # it warns of how it works: no more candidates
        self._library, self._name = library, facade
        self._facade = class_in(library, facade, base, "SMAC facade")
        self._resume, self._initial = resume, initial
        self._scenario = dict(scenario or {})
        given = {"intensifier": intensifier, "initial_design": initial_design, "maximizer": maximizer}
        self._parts = {name: dict(part or {}) for name, part in {**given, "model": model}.items()}

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh facade for this blackbox.

        Raises:
            InvalidOption: SMAC refuses a setting; or it wants budgets and there is only one fidelity.
        """
        settings = {"scenario": self._scenario, **self._parts}
        described = shown(
            "SMAC",
            seed=seed,
            facade=self._name,
            resume=self._resume,
            **{name: setting for name, setting in settings.items() if setting},
            initial=check_initial(schema.space, self._initial),
            smac=version_of("smac"),
        )
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore")
            try:
                facade = self._made(schema, seed % 2**32, Path(folder))
            except (TypeError, ValueError) as err:
                raise InvalidOption(f"{described} cannot be made: {err}") from err
        optimizer = _Optimizer(facade, schema, self._scenario, described)
        return AskTellScheduler(optimizer, schema, resume=self._resume)

    def _made(self, schema: Schema, seed: int, folder: Path) -> Any:
        """A facade, which writes what it is made of into the folder."""
        library, facade = self._library, self._facade
        space = to_config_space(schema.space, seed)
        given: dict[str, Any] = {"seed": seed, "output_directory": folder, "deterministic": True}
        if issubclass(facade, library.MultiFidelityFacade | library.HyperbandFacade):
            given |= {"min_budget": smallest(schema.fidelity), "max_budget": schema.fidelity.values[-1]}
        scenario = library.Scenario(space, **{**given, **self._scenario})
        design = dict(self._parts["initial_design"])
        if self._initial:
            checked = check_initial(schema.space, self._initial)
            design["additional_configs"] = [encoded(space, configuration) for configuration in checked]
        made = facade(
            scenario,
            intensifier=facade.get_intensifier(scenario, **self._parts["intensifier"]),
            initial_design=facade.get_initial_design(scenario, **design),
            model=facade.get_model(scenario, **self._parts["model"]),
            acquisition_maximizer=facade.get_acquisition_maximizer(scenario, **self._parts["maximizer"]),
            logging_level=False,
            overwrite=True,
        )
        return in_order(made)


def in_order(facade: Any) -> Any:
    """The facade, whose local search begins at its points in the order of their texts.

    SMAC takes them from a set, in the order of the texts' hashes, which is another one in each process.
    """
    search = getattr(facade._acquisition_maximizer, "_local_search", None)  # noqa: SLF001  no setting for it
    if search is not None:
        points = search._get_init_points_from_previous_configs  # noqa: SLF001
        search._get_init_points_from_previous_configs = lambda *given: sorted(points(*given), key=repr)  # noqa: SLF001
    return facade


class _Optimizer:
    """A facade of SMAC in the names of this project."""

    def __init__(self, facade: Any, schema: Schema, scenario: Mapping[str, Any], described: str) -> None:
        self._facade, self._schema, self._described = facade, schema, described
        self._limit = scenario.get("n_trials", math.inf)
        self._crash_cost: float | None = scenario.get("crash_cost")
        self._worst: float | None = None
        self._crashed: list[Job] = []
        # threads would add up the trees of a forest in the order in which they are done
        self._sequentially = require("joblib", "smac").parallel_config
        history = require("smac.runhistory", "smac")
        self._value, self._status = history.TrialValue, history.StatusType
        self._exhausted = require("smac.main.exceptions", "smac").ConfigurationSpaceExhaustedException

    def __repr__(self) -> str:
        return self._described

    def ask(self) -> Job | None:
        if self._facade.runhistory.submitted >= self._limit:
            return None
        with warnings.catch_warnings(), self._sequentially(backend="sequential"):
            warnings.simplefilter("ignore")
            try:
                asked = self._facade.ask()
            except (StopIteration, self._exhausted):
                return None
        until = None if asked.budget is None else nearest(self._schema.fidelity, asked.budget)
        return Job(decoded(self._schema.space, asked.config), until, asked)

    def tell(self, job: Job, outcome: Outcome) -> None:
        if math.isfinite(outcome.loss):
            self._worst = outcome.loss if self._worst is None else max(self._worst, outcome.loss)
            self._tell(job, self._value(cost=outcome.loss, time=outcome.seconds))
        else:
            self._crashed.append(job)
        cost = self._worst if self._crash_cost is None else self._crash_cost
        while self._crashed and cost is not None:
            self._tell(self._crashed.pop(0), self._value(cost=cost, status=self._status.CRASHED))

    def _tell(self, job: Job, value: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._facade.tell(job.handle, value, save=False)
