"""The fitted surrogates of a blackbox: beside its tables, in the same root, and a user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from blackbox_repo.roots.find import find_roots
from blackbox_repo.roots.holding import FolderHolding, Holding
from blackbox_repo.roots.published import PublishedRoot
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.store.manifest import MANIFEST_FILE
from blackbox_repo.store.surrogate_entry import SURROGATES
from blackbox_repo.user_folder import user_folder


def with_surrogates(tables: Holding) -> Iterator[Holding]:
    """A blackbox, and then the surrogates that lie in its folder.

    Raises:
        FormatError: The manifest of one is malformed.
    """
    yield tables
    if tables.folder is not None:
        yield from _in_folder(tables.folder, tables.origin)


def find_surrogates(tables: Holding, source: Source = DEFAULT) -> list[Holding]:
    """All surrogates of a blackbox that :func:`blackbox_repo.load_blackbox` may find, by model.

    Args:
        tables: The blackbox.
        source: Which roots are searched.

    Raises:
        FormatError: The manifest of one is malformed.
        RootUnavailable: The root of the blackbox does not answer.
    """
    found: dict[str, Holding] = {}
    for holding in _candidates(tables, source):
        entry = holding.manifest.surrogate
        if entry is not None and entry.of.blackbox == tables.manifest.name:
            found.setdefault(entry.model, holding)
    return [found[model] for model in sorted(found)]


def _candidates(tables: Holding, source: Source) -> Iterator[Holding]:
    if tables.folder is not None:
        yield from _in_folder(tables.folder, tables.origin)
    else:
        yield from _in_root(tables, source)
    own = user_folder()
    if own is not None:
        yield from _in_folder(own / tables.manifest.name, "user")


def _in_folder(folder: Path, origin: str) -> Iterator[Holding]:
    for manifest in sorted((folder / SURROGATES).glob(f"[!.]*/{MANIFEST_FILE}")):  # hidden ones are written
        yield FolderHolding(manifest.parent, origin)


def _in_root(tables: Holding, source: Source) -> Iterator[Holding]:
    for root in find_roots(source):
        if isinstance(root, PublishedRoot) and root.address == tables.origin:
            names = [name for name in root.names() if name.startswith(f"{tables.manifest.name}.")]
            found = (root.find(name, None) for name in names)
            yield from (holding for holding in found if holding is not None)
