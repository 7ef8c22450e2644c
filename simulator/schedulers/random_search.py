"""Random search (Bergstra and Bengio, JMLR 2012): independent configurations, each trained to its end."""

from __future__ import annotations

from collections.abc import Sequence

from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, Decision, Report, Start, Trial, continue_until
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.settings import format_call


class RandomSearch:
    """Starts configurations drawn from the space, of a finite one each once and then nothing.

    Args:
        schema: Of the blackbox.
        seed: Of the draws.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.
        repeat: How many trials each configuration gets, one after the other.

    Raises:
        InvalidOption: ``initial`` has something that is not in the space, or a setting outside its range.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
        repeat: int = 1,
    ) -> None:
        configurations = RandomConfigurations(
            schema.space, seed, initial, duplicates=duplicates, repeat=repeat
        )
        self._shown = format_call(
            "RandomSearch",
            seed=configurations.seed,
            initial=configurations.initial,
            duplicates=duplicates or (),
            repeat=() if repeat == 1 else repeat,
        )
        self._start, self.upcoming = configurations.start, configurations.upcoming
        last = schema.fidelity.values[-1]
        self._to_the_end = continue_until(last) if len(schema.fidelity.values) > 1 else CONTINUE

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A new trial while there are configurations left."""
        return self._start()

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return self._to_the_end

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""
