"""The addresses of roots, checked before anything is opened."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from blackbox_repo.errors import InvalidOption

Kind: TypeAlias = Literal["word", "folder", "http", "fsspec"]
WORDS = ("package", "user", "packages")
"""What ships with the code, the user's own folder, and other installed packages."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # a single letter is a drive of Windows
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:%\\]+)(:[0-9]{1,5})?")
_LONGEST = 2000


@dataclass(frozen=True)
class Address:
    """Where a root is.

    Args:
        text: As it may be printed: without a secret, without a slash at its end.
        kind: How it is opened.
    """

    text: str
    kind: Kind

    @property
    def scheme(self) -> str:
        """The part before ``://``; empty for words and folders."""
        return self.text.partition("://")[0] if "://" in self.text else ""

    def __str__(self) -> str:
        return self.text


def read_only(address: Address) -> InvalidOption:
    """The error of a root on the web, which cannot be written."""
    return InvalidOption(
        f"the root {address} is on a web server, which is only read; publish into a folder and copy that to "
        f"the web host, or publish into a bucket such as s3://bucket/prefix"
    )


def parse_address(text: str | Path, origin: str) -> Address:
    """The address of a root that a user named.

    Args:
        text: ``package``, ``user``, ``packages``, the path of a folder, or an address such as
            ``s3://bucket/prefix``.
        origin: Where it was named, for messages.

    Raises:
        InvalidOption: It is none of these, or holds a password, token or signature.
    """
    written = str(text).strip() if isinstance(text, str | Path) else ""
    if not written or "\0" in written or _has_half_a_character(written):
        raise InvalidOption(
            f"{origin} names a root that is empty, has a NUL character or half a character, or is no text; "
            f"name a folder, or an address such as s3://bucket/prefix"
        )
    if written in WORDS:
        return Address(written, "word")
    if not (scheme := _SCHEME.match(written)):
        return Address(str(_expand(Path(written), origin)), "folder")
    if scheme[1].lower() == "file":
        return Address(str(_path_of(written, origin)), "folder")
    return _parse_url(written, scheme[1].lower(), origin)


def _parse_url(written: str, scheme: str, origin: str) -> Address:
    problem = _find_problem(written, scheme)
    if problem:
        shown = f"{scheme}://..."  # whatever was written may hold a secret
        raise InvalidOption(
            f"{origin} names a root {shown} that {problem}; write it as {scheme}://place/prefix, and put "
            f"credentials into the configuration file ([options.{shown!r}], see bb-repo config)"
        )
    kind: Kind = "http" if scheme in ("http", "https") else "fsspec"
    return Address(f"{scheme}://{written.partition('://')[2].rstrip('/')}", kind)


def _find_problem(written: str, scheme: str) -> str:
    """What is wrong with an address; empty if nothing is."""
    slashes, place = written[len(scheme) + 1 :][:2], written[len(scheme) + 3 :]
    host, _, path = place.partition("/")
    odd = "::" in path or "\\" in path or {"..", "."} & set(unquote(path).split("/"))
    problems = {
        f"lacks the // after {scheme}: (a folder of such a name is written ./{scheme}:...)": slashes != "//",
        f"has nothing after {scheme}://": not host,
        f"has more than {_LONGEST} characters": len(written) > _LONGEST,
        "has spaces or control characters": not written.isprintable() or " " in written,
        "has a user name or password": "@" in unquote(host),
        "has a query or fragment (a signed address expires)": "?" in place or "#" in place,
        f"has no proper host, bucket or port after {scheme}://": not _HOST.fullmatch(host),
        "has '::', a backslash, or a step to another folder": odd,
    }
    return next((problem for problem, found in problems.items() if found), "")


def _has_half_a_character(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return True
    return False


def _expand(path: Path, origin: str) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as err:  # there is no such user
        raise InvalidOption(f"{origin} names the root {str(path)!a}, but no user has such a folder") from err


def _path_of(written: str, origin: str) -> Path:
    parts = urlsplit(written)
    if parts.netloc or not parts.path.startswith("/") or parts.query or parts.fragment:
        raise InvalidOption(
            f"{origin} names a root file:... with a host, or without a path; write file:///path"
        )
    return Path(unquote(parts.path))
