"""Connections to hosts of raw files: http and https only, and none that gives next to nothing for ever."""

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
class Patience:
    """How a host is treated.

    Args:
        tries: How often in a row nothing may come of it before the next mirror is asked.
        pause: Seconds before the second try; doubled for each further one.
        timeout: Seconds without a byte after which a connection counts as broken.
        slowest: Bytes a second that it must give over any such time.
        total: Seconds that one file may take from one address.
    """

    tries: int = 4
    pause: float = 1.0
    timeout: float = 30.0
    slowest: float = 1000.0
    total: float = 86_400.0


PATIENT = Patience()


class Failure(Exception):
    """An address did not give the file.

    Args:
        reason: In words.
        passing: Whether another try may help.
        wait: Seconds before it.
        idle: Whether what has come of this try counts as nothing.
    """

    def __init__(self, reason: str, *, passing: bool = False, wait: float = 0.0, idle: bool = False) -> None:
        super().__init__(printable(reason))
        self.passing, self.wait, self.idle = passing, wait, idle


class Pace:
    """How fast a file comes from an address, over all connections to it."""

    def __init__(self, patience: Patience, now: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._now = patience, now
        self._end = now() + patience.total
        self._since, self._count = now(), 0

    def connected(self) -> None:
        """A new connection is measured anew."""
        self._since, self._count = self._now(), 0

    def received(self, count: int) -> None:
        """So many bytes came.

        Raises:
            Failure: They come too slowly, or the time is up.
        """
        self._count += count
        passed = self._now() - self._since
        if self._now() > self._end:
            raise Failure(f"did not give the file within {self._patience.total:g} s")
        if passed >= self._patience.timeout:
            wanted = self._patience.slowest
            if self._count < wanted * passed:
                reason = f"gave {self._count} bytes in {passed:.3g} s; {wanted:g} a second are wanted"
                raise Failure(reason, passing=True, idle=True)
            self.connected()


class _Measured(io.RawIOBase):
    """The bytes of a connection, status line and headers included, as they come."""

    def __init__(self, raw: io.RawIOBase, pace: Pace) -> None:
        self._raw, self._pace = raw, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        self._pace.received(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, pace: Pace, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Measured(self.fp.detach(), pace))


class _Opening(urllib.request.AbstractHTTPHandler):
    """Makes connections whose pace is measured."""

    pace: Pace

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:
        def connection(*arguments: Any, **more: Any) -> Any:
            made = http_class(*arguments, **more)
            made.response_class = partial(_Response, self.pace)
            self.pace.connected()
            return made

        return super().do_open(connection, req, **options)


class _Http(_Opening, urllib.request.HTTPHandler):
    pass


class _Https(_Opening, urllib.request.HTTPSHandler):
    pass


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect that keeps the scheme, or goes from http to https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in (urlsplit(req.full_url).scheme, "https"):
            raise Failure(f"sends us on to {newurl}, to which no redirect is followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(pace: Pace) -> urllib.request.OpenerDirector:
    """What speaks http and https, nothing else."""
    made, http_, https = urllib.request.OpenerDirector(), _Http(), _Https()
    http_.pace = https.pace = pace
    for handler in (
        urllib.request.ProxyHandler(),
        http_,
        https,
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        Redirects(),
    ):
        made.add_handler(handler)
    return made
