"""Random search (Bergstra and Bengio, JMLR 2012): independent configurations, each trained to its end."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Start, Trial, continue_until
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.settings import shown


class RandomSearch:
    """Starts configurations drawn from the space; the k-th one is a function of the seed and k.

    Args:
        schema: Of the blackbox.
        seed: Of the draws.
        initial: Configurations to try first.

    Raises:
        InvalidOption: ``initial`` has something that is not in the space.
    """

    def __init__(self, schema: Schema, seed: int = 0, *, initial: Sequence[Configuration] = ()) -> None:
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._shown = shown("RandomSearch", seed=seed, initial=configurations.initial)
        self._next, self.upcoming = configurations.next, configurations.upcoming
        last = schema.fidelity.values[-1]
        self._to_the_end = continue_until(last) if len(schema.fidelity.values) > 1 else CONTINUE

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start:
        """Always a new trial."""
        return Start(self._next())

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return self._to_the_end

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""
