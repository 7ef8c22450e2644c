"""Where blackboxes are looked for: folders that the user names, then the ones that ship with the code."""

from __future__ import annotations

import os
import re
from pathlib import Path

import data_cache
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.store.manifest import MANIFEST_FILE, read_manifest

PATH_VARIABLE = "BLACKBOX_PATH"
_ADDRESS = re.compile(r"\b[a-zA-Z][\w+.-]*://")


def roots() -> list[Path]:
    """The folders whose subfolders are blackboxes, first come first served.

    The environment variable ``BLACKBOX_PATH`` names some, separated as in ``PATH``.

    Raises:
        InvalidOption: It names an address such as ``s3://bucket``.
    """
    listed = os.environ.get(PATH_VARIABLE, "")
    if _ADDRESS.search(listed):
        raise InvalidOption(
            f"{PATH_VARIABLE} is {listed!r}, but must name folders of this machine, separated by "
            f"{os.pathsep!r}; copy the blackboxes into one, or mount the place where they lie"
        )
    named = [Path(part) for part in listed.split(os.pathsep) if part]
    return [*named, Path(data_cache.__file__).parent]


def installed() -> dict[str, Path]:
    """Name -> folder of every blackbox that can be loaded by its name, sorted by name."""
    found: dict[str, Path] = {}
    for root in roots():
        for manifest in sorted(root.glob(f"[!.]*/{MANIFEST_FILE}")):  # hidden ones are being written
            found.setdefault(manifest.parent.name, manifest.parent)
    return dict(sorted(found.items()))


def locate(name: str | Path) -> Path:
    """The folder of a blackbox: of that name, or the folder that ``name`` is the path of.

    Raises:
        UnknownName: There is none.
    """
    known = installed()
    if name in known:
        return known[str(name)]
    if (Path(name) / MANIFEST_FILE).is_file():
        return Path(name)
    folder, slash, task = str(name).rpartition("/")
    if slash and (folder in known or (Path(folder) / MANIFEST_FILE).is_file()):
        read_manifest(known.get(folder, Path(folder))).task(task)  # which names the tasks if there is no such
        raise UnknownName("blackbox", str(name), [folder], f"its task is load_blackbox({folder!r})[{task!r}]")
    raise UnknownName("blackbox", str(name), known)
