"""Connections to the hosts of raw files: http and https only, and only while bytes come fast enough."""

from __future__ import annotations

import http.client
import io
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any
from urllib.parse import urlsplit

from blackbox_repo.text.plain_text import printable


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long an address is tried.

    Args:
        tries: After so many tries in a row that brought nothing, the next mirror is tried.
        pause: The pause before the second try, in seconds; it doubles before each further one.
        timeout: A connection counts as broken after so many seconds without a byte.
        slowest: The lowest rate, in bytes a second, that a connection may have over ``timeout`` seconds.
        total: The longest time that one file may take from one address, in seconds.
    """

    tries: int = 4
    pause: float = 1.0
    timeout: float = 30.0
    slowest: float = 1000.0
    total: float = 86_400.0


DEFAULT_POLICY = RetryPolicy()


class Failure(Exception):
    """An address did not give the file.

    Args:
        reason: What went wrong, in words.
        transient: Whether another try may help.
        wait: The pause before the next try that the host asks for, in seconds.
        stalled: Whether this try counts as one that brought nothing, although some bytes came.
    """

    def __init__(
        self, reason: str, *, transient: bool = False, wait: float = 0.0, stalled: bool = False
    ) -> None:
        super().__init__(printable(reason))
        self.transient, self.wait, self.stalled = transient, wait, stalled


class RateCheck:
    """Whether a file comes fast enough from an address, over all connections to it.

    Args:
        policy: The lowest rate and the longest time.
        now: The clock, in seconds.
    """

    def __init__(self, policy: RetryPolicy, now: Callable[[], float] = time.monotonic) -> None:
        self._policy, self._now = policy, now
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
            raise Failure(f"did not give the file within {self._policy.total:g} s")
        if passed >= self._policy.timeout:
            wanted = self._policy.slowest
            if self._received < wanted * passed:
                reason = f"gave {self._received} bytes in {passed:.3g} s; {wanted:g} a second are needed"
                raise Failure(reason, transient=True, stalled=True)
            self.restart()


class _CountedStream(io.RawIOBase):
    """The bytes of a connection, status line and headers included, which are counted as they come."""

    def __init__(self, raw: io.RawIOBase, rate: RateCheck) -> None:
        self._raw, self._rate = raw, rate

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        self._rate.count(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, rate: RateCheck, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_CountedStream(self.fp.detach(), rate))


class _CountingHandler(urllib.request.AbstractHTTPHandler):
    """Opens connections whose bytes are counted."""

    rate: RateCheck

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:
        def connect(*arguments: Any, **more: Any) -> Any:
            connection = http_class(*arguments, **more)
            connection.response_class = partial(_Response, self.rate)
            self.rate.restart()
            return connection

        return super().do_open(connect, req, **options)


class _Http(_CountingHandler, urllib.request.HTTPHandler):
    pass


class _Https(_CountingHandler, urllib.request.HTTPSHandler):
    pass


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect that keeps the scheme, or goes from http to https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in (urlsplit(req.full_url).scheme, "https"):
            raise Failure(f"redirects to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def make_opener(rate: RateCheck) -> urllib.request.OpenerDirector:
    """An opener of urllib for http and https only.

    Args:
        rate: The check that counts the bytes of all its connections.
    """
    opener, http_, https = urllib.request.OpenerDirector(), _Http(), _Https()
    http_.rate = https.rate = rate
    for handler in (
        urllib.request.ProxyHandler(),
        http_,
        https,
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        Redirects(),
    ):
        opener.add_handler(handler)
    return opener
