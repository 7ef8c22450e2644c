"""Connections to web hosts: http and https only, and only while bytes come fast enough."""

from __future__ import annotations

import http.client
import io
import ssl
import string
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from blackbox_repo import __version__
from blackbox_repo.text.plain_text import printable
from blackbox_repo.transfer.retry import Failure, RateCheck

SCHEMES = ("http", "https")
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)


def format_url(url: str) -> str:
    """An address for messages: without user, password, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as of brackets that are not closed
        return "an address that cannot be read"
    return printable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def scheme_of(url: str) -> str:
    """The scheme of an address; empty if it has none."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


@dataclass(frozen=True)
class Request:
    """What a host is asked.

    Args:
        url: The address.
        headers: Headers that are sent wherever a redirect leads.
        private: Headers that are sent only to the scheme, host and port of the address.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]
    private: Mapping[str, str] = field(default_factory=dict, repr=False)

    def open(self, rate: RateCheck) -> http.client.HTTPResponse:
        """The answer of the host, whatever its status; redirects are followed.

        Args:
            rate: The check that counts the bytes of all connections.

        Raises:
            Failure: The address has another scheme, or redirects lead to one, to http from https, or nowhere.
            OSError, http.client.HTTPException, ValueError: What urllib raises; its text may hold the address.
        """
        request, opener = self, make_opener(rate)
        for _ in range(_MOST_REDIRECTS):
            response, location = request._ask(opener, min(rate.policy.connect, rate.policy.timeout))
            if not location:
                return response
            response.close()
            request = request.redirected(location)
        raise Failure(f"HTTP {response.status}: redirects in a circle, or more than {_MOST_REDIRECTS} times")

    def _ask(
        self, opener: urllib.request.OpenerDirector, timeout: float
    ) -> tuple[http.client.HTTPResponse, str]:
        """The answer, and where it redirects to."""
        if scheme_of(self.url) not in SCHEMES:
            raise Failure("only http and https addresses are fetched")
        agent = {"User-Agent": f"blackbox-repo/{__version__}"}
        headers = {**agent, **self.headers, **self.private}
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310  the scheme is checked above
        response = opener.open(request, timeout=timeout)
        if response is None:  # what urllib gives for a proxy that it cannot use
            raise Failure("the proxy that the environment names is neither http nor https")
        return response, response.headers.get("Location") or "" if response.status in _REDIRECTS else ""

    def redirected(self, location: str) -> Request:
        """The request that a redirect leads to.

        Args:
            location: The new address, which may be relative to this one.

        Raises:
            Failure: It is neither https nor of the same scheme.
        """
        url = urljoin(self.url, location)
        if scheme_of(url) not in (scheme_of(self.url), "https"):
            raise Failure(f"redirects to {format_url(url)}, which is not followed")
        private = self.private if _origin(url) == _origin(self.url) else {}
        return Request(quote(url, safe=string.punctuation, encoding="iso-8859-1"), self.headers, private)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


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
        sock.settimeout(rate.policy.timeout)  # until now it was that of connecting
        self.fp = io.BufferedReader(_CountedStream(self.fp.detach(), rate))


class _CountingHandler(urllib.request.AbstractHTTPHandler):
    """Opens connections whose bytes are counted."""

    def __init__(self, rate: RateCheck) -> None:
        super().__init__()
        self._rate = rate

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(http.client.HTTPConnection, request)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(http.client.HTTPSConnection, request, context=_tls())

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:
        def connect(*arguments: Any, **more: Any) -> Any:
            connection = http_class(*arguments, **more)
            connection.response_class = partial(_Response, self._rate)
            self._rate.restart()
            return connection

        return super().do_open(connect, req, **options)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()  # which takes 17 ms, longer than many a request


def make_opener(rate: RateCheck) -> urllib.request.OpenerDirector:
    """An opener of urllib for http and https only, which follows no redirect and raises for no status.

    Args:
        rate: The check that counts the bytes of all its connections.
    """
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(_CountingHandler(rate))
    return opener
