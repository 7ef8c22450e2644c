"""Getting the tasks of a blackbox that was found: downloaded if need be, checked, decoded.

What reads single objectives is imported where it is used, because it needs pyarrow; a decoded copy does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import IntegrityError
from blackbox_repo.roots.holding import Holding, ReportFile
from blackbox_repo.store.loading import load_file, read_checked
from blackbox_repo.store.manifest import Manifest, Task
from blackbox_repo.store.parts import Part, footer_part
from blackbox_repo.text.late_progress import report_once_used

_T = TypeVar("_T")


def load_task(holding: Holding, task: str, objectives: Sequence[str] | None) -> Blackbox:
    """One task of a blackbox; progress is shown while it is downloaded.

    Args:
        holding: The blackbox.
        task: The name of the task.
        objectives: Only these objectives; ``None`` for all.

    Raises:
        UnknownName: There is no such task or objective.
        RootUnavailable: It cannot be downloaded.
        IntegrityError: Its file is not the one that the manifest describes. A damaged download is removed
            and comes again first.
    """
    manifest, entry = holding.manifest, holding.manifest.task(task)
    if objectives is not None and reads_parts(manifest, task, objectives):
        from blackbox_repo.store.columns import load_objectives

        found = fetch_parts(holding, task, objectives)
        return load_objectives(manifest, task, objectives, found.__getitem__, _where(manifest, entry))
    with report_once_used(f"fetching {manifest.name}") as progress:
        whole = _use_file(holding, entry, progress.amount, lambda path: load_file(path, manifest, task))
    if objectives is None:
        return whole
    from blackbox_repo.store.columns import narrow

    return narrow(whole, objectives)


def fetch_file(holding: Holding, task: str, report: ReportFile) -> Path:
    """The file of a task on this machine, downloaded if need be; its hash has been checked now.

    Raises:
        UnknownName: There is no such task.
        RootUnavailable: It cannot be downloaded.
        IntegrityError: It is not the file that the manifest describes.
    """
    entry = holding.manifest.task(task)
    _use_file(holding, entry, report, lambda path: read_checked(path, entry))
    return holding.file(entry, report)


def reads_parts(manifest: Manifest, task: str, objectives: Sequence[str]) -> bool:
    """Whether some objectives are read from parts of a task's file, and not from all of it.

    Raises:
        UnknownName: There is no such task or objective.
        InvalidOption: None of the objectives has a goal.
    """
    from blackbox_repo.store.columns import is_worth_it

    return manifest.network is None and is_worth_it(manifest, task, objectives)


def fetch_parts(holding: Holding, task: str, objectives: Sequence[str]) -> dict[Part, bytes]:
    """The verified parts of a task's file that hold some objectives; they are on this machine afterwards.

    Raises:
        RootUnavailable: They cannot be downloaded.
        IntegrityError: They are not what the manifest describes.
    """
    entry = holding.manifest.task(task)
    assert entry.parts is not None, "reads_parts has said so"
    from blackbox_repo.store.columns import needed_parts

    footer = footer_part(entry.parts, entry.bytes)
    found = holding.parts(entry, [footer])
    needed = needed_parts(holding.manifest, task, objectives, found[footer], _where(holding.manifest, entry))
    return {**found, **holding.parts(entry, needed)}


def _where(manifest: Manifest, entry: Task) -> str:
    return f"{entry.file} of {manifest.name!r}"


def _use_file(holding: Holding, entry: Task, report: ReportFile, use: Callable[[Path], _T]) -> _T:
    """What is made of the file of a task; a download that was damaged since then is downloaded again."""
    try:
        return use(holding.file(entry, report))
    except IntegrityError:
        if not holding.discard(entry):
            raise
        return use(holding.file(entry, report))
