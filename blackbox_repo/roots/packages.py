"""Blackboxes in folders: those that ship with the code, a user's own, and those of other packages."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import data_cache
from blackbox_repo.errors import AlreadyLocked, FormatError, UnknownName
from blackbox_repo.plugins import Plugin, find_plugins
from blackbox_repo.roots.holding import FolderHolding, Holding
from blackbox_repo.store.atomic_directory import is_moved_away, recover
from blackbox_repo.store.manifest import MANIFEST_FILE
from blackbox_repo.store.surrogate_entry import split_surrogate_name, surrogate_folder
from blackbox_repo.user_folder import user_folder

GROUP = "blackbox_repo.blackboxes"
"""Entry points of this group have an importable package as value, whose folder holds blackboxes."""
_LONGEST_NAME = 255  # bytes; file systems have no longer ones
PACKAGE_FOLDER = Path(data_cache.__file__).parent


class FolderRoot:
    """A folder whose subfolders are blackboxes.

    Args:
        folder: The folder; it need not exist.
        address: The root, as it may be printed.
    """

    def __init__(self, folder: Path | None, address: str) -> None:
        self.folder, self.address = folder, address

    def names(self) -> Iterable[str]:
        """The names of its blackboxes."""
        return {} if self.folder is None else _blackboxes_in([self.folder])

    def find(self, name: str, version: str | None) -> Holding | None:
        """The blackbox of this name; ``None`` if the root does not have it.

        Raises:
            UnknownName: It has another version.
            FormatError: Its manifest is malformed.
        """
        for place in self.places(name):
            if (place / MANIFEST_FILE).exists():
                return _in_version(FolderHolding(place, self.address), name, version)
        return None

    def places(self, name: str) -> list[Path]:
        """The folders in which a blackbox of this name may lie; a surrogate lies in that of its tables."""
        if self.folder is None or not _is_subfolder(name):
            return []
        table, model = split_surrogate_name(name)
        inner = [surrogate_folder(self.folder / table, model)] if table else []
        return [self.folder / name, *inner]


class UserRoot(FolderRoot):
    """The user's own folder of blackboxes, in which commands write."""

    def __init__(self) -> None:
        super().__init__(user_folder(), "user")

    def find(self, name: str, version: str | None) -> Holding | None:
        """As of any folder; a blackbox that a killed command was replacing is put back first."""
        for place in self.places(name):
            if not place.is_symlink() and is_moved_away(place):
                with suppress(AlreadyLocked, OSError):  # it is being written, or the folder cannot be
                    recover(place)
        return super().find(name, version)


class PackagesRoot:
    """The blackboxes of all installed packages that announce some."""

    address = "packages"

    def names(self) -> Iterable[str]:
        """The names of their blackboxes."""
        return _offers_of_packages()

    def find(self, name: str, version: str | None) -> Holding | None:
        """The blackbox of this name; ``None`` if no package has it.

        Raises:
            UnknownName: The package has another version.
            FormatError: Several packages have one of this name, or its manifest is malformed.
        """
        if not _is_subfolder(name):  # reading what is installed takes long
            return None
        offers = _offers_of(name)
        if len(offers) > 1:
            packages = " and ".join(plugin.distribution for plugin, _ in offers)
            raise FormatError(
                f"the packages {packages} all have a blackbox {name!r}; uninstall all but one of them, or "
                f"name the folder of one"
            )
        return _in_version(FolderHolding(offers[0][1], self.address), name, version) if offers else None


def find_missing_packages() -> list[str]:
    """A sentence for each entry point of blackboxes whose package does not exist."""
    return [
        f"the blackboxes {plugin} should lie in the package {plugin.target!r}, which does not exist; "
        f"install {plugin.distribution} again, or uninstall it"
        for plugin in find_plugins(GROUP)
        if not _folders_of(plugin)
    ]


def _in_version(found: Holding, name: str, version: str | None) -> Holding:
    if version is not None and version != found.manifest.version:
        raise UnknownName(f"version of {name!r} in {found.origin}", version, [found.manifest.version])
    return found


def _is_subfolder(name: str) -> bool:
    """Whether it names something in a folder, and nothing that is hidden, as what is being written."""
    try:
        short = 0 < len(os.fsencode(name)) <= _LONGEST_NAME
    except UnicodeEncodeError:  # half a character
        return False
    return short and Path(name).name == name and not name.startswith(".") and "\0" not in name


def _blackboxes_in(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root in folders:
        for manifest in sorted(root.glob(f"[!.]*/{MANIFEST_FILE}")):  # hidden ones are being written
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def _offers_of_packages() -> dict[str, list[tuple[Plugin, Path]]]:
    """Name -> the packages that have a blackbox of this name, and its folder in each."""
    offers: dict[str, list[tuple[Plugin, Path]]] = {}
    for plugin in find_plugins(GROUP):
        for name, folder in _blackboxes_in(_folders_of(plugin)).items():
            offers.setdefault(name, []).append((plugin, folder))
    return offers


def _offers_of(name: str) -> list[tuple[Plugin, Path]]:
    """The packages that have a blackbox of this name, or the tables of surrogates that are called so."""
    offers = _offers_of_packages()
    table, model = split_surrogate_name(name)
    beside = [(plugin, surrogate_folder(folder, model)) for plugin, folder in offers.get(table, [])]
    return offers.get(name) or [each for each in beside if (each[1] / MANIFEST_FILE).exists()]


def _folders_of(plugin: Plugin) -> list[Path]:
    """The folders of the package that an entry point names, found without importing it; none if missing."""
    try:
        found = importlib.util.find_spec(plugin.target)
    except (
        ImportError,
        ValueError,
        AttributeError,
    ):  # its parent does not exist, or it is no name of a module
        return []
    return [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
