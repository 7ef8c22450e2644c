"""What can go wrong in a simulated run, below ``blackbox_repo.errors.BlackboxRepoError``.

BlackboxRepoError
├── SchedulerError     the scheduler asked for something that cannot be
└── SimulationError    the run as such cannot go on
"""

from __future__ import annotations

from blackbox_repo.errors import BlackboxRepoError


class SchedulerError(BlackboxRepoError):
    """The scheduler asked for something that cannot be; the message names call, trial and time."""


class SimulationError(BlackboxRepoError):
    """The run cannot go on: its curves take no time, or a time is not a number."""
