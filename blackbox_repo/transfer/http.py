"""A file of a web host as a source of bytes: a part of it where the host gives parts, else all of it."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import MappingProxyType
from urllib.error import URLError

from blackbox_repo.transfer.connections import Request
from blackbox_repo.transfer.retry import Failure, NoSuchPart, RateCheck, RetryPolicy, WrongPart
from blackbox_repo.transfer.source import Answer

_TRANSIENT_STATUS = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0  # seconds that a host may ask us to wait
_PIECE = 1 << 16
_GZIPPED = (".gz", ".tgz")  # some hosts announce these as gzip-encoded, and mean the file itself
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:(\d{1,18})|\*)", re.ASCII)
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)


class HttpFile:
    """A file at an address; a source as in :class:`~blackbox_repo.transfer.source.ByteSource`.

    No message holds the address.

    Args:
        url: The address.
        name: The name of the file, whose ending says whether it is itself compressed.
        rate: The check that counts the bytes of all connections; it has the time limits.
        private: Headers, such as credentials, that are sent only to the host of this address, and to no other
            one that it redirects to.
    """

    def __init__(
        self, url: str, name: str, rate: RateCheck, private: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._url, self._name, self._rate, self._private = url, name, rate, private

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        headers = {"Accept-Encoding": "identity"}
        if start or stop is not None:
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
            if validator:
                headers["If-Range"] = validator
        with self._errors_described():
            response = Request(self._url, headers, self._private).open(self._rate)
        with response:
            _check_status(response, ranged="Range" in headers)
            self._check_encoding(response)
            total = _check_position(response, start)
            begin = start if response.status == HTTPStatus.PARTIAL_CONTENT else 0
            pieces = iter(lambda: self._read(response), b"")
            yield Answer(begin, total, _strong_validator(response), pieces)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        with self._errors_described():
            return response.read(_PIECE)

    @contextmanager
    def _errors_described(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, http.client.InvalidURL):  # whose text may hold secrets of the address
            raise Failure("is no address that can be fetched") from None
        except (OSError, http.client.HTTPException) as err:
            raise _describe(err, self._rate.policy) from None

    def _check_encoding(self, response: http.client.HTTPResponse) -> None:
        packed = (response.headers.get("Content-Encoding") or "identity").strip().lower()
        if packed != "identity" and not self._name.endswith(_GZIPPED):
            raise Failure(f"sends the file packed ({packed}), though it was asked not to")


def _check_status(response: http.client.HTTPResponse, *, ranged: bool) -> None:
    status = response.status
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and ranged:
        raise NoSuchPart("has no more of the file than the beginning that was there", status=status)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        asked = response.headers.get("Retry-After") or ""
        wait = min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0
        reason = f"HTTP {status} {http.client.responses.get(status, '')}".rstrip()
        raise Failure(reason, transient=status in _TRANSIENT_STATUS, wait=wait, status=status)
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise Failure(f"answers with HTTP {status}, not with the file", status=status)
    if status == HTTPStatus.PARTIAL_CONTENT and not ranged:
        raise Failure("sends a part of the file, though the whole was asked for")


def _check_position(response: http.client.HTTPResponse, start: int) -> int:
    """The size of the whole file; 0 if the host does not state it."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
        if found is None or int(found[1]) != start:
            raise WrongPart("sends another part of the file than was asked for")
        return int(found[2] or 0)
    length = response.headers.get("Content-Length") or ""
    return int(length) if _LENGTH.fullmatch(length) else 0


def _strong_validator(response: http.client.HTTPResponse) -> str:
    """The ETag, if all files that have it are equal byte by byte, so that their parts fit together."""
    tag = response.headers.get("ETag") or ""
    return tag if tag.startswith('"') else ""


def _describe(err: Exception, policy: RetryPolicy) -> Failure:
    reason = err.reason if isinstance(err, URLError) else err
    if isinstance(err, URLError) and isinstance(reason, TimeoutError):
        limit = min(policy.connect, policy.timeout)
        return Failure(f"no connection within {limit:g} s", transient=True)
    if isinstance(reason, TimeoutError):
        return Failure(f"no answer for {policy.timeout:g} s", transient=True)
    if isinstance(reason, http.client.IncompleteRead):
        return Failure("was cut off", transient=True)
    if isinstance(reason, http.client.HTTPException) and not isinstance(reason, ConnectionError):
        return Failure(f"does not answer as HTTP demands ({type(reason).__name__})", transient=True)
    return Failure(_words(reason), transient=not isinstance(reason, ssl.SSLCertVerificationError))


def _words(reason: BaseException | str) -> str:
    """What went wrong, without what a proxy or host may have put into it."""
    refused = _TUNNEL.match(str(reason))
    if refused:
        return f"the proxy answers with HTTP {refused[1]}"
    fixed = isinstance(reason, str | http.client.RemoteDisconnected)
    text = str(reason) if fixed else getattr(reason, "strerror", None)
    return text or type(reason).__name__
