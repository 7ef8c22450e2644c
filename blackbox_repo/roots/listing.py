"""What the roots in force have, version by version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots.find import Root, find_roots
from blackbox_repo.roots.index import IndexEntry, version_order
from blackbox_repo.roots.published import PublishedRoot
from blackbox_repo.roots.source import DEFAULT, Source


@dataclass(frozen=True)
class Listed:
    """A version of a blackbox in a root.

    Args:
        root: The root.
        name: The name of the blackbox; empty if the root itself does not answer.
        version: Its version; ``None`` if it is broken.
        entry: What the list shows of it; ``None`` if it is broken.
        broken: Why it cannot be loaded; ``None`` if it can.
    """

    root: str
    name: str
    version: str | None = None
    entry: IndexEntry | None = None
    broken: Exception | None = None


def list_contents(source: Source = DEFAULT) -> list[Listed]:
    """Everything that the roots have, in the order in which they are searched; the newest versions first.

    Raises:
        InvalidOption: A root is malformed, or needs a package that is not installed.
    """
    return [listed for root in find_roots(source) for listed in _contents(root)]


def _contents(root: Root) -> Iterator[Listed]:
    try:
        if isinstance(root, PublishedRoot):
            yield from _published(root)
        else:
            yield from (_found(root, name) for name in root.names())
    except (BlackboxRepoError, OSError) as err:
        yield Listed(root.address, "", broken=err)


def _published(root: PublishedRoot) -> Iterator[Listed]:
    for name, versions in sorted(root.index.blackboxes.items()):
        for version in sorted(versions, key=version_order, reverse=True):
            yield Listed(root.address, name, version, versions[version])


def _found(root: Root, name: str) -> Listed:
    try:
        holding = root.find(name, None)
    except (BlackboxRepoError, OSError) as err:
        return Listed(root.address, name, broken=err)
    assert holding is not None, "the root has said that it has it"
    manifest = holding.manifest
    return Listed(root.address, name, manifest.version, IndexEntry.of(manifest, holding.digest))
