"""Which training run of a configuration a trial replays (T17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blackbox_repo.blackbox import Trainings
from blackbox_repo.keyed_random import Stream


class TrainingSeeds:
    """Chooses among the seeds that the table has for a configuration.

    The choice is a function of the run's seed, the configuration and how often it was started before, so two
    schedulers that try the same configuration see the same training.

    Args:
        run_seed: The seed of the run.
        fixed: Always take this training seed.
    """

    def __init__(self, run_seed: int, fixed: int | None) -> None:
        self._fixed = fixed
        self._stream = Stream(run_seed, "training seed")
        self._occurrences: dict[int, int] = {}

    def choose(self, trainings: Trainings) -> Any:
        """The training seed of the next trial of a configuration."""
        if self._fixed is not None:
            return self._fixed
        seeds: Sequence[Any] = trainings.seeds
        if len(seeds) == 1:
            return seeds[0]
        number = trainings.number
        occurrence = self._occurrences.get(number, 0)
        self._occurrences[number] = occurrence + 1
        return seeds[self._stream.integer(len(seeds), number, occurrence)]
