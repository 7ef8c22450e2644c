"""Finds blackboxes: in folders that the user names, in this package, then in other packages."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path

import data_cache
from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from blackbox_repo.plugins import Plugin, find_plugins
from blackbox_repo.store.manifest import MANIFEST_FILE, read_manifest

PATH_VARIABLE = "BLACKBOX_PATH"
GROUP = "blackbox_repo.blackboxes"
"""Entry points of this group have an importable package as value, whose folder holds blackboxes."""
_ADDRESS = re.compile(r"\b[a-zA-Z][\w+.-]*://")


def roots() -> list[Path]:
    """The folders whose subfolders are blackboxes; of two blackboxes with the same name the first counts.

    The environment variable ``BLACKBOX_PATH`` names some, separated as in ``PATH``. The folders of other
    packages are not among them.

    Raises:
        InvalidOption: The variable contains an address such as ``s3://bucket``.
    """
    listed = os.environ.get(PATH_VARIABLE, "")
    if _ADDRESS.search(listed):
        raise InvalidOption(
            f"{PATH_VARIABLE} is {listed!r}, but must name folders of this machine, separated by "
            f"{os.pathsep!r}; copy the blackboxes into one, or mount the place where they lie"
        )
    named = [Path(part) for part in listed.split(os.pathsep) if part]
    return [*named, Path(data_cache.__file__).parent]


def find_blackboxes() -> dict[str, Path]:
    """Name -> folder of every blackbox that can be loaded by its name, sorted by name.

    Raises:
        FormatError: The package of an entry point does not exist, or two have a blackbox of the same name.
    """
    own = _blackboxes_in(roots())
    return dict(sorted({**_of_other_packages(own), **own}.items()))


def locate(name: str | Path) -> Path:
    """The folder of a blackbox.

    Args:
        name: Its name, or the path of its folder.

    Raises:
        UnknownName: There is no such blackbox.
        FormatError: As :func:`find_blackboxes`, if no folder of :func:`roots` has it.
    """
    known = _blackboxes_in(roots())
    if name not in known:  # other packages take longer to look through
        known = find_blackboxes()
    if name in known:
        return known[str(name)]
    if (Path(name) / MANIFEST_FILE).is_file():
        return Path(name)
    folder, slash, task = str(name).rpartition("/")
    if slash and (folder in known or (Path(folder) / MANIFEST_FILE).is_file()):
        read_manifest(known.get(folder, Path(folder))).task(task)  # which names the tasks if there is no such
        raise UnknownName("blackbox", str(name), [folder], f"its task is load_blackbox({folder!r})[{task!r}]")
    raise UnknownName("blackbox", str(name), known)


def _blackboxes_in(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for root in folders:
        for manifest in sorted(root.glob(f"[!.]*/{MANIFEST_FILE}")):  # hidden ones are being written
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def _of_other_packages(own: Iterable[str]) -> dict[str, Path]:
    """The blackboxes of other packages, except those with a name of ``own``."""
    found: dict[str, Path] = {}
    owners: dict[str, str] = {}
    for plugin in find_plugins(GROUP):
        for name, folder in _blackboxes_in(_folders_of(plugin)).items():
            if name in own:
                continue
            if found.setdefault(name, folder) != folder:
                raise FormatError(
                    f"the packages {owners[name]} and {plugin.distribution} both have a blackbox {name!r}; "
                    f"uninstall one of them, or name the folder of the other one in {PATH_VARIABLE}"
                )
            owners[name] = plugin.distribution
    return found


def _folders_of(plugin: Plugin) -> list[Path]:
    """The folders of the module that a package offers; they are found without importing it."""
    try:
        found = importlib.util.find_spec(plugin.target)
    except (
        ImportError,
        ValueError,
        AttributeError,
    ):  # its parent does not exist, or it is no name of a module
        found = None
    if found is None or found.submodule_search_locations is None:
        raise FormatError(
            f"the blackboxes {plugin} should lie in the package {plugin.target!r}, which does not exist; "
            f"install {plugin.distribution} again, or uninstall it"
        )
    return [Path(folder) for folder in found.submodule_search_locations]
