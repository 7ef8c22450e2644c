"""DEHB as a scheduler (Awad et al., IJCAI 2021): differential evolution in the brackets of Hyperband."""

from __future__ import annotations

import inspect
import logging
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import number
from blackbox_repo.schema import Schema
from simulator.adapters.ask_tell import AskTellScheduler, Outcome, Proposal
from simulator.adapters.config_space import decode, to_config_space
from simulator.adapters.fidelities import check_budgets, fidelity_reaching, smallest_budget
from simulator.adapters.library import (
    check_settings,
    refuse_contradictions,
    require,
    translate_errors,
    version_of,
)
from simulator.global_state import library_seed, silence
from simulator.scheduler_settings import format_call

STRATEGIES = tuple(
    f"{mutation}_{crossover}"
    for mutation in ("rand1", "rand2", "rand2dir", "best1", "best2", "currenttobest1", "randtobest1")
    for crossover in ("bin", "exp")
)
"""The strategies of ``dehb.optimizers.de``, which has no list of them."""
WORST = 1e300
"""The loss that DEHB is told of what failed or is NaN. For DEHB, an individual at infinity has not been
evaluated; if a first rung has only such individuals, none can be promoted, and DEHB raises an IndexError."""


class DEHB:
    """A factory of schedulers that do what ``DEHB.run`` would do.

    Where DEHB's fidelities, ``max_fidelity / eta ** k``, lie between two of the blackbox, the upper one is
    trained. What failed, and NaN, is told as 1e300. Its files are not written, and no cluster is started.

    Args:
        strategy: How DEHB mutates and crosses individuals, one of ``STRATEGIES``.
        resume: Let a configuration that is promoted go on from its checkpoint; DEHB itself begins anew.
        settings: Keyword arguments of ``dehb.DEHB``, such as ``eta`` or ``min_fidelity``; by default
            ``min_fidelity`` is the smallest fidelity above 0.

    Raises:
        InvalidOption: DEHB is not installed.
        UnknownName: DEHB does not have such a setting or strategy.
    """

    def __init__(
        self,
        strategy: str = "rand1_bin",
        *,
        resume: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        library = require("dehb", "dehb")
        self._strategy, self._resume, self._settings = strategy, resume, check_settings("settings", settings)
        if strategy not in STRATEGIES:
            raise UnknownName("DEHB strategy", strategy, STRATEGIES)
        known = [name for name in inspect.signature(library.DEHB).parameters if name != "kwargs"]
        for name in self._settings:
            if name not in known:  # DEHB itself takes anything
                raise UnknownName("DEHB setting", name, known)

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh DEHB for this blackbox.

        Raises:
            InvalidOption: There is only one fidelity; a setting contradicts the blackbox, the run or this
                adapter; or DEHB refuses the settings.
        """
        own = library_seed(seed)
        supplied = {
            "cs": to_config_space(schema.space, own, "dehb"),
            "configspace": True,
            "dimensions": None,
            "f": None,
            "strategy": self._strategy,
            "n_workers": 1,  # or it starts a cluster of Dask's
            "client": None,
            "save_freq": "end",  # which never comes
            "resume": False,  # from files
            "seed": own,
        }
        bounds = {
            "min_fidelity": smallest_budget(schema.fidelity),
            "max_fidelity": schema.fidelity.values[-1],
        }
        refuse_contradictions("DEHB", self._settings, supplied)
        _check_numbers(self._settings)
        check_budgets(self._settings, schema.fidelity, ("min_fidelity", "max_fidelity"))
        parts = {"seed": seed, "strategy": self._strategy, "resume": self._resume, **self._settings}
        description = format_call("DEHB", **{**parts, "seed": seed, "dehb": version_of("dehb")})
        with silence(), translate_errors(f"{description} cannot be made", "; see what it logged"):
            dehb = _quiet(require("dehb", "dehb").DEHB)(**{**supplied, **bounds, **self._settings})
        return AskTellScheduler(_Optimizer(dehb, schema, description), schema, resume=self._resume)


def _check_numbers(settings: Mapping[str, Any]) -> None:
    """Refuse settings that DEHB itself would refuse in the middle of a run, or never."""
    number("mutation_factor", settings.get("mutation_factor", 0.5), 0, 2)
    number("crossover_prob", settings.get("crossover_prob", 0.5), 0, 1)
    fix = settings.get("boundary_fix_type", "random")
    if fix not in ("random", "clip"):
        raise InvalidOption(f"boundary_fix_type is {fix!r}, but must be 'random' or 'clip'")


def _quiet(library_class: Any) -> Any:
    """A subclass without DEHB's log, which creates a file and removes the user's handlers of loguru."""

    class Quiet(library_class):  # type: ignore[misc]
        def _setup_logger(self, _resume: bool, _settings: Mapping[str, Any]) -> None:  # noqa: FBT001  as there
            self.logger = logging.getLogger("dehb")
            self.output_path = Path(tempfile.gettempdir())

    return Quiet


class _Optimizer:
    """DEHB as an optimizer."""

    def __init__(self, dehb: Any, schema: Schema, description: str) -> None:
        self._dehb, self._schema, self._description = dehb, schema, description

    def __repr__(self) -> str:
        return self._description

    def ask(self) -> Proposal:
        with silence():  # of warnings that it calls methods that ConfigSpace deprecates
            asked = self._dehb.ask()
        until = fidelity_reaching(self._schema.fidelity, asked["fidelity"])
        return Proposal(decode(self._schema.space, asked["config"]), until, asked)

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        fitness = WORST if math.isnan(outcome.loss) else outcome.loss
        with silence():
            self._dehb.tell(proposal.handle, {"fitness": fitness, "cost": outcome.seconds})
