"""What a published root says of itself in one small file: its blackboxes and their versions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, IntegrityError, UnknownName
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.names import check_names
from blackbox_repo.store.parts import Count, Sha256

FORMAT = 1
INDEX_FILE = "index.json"
LARGEST = 1 << 24
"""The largest index or manifest of a root that is read, in bytes; ours have a hundredth of that."""
_PART = re.compile(r"\d+|\D+")


@dataclass(frozen=True)
class IndexEntry:
    """One version of a blackbox.

    Args:
        manifest: The SHA-256 of its manifest, which stands for every file.
        bytes: The size of its files together.
        tasks: The number of its tasks.
        configurations: The number of configurations of its largest task; ``None`` for a surrogate.
        fidelity: The name and range of its fidelity.
        target: The objective that is optimized.
        time: The objective that is the time of training; ``None`` if that is not recorded.
        title: Its title.
        license: The SPDX identifier of its licence.
    """

    manifest: Sha256
    bytes: Count
    tasks: Count
    configurations: Count | None
    fidelity: str
    target: str
    time: str | None
    title: str
    license: str

    @classmethod
    def of(cls, manifest: Manifest, digest: str) -> IndexEntry:
        """The entry of a manifest.

        Args:
            manifest: The manifest.
            digest: The SHA-256 of its file.
        """
        tasks, fidelity = manifest.tasks.values(), manifest.schema.fidelity
        return cls(
            manifest=digest,
            bytes=sum({task.file: task.bytes for task in tasks}.values()),
            tasks=len(tasks),
            configurations=max(task.configurations for task in tasks) or None,
            fidelity=f"{fidelity.name} {fidelity.describe()}",
            target=manifest.schema.target,
            time=manifest.schema.time,
            title=manifest.title,
            license=manifest.license,
        )


@dataclass(frozen=True)
class Index:
    """Name -> version -> entry."""

    blackboxes: Mapping[str, Mapping[str, IndexEntry]] = field(default_factory=dict)

    def latest(self, name: str) -> str | None:
        """The newest version of a blackbox; ``None`` if there is none."""
        versions = self.blackboxes.get(name)
        return max(versions, key=version_order) if versions else None

    def versions(self) -> set[tuple[str, str]]:
        """The names and versions of all."""
        return {(name, version) for name, versions in self.blackboxes.items() for version in versions}

    def without(self, dropped: Collection[tuple[str, str]]) -> Index:
        """The index without these names and versions."""
        return Index(
            {
                name: {
                    version: entry for version, entry in versions.items() if (name, version) not in dropped
                }
                for name, versions in self.blackboxes.items()
            }
        )

    def text(self) -> str:
        """The content of ``index.json``; equal indexes have equal texts."""
        entries = {
            name: {version: asdict(versions[version]) for version in sorted(versions, key=version_order)}
            for name, versions in sorted(self.blackboxes.items())
            if versions
        }
        content = {"format": FORMAT, "sha256": _sha256(entries), "blackboxes": entries}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class _IndexJson:
    format: int
    blackboxes: dict[str, dict[str, IndexEntry]]
    sha256: Sha256 | None = None


def parse_index(content: bytes, where: str) -> Index:
    """The index that :meth:`Index.text` wrote.

    Args:
        content: The file.
        where: Its address, for messages.

    Raises:
        FormatError: It is malformed, or newer than this code.
        IntegrityError: It has changed since it was written.
    """
    with telling_remedy("the publisher can write it again with bb-repo gc ROOT"):
        data = typed_json.parse(content, where)
    typed_json.check_format(data, FORMAT, where)
    with telling_remedy("the publisher can write it again with bb-repo gc ROOT"):
        read: Any = typed_json.convert(data, _IndexJson, where)
    if read.sha256 is not None and read.sha256 != _sha256(data["blackboxes"]):
        raise IntegrityError(
            f"{where} is damaged: what it lists has the sha256 {_sha256(data['blackboxes'])}, but it says "
            f"{read.sha256}; it was not used. The publisher can write it again with bb-repo gc ROOT"
        )
    check_names("blackbox name", read.blackboxes)
    for versions in read.blackboxes.values():
        check_names("version", versions)
    return Index(read.blackboxes)


@contextmanager
def telling_remedy(remedy: str) -> Iterator[None]:
    """Add to the message about a malformed file what to do."""
    try:
        yield
    except FormatError as err:
        raise FormatError(f"{err}; {remedy}") from err


def _sha256(blackboxes: Any) -> str:
    """The SHA-256 of what an index lists, which shows that its bytes have changed."""
    return hashlib.sha256(json.dumps(blackboxes, sort_keys=True).encode()).hexdigest()


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """The key by which versions are sorted: numbers in them by their values, so 1.9 comes before 1.10."""
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in _PART.findall(version))


def choose_version(name: str, versions: Mapping[str, object], wanted: str | None) -> str:
    """The version that is wanted, or the newest.

    Raises:
        UnknownName: There is no such version.
    """
    if wanted is None:
        return max(versions, key=version_order)
    if wanted not in versions:
        raise UnknownName(f"version of {name!r}", wanted, sorted(versions, key=version_order))
    return wanted
