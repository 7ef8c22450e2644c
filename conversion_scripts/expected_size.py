"""The size that a complete source has; a blackbox made of a part of it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from blackbox_repo.store.manifest import Defect, Manifest

_NAMED = 3  # tasks that a message names


@dataclass(frozen=True)
class ExpectedSize:
    """What the complete source has; 0 where the number is unknown, or varies.

    Args:
        tasks: The number of data sets.
        configurations: The number of configurations on each data set.
    """

    tasks: int = 0
    configurations: int = 0


def describe_shortfall(expected: ExpectedSize, manifest: Manifest) -> str:
    """How much of the expected size a blackbox has, in words; empty if it has all."""
    tasks: dict[str, list[str]] = {}
    for task, part in _incomplete_tasks(expected, manifest):
        tasks.setdefault(part, []).append(task)
    found = [f"{part} of {_describe_tasks(names, len(manifest.tasks))}" for part, names in tasks.items()]
    if len(manifest.tasks) < expected.tasks:
        found.insert(0, f"{len(manifest.tasks)} of {expected.tasks} tasks")
    return ", ".join(found)


def _describe_tasks(names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return "each task"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def note_shortfall(expected: ExpectedSize, manifest: Manifest) -> Manifest:
    """The manifest with the shortfall, if there is one, in its card and in the titles of its tasks."""
    text = describe_shortfall(expected, manifest)
    if not text:
        return manifest
    tasks = dict(manifest.tasks)
    for task, part in _incomplete_tasks(expected, manifest):
        tasks[task] = replace(tasks[task], title=f"{tasks[task].title or task} ({part})")
    defect = Defect(f"the source was incomplete: {text}", "what it lacked is missing; nothing is filled in")
    return replace(manifest, tasks=tasks, card=(*manifest.card, defect))


def _incomplete_tasks(expected: ExpectedSize, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for name, task in manifest.tasks.items():
        if task.configurations < expected.configurations:
            yield name, f"{task.configurations:,} of {expected.configurations:,} configurations"
