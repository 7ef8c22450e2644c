"""Tuning problems: a task with its objective, workers, budget and largest fidelity."""

from __future__ import annotations

from dataclasses import dataclass

from blackbox_repo import views
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.repository import load_blackbox


@dataclass(frozen=True)
class Benchmark:
    """A tuning problem over an embedded blackbox.

    Args:
        name: How it is called.
        blackbox_name: Which blackbox.
        task: Which task of it.
        objective: What is optimized.
        workers: Trials that train at a time.
        seconds: The budget in simulated seconds.
        max_fidelity: Curves are cut after it; ``None`` for whole curves.
        seconds_per_unit: The time model where the source has no time: seconds per unit of fidelity.
        title: In a few words.
    """

    name: str
    blackbox_name: str
    task: str
    objective: str
    workers: int
    seconds: float
    max_fidelity: float | None = None
    seconds_per_unit: float | None = None
    title: str = ""

    def load(self) -> Blackbox:
        """The blackbox, cut, timed and aimed as the benchmark says."""
        blackbox = load_blackbox(self.blackbox_name)[self.task]
        if self.seconds_per_unit is not None:
            blackbox = views.with_time_model(blackbox, self.seconds_per_unit)
        if self.max_fidelity is not None:
            blackbox = views.up_to(blackbox, self.max_fidelity)
        return views.with_target(blackbox, self.objective)
