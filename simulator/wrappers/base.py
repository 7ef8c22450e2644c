"""What schedulers around schedulers share."""

from __future__ import annotations

from typing import Any

from simulator.scheduler import Scheduler


class Wrapper:
    """A scheduler around another one, which offers whatever that one offers beside the three methods.

    Args:
        scheduler: Any.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.__wrapped__ = scheduler

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)
