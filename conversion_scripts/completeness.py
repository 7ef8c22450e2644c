"""How much there was of a source whose size is known; a table of a part of it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from blackbox_repo.store.manifest import Defect, Manifest

_TOLD = 3  # tasks by name


@dataclass(frozen=True)
class Whole:
    """What the complete source has; 0 where nobody knows, or where it varies.

    Args:
        tasks: How many data sets.
        configurations: How many in each of them.
    """

    tasks: int = 0
    configurations: int = 0


def shortfall(whole: Whole, manifest: Manifest) -> str:
    """What a blackbox has of the whole, in words; empty if it is all there."""
    tasks: dict[str, list[str]] = {}
    for task, part in _parts(whole, manifest):
        tasks.setdefault(part, []).append(task)
    found = [f"{part} of {_listed(names, len(manifest.tasks))}" for part, names in tasks.items()]
    if len(manifest.tasks) < whole.tasks:
        found.insert(0, f"{len(manifest.tasks)} of {whole.tasks} tasks")
    return ", ".join(found)


def _listed(names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return "each task"
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more


def marked(whole: Whole, manifest: Manifest) -> Manifest:
    """The manifest with the shortfall in its card and in the titles of its tasks."""
    text = shortfall(whole, manifest)
    if not text:
        return manifest
    tasks = dict(manifest.tasks)
    for task, part in _parts(whole, manifest):
        tasks[task] = replace(tasks[task], title=f"{tasks[task].title or task} ({part})")
    defect = Defect(f"the source was incomplete: {text}", "what it lacked is missing; nothing is filled in")
    return replace(manifest, tasks=tasks, card=(*manifest.card, defect))


def _parts(whole: Whole, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for name, task in manifest.tasks.items():
        if task.configurations < whole.configurations:
            yield name, f"{task.configurations:,} of {whole.configurations:,} configurations"
