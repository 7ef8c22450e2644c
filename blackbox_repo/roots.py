"""Where blackboxes are looked for: folders that the user names, then the ones that ship with the code."""

from __future__ import annotations

import os
from pathlib import Path

import data_cache
from blackbox_repo.errors import UnknownName
from blackbox_repo.manifest import MANIFEST_FILE

PATH_VARIABLE = "BLACKBOX_PATH"


def roots() -> list[Path]:
    """The folders whose subfolders are blackboxes, first come first served.

    The environment variable ``BLACKBOX_PATH`` names some, separated as in ``PATH``.
    """
    named = [Path(part) for part in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if part]
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
    raise UnknownName("blackbox", str(name), known)
