"""Carry out a recipe: read, convert, check, save. All reading and writing of a conversion starts here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from blackbox_repo.errors import FormatError
from blackbox_repo.folders import tidy_up
from blackbox_repo.lock import alone
from blackbox_repo.manifest import Manifest, Task
from blackbox_repo.one_by_one import OneByOne
from blackbox_repo.storage import save_network, save_tables
from blackbox_repo.table import Table
from conversion_scripts.checks import check_table
from conversion_scripts.raw import RawFolder
from conversion_scripts.recipe import Conversion, Recipe


def build(
    recipe: Recipe,
    raw: Path,
    out: Path,
    *,
    command: str = "",
    report: Callable[[str], None] = lambda step: None,
) -> Manifest:
    """Convert a blackbox into the folder ``out / recipe.name``, which appears complete or not at all.

    Args:
        recipe: What to make.
        raw: The folder with the raw files.
        out: Where the blackbox's folder shall lie; an older one of that name is replaced.
        command: What made it, for the manifest; ``bb-convert NAME`` unless it is another.
        report: Told what happens now, in a few words.

    Returns:
        The manifest as written.

    Raises:
        InvalidOption: Raw files are missing.
        IntegrityError: A raw file is not the one that the recipe knows.
        FormatError: A raw file is damaged, or the result breaks a rule.
        Occupied: Another process is converting into the same folder.
    """
    target = out / recipe.name
    with alone(target):
        tidy_up(target)
        report("reading and converting")
        folder = RawFolder(raw, recipe.files)
        conversion = recipe.convert(folder)
        manifest = _manifest(recipe, conversion, folder, command or f"bb-convert {recipe.name}")
        if conversion.network is not None:
            return save_network(target, manifest, conversion.network.arrays, conversion.network.codes)
        tables = OneByOne(conversion.tables, partial(_checked, recipe, conversion, report))
        return save_tables(target, manifest, tables)


def _checked(recipe: Recipe, conversion: Conversion, report: Callable[[str], None], task: str) -> Table:
    name, table = f"{recipe.name}/{task}", conversion.tables[task]
    report(f"checking {task}")
    if set(table.labels) != set(recipe.labels):
        raise FormatError(f"{name} has the labels {list(table.labels)!r}, not {recipe.labels!r}")
    check_table(name, conversion.schema, table, recipe.nan_allowed)
    report(f"writing {task}")
    return table


def _manifest(recipe: Recipe, conversion: Conversion, folder: RawFolder, command: str) -> Manifest:
    network = conversion.network
    tasks = network.codes if network is not None else conversion.tables
    unfinished = {
        task: Task(
            file="unwritten",
            sha256="",
            bytes=0,
            title=conversion.titles.get(task, ""),
            ranges=conversion.ranges.get(task, {}),
            target=conversion.targets.get(task, ""),
        )
        for task in tasks
    }
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        title=recipe.title,
        license=recipe.license,
        citation=recipe.citation,
        homepage=recipe.homepage,
        recipe=command,
        schema=conversion.schema,
        tasks=unfinished,
        sources=folder.sources,
        card=recipe.card,
        default=recipe.default,
        labels=recipe.labels,
        network=None if network is None else network.spec,
    )
