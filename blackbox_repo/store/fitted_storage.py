"""Fitted surrogates on disk: a blackbox of their own that says of which tables they are (docs/format.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.store.atomic_directory import atomic_directory
from blackbox_repo.store.flat_arrays import flat_arrays_content
from blackbox_repo.store.manifest import Defect, Manifest, Task, read_manifest
from blackbox_repo.store.self_description import file_metadata
from blackbox_repo.store.storage import write_description
from blackbox_repo.store.surrogate_entry import (
    FORMAT,
    FittedTask,
    SurrogateEntry,
    TableOrigin,
    surrogate_name,
)
from blackbox_repo.surrogate.flat import flatten
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox


def save_surrogate(
    folder: Path, tables: Manifest, surrogates: Mapping[str, SurrogateBlackbox], recipe: str = ""
) -> Manifest:
    """Write the surrogates of the tables of a blackbox to a folder, completely or not at all.

    Args:
        folder: The folder to write; older surrogates in it are replaced.
        tables: The manifest of the blackbox whose tables they were fitted to.
        surrogates: Task -> its surrogate, all fitted in the same way.
        recipe: The command that fitted them.

    Returns:
        The manifest as written.

    Raises:
        InvalidOption: One was fitted in another way than the others, or is foreign code; nothing was written.
        FormatError: The folder that would be replaced is not a blackbox.
        AlreadyLocked: Another process is writing it.
    """
    manifest = _describe(tables, surrogates, recipe)
    with atomic_directory(folder, read_manifest) as partial:
        tasks = {
            task: _write_task(partial, manifest, task, surrogate) for task, surrogate in surrogates.items()
        }
        complete = replace(manifest, tasks=tasks)
        write_description(partial, complete)
    return complete


def common_info(surrogates: Mapping[str, SurrogateBlackbox]) -> SurrogateInfo:
    """How all of these were fitted, whichever the tables.

    Raises:
        InvalidOption: There is none, or two were fitted in different ways.
    """
    found = [_without_table(surrogate.info) for surrogate in surrogates.values()]
    for task, info in zip(surrogates, found, strict=True):
        if info != found[0]:
            raise InvalidOption(
                f"the surrogate of {task!r} was fitted in another way ({info}) than the first ({found[0]}); "
                f"what lies in one folder has one model, seed, settings, options and versions"
            )
    if not found:
        raise InvalidOption("there is no surrogate to write; fit at least one task")
    return found[0]


def _without_table(info: SurrogateInfo) -> SurrogateInfo:
    return replace(info, table="", rows=0, of=0, quality=None)


def _describe(tables: Manifest, surrogates: Mapping[str, SurrogateBlackbox], recipe: str) -> Manifest:
    info, fitted = common_info(surrogates), dict[str, FittedTask]()
    schema = _schema(tables, surrogates)
    for task, surrogate in surrogates.items():
        found = surrogate.info
        sha256, spec = tables.task(task).sha256, flatten(surrogate)[0]
        fitted[task] = FittedTask(found.table, sha256, found.rows, found.of, spec, found.quality)
    origin = TableOrigin(tables.name, tables.version)
    return replace(
        tables,
        name=surrogate_name(tables.name, info.model),
        title=f"{tables.title}; a surrogate ({info.model})",
        recipe=recipe or f"bb-repo fit {tables.name} --model {info.model}",
        card=(*tables.card, _PREDICTED),
        schema=schema,
        sources=(),
        labels=(),
        network=None,
        tasks={task: _unwritten(tables, task, schema, surrogates[task]) for task in surrogates},
        surrogate=SurrogateEntry(
            FORMAT, info.model, origin, info.seed, info.settings, info.options, info.versions, fitted
        ),
    )


_PREDICTED = Defect(
    "every value is predicted by a model that was fitted to the tables, also those that the tables have",
    "views.with_surrogate looks up what a table has and predicts the rest; the quality of each task says "
    "how far predictions of configurations that were left out are off",
)


def _schema(tables: Manifest, surrogates: Mapping[str, SurrogateBlackbox]) -> Schema:
    first = next(iter(surrogates.values())).schema
    names = [objective.name for objective in first.objectives]
    schema = replace(tables.schema, space=first.space)
    if names != [objective.name for objective in schema.objectives]:
        schema = schema.with_objectives(names)
    for task, surrogate in surrogates.items():
        if surrogate.schema.with_target(schema.target).meaning() != schema.meaning():
            raise InvalidOption(
                f"the surrogate of {task!r} has another space or other objectives than {tables.name!r}, or "
                f"than the first; what lies in one folder has one space"
            )
    return schema


def _unwritten(tables: Manifest, task: str, schema: Schema, surrogate: SurrogateBlackbox) -> Task:
    given, target = tables.task(task), surrogate.schema.target
    known = {objective.name for objective in schema.objectives}
    return Task(
        file=f"{task}.parquet",
        sha256=hashlib.sha256().hexdigest(),
        bytes=1,
        title=given.title,
        ranges={name: limits for name, limits in given.ranges.items() if name in known},
        target="" if target == schema.target else target,
    )


def _write_task(folder: Path, manifest: Manifest, task: str, surrogate: SurrogateBlackbox) -> Task:
    given = manifest.task(task)
    content = flat_arrays_content(flatten(surrogate)[1], file_metadata(manifest, task))
    (folder / given.file).write_bytes(content)
    return replace(given, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
