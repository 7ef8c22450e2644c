"""A published root: manifests by name and version, files by their SHA-256, and an index of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from blackbox_repo.errors import (
    FormatError,
    IntegrityError,
    NotDownloaded,
    NotInRoot,
    RootUnavailable,
    UnknownName,
)
from blackbox_repo.roots import downloads
from blackbox_repo.roots.holding import Holding, ReportFile, quiet, read_file_parts
from blackbox_repo.roots.index import (
    INDEX_FILE,
    LARGEST,
    Index,
    IndexEntry,
    choose_version,
    parse_index,
    telling_remedy,
    version_order,
)
from blackbox_repo.roots.storage import AccessRefused, Entry, OnlyWholeFiles, Storage
from blackbox_repo.store.manifest import Manifest, Task, parse_manifest
from blackbox_repo.store.names import check_plain_name, is_plain_name
from blackbox_repo.store.parts import Part, read_parts

MANIFESTS, OBJECTS = "manifests", "objects"


def object_path(sha256: str) -> str:
    """Where a published root has the file of this hash."""
    return f"{OBJECTS}/{sha256}"


def manifest_path(name: str, version: str) -> str:
    """Where a published root has the manifest of a version.

    Raises:
        FormatError: The version is no plain name.
    """
    check_plain_name("blackbox name", name)
    check_plain_name("version", version)
    return f"{MANIFESTS}/{name}/{version}.json"


class PublishedRoot:
    """A root that :func:`blackbox_repo.publish` writes.

    Args:
        storage: Its files.
        offline: Whether to use only what is on this machine.
    """

    def __init__(self, storage: Storage, *, offline: bool) -> None:
        self.storage, self.address = storage, storage.address
        self._offline = offline and self.is_remote

    @property
    def is_remote(self) -> bool:
        """Whether its files are not on this machine."""
        return self.storage.local(INDEX_FILE) is None

    def names(self) -> Iterable[str]:
        """The names of its blackboxes."""
        return self.index.blackboxes

    @cached_property
    def index(self) -> Index:
        """What the root says it has; where it has no index, what is found by looking. It is asked once.

        Raises:
            NotDownloaded: This process is offline, and the root was never asked on this machine.
            RootUnavailable: The root cannot be read.
            FormatError: Its index is malformed.
        """
        where = f"{self.address}/{INDEX_FILE}"
        if self._offline:
            known = downloads.recall_index(self.address)
            if known is None:
                raise NotDownloaded(
                    f"the root {self.address} was never asked on this machine, or what was kept of it is "
                    f"damaged, so what it has is not known offline; run bb-repo list --root {self.address} "
                    f"while online, or leave the root out"
                )
            return parse_index(known, where)
        with telling_remedy(f"the publisher can write it again with bb-repo gc {self.address}"):
            content = read_or_none(self.storage, INDEX_FILE)
        if content is None:
            content = make_index(self.storage, Index()).text().encode()
        index = parse_index(content, where)
        if self.is_remote:
            downloads.remember_index(self.address, content)
            downloads.tidy_up()
        return index

    def find(self, name: str, version: str | None) -> Holding | None:
        """The blackbox of this name, in this version or the newest; ``None`` if the root does not have it.

        Raises:
            RootUnavailable: As :meth:`index`.
            UnknownName: It has the blackbox, but no such version.
            IntegrityError: The manifest is not the one that the index names.
        """
        if not is_plain_name(name):  # but perhaps the path of a folder
            return None
        entries = self.index.blackboxes.get(name) or self._look_for(name)
        if version is not None and version not in entries:
            return self._find_unlisted(name, version, entries)
        if not entries:
            return None
        chosen = choose_version(name, entries, version)
        return self._holding(name, chosen, entries[chosen].manifest)

    def find_digest(self, name: str, digest: str) -> Holding | None:
        """The blackbox with this manifest, if that was downloaded before; the root is not asked.

        Its name and version are to be checked.
        """
        content = downloads.read(digest) if self.is_remote else None
        if content is None:
            return None
        manifest = parse_manifest(content, f"the downloaded manifest of {name!r}")
        return PublishedHolding(self.storage, manifest, content, offline=self._offline)

    def _look_for(self, name: str) -> Mapping[str, IndexEntry]:
        """The versions of a blackbox that the index does not have (yet)."""
        if self._offline:
            return {}
        try:
            found = manifests(self.storage, name)
        except (NotInRoot, AccessRefused):  # it cannot be listed, or may not be, though its index may be read
            return {}
        return _read_entries(self.storage, found).get(name, {})

    def _find_unlisted(self, name: str, version: str, entries: Mapping[str, IndexEntry]) -> Holding | None:
        """A version that the index does not have (yet)."""
        path = manifest_path(name, version)
        try:
            content = None if self._offline else read_or_none(self.storage, path)
        except AccessRefused:  # what a bucket says of a missing file to those who may not list it
            content = None
        if content is not None:
            return self._made(content, name, version, hashlib.sha256(content).hexdigest())
        if not entries:
            return None
        known = sorted(entries, key=version_order)
        raise UnknownName(f"version of {name!r} in {self.address}", version, known)

    def _holding(self, name: str, version: str, digest: str) -> Holding:
        content = downloads.read(digest) if self.is_remote else None
        if content is None:
            if self._offline:
                raise NotDownloaded(_missing(f"the manifest of {name!r} {version}", name, self.address))
            with telling_remedy(f"restore it: bb-repo publish {name} {self.address} --repair"):
                content = read_or_none(self.storage, manifest_path(name, version))
        if content is None:
            raise NotInRoot(
                f"the root {self.address} has no {manifest_path(name, version)}, which its {INDEX_FILE} "
                f"names: it was removed just now, or is lost. Try again, or the publisher can "
                f"write the index again with bb-repo gc {self.address}"
            )
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise IntegrityError(
                f"{self.address}/{manifest_path(name, version)} has the sha256 {found}, but {INDEX_FILE} "
                f"there says {digest}; it is damaged, and nothing was used. The publisher can restore it "
                f"with bb-repo publish {name} {self.address} --repair"
            )
        return self._made(content, name, version, digest)

    def _made(self, content: bytes, name: str, version: str, digest: str) -> Holding:
        where = f"{self.address}/{manifest_path(name, version)}"
        manifest = parse_manifest(content, where)
        if (manifest.name, manifest.version) != (name, version):
            raise FormatError(
                f"{where} describes {manifest.name!r} {manifest.version!r}, but lies under another name"
            )
        if self.is_remote:
            downloads.keep(content)
        return PublishedHolding(self.storage, manifest, content, offline=self._offline)


class PublishedHolding:
    """A blackbox of a published root.

    Args:
        storage: The files of the root.
        manifest: Its manifest.
        content: The file of the manifest.
        offline: Whether to use only what is on this machine.
    """

    folder: Path | None = None

    def __init__(self, storage: Storage, manifest: Manifest, content: bytes, *, offline: bool) -> None:
        self.manifest, self._content = manifest, content
        self.digest, self.origin = hashlib.sha256(content).hexdigest(), storage.address
        self._storage, self._offline = storage, offline

    def content(self) -> bytes:
        return self._content

    def file(self, task: Task, report: ReportFile) -> Path:
        path = object_path(task.sha256)
        found = self._storage.local(path) or downloads.find(task.sha256, task.bytes)
        if found is not None:
            return found
        self._refuse_offline(task)
        try:
            return downloads.fetch(self._storage, path, task.sha256, task.bytes, partial(report, task.file))
        except (RootUnavailable, IntegrityError) as err:
            raise type(err)(f"{task.file} of {self.manifest.name!r}: {err}") from err

    def parts(self, task: Task, parts: Sequence[Part]) -> dict[Part, bytes]:
        known = {part: content for part in parts if (content := downloads.read(part.sha256)) is not None}
        missing = [part for part in parts if part not in known]
        return {**known, **self._read_parts(task, missing)} if missing else known

    def _read_parts(self, task: Task, parts: Sequence[Part]) -> dict[Part, bytes]:
        path = object_path(task.sha256)
        lying = self._storage.local(path)
        if lying is not None:
            return read_file_parts(lying, task, parts)
        downloaded = downloads.find(task.sha256, task.bytes)
        if downloaded is not None:
            with suppress(FormatError):
                return read_file_parts(downloaded, task, parts)
            downloads.discard(task.sha256)  # it is damaged
        self._refuse_offline(task)
        try:
            found = read_parts(parts, partial(self._storage.read_ranges, path), f"{self.origin}/{path}")
        except OnlyWholeFiles:
            return read_file_parts(self.file(task, quiet), task, parts)
        for content in found.values():
            downloads.keep(content)
        return found

    def discard(self, task: Task) -> bool:
        lying = self._storage.local(object_path(task.sha256))
        return lying is None and downloads.discard(task.sha256)

    def _refuse_offline(self, task: Task) -> None:
        if self._offline:
            raise NotDownloaded(
                _missing(f"{task.file} of {self.manifest.name!r}", self.manifest.name, self.origin)
            )


def _missing(what: str, name: str, address: str) -> str:
    return (
        f"{what} is not on this machine, and nothing is downloaded while offline; fetch it while online: "
        f"bb-repo fetch {name} --root {address}"
    )


def read_or_none(storage: Storage, path: str) -> bytes | None:
    """The content of a manifest or an index; ``None`` if there is none."""
    try:
        return storage.read(path, LARGEST)
    except NotInRoot:
        return None


def manifests(storage: Storage, name: str = "") -> dict[tuple[str, str], Entry]:
    """The manifests of a published root: (name, version) -> file; other files are left out.

    Args:
        storage: The files of the root.
        name: Only those of this blackbox.
    """
    found = {}
    for entry in storage.list(f"{MANIFESTS}/{name}".rstrip("/")):
        _, folder, file = (*entry.path.split("/"), "", "")[:3]
        version = file.removesuffix(".json")
        if (
            entry.path == f"{MANIFESTS}/{folder}/{version}.json"
            and is_plain_name(folder)
            and is_plain_name(version)
        ):
            found[folder, version] = entry
    return found


def make_index(storage: Storage, known: Index) -> Index:
    """The index of what is there.

    Args:
        storage: The files of the root.
        known: An index whose entries are right, as far as there are manifests of them.
    """
    found = manifests(storage)
    kept = {
        (name, version): known.blackboxes[name][version]
        for name, version in found
        if version in known.blackboxes.get(name, {})
    }
    new = {key: entry for key, entry in found.items() if key not in kept}
    blackboxes = _read_entries(storage, new)
    for (name, version), entry in kept.items():
        blackboxes.setdefault(name, {})[version] = entry
    return Index(blackboxes)


def _read_entries(
    storage: Storage, found: Mapping[tuple[str, str], Entry]
) -> dict[str, dict[str, IndexEntry]]:
    entries: dict[str, dict[str, IndexEntry]] = {}
    for (name, version), entry in found.items():
        content = read_or_none(storage, entry.path)
        if content is None:  # removed in between
            continue
        with telling_remedy(f"restore it: bb-repo publish {name} {storage.address} --repair"):
            manifest = parse_manifest(content, f"{storage.address}/{entry.path}")
        digest = hashlib.sha256(content).hexdigest()
        entries.setdefault(name, {})[version] = IndexEntry.of(manifest, digest)
    return entries
