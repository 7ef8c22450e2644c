"""Random search (Bergstra and Bengio, JMLR 2012): independent configurations, each trained to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Start, Trial, continue_until
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations


@dataclass(repr=False, eq=False, kw_only=True)
class RandomSearch(ReferenceScheduler):
    """Starts configurations drawn from the space; of a finite space each comes once, and then nothing.

    Args:
        schema: What the blackbox records.
        seed: The seed of the draws.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.
        duplicates: Whether a finite space is drawn from with replacement, without end. By default each
            configuration comes once, and after the last one nothing is started.
        repeat: The number of trials of each configuration, one after the other.

    Raises:
        InvalidOption: ``initial`` has a configuration that is not in the space, or a setting is outside its
            range.
    """

    initial: Sequence[Configuration] = ()
    duplicates: bool = False
    repeat: int = 1

    def __post_init__(self) -> None:
        space, fidelities = self.schema.space, self.schema.fidelity.values
        drawn = RandomConfigurations(
            space, self.seed, self.initial, duplicates=self.duplicates, repeat=self.repeat
        )
        self.seed, self.initial = drawn.seed, drawn.initial
        self._start, self.upcoming = drawn.start, drawn.upcoming
        self._to_the_end = continue_until(fidelities[-1]) if len(fidelities) > 1 else CONTINUE

    def suggest(self) -> Start | None:
        """A new trial while there are configurations left."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stop a trial."""
        return self._to_the_end

    def on_end(self, trial: Trial) -> None:
        """Do nothing: random search does not learn."""
