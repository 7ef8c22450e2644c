"""How often and how long a source of bytes is asked, and why it did not give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TypeVar

from blackbox_repo.text.plain_text import printable

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long an address is tried.

    Args:
        tries: An address is given up after so many tries in a row that brought nothing.
        pause: The pause before the second try, in seconds; it doubles before each further one.
        timeout: A connection counts as broken after so many seconds without a byte.
        slowest: The lowest rate, in bytes a second, that a connection may have over ``timeout`` seconds.
        total: The longest time that one file may take from one address, in seconds.
        connect: The longest time until there is a connection, in seconds; ``timeout`` if that is shorter.
    """

    tries: int = 4
    pause: float = 1.0
    timeout: float = 30.0
    slowest: float = 1000.0
    total: float = 86_400.0
    connect: float = 10.0


DEFAULT_POLICY = RetryPolicy()


class Failure(Exception):
    """An address did not give the file.

    Args:
        reason: What went wrong, in words.
        transient: Whether another try may help.
        wait: The pause before the next try that the host asks for, in seconds.
        stalled: Whether this try counts as one that brought nothing, although some bytes came.
        status: The HTTP status of the answer; 0 if there was none.
    """

    def __init__(
        self,
        reason: str,
        *,
        transient: bool = False,
        wait: float = 0.0,
        stalled: bool = False,
        status: int = 0,
    ) -> None:
        super().__init__(printable(reason))
        self.transient, self.wait, self.stalled, self.status = transient, wait, stalled, status


class WrongPart(Failure):
    """The address gave another part of the file than it was asked for."""


class NoSuchPart(WrongPart):
    """The file of the address ends before the part that was asked for."""


class OnlyWhole(Failure):
    """The address gives a file only as a whole, and a part was asked for."""


class WrongContent(Failure):
    """The address has another file than the expected one."""


def keep_trying(
    attempt: Callable[[], _Result], policy: RetryPolicy, received: Callable[[], int] = lambda: 0
) -> _Result:
    """What an attempt returns once it succeeds; it is repeated while another try may help.

    Args:
        attempt: One try.
        policy: How often it is repeated, and after which pauses.
        received: The number of bytes that all tries have brought so far. A try that brought some is followed
            by as many others as the first.

    Raises:
        Failure: No further try would help, or too many in a row brought nothing.
    """
    failures = 0
    while True:
        before = received()
        try:
            return attempt()
        except Failure as err:
            failures = 1 if received() > before and not err.stalled else failures + 1
            if not err.transient:
                raise
            if failures >= policy.tries:
                raise type(err)(f"{err} (tried {failures} times)", status=err.status) from err
            sleep(err.wait or policy.pause * 2 ** (failures - 1))


class RateCheck:
    """Whether a file comes fast enough from an address, over all connections to it.

    Args:
        policy: The lowest rate and the longest time.
        now: The clock, in seconds.
    """

    def __init__(self, policy: RetryPolicy, now: Callable[[], float] = monotonic) -> None:
        self.policy, self._now = policy, now
        self._end = now() + policy.total
        self._since, self._received = now(), 0

    def restart(self) -> None:
        """Measure from now on, as for a new connection."""
        self._since, self._received = self._now(), 0

    def count(self, received: int) -> None:
        """Count bytes that were received.

        Raises:
            Failure: The bytes come too slowly, or the time is up.
        """
        self._received += received
        passed = self._now() - self._since
        if self._now() > self._end:
            raise Failure(f"did not give the file within {self.policy.total:g} s")
        if passed >= self.policy.timeout:
            wanted = self.policy.slowest
            if self._received < wanted * passed:
                reason = f"gave {self._received} bytes in {passed:.3g} s; {wanted:g} a second are needed"
                raise Failure(reason, transient=True, stalled=True)
            self.restart()
