"""Which training run of a configuration a trial replays (T17)."""

from __future__ import annotations

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.keyed_random import Stream, number_of
from blackbox_repo.space import Configuration, configuration_text


class TrainingSeeds:
    """Chooses among the seeds that the table has for a configuration.

    The choice is a function of the run's seed, the configuration and how often it was started before, so two
    schedulers that try the same configuration see the same training.

    Args:
        blackbox: Whose seeds.
        run_seed: The seed of the run.
        fixed: Always take this training seed.
    """

    def __init__(self, blackbox: Blackbox, run_seed: int, fixed: int | None) -> None:
        self._blackbox, self._fixed = blackbox, fixed
        self._stream = Stream(run_seed, "training seed")
        self._occurrences: dict[int, int] = {}

    def choose(self, configuration: Configuration) -> int:
        """The training seed of the next trial of a (canonical) configuration."""
        if self._fixed is not None:
            return self._fixed
        seeds = self._blackbox.seeds(configuration)
        if len(seeds) == 1:
            return seeds[0]
        number = number_of(configuration_text(configuration))
        occurrence = self._occurrences.get(number, 0)
        self._occurrences[number] = occurrence + 1
        return seeds[self._stream.integer(len(seeds), number, occurrence)]
