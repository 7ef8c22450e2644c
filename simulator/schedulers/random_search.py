"""Random search (Bergstra and Bengio, JMLR 2012): independent configurations, each trained to its end."""

from __future__ import annotations

from blackbox_repo.schema import Schema
from simulator.scheduler import CONTINUE, Decision, Report, Start, Trial, continue_until


class RandomSearch:
    """Starts configurations drawn from the space; the k-th one is a function of the seed and k.

    Args:
        schema: Of the blackbox.
        seed: Of the draws.
    """

    def __init__(self, schema: Schema, seed: int = 0) -> None:
        self._space = schema.space
        self._seed = seed
        self._count = 0
        last = schema.fidelity.values[-1]
        self._to_the_end = continue_until(last) if len(schema.fidelity.values) > 1 else CONTINUE

    def __repr__(self) -> str:
        return f"RandomSearch(seed={self._seed})"

    def suggest(self) -> Start:
        """Always a new trial."""
        self._count += 1
        return Start(self._space.sample(self._seed, "random search", self._count - 1))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return self._to_the_end

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""
