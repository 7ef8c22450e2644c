"""Loading blackboxes by name, listing, describing and verifying them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import BlackboxRepoError, FormatError
from blackbox_repo.roots.find import find_names, locate, locate_task
from blackbox_repo.roots.holding import Holding, quiet
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.roots.surrogates import with_surrogates
from blackbox_repo.store.manifest import CHECKSUM_FILE, MANIFEST_FILE, Manifest, Task
from blackbox_repo.store.surrogate_entry import SURROGATES

_UNSEALED = f"{MANIFEST_FILE} has no checksum; make it with sha256sum {MANIFEST_FILE} > {CHECKSUM_FILE}"


class LoadedBlackbox(Mapping[str, Blackbox]):
    """The tasks of a blackbox; a task is read, and the hash of its file checked, when it is first used.

    Attributes:
        manifest: The description of the blackbox.
        digest: The SHA-256 of its manifest, which stands for all its files.
        origin: The root in which it was found.
        folder: The folder with its files; ``None`` if it comes from a published root.
    """

    def __init__(self, holding: Holding, objectives: Sequence[str] | None = None) -> None:
        self.manifest, self.digest = holding.manifest, holding.digest
        self.origin, self.folder = holding.origin, holding.folder
        self._holding, self._objectives = holding, objectives
        self._read: dict[str, Blackbox] = {}

    def __getitem__(self, task: str) -> Blackbox:
        if task not in self._read:
            self._read[task] = self._load(task)
        return self._read[task]

    def __contains__(self, task: object) -> bool:
        return task in self.manifest.tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self.manifest.tasks)

    def __len__(self) -> int:
        return len(self.manifest.tasks)

    def __repr__(self) -> str:
        return f"<blackbox {self.manifest.name}: {len(self)} tasks>"

    def _load(self, task: str) -> Blackbox:
        from blackbox_repo.roots.fetch import load_task

        return load_task(self._holding, task, self._objectives)


def load_blackbox(
    name: str | Path, *, version: str | None = None, source: Source = DEFAULT
) -> LoadedBlackbox:
    """The tasks of a blackbox as a mapping from task to :class:`Blackbox`.

    What a remote root has is downloaded when it is first used, task by task, and kept in the user's cache.

    Args:
        name: A name that :func:`list_blackboxes` gives; or the path of a folder with a manifest; or a name
            behind the address of its root, such as ``"s3://bucket/prefix/fcnet"``.
        version: The version; by default the newest that the first root with the blackbox has.
        source: Which roots are searched, and what may be done to get the blackbox.

    Raises:
        UnknownName: There is no such blackbox or version; later, for a task that does not exist.
        FormatError: Its manifest is malformed, or newer than this code.
        IntegrityError: It is not the blackbox that its root or the lock file names; later, when a task's file
            is not the one that the manifest describes.
        RootUnavailable: A root does not answer, or something would have to be downloaded while offline.

    Example:
        >>> load_blackbox("nasbench201-final")["cifar100"]
        <TabularBlackbox nasbench201-final/cifar100>
    """
    return LoadedBlackbox(locate(name, source, version), source.objectives)


def load_named(name: str | Path, source: Source = DEFAULT) -> tuple[LoadedBlackbox, str | None]:
    """A blackbox, or one task of it, by a name such as ``"fcnet-final/protein_structure"``.

    Args:
        name: As for :func:`load_blackbox`, and perhaps a slash and the name of a task.
        source: As for :func:`load_blackbox`.

    Returns:
        The tasks, and the one that is named; ``None`` if none is.

    Raises:
        UnknownName: There is no such blackbox or task.
    """
    holding, task = locate_task(name, source)
    return LoadedBlackbox(holding, source.objectives), task


def list_blackboxes(source: Source = DEFAULT) -> list[str]:
    """The names of all blackboxes that can be loaded, sorted.

    Args:
        source: Which roots are asked.

    Raises:
        RootUnavailable: A root does not answer.
    """
    return find_names(source)


def describe(name: str | Path, *, version: str | None = None, source: Source = DEFAULT) -> Manifest:
    """The manifest of a blackbox: licence, citation, sources, schema, tasks, and known defects.

    Args:
        name: As for :func:`load_blackbox`.
        version: As for :func:`load_blackbox`.
        source: Which roots are searched.

    Raises:
        UnknownName: There is no such blackbox.
    """
    return locate(name, source, version).manifest


@dataclass(frozen=True)
class Finding:
    """The result of verifying one task; ``problem`` is empty if the task is intact."""

    task: str
    file: str
    problem: str


def verify(name: str | Path, *, version: str | None = None, source: Source = DEFAULT) -> list[Finding]:
    """Check the hash of the manifest, and of each task the file's hash, its decoding and its best values.

    The files of a blackbox in a remote root are downloaded. Surrogates that lie in the folder of the blackbox
    are checked, too.

    Args:
        name: As for :func:`load_blackbox`.
        version: As for :func:`load_blackbox`.
        source: Which roots are searched.

    Raises:
        UnknownName: There is no such blackbox.
        FormatError: Its manifest is malformed, or newer than this code.
    """
    holding = locate(name, source, version)
    unsealed = holding.folder is not None and not (holding.folder / CHECKSUM_FILE).is_file()
    findings = [
        Finding(task, entry.file, _problem(holding, task)) for task, entry in holding.manifest.tasks.items()
    ]
    _, *fitted = with_surrogates(holding)
    findings += [finding for surrogate in fitted for finding in _verify_surrogate(holding, surrogate)]
    return [Finding("", CHECKSUM_FILE, _UNSEALED)] * unsealed + findings


def _verify_surrogate(tables: Holding, surrogate: Holding) -> Iterator[Finding]:
    name, files = surrogate.manifest.name, {task: t.sha256 for task, t in tables.manifest.tasks.items()}
    try:
        surrogate.manifest.fitted().check_tables(tables.manifest.name, files)
    except FormatError as err:
        yield Finding(name, MANIFEST_FILE, str(err))
    assert surrogate.folder is not None
    place = f"{SURROGATES}/{surrogate.folder.name}"
    for task, entry in surrogate.manifest.tasks.items():
        yield Finding(f"{name}/{task}", f"{place}/{entry.file}", _problem(surrogate, task))


def _problem(holding: Holding, name: str) -> str:
    from blackbox_repo.store.loading import check_copy, check_file_parts, load_file

    try:
        path = holding.file(holding.manifest.task(name), quiet)
        blackbox = load_file(path, holding.manifest, name, cached=False)
        check_copy(path, holding.manifest, name)
        check_file_parts(path, holding.manifest, name)
        return _wrong_best(blackbox, holding.manifest.tasks[name])
    except (BlackboxRepoError, OSError) as err:
        return str(err)


def _wrong_best(blackbox: Blackbox, task: Task) -> str:
    for objective, best in task.best.items():
        found = blackbox.evaluate(best.configuration, best.fidelity, seed=best.seed)[objective]
        if found != best.value:
            return f"the best {objective} is {found}, but the manifest says {best.value}"
    return ""
