"""Publishing: files first, then the manifest, the index last; a version never changes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from blackbox_repo import typed_json
from blackbox_repo.errors import (
    FormatError,
    InvalidOption,
    NotInRoot,
    PinMismatch,
    UnknownName,
    VersionExists,
)
from blackbox_repo.roots.addresses import parse_address, read_only
from blackbox_repo.roots.find import Root, find_roots, is_published, locate, open_storage
from blackbox_repo.roots.folder_storage import FolderStorage
from blackbox_repo.roots.holding import Holding, ReportFile, quiet
from blackbox_repo.roots.index import INDEX_FILE, Index, parse_index, telling_remedy, version_order
from blackbox_repo.roots.published import (
    OBJECTS,
    PublishedRoot,
    make_index,
    manifest_path,
    manifests,
    object_path,
    read_or_none,
)
from blackbox_repo.roots.settings import read_settings
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.roots.storage import Entry, Storage
from blackbox_repo.roots.surrogates import with_surrogates
from blackbox_repo.store.loading import load_file, read_checked
from blackbox_repo.store.manifest import Task, parse_manifest
from blackbox_repo.store.names import check_names

GRACE = 86_400.0
"""Files younger than this, in seconds, may belong to a version that is being published."""
_TRIES = 40
_PAUSE = 0.02  # seconds by which each pause is longer than the one before


@dataclass(frozen=True)
class Published:
    """What :func:`publish` did.

    Args:
        name: The blackbox.
        version: Its version.
        digest: The SHA-256 of its manifest.
        files: The number of files that were written.
        bytes: Their size.
        new: Whether the version is new in the root.
    """

    name: str
    version: str
    digest: str
    files: int
    bytes: int
    new: bool


def publish(
    name: str | Path,
    root: str | Path,
    *,
    version: str | None = None,
    source: Source = DEFAULT,
    repair: bool = False,
    report: ReportFile = quiet,
) -> Published:
    """Publish a blackbox in a root, for others to load it from there, with the surrogates in its folder.

    A version that the root has is never changed. What a publisher that was killed has left is used by the
    next one, or removed by :func:`~blackbox_repo.roots.garbage.collect_garbage`.

    Args:
        name: The name of the blackbox, or the path of its folder.
        root: A folder, which becomes a published root, or an address such as ``s3://bucket/prefix``.
        version: Publish it as this version, instead of the one in its manifest.
        source: Where the blackbox is looked for; the root that is written is searched last.
        repair: Whether files that are there are read again, and written again if they are damaged.
        report: Called while files are written.

    Raises:
        VersionExists: The root has this version with other content.
        UnknownName: There is no such blackbox.
        FormatError: A file of the blackbox is malformed or damaged, or the root has a blackbox whose name
            differs by upper and lower case alone; nothing was published.
        InvalidOption: The root is read-only, or a folder whose subfolders are blackboxes.
        RootUnavailable: The root cannot be read or written.
    """
    storage = open_for_writing(root, source)
    holding = _locate_elsewhere(name, source, storage.address)
    done = (
        _publish_checked(each, storage, version, repair=repair, report=report)
        for each in with_surrogates(holding)
    )
    return next(iter(list(_indexed(storage, done))))


def publish_all(
    names: Iterable[str], root: str | Path, *, source: Source = DEFAULT, report: ReportFile = quiet
) -> Iterator[Published]:
    """Publish several blackboxes in a root, as :func:`publish` does each.

    Yields:
        What was done; the index is written once, at the end.
    """
    storage = open_for_writing(root, source)
    found = (
        each for name in names for each in with_surrogates(_locate_elsewhere(name, source, storage.address))
    )
    done = (_publish_checked(holding, storage, None, repair=False, report=report) for holding in found)
    yield from _indexed(storage, done)


def _locate_elsewhere(name: str | Path, source: Source, written: str) -> Holding:
    """The blackbox; from the root that is written only if no other one has it."""
    roots = [named.address.text for named in read_settings(source).roots]
    others = [root for root in roots if root != written]
    if others not in ([], roots):
        with suppress(UnknownName, PinMismatch):
            return locate(name, replace(source, roots=others))
    return locate(name, source)


def mirror(origin: str | Path, root: str | Path, report: ReportFile = quiet) -> Iterator[Published]:
    """Publish all blackboxes of a root in another one, in all versions.

    Args:
        origin: The root to copy, such as ``package`` or ``https://host/prefix``.
        root: The root to write.
        report: Called while files are written.

    Yields:
        What was done, version by version; the index is written at the end.

    Raises:
        VersionExists: The other root has a version with other content.
        RootUnavailable: One of the roots cannot be read or written.
    """
    check_exists(origin)
    storage = open_for_writing(root)
    (copied,) = find_roots(Source((origin,)))
    found = (copied.find(name, version) for name in copied.names() for version in _versions(copied, name))
    each = (every for holding in found if holding for every in with_surrogates(holding))
    yield from _indexed(storage, (_publish(holding, storage, None, report) for holding in each))


def _indexed(storage: Storage, publishing: Iterable[Published]) -> Iterator[Published]:
    """What is published; at the end the index is written, also if something went wrong before."""
    done: list[Published] = []
    try:
        for published in publishing:
            done.append(published)
            yield published
    finally:
        if done:
            write_index(storage, changed=[(each.name, each.version) for each in done])
    for each in done:  # where a storage heeds no conditions, another publisher may have come between
        path = manifest_path(each.name, each.version)
        _check_same(storage, path, read_or_none(storage, path), each.digest)


def _publish_checked(
    holding: Holding, storage: Storage, version: str | None, *, repair: bool, report: ReportFile
) -> Published:
    for task, entry in holding.manifest.tasks.items():
        load_file(holding.file(entry, report), holding.manifest, task, cached=False)
    if repair:
        _remove_damaged(holding, storage, version)
    return _publish(holding, storage, version, report)


def remove(name: str, version: str, root: str | Path) -> None:
    """Remove a version from a root; its files stay until they are collected as garbage.

    A version that only the index names any more, as after a removal that was stopped, is removed from there.

    Raises:
        UnknownName: The root has no such version.
        FormatError: The name or the version would lead to another folder.
        RootUnavailable: The root cannot be read or written.
    """
    check_exists(root)
    path = manifest_path(name, version)
    storage = open_for_writing(root)
    there = read_index(storage).versions().union(manifests(storage))
    versions = {found for known, found in there if known == name}
    if not versions:
        raise UnknownName(f"blackbox of {storage.address}", name, sorted({known for known, _ in there}))
    if version not in versions:
        raise UnknownName(
            f"version of {name!r} in {storage.address}", version, sorted(versions, key=version_order)
        )
    storage.remove(path)
    write_index(storage, changed=[(name, version)])


def write_index(storage: Storage, changed: Collection[tuple[str, str]]) -> None:
    """Write the index of what is there; others that do so at the same time do not undo each other's work.

    Args:
        storage: The files of the root.
        changed: Names and versions whose manifests are read; the entries of others are kept as they are.

    Raises:
        RootUnavailable: The root cannot be read or written.
    """
    for attempt in range(_TRIES):
        time.sleep(_PAUSE * attempt)
        seen = _readable_index(storage)
        content = make_index(storage, _parse_or_none(seen).without(changed)).text().encode()
        written = content == seen or storage.replace(INDEX_FILE, content, seen)
        if written and _is_complete(storage, changed):
            return
    raise VersionExists(  # pragma: no cover  needs many publishers at once
        f"the index of {storage.address} is written by others all the time; run bb-repo gc there later"
    )


def _is_complete(storage: Storage, changed: Collection[tuple[str, str]]) -> bool:
    """Whether the index, which another publisher may have written last, names what is there, and rightly."""
    index = read_index(storage)
    return index == make_index(storage, index.without(changed))


def open_for_writing(root: str | Path, source: Source = DEFAULT) -> Storage:
    """The files of a root that is to be written, without those that killed writers have left.

    Raises:
        InvalidOption: The root is read-only, or a folder whose subfolders are blackboxes.
    """
    address = parse_address(root, "the root to write")
    if address.kind == "word":
        raise InvalidOption(f"the root {address} cannot be published in; name a folder or an address")
    if address.kind == "http":
        raise read_only(address)
    folder = Path(address.text)
    if address.kind == "folder" and folder.exists() and not folder.is_dir():
        raise InvalidOption(f"{folder} is no folder; name an empty, new or published one, or an address")
    if address.kind == "folder" and folder.exists() and not is_published(folder) and any(folder.iterdir()):
        raise InvalidOption(
            f"{folder} is neither empty nor a published root; name an empty or new folder, in which objects, "
            f"manifests and {INDEX_FILE} are written"
        )
    storage = open_storage(address, read_settings(source))
    if isinstance(storage, FolderStorage):
        storage.tidy_up()
    return storage


def check_exists(root: str | Path) -> None:
    """Refuse a folder that does not exist, as one that is misspelt.

    Raises:
        InvalidOption: The root is one.
    """
    address = parse_address(root, "the root")
    if address.kind == "folder" and not Path(address.text).is_dir():
        raise InvalidOption(f"the root {address} does not exist; check its path")


def _publish(holding: Holding, storage: Storage, version: str | None, report: ReportFile) -> Published:
    content = _content(holding, version)
    digest = hashlib.sha256(content).hexdigest()
    manifest = parse_manifest(content, holding.origin)
    path = manifest_path(manifest.name, manifest.version)
    check_names("blackbox name", [*read_index(storage).blackboxes, manifest.name])
    known = read_or_none(storage, path)
    _check_same(storage, path, known, digest)
    files, size = _write_objects(holding, storage, report)
    if known is None:
        storage.create(path, content)
        _check_same(storage, path, storage.read(path, typed_json.LARGEST), digest)
        more = _write_objects(holding, storage, quiet)  # what was removed before the manifest named it
        files, size = files + more[0], size + more[1]
    return Published(manifest.name, manifest.version, digest, files, size, new=known is None)


def _content(holding: Holding, version: str | None) -> bytes:
    if version in (None, holding.manifest.version):
        return holding.content()
    return replace(holding.manifest, version=version).to_text().encode()


def _check_same(storage: Storage, path: str, found: bytes | None, digest: str) -> None:
    if found is None or hashlib.sha256(found).hexdigest() == digest:
        return
    raise VersionExists(
        f"{storage.address} has {path} already, with the sha256 {hashlib.sha256(found).hexdigest()} instead "
        f"of {digest}; a version never changes: publish this one under another --version"
    )


def _write_objects(holding: Holding, storage: Storage, report: ReportFile) -> tuple[int, int]:
    """Write the files that the root lacks; returns how many, and their size."""
    there = {entry.path: entry for entry in storage.list(OBJECTS)}
    versions = manifests(storage, holding.manifest.name).values()
    kept = {path for entry in versions for path in files_of(storage, entry)}
    tasks: Mapping[str, Task] = {task.sha256: task for task in holding.manifest.tasks.values()}
    size = sum(task.bytes for task in tasks.values())
    files = done = written = 0
    for sha256, task in tasks.items():
        report(task.file, done, size)
        path = object_path(sha256)
        if not _stays(there.get(path), task, named=path in kept):
            storage.write(path, read_checked(holding.file(task, report), task))
            files, written = files + 1, written + task.bytes
        done += task.bytes
    return files, written


def _remove_damaged(holding: Holding, storage: Storage, version: str | None) -> None:
    """Remove files that are not what they should be; a manifest only if the index says that it is ours."""
    digest = hashlib.sha256(_content(holding, version)).hexdigest()
    name, version = holding.manifest.name, version or holding.manifest.version
    listed = read_index(storage).blackboxes.get(name, {}).get(version)
    if listed is not None and listed.manifest == digest:
        _remove_unless(storage, manifest_path(name, version), digest, typed_json.LARGEST)
    for task in holding.manifest.tasks.values():
        _remove_unless(storage, object_path(task.sha256), task.sha256, task.bytes)


def _remove_unless(storage: Storage, path: str, sha256: str, most: int) -> None:
    """Remove a file if it is there but does not have this hash."""
    try:
        found = hashlib.sha256(storage.read(path, most)).hexdigest()
    except NotInRoot:
        return
    except FormatError:  # it is longer, or no regular file
        found = ""
    if found != sha256:
        storage.remove(path)


def _stays(entry: Entry | None, task: Task, *, named: bool) -> bool:
    """Whether a file is there, and no garbage that is removed at any moment."""
    if entry is None or entry.size != task.bytes:
        return False
    if named or entry.modified is None:
        return True
    return time.time() - entry.modified < GRACE / 2  # noqa: TID251  how old files are reaches no result


def files_of(storage: Storage, entry: Entry) -> Iterator[str]:
    """The paths of the files that a manifest names.

    Raises:
        FormatError: The manifest is malformed.
    """
    content = read_or_none(storage, entry.path)
    if content is None:  # removed in between
        return
    with telling_remedy("restore it with bb-repo publish NAME ROOT --repair"):
        manifest = parse_manifest(content, f"{storage.address}/{entry.path}")
    yield from (object_path(task.sha256) for task in manifest.tasks.values())


def _versions(root: Root, name: str) -> Sequence[str | None]:
    if isinstance(root, PublishedRoot):
        return sorted(root.index.blackboxes[name], key=version_order)
    return [None]


def read_index(storage: Storage) -> Index:
    """The index; an empty one where there is none, or a damaged one, which is derived from the manifests."""
    with suppress(FormatError):  # it is no regular file, or too large
        return _parse_or_none(read_or_none(storage, INDEX_FILE))
    return Index()


def _readable_index(storage: Storage) -> bytes | None:
    """The file of the index; something else in its place is removed, as the index is derived."""
    try:
        return read_or_none(storage, INDEX_FILE)
    except FormatError:
        storage.remove(INDEX_FILE)
        return None


def _parse_or_none(content: bytes | None) -> Index:
    with suppress(FormatError):
        return Index() if content is None else parse_index(content, INDEX_FILE)
    return Index()
