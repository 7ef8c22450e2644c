"""Removes the files of a published root that no manifest names."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path

from blackbox_repo.errors import IntegrityError, InvalidOption
from blackbox_repo.roots.index import INDEX_FILE, Index
from blackbox_repo.roots.publish import (
    GRACE,
    check_exists,
    files_of,
    open_for_writing,
    read_index,
    write_index,
)
from blackbox_repo.roots.published import MANIFESTS, OBJECTS, make_index, manifest_path, manifests
from blackbox_repo.roots.storage import Entry, Storage

_OBJECT = re.compile(rf"{OBJECTS}/[0-9a-f]{{64}}")


def collect_garbage(root: str | Path, *, grace: float = GRACE) -> list[Entry]:
    """Remove the files that no manifest names, and write the index again from the manifests.

    Args:
        root: The root.
        grace: How old a file must be to be removed, in seconds. A publisher that has been running for longer
            than this would lose files.

    Returns:
        The files that were removed.

    Raises:
        FormatError: A manifest of the root is malformed; nothing was removed.
        RootUnavailable: The root cannot be read or written.
    """
    check_exists(root)
    storage, latest = open_for_writing(root), time.time() - grace  # noqa: TID251  it reaches no result
    if not any(storage.list(folder) for folder in (MANIFESTS, OBJECTS)):
        raise InvalidOption(f"{storage.address} is no published root: it has neither manifests nor objects")
    changed = _changed_versions(storage)
    objects = storage.list(OBJECTS)  # before the manifests, which are written after their files
    named, removed = _Named(storage), []
    for entry in named.leave_out(_old_files(objects, latest)):
        if named.leave_out([entry]) and _old_files([storage.look(entry.path)], latest):
            storage.remove(entry.path)
            removed.append(entry)
    write_index(storage, changed)
    return removed


class _Named:
    """The files that the manifests of a root name, at any moment; each manifest is read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._known = storage, dict[Entry, frozenset[str]]()

    def leave_out(self, files: Iterable[Entry]) -> list[Entry]:
        """Those files that no manifest names now."""
        found = manifests(self._storage).values()
        for entry in found:
            self._known[entry] = self._known.get(entry) or frozenset(files_of(self._storage, entry))
        named = frozenset[str]().union(*(self._known[entry] for entry in found))
        return [file for file in files if file.path not in named]


def _old_files(files: Iterable[Entry | None], latest: float) -> list[Entry]:
    """Those files that are named by a hash, and were written before."""
    objects = [file for file in files if file is not None and _OBJECT.fullmatch(file.path)]
    return [file for file in objects if file.modified is not None and file.modified <= latest]


def _changed_versions(storage: Storage) -> set[tuple[str, str]]:
    """The names and versions of which the index does not have what is in their manifests.

    Raises:
        IntegrityError: A manifest is another one than that which the index names, although a version never
            changes.
    """
    known, found = read_index(storage), make_index(storage, Index())
    changed = set()
    for name, version in found.versions():
        entry, said = found.blackboxes[name][version], known.blackboxes.get(name, {}).get(version)
        if said is not None and said.manifest != entry.manifest:
            raise _damaged(storage, name, version, (entry.manifest, said.manifest))
        if said != entry:
            changed.add((name, version))
    return changed


def _damaged(storage: Storage, name: str, version: str, hashes: tuple[str, str]) -> IntegrityError:
    return IntegrityError(
        f"{storage.address}/{manifest_path(name, version)} has the sha256 {hashes[0]}, but {INDEX_FILE} "
        f"there says {hashes[1]}: it is damaged, and nothing was removed. Restore it with bb-repo publish "
        f"{name} {storage.address} --repair, or remove the version with bb-repo remove {name} {version} "
        f"{storage.address}"
    )
