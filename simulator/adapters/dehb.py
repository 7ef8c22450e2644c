"""DEHB as a scheduler (Awad et al., IJCAI 2021): differential evolution in the brackets of Hyperband."""

from __future__ import annotations

import inspect
import logging
import math
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Schema
from simulator.adapters.ask_tell import AskTellScheduler, Job, Outcome
from simulator.adapters.config_space import decoded, to_config_space
from simulator.adapters.fidelities import nearest, smallest
from simulator.adapters.library import require, version_of
from simulator.schedulers.settings import shown

WORST = 1e300
"""Told of what failed or is NaN: an individual at infinity counts as not evaluated, and a first rung with
nothing but these has nobody to promote, at which DEHB raises an IndexError."""


class DEHB:
    """A factory of schedulers that do what ``DEHB.run`` would do.

    DEHB's fidelities, ``max_fidelity / eta ** k``, are rounded to the nearest fidelity of the blackbox. What
    failed, and NaN, is told as 1e300. Its files are not written.

    Args:
        strategy: Of mutation and crossover, such as ``"rand1_bin"``.
        resume: Let a configuration that is promoted go on from its checkpoint; DEHB itself begins anew.
        settings: Keyword arguments of ``dehb.DEHB``, such as ``eta`` or ``min_fidelity``; by default
            ``min_fidelity`` is the smallest fidelity above 0.

    Raises:
        InvalidOption: DEHB is not installed.
        UnknownName: DEHB does not have such a setting.
    """

    def __init__(
        self,
        strategy: str = "rand1_bin",
        *,
        resume: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._library = require("dehb", "dehb")
        self._strategy, self._resume, self._settings = strategy, resume, dict(settings or {})
        known = [*inspect.signature(self._library.DEHB).parameters]
        for name in self._settings:
            if name not in known:  # DEHB itself takes anything
                raise UnknownName("DEHB setting", name, known)

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh DEHB for this blackbox.

        Raises:
            InvalidOption: There is only one fidelity, or DEHB refuses the settings.
        """
        described = shown(
            "DEHB",
            seed=seed,
            strategy=self._strategy,
            resume=self._resume,
            **self._settings,
            dehb=version_of("dehb"),
        )
        seed %= 2**32
        offered = {
            "cs": to_config_space(schema.space, seed, "dehb"),
            "strategy": self._strategy,
            "min_fidelity": smallest(schema.fidelity),
            "max_fidelity": schema.fidelity.values[-1],
            "n_workers": 1,  # or it starts a cluster of Dask's
            "save_freq": "end",  # which never comes
            "seed": seed,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dehb = _quiet(self._library.DEHB)(**{**offered, **self._settings})
            except (AssertionError, TypeError, ValueError) as err:
                raise InvalidOption(f"{described} cannot be made: {err or 'see what it logged'}") from err
        return AskTellScheduler(_Optimizer(dehb, schema, described), schema, resume=self._resume)


def _quiet(library_class: Any) -> Any:
    """DEHB's class without its log: that file is created at once, and other users of loguru lose theirs."""

    class Quiet(library_class):  # type: ignore[misc]
        def _setup_logger(self, _resume: bool, _settings: Mapping[str, Any]) -> None:  # noqa: FBT001  as there
            self.logger = logging.getLogger("dehb")
            self.output_path = Path(tempfile.gettempdir())

    return Quiet


class _Optimizer:
    """DEHB in the names of this project."""

    def __init__(self, dehb: Any, schema: Schema, described: str) -> None:
        self._dehb, self._schema, self._described = dehb, schema, described

    def __repr__(self) -> str:
        return self._described

    def ask(self) -> Job:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it calls methods that ConfigSpace deprecates
            asked = self._dehb.ask()
        until = nearest(self._schema.fidelity, asked["fidelity"])
        return Job(decoded(self._schema.space, asked["config"]), until, asked)

    def tell(self, job: Job, outcome: Outcome) -> None:
        fitness = WORST if math.isnan(outcome.loss) else outcome.loss
        self._dehb.tell(job.handle, {"fitness": fitness, "cost": outcome.seconds})
