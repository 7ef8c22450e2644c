"""The circumstances of a simulated run, apart from blackbox, scheduler and limits."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.delays import Delays


@dataclass(frozen=True)
class Conditions:
    """How the simulated cluster behaves; the default is an ideal one.

    Args:
        delays: Seconds for what is not training.
        checkpoints: Whether a paused trial continues where it was; if not, it starts from scratch (T10).
        training_seed: Replay this seed of every configuration; by default one is drawn (T17).
    """

    delays: Delays = field(default_factory=Delays)
    checkpoints: bool = True
    training_seed: int | None = None
