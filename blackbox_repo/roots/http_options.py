"""The options of a root on the web, checked before anything is asked; no message holds a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.roots.addresses import Address
from blackbox_repo.text.plain_text import printable

_NAMES = ("headers", "timeout", "token_file")
_TIMEOUT = 30.0
_LONGEST = 86_400.0
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = ("accept-encoding", "connection", "content-length", "host", "if-range", "range", "transfer-encoding")
"""Headers that requests have anyway."""
_LONGEST_TOKEN = 1 << 13  # bytes; web servers refuse longer headers


@dataclass(frozen=True)
class HttpOptions:
    """How a root on the web is asked.

    Args:
        headers: Headers that only the root's own host gets.
        token_file: The file with a bearer token, which only the root's own host gets.
        timeout: A connection counts as broken after so many seconds without a byte.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_file: Path | None = None
    timeout: float = _TIMEOUT

    def private(self) -> dict[str, str]:
        """The headers that only the root's own host gets. The token is read each time, as it may be renewed.

        Raises:
            InvalidOption: The file has no token.
        """
        if self.token_file is None:
            return dict(self.headers)
        return {**self.headers, "Authorization": f"Bearer {_read_token(self.token_file)}"}


def check_options(address: Address, options: Mapping[str, Any]) -> HttpOptions:
    """The options of a root.

    Args:
        address: The root.
        options: What the configuration file has for it.

    Raises:
        InvalidOption: There is an unknown option, or one has a value that it cannot have.
    """
    for name in options:
        if name not in _NAMES:
            raise _refuse(address, name, f"is not known; a root on the web has {', '.join(_NAMES)}")
    headers = _check_headers(address, options.get("headers", {}))
    token_file = options.get("token_file")
    if token_file is not None:
        token_file = _check_token_file(address, token_file, headers)
    return HttpOptions(headers, token_file, _check_timeout(address, options.get("timeout", _TIMEOUT)))


def _check_headers(address: Address, headers: Any) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise _refuse(address, "headers", 'must be a table of texts, such as headers = {"X-Api-Key" = "..."}')
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise _refuse(
                address, f"headers.{name}", f"must have the name of a header other than {', '.join(_OURS)}"
            )
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise _refuse(address, f"headers.{name}", "must be a line of ASCII text; its value is not shown")
    return dict(headers)


def _check_token_file(address: Address, path: Any, headers: Mapping[str, str]) -> Path:
    try:
        found = Path(path).expanduser() if isinstance(path, str) else Path()
    except RuntimeError:  # there is no such user
        found = Path()
    if not found.is_absolute():
        raise _refuse(
            address, "token_file", "must be an absolute path, or begin with ~/; its value is not shown"
        )
    if "authorization" in map(str.lower, headers):
        raise _refuse(address, "token_file", "and the header Authorization exclude each other; give one")
    if address.scheme != "https" and not _is_this_machine(address):
        raise _refuse(address, "token_file", "needs https: others could read the token on its way")
    return found


def _is_this_machine(address: Address) -> bool:
    host = urlsplit(address.text).hostname or ""
    return host == "localhost" or re.fullmatch(r"127(\.\d+){3}", host) is not None


def _check_timeout(address: Address, seconds: Any) -> float:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < seconds <= _LONGEST:
        raise _refuse(
            address, f"timeout = {seconds!a}", f"must be a number of seconds, above 0 and up to {_LONGEST:g}"
        )
    return float(seconds)


def _read_token(path: Path) -> str:
    try:
        token = typed_json.read_regular(path, _LONGEST_TOKEN).decode("ascii", "replace").strip()
    except (OSError, ValueError, FormatError) as err:
        reason = str(err) if isinstance(err, FormatError) else getattr(err, "strerror", "it is no path")
        raise InvalidOption(f"the token file {printable(path)} cannot be read: {reason}") from None
    if not _VALUE.fullmatch(token):
        raise InvalidOption(f"the token file {path} must hold one line of ASCII text: the token")
    return token


def _refuse(address: Address, option: str, rule: str) -> InvalidOption:
    return InvalidOption(f"the option {printable(option)} of the root {address} {rule}")
