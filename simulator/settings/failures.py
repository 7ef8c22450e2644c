"""Failures of a tuning cluster: jobs that crash, and workers that are lost (T18)."""

from __future__ import annotations

from dataclasses import dataclass

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import flag
from simulator.settings.delays import Delay, check_delay


@dataclass(frozen=True)
class Failures:
    """Crashes and preemptions, in seconds; constants, or distributions from which each is drawn (T16).

    Args:
        crash: How long a job runs until it crashes, unless its training is over before; drawn for each
            segment. ``None``: no job crashes.
        preempt: How long a worker is present until it is lost; drawn for each of its presences. ``None``: no
            worker is lost.
        away: How long a lost worker is away.
        requeue: Whether a trial that loses its worker is queued again, which its scheduler does not notice;
            if not, it fails.

    Raises:
        InvalidOption: A time that is negative or not a number, or a constant 0 for ``crash`` or ``preempt``.
    """

    crash: Delay | None = None
    preempt: Delay | None = None
    away: Delay = 0.0
    requeue: bool = True

    def __post_init__(self) -> None:
        for name in ("crash", "preempt", "away"):
            value = getattr(self, name)
            if value is not None or name == "away":
                object.__setattr__(self, name, check_delay(f"failures.{name}", value))
            if value == 0 and name != "away":
                raise InvalidOption(f"failures.{name} is {value!r}, but must be above 0 seconds, or None")
        object.__setattr__(self, "requeue", flag("failures.requeue", self.requeue))
