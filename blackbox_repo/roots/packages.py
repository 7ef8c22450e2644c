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

    Those of other packages are left out if their package does not exist, see :func:`find_missing_packages`.
    """
    own = _blackboxes_in(roots())
    others = {name: offers[0][1] for name, offers in _offers_of_packages().items()}
    return dict(sorted({**others, **own}.items()))


def find_missing_packages() -> list[str]:
    """A sentence for each entry point of blackboxes whose package does not exist."""
    return [
        f"the blackboxes {plugin} should lie in the package {plugin.target!r}, which does not exist; "
        f"install {plugin.distribution} again, or uninstall it"
        for plugin in find_plugins(GROUP)
        if not _folders_of(plugin)
    ]


def locate(name: str | Path) -> Path:
    """The folder of a blackbox.

    Args:
        name: Its name, or the path of its folder.

    Raises:
        UnknownName: There is no such blackbox.
        FormatError: Several packages have a blackbox of this name.
    """
    known = _blackboxes_in(roots())
    if name not in known:  # other packages take longer to search
        known = {**_located_in_packages(str(name)), **known}
    if name in known:
        return known[str(name)]
    if (Path(name) / MANIFEST_FILE).is_file():
        return Path(name)
    folder, slash, task = str(name).rpartition("/")
    if slash and (folder in known or (Path(folder) / MANIFEST_FILE).is_file()):
        read_manifest(known.get(folder, Path(folder))).task(task)  # which names the tasks if there is no such
        raise UnknownName("blackbox", str(name), [folder], f"its task is load_blackbox({folder!r})[{task!r}]")
    raise UnknownName("blackbox", str(name), sorted(known), "; ".join(find_missing_packages()))


def _located_in_packages(name: str) -> dict[str, Path]:
    """The blackboxes of other packages, if no more than one package has that of a name."""
    offers = _offers_of_packages()
    if len(offers.get(name, ())) > 1:
        packages = " and ".join(plugin.distribution for plugin, _ in offers[name])
        raise FormatError(
            f"the packages {packages} all have a blackbox {name!r}; uninstall all but one of them, or name "
            f"the folder of one in {PATH_VARIABLE}"
        )
    return {name: found[0][1] for name, found in offers.items()}


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
