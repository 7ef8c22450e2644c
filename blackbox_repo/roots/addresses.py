"""The addresses of roots, checked before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from blackbox_repo.errors import InvalidOption

Kind: TypeAlias = Literal["word", "folder", "http", "fsspec"]
WORDS = ("package", "user", "packages")
"""What ships with the code, the user's own folder, and other installed packages."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
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
    if not isinstance(text, str | Path) or not str(text).strip():
        raise InvalidOption(f"{origin} names the root {text!a}, but must name a folder or an address")
    written = str(text).strip()
    if written in WORDS:
        return Address(written, "word")
    if not (scheme := _SCHEME.match(written)):
        return Address(str(Path(written).expanduser()), "folder")
    if scheme[1].lower() == "file":
        return Address(str(_path_of(written, origin)), "folder")
    return _parse_url(written, scheme[1].lower(), origin)


def _parse_url(written: str, scheme: str, origin: str) -> Address:
    rest = written.partition("://")[2]
    shown = f"{scheme}://..."
    problem = ""
    if "://" not in written or not rest.strip("/"):
        problem = f"has nothing after {scheme}://"
    elif len(written) > _LONGEST or not written.isprintable() or " " in written:
        problem = f"has more than {_LONGEST} characters, spaces or control characters"
    elif "@" in rest.split("/")[0]:
        problem = "has a user name or password"
    elif "?" in rest or "#" in rest:
        problem = "has a query or fragment (a signed address expires)"
    elif "::" in rest or "\\" in rest or {"..", "."} & set(unquote(rest).split("/")):
        problem = "has '::', a backslash, or a step to another folder"
    if problem:
        raise InvalidOption(
            f"{origin} names a root {shown} that {problem}; write it as {scheme}://place/prefix, and put "
            f"credentials into the configuration file ([options.{shown!r}], see bb-repo config)"
        )
    kind: Kind = "http" if scheme in ("http", "https") else "fsspec"
    return Address(f"{scheme}://{rest.rstrip('/')}", kind)


def _path_of(written: str, origin: str) -> Path:
    parts = urlsplit(written)
    if parts.netloc or not parts.path or parts.query or parts.fragment:
        raise InvalidOption(
            f"{origin} names the root {written!a}, but a folder is written file:///path, or as path"
        )
    return Path(unquote(parts.path))
