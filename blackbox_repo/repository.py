"""Loading blackboxes by name, listing, describing and verifying them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from blackbox_repo import roots
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.store.manifest import CHECKSUM_FILE, MANIFEST_FILE, Manifest, read_manifest

_UNSEALED = f"{MANIFEST_FILE} has no checksum; make it with sha256sum {MANIFEST_FILE} > {CHECKSUM_FILE}"


class LoadedBlackbox(Mapping[str, Blackbox]):
    """The tasks of a blackbox; a task is read, and the hash of its file checked, when it is first used.

    Attributes:
        manifest: The description of the blackbox.
        folder: The folder with its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._read: dict[str, Blackbox] = {}

    def __getitem__(self, task: str) -> Blackbox:
        if task not in self._read:
            from blackbox_repo.store.storage import load_task

            self._read[task] = load_task(self.folder, self.manifest, task)
        return self._read[task]

    def __contains__(self, task: object) -> bool:
        return task in self.manifest.tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self.manifest.tasks)

    def __len__(self) -> int:
        return len(self.manifest.tasks)

    def __repr__(self) -> str:
        return f"<blackbox {self.manifest.name}: {len(self)} tasks>"


def load_blackbox(name: str | Path) -> LoadedBlackbox:
    """The tasks of a blackbox as a mapping from task to :class:`Blackbox`.

    Args:
        name: A name that :func:`list_blackboxes` gives, or the path of a folder with a manifest.

    Raises:
        UnknownName: There is no such blackbox; later, for a task that does not exist.
        FormatError: Its manifest is malformed, or newer than this code.
        IntegrityError: Later, when a task's file is not the one that the manifest describes.

    Example:
        >>> load_blackbox("nasbench201-final")["cifar100"]
        <TabularBlackbox nasbench201-final/cifar100>
    """
    return LoadedBlackbox(roots.locate(name))


def list_blackboxes() -> list[str]:
    """The names of all blackboxes that can be loaded, sorted."""
    return list(roots.find_blackboxes())


def describe(name: str | Path) -> Manifest:
    """The manifest of a blackbox: licence, citation, sources, schema, tasks, and known defects.

    Raises:
        UnknownName: There is no such blackbox.
    """
    return read_manifest(roots.locate(name))


@dataclass(frozen=True)
class Finding:
    """The result of verifying one task; ``problem`` is empty if the task is intact."""

    task: str
    file: str
    problem: str


def verify(name: str | Path) -> list[Finding]:
    """Check the hash of the manifest, and of each task the file's hash, its decoding and its best values.

    Raises:
        UnknownName: There is no such blackbox.
        FormatError: Its manifest is malformed, or newer than this code.
    """
    folder = roots.locate(name)
    manifest = read_manifest(folder)
    unsealed = [] if (folder / CHECKSUM_FILE).is_file() else [Finding("", CHECKSUM_FILE, _UNSEALED)]
    return unsealed + [
        Finding(task, entry.file, _problem(folder, manifest, task)) for task, entry in manifest.tasks.items()
    ]


def _problem(folder: Path, manifest: Manifest, name: str) -> str:
    from blackbox_repo.store.storage import check_copy, check_file_parts, load_task

    try:
        blackbox = load_task(folder, manifest, name, cached=False)
        check_copy(folder / manifest.tasks[name].file, manifest, name)
        check_file_parts(folder / manifest.tasks[name].file, manifest, name)
        for objective, best in manifest.tasks[name].best.items():
            found = blackbox.evaluate(best.configuration, best.fidelity, seed=best.seed)[objective]
            if found != best.value:
                return f"the best {objective} is {found}, but the manifest says {best.value}"
    except (BlackboxRepoError, OSError) as err:
        return str(err)
    return ""
