"""A limit on the real time of a scheduler's calls: a call that hangs becomes an error that names it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import is_number, plain
from simulator.scheduler import Decision, Report, Scheduler, Suggestion, Trial
from simulator.wrappers.base import Wrapper

_P = ParamSpec("_P")
_T = TypeVar("_T")
AGAIN, LONGEST = 0.1, 1e8
"""Seconds: after the first interruption, should the call have caught it, another one follows."""
SOONEST, LATEST, LONGER = 1e-6, 1e-4, 1.03
"""Seconds: then they follow one another faster, so that one comes while the call handles the one before, and
leaves the loop in which it catches them; the time between them grows by a factor from the first to the last,
and begins anew."""


class _CallTimeoutError(BaseException):
    """Raised inside the scheduler; no ``Exception``, so that it does not catch it by accident."""


class TimeLimited(Wrapper):
    """A scheduler each of whose calls may take a limited real time; its answers are the same.

    A call that catches whatever interrupts it, and goes on or answers late, has not answered in time all the
    same. One that is inside of a C function is interrupted when that returns to Python; a scheduler that may
    hang there can be run as a process of its own (docs/process-protocol.md).

    Args:
        scheduler: Any.
        seconds: The real time that one call may take; see :func:`check_call_timeout`.
    """

    def __init__(self, scheduler: Scheduler, seconds: float) -> None:
        super().__init__(scheduler)
        self._seconds = seconds
        self._interruptions, self._pause = 0, SOONEST

    def suggest(self) -> Suggestion:
        """What the scheduler suggests."""
        return self._limited(self.__wrapped__.suggest)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides."""
        return self._limited(self.__wrapped__.on_report, trial, report)

    def on_end(self, trial: Trial) -> None:
        """Told to the scheduler."""
        self._limited(self.__wrapped__.on_end, trial)

    def _limited(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        self._interruptions = 0
        previous = signal.signal(signal.SIGALRM, self._interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, self._seconds, AGAIN)
            answer = call(*args, **kwargs)
        except BaseException:
            if not self._interruptions:
                raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        if self._interruptions:
            raise TimeoutError(f"no answer in {self._seconds:g} s of real time (call_timeout)") from None
        return answer

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Raise within the call; never in what begins and ends it, which would leave the timer running."""
        while frame is not None and frame.f_code is self._INTERRUPT:  # an interruption that is interrupted
            frame = frame.f_back
        if frame is None or frame.f_code is self._LIMITED:
            return
        self._interruptions += 1
        if self._interruptions > 1:
            self._pause = SOONEST if self._pause > LATEST else self._pause * LONGER
            signal.setitimer(signal.ITIMER_REAL, self._pause, AGAIN)
        raise _CallTimeoutError

    _INTERRUPT, _LIMITED = _interrupt.__code__, _limited.__code__


def check_call_timeout(seconds: float | None) -> None:
    """Refuse a time limit of calls that cannot be kept here.

    Raises:
        InvalidOption: Not a number above 0; or no signals: outside of the main thread, on Windows, or because
            another timer is running.
    """
    if seconds is None:
        return
    if not is_number(plain(seconds)) or not 0 < seconds <= LONGEST:
        raise InvalidOption(
            f"call_timeout is {seconds!r}, but must be a number of real seconds, above 0 (at most "
            f"{LONGEST:g})"
        )
    why = ""
    if not hasattr(signal, "setitimer"):
        why = "this system has no interval timers"
    elif threading.current_thread() is not threading.main_thread():
        why = "signals reach the main thread only, and this is another one"
    elif signal.getitimer(signal.ITIMER_REAL)[0]:
        why = "somebody else's timer is running"
    if why:
        raise InvalidOption(
            f"call_timeout={seconds} is not possible here: {why}; run the scheduler as a process of its "
            f"own, which has a timeout (docs/process-protocol.md)"
        )
