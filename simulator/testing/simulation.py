"""What a test simulates: a problem, and the circumstances of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption, UnknownName
from simulator.api import simulate
from simulator.problem import find_problem
from simulator.results.run import Run
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop

DEFAULT = "lcbench-167200"


@dataclass(frozen=True)
class Simulated:
    """A run to be made.

    Args:
        blackbox: What it is run on.
        workers: Trials that train at a time.
        stop: When it ends.
        seed: Of the run and of the scheduler.
        conditions: Delays, failures and the like.
    """

    blackbox: Blackbox
    workers: int = 4
    stop: Stop = field(default_factory=lambda: Stop(trials_started=50))
    seed: int = 0
    conditions: Conditions | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Simulated:
        """What keywords say; the blackbox may be a benchmark's name, ``BLACKBOX/TASK``, or one itself.

        Raises:
            UnknownName: A keyword, blackbox, task or benchmark that does not exist.
            InvalidOption: A time model for a blackbox that is given as an object.
        """
        chosen = dict(settings)
        blackbox, time_model = chosen.pop("blackbox", DEFAULT), chosen.pop("time_model", None)
        known = [field.name for field in fields(cls)]
        for name in chosen:
            if name not in known:
                raise UnknownName("setting of a simulation:", name, [*known, "time_model"])
        if isinstance(blackbox, str):
            blackbox = find_problem(blackbox, time_model).blackbox
        elif time_model is not None:
            raise InvalidOption(
                "time_model goes with the name of a blackbox; wrap the object itself: views.with_time_model"
            )
        return cls(blackbox, **chosen)

    def run(self, make_scheduler: Any) -> Run:
        """Make it."""
        return simulate(
            self.blackbox,
            make_scheduler,
            workers=self.workers,
            stop=self.stop,
            seed=self.seed,
            conditions=self.conditions,
        )
