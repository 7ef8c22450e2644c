"""What can go wrong in a simulated run, below ``blackbox_repo.errors.BlackboxRepoError``.

BlackboxRepoError
└── RunError               a run was given up; what there was of it is kept
    ├── SchedulerError     the scheduler raised, or asked for something that cannot be
    └── SimulationError    the run as such cannot go on
"""

from __future__ import annotations

from typing import Any

from blackbox_repo.errors import BlackboxRepoError


class RunError(BlackboxRepoError):
    """A run was given up."""

    run: Any = None
    """The :class:`simulator.Run` so far, ended by ``"error"``; ``None`` if it had not begun."""


class SchedulerError(RunError):
    """The scheduler raised, or asked for something that cannot be; the message names call, trial and time."""


class SimulationError(RunError):
    """The run cannot go on: its curves take no time, or a time is not a number."""
