"""SMAC3's facades as schedulers (Lindauer et al., JMLR 2022): with budgets through ``until``, and without."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.adapters.ask_tell import AskTellScheduler, Outcome, Proposal
from simulator.adapters.config_space import decode, encode, to_config_space
from simulator.adapters.fidelities import check_budgets, fidelity_reaching, smallest_budget
from simulator.adapters.library import (
    check_settings,
    find_class,
    refuse_contradictions,
    require,
    translate_errors,
    version_of,
)
from simulator.global_state import library_seed, silence
from simulator.scheduler_settings import check_initial, format_call

_SUPPLIED: Mapping[str, Any] = {
    "output_directory": "a temporary folder",
    "objectives": "cost",
    "n_workers": 1,  # or it starts a cluster of Dask's
    "instances": None,
    "instance_features": None,
    "adaptive_capping": False,
    "runtime_cutoff": None,
    "termination_cost_threshold": math.inf,  # these count what only SMAC's own loop counts
    "walltime_limit": math.inf,
    "cputime_limit": math.inf,
    "trial_walltime_limit": None,
    "trial_memory_limit": None,
}
"""Parameters of a ``Scenario`` that a user cannot set: limits in real time and memory, instances."""


class SMAC:
    """A factory of schedulers that do what ``optimize`` of a facade would do.

    Where a budget lies between two fidelities of the blackbox, the upper one is trained. What failed, and
    NaN, is told as crashed, at the cost of the worst trial so far, or once there is one: at SMAC's own
    default, infinity, its models fail. A first trial that crashes does not end the run. On a space that is
    used up, SMAC gives up while jobs run; here it is asked again when they have ended, and promotes what it
    has. SMAC's files are not kept, and no cluster is started.

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
        library = _import_library()
        with silence():
            base = require("smac.facade", "smac").AbstractFacade
        self._name = facade
        self._facade = find_class(library, facade, base, "SMAC facade")
        self._resume, self._initial = resume, initial
        self._scenario = check_settings("scenario", scenario)
        given = {"intensifier": intensifier, "initial_design": initial_design, "maximizer": maximizer}
        self._parts = {name: check_settings(name, part) for name, part in {**given, "model": model}.items()}

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh facade for this blackbox.

        Raises:
            InvalidOption: A setting contradicts the blackbox, the run or this adapter, or SMAC refuses it; or
                it wants budgets and there is only one fidelity.
        """
        settings = {"scenario": self._scenario, **self._parts}
        description = format_call(
            "SMAC",
            seed=seed,
            facade=self._name,
            resume=self._resume,
            **{name: setting for name, setting in settings.items() if setting},
            initial=check_initial(schema.space, self._initial),
            smac=version_of("smac"),
        )
        check_budgets(self._scenario, schema.fidelity, ("min_budget", "max_budget"))
        failure = f"{description} cannot be made"
        with silence(), tempfile.TemporaryDirectory() as folder, translate_errors(failure):
            facade = self._make(schema, library_seed(seed), Path(folder))
        optimizer = _Optimizer(facade, schema, self._scenario, description)
        return AskTellScheduler(optimizer, schema, resume=self._resume)

    def _make(self, schema: Schema, seed: int, folder: Path) -> Any:
        """Make the facade, which writes its description into the folder."""
        library, facade = _import_library(), self._facade
        space = to_config_space(schema.space, seed)
        given: dict[str, Any] = {"seed": seed, "output_directory": folder, "deterministic": True}
        refuse_contradictions("smac.Scenario", self._scenario, {"seed": seed, **_SUPPLIED})
        if issubclass(facade, library.MultiFidelityFacade | library.HyperbandFacade):
            given |= {
                "min_budget": smallest_budget(schema.fidelity),
                "max_budget": schema.fidelity.values[-1],
            }
        scenario = library.Scenario(space, **{**given, **self._scenario})
        design = dict(self._parts["initial_design"])
        if self._initial:
            checked = check_initial(schema.space, self._initial)
            design["additional_configs"] = [encode(space, configuration) for configuration in checked]
        made = facade(
            scenario,
            intensifier=facade.get_intensifier(scenario, **self._parts["intensifier"]),
            initial_design=facade.get_initial_design(scenario, **design),
            model=facade.get_model(scenario, **self._parts["model"]),
            acquisition_maximizer=facade.get_acquisition_maximizer(scenario, **self._parts["maximizer"]),
            logging_level=False,
            overwrite=True,
        )
        return order_local_search(made)


def _import_library() -> Any:
    """Import SMAC and silence its log, which must be done in each process."""
    with silence():
        library = require("smac", "smac", "smac")
    logging.getLogger("smac").setLevel(logging.ERROR)  # it warns of how it works: no more candidates
    return library


def order_local_search(facade: Any) -> Any:
    """Let the local search of a facade begin at its points in the order of their texts.

    SMAC takes them from a set, in the order of the texts' hashes, which is another one in each process.
    """
    search = getattr(facade._acquisition_maximizer, "_local_search", None)  # noqa: SLF001  no setting for it
    if search is not None:
        points = search._get_init_points_from_previous_configs  # noqa: SLF001
        search._get_init_points_from_previous_configs = lambda *given: sorted(points(*given), key=repr)  # noqa: SLF001
    return facade


class _Optimizer:
    """A facade of SMAC as an optimizer."""

    def __init__(self, facade: Any, schema: Schema, scenario: Mapping[str, Any], description: str) -> None:
        self._facade, self._schema, self._description = facade, schema, description
        self._limit = scenario.get("n_trials", math.inf)
        self._crash_cost: float | None = scenario.get("crash_cost")
        self._worst: float | None = None
        self._crashed: list[Proposal] = []
        self._gave_up = False
        # threads would add up the trees of a forest in the order in which they are done
        self._sequentially = require("joblib", "smac").parallel_config
        history = require("smac.runhistory", "smac")
        self._value, self._status = history.TrialValue, history.StatusType
        self._exhausted = require("smac.main.exceptions", "smac").ConfigurationSpaceExhaustedException

    def __repr__(self) -> str:
        return self._description

    def ask(self) -> Proposal | None:
        if self._gave_up or self._facade.runhistory.submitted >= self._limit:
            return None
        with silence(), self._sequentially(backend="sequential"):
            asked = self._ask()
        if asked is None:
            return None
        until = None if asked.budget is None else fidelity_reaching(self._schema.fidelity, asked.budget)
        return Proposal(decode(self._schema.space, asked.config), until, asked)

    def _ask(self) -> Any:
        """The trial that SMAC asks for; once the space is used up, only promoted configurations."""
        while not self._gave_up:
            before = self._stages()
            try:
                return self._facade.ask()
            except (StopIteration, self._exhausted):
                loop = self._facade._optimizer  # noqa: SLF001  its generator has ended: give it a new one
                loop._trial_generator = iter(self._facade.intensifier)  # noqa: SLF001  see above
                self._gave_up = self._stages() == before  # until a trial ends, none can be promoted
        return None

    def _stages(self) -> list[tuple[Any, int]]:
        """How many groups of configurations there are in each stage of successive halving."""
        tracker = getattr(self._facade.intensifier, "_tracker", {})
        return [(stage, len(groups)) for stage, groups in tracker.items()]

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        self._gave_up = False
        if math.isfinite(outcome.loss):
            self._worst = outcome.loss if self._worst is None else max(self._worst, outcome.loss)
            self._tell(proposal, self._value(cost=outcome.loss, time=outcome.seconds))
        else:
            self._crashed.append(proposal)
        cost = self._worst if self._crash_cost is None else self._crash_cost
        while self._crashed and cost is not None:
            self._tell(self._crashed.pop(0), self._value(cost=cost, status=self._status.CRASHED))

    def _tell(self, proposal: Proposal, value: Any) -> None:
        with silence():
            self._facade.tell(proposal.handle, value, save=False)
