"""Which roots are in force and why: arguments, environment variables, the configuration file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.roots.addresses import WORDS, Address, parse_address
from blackbox_repo.roots.source import DEFAULT, Source

ROOTS_VARIABLE = "BLACKBOX_ROOTS"
PATH_VARIABLE = "BLACKBOX_PATH"
OFFLINE_VARIABLE = "BLACKBOX_OFFLINE"
CONFIG_VARIABLE = "BLACKBOX_CONFIG"
ALWAYS = "always searched"
"""The origin of the roots that come after those that a user names."""
_URL = re.compile(r"\b[a-zA-Z][\w+.-]*://")
_LARGEST = 1 << 20
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")


@dataclass(frozen=True)
class NamedRoot:
    """A root, and what named it.

    Args:
        address: Where it is.
        origin: ``--root``, the name of an environment variable, the path of the configuration file, or
            ``ALWAYS``.
    """

    address: Address
    origin: str

    @property
    def is_missing(self) -> bool:
        """Whether it is a folder of this machine that does not exist."""
        return self.address.kind == "folder" and not Path(self.address.text).is_dir()


@dataclass(frozen=True)
class Settings:
    """What is in force.

    Args:
        roots: The roots in the order in which they are searched.
        offline: Whether no socket may be opened.
        offline_origin: What says so; empty if nothing does.
        file: The configuration file, whether or not it exists; ``None`` if a user without a home has none.
        options: Beginning of an address -> options for all roots whose address begins like that.
    """

    roots: tuple[NamedRoot, ...]
    offline: bool = False
    offline_origin: str = ""
    file: Path | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def options_for(self, address: Address) -> dict[str, Any]:
        """The storage options of a root; those for longer beginnings of its address come first."""
        return _options_for(address, self.options)


@dataclass(frozen=True, repr=False)
class _ConfigFile:
    """The configuration file, key by key."""

    roots: list[str] = field(default_factory=list)
    offline: bool = False
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_settings(source: Source = DEFAULT) -> Settings:
    """What is in force for a source.

    Raises:
        InvalidOption: A root or an environment variable is malformed.
        FormatError: The configuration file is.
    """
    file = config_file()
    config = _read_config(file)
    offline_origin = _offline_origin(source, file, config)
    return Settings(
        roots=_roots(source, file, config),
        offline=bool(offline_origin),
        offline_origin=offline_origin,
        file=file,
        options=config.options,
    )


def read_options(address: Address) -> dict[str, Any]:
    """The storage options that the configuration file has for a root.

    Raises:
        FormatError: The configuration file is malformed.
    """
    return _options_for(address, _read_config(config_file()).options)


def _options_for(address: Address, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for beginning in sorted(options, key=len):
        bare = beginning.rstrip("/")
        if address.text == bare or address.text.startswith(f"{bare}/"):
            found.update(options[beginning])
    return found


def config_file() -> Path | None:
    """The configuration file: what ``BLACKBOX_CONFIG`` names, else ``config.toml`` in the user's folder.

    Raises:
        InvalidOption: The variable names a file that does not exist.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise InvalidOption(f"{CONFIG_VARIABLE} names {named!r}, which is no file; make it, or unset it")
        return Path(named)
    import platformdirs  # takes 10 ms to import

    users = platformdirs.user_config_path("blackbox-repo", appauthor=False)
    return users / "config.toml" if users.is_absolute() else None


def _roots(source: Source, file: Path | None, config: _ConfigFile) -> tuple[NamedRoot, ...]:
    if source.roots is not None:
        return _without_doubles([NamedRoot(parse_address(each, "--root"), "--root") for each in source.roots])
    named = _from_environment() or [
        NamedRoot(parse_address(each, f"{file}: roots"), str(file)) for each in config.roots
    ]
    always = [NamedRoot(Address(word, "word"), ALWAYS) for word in WORDS]
    return _without_doubles([*named, *always])


def _from_environment() -> list[NamedRoot]:
    lines = os.environ.get(ROOTS_VARIABLE, "").splitlines()
    found = [NamedRoot(parse_address(line, ROOTS_VARIABLE), ROOTS_VARIABLE) for line in lines if line.strip()]
    return found + [NamedRoot(Address(path, "folder"), PATH_VARIABLE) for path in _folders_of_path()]


def _folders_of_path() -> list[str]:
    listed = os.environ.get(PATH_VARIABLE, "")
    if _URL.search(listed):
        raise InvalidOption(
            f"{PATH_VARIABLE} must name folders of this machine, separated by {os.pathsep!r}, but holds an "
            f"address; put addresses into {ROOTS_VARIABLE}, one a line"
        )
    return [part for part in listed.split(os.pathsep) if part]


def _without_doubles(roots: list[NamedRoot]) -> tuple[NamedRoot, ...]:
    first: dict[Address, NamedRoot] = {}
    for root in roots:
        first.setdefault(root.address, root)
    return tuple(first.values())


def _offline_origin(source: Source, file: Path | None, config: _ConfigFile) -> str:
    said = os.environ.get(OFFLINE_VARIABLE, "").strip().lower()
    if said not in (*_YES, *_NO):
        raise InvalidOption(f"{OFFLINE_VARIABLE} is {said!a}, but must be 1 or 0")
    if source.offline:
        return "--offline"
    if said:
        return OFFLINE_VARIABLE if said in _YES else ""
    return str(file) if config.offline else ""


def _read_config(file: Path | None) -> _ConfigFile:
    if file is None or not file.is_file():
        return _ConfigFile()
    try:
        data = _parse_toml(typed_json.read_regular(file, _LARGEST), file)
    except OSError as err:
        raise FormatError(f"{file} cannot be read: {err.strerror}") from err
    if isinstance(data.get("options"), dict):
        for beginning in data["options"]:
            _check_beginning(beginning, file)
    typed_json.convert(_without_texts(data), _ConfigFile, file)  # so that no message shows a secret
    return typed_json.convert(data, _ConfigFile, file)


def _check_beginning(beginning: str, file: Path) -> None:
    if parse_address(beginning, f"{file}: options").kind in ("word", "folder"):
        raise FormatError(f"{file}: options are for addresses such as s3://bucket, but not {beginning!a}")


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_texts(inner) for inner in value]
    return "(not shown)" if isinstance(value, str) else value


def _parse_toml(content: bytes, file: Path) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:  # which holds the whole file
        raise FormatError(f"{file} is not proper TOML: it is not UTF-8") from None
    except (ValueError, RecursionError) as err:
        raise FormatError(f"{file} is not proper TOML: {_first_line(err)}") from None


def _first_line(err: Exception) -> str:
    return str(err).partition("\n")[0]
