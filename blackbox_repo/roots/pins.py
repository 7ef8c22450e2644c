"""The lock file: which blackboxes may be loaded, by the SHA-256 of their manifests and files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, InvalidOption, PinMismatch
from blackbox_repo.roots.holding import Holding
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.store.parts import Sha256

FORMAT = 1
LOCK_VARIABLE = "BLACKBOX_LOCK"
LOCK_FILE = "blackboxes.lock"


@dataclass(frozen=True)
class Pin:
    """A blackbox as it was when it was locked.

    Args:
        version: Its version.
        manifest: The SHA-256 of its manifest.
        files: File -> its SHA-256.
    """

    version: str
    manifest: Sha256
    files: Mapping[str, Sha256]

    @classmethod
    def of(cls, holding: Holding) -> Pin:
        """The pin of a blackbox."""
        files = {task.file: task.sha256 for task in holding.manifest.tasks.values()}
        return cls(holding.manifest.version, holding.digest, dict(sorted(files.items())))


@dataclass(frozen=True)
class Pins:
    """The content of a lock file.

    Args:
        blackboxes: Name -> its pin.
        file: The path of the file.
    """

    blackboxes: Mapping[str, Pin]
    file: Path

    def pin(self, name: str, version: str | None) -> Pin:
        """The pin of a blackbox.

        Raises:
            PinMismatch: It is not pinned, or in another version than this one.
        """
        pin = self.blackboxes.get(name)
        if pin is None:
            known = [f"{other}@{pin.version}" for other, pin in self.blackboxes.items()]
            raise PinMismatch(
                f"{name!r} is not in {self.file}, and nothing else is loaded; lock it too: "
                f"bb-repo lock {' '.join(sorted([*known, name]))} --out {self.file}"
            )
        if version not in (None, pin.version):
            raise PinMismatch(
                f"{self.file} pins {name!r} to version {pin.version}, but version {version} was asked for; "
                f"ask for no version, or lock it again"
            )
        return pin

    def check(self, holding: Holding) -> None:
        """Refuse a blackbox that is not the pinned one.

        Raises:
            PinMismatch: It is not pinned, or its manifest has another SHA-256; the message has both. Or the
                lock file has hashes of files that are not those of the manifest that it names.
        """
        name = holding.manifest.name
        pin = self.pin(name, None)
        if holding.digest != pin.manifest:
            raise PinMismatch(
                f"{name!r} of {holding.origin} is not the one in {self.file}: its manifest (version "
                f"{holding.manifest.version}) has the sha256 {holding.digest}, but {pin.manifest} (version "
                f"{pin.version}) is pinned. If the change is meant, write the file again with bb-repo lock; "
                f"else fetch the pinned one from another root"
            )
        if Pin.of(holding) != pin:
            raise PinMismatch(
                f"{self.file} contradicts itself: its version or files of {name!r} are not those of the "
                f"manifest that it names; it has been edited. Restore it, or write it again with bb-repo lock"
            )


def read_pins() -> Pins | None:
    """The lock file in force: the one that ``BLACKBOX_LOCK`` names, else ``blackboxes.lock`` here, if any.

    Raises:
        InvalidOption: The variable names a file that does not exist.
        FormatError: The file is malformed.
    """
    named = os.environ.get(LOCK_VARIABLE, "")
    path = Path(named or LOCK_FILE)
    if not path.exists() and not path.is_symlink():  # a link to nothing is an error
        if named:
            raise InvalidOption(
                f"{LOCK_VARIABLE} names {named!r}, which does not exist; make it with bb-repo lock"
            )
        return None
    try:
        content = typed_json.read_regular(path)
    except OSError as err:
        raise FormatError(f"{path} cannot be read: {err.strerror}") from err
    if not content.strip():
        raise FormatError(f"{path} is empty; write it again with bb-repo lock, or remove it")
    return parse_pins(content, path)


def parse_pins(content: bytes, path: Path) -> Pins:
    """The pins that :func:`pins_text` wrote.

    Raises:
        FormatError: The content is malformed, or newer than this code.
    """
    data = typed_json.parse(content, path)
    typed_json.check_format(data, FORMAT, str(path))
    read: Any = typed_json.convert(data, _LockJson, path)
    for name, pin in read.blackboxes.items():
        check_plain_name(f"blackbox name in {path}", name)
        check_plain_name(f"version of {name!r} in {path}", pin.version)
    return Pins(read.blackboxes, path)


def pins_text(holdings: Iterable[Holding]) -> str:
    """The content of a lock file for these blackboxes; it names no machine and no root."""
    pins = {holding.manifest.name: asdict(Pin.of(holding)) for holding in holdings}
    return json.dumps({"format": FORMAT, "blackboxes": dict(sorted(pins.items()))}, indent=1) + "\n"


@dataclass(frozen=True)
class _LockJson:
    format: int
    blackboxes: dict[str, Pin]
