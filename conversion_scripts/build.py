"""Carry out a recipe: read, convert, check, save. All reading and writing of a conversion starts here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blackbox_repo.errors import FormatError
from blackbox_repo.manifest import Manifest, Task
from blackbox_repo.storage import save_network, save_tables
from conversion_scripts.checks import check_table
from conversion_scripts.raw import RawFolder
from conversion_scripts.recipe import Conversion, Recipe


def build(
    recipe: Recipe, raw: Path, out: Path, *, report: Callable[[str], None] = lambda step: None
) -> Manifest:
    """Convert a blackbox into the folder ``out / recipe.name``, which appears complete or not at all.

    Args:
        recipe: What to make.
        raw: The folder with the raw files.
        out: Where the blackbox's folder shall lie; an older one of that name is replaced.
        report: Told what happens now, in a few words.

    Returns:
        The manifest as written.

    Raises:
        InvalidOption: Raw files are missing.
        IntegrityError: A raw file is not the one that the recipe knows.
        FormatError: A raw file is damaged, or the result breaks a rule.
    """
    report("reading and converting")
    folder = RawFolder(raw, recipe.files)
    conversion = recipe.convert(folder)
    for task, table in conversion.tables.items():
        report(f"checking {task}")
        if set(table.labels) != set(recipe.labels):
            raise FormatError(
                f"{recipe.name}/{task} has the labels {list(table.labels)!r}, not {recipe.labels!r}"
            )
        check_table(f"{recipe.name}/{task}", conversion.schema, table, recipe.nan_allowed)
    report("writing")
    manifest, target = _manifest(recipe, conversion, folder), out / recipe.name
    if conversion.network is not None:
        return save_network(target, manifest, conversion.network.arrays, conversion.network.codes)
    return save_tables(target, manifest, conversion.tables)


def _manifest(recipe: Recipe, conversion: Conversion, folder: RawFolder) -> Manifest:
    network = conversion.network
    tasks = network.codes if network is not None else conversion.tables
    unfinished = {task: Task("unwritten", "", 0, title=conversion.titles.get(task, "")) for task in tasks}
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        title=recipe.title,
        license=recipe.license,
        citation=recipe.citation,
        homepage=recipe.homepage,
        recipe=f"bb-convert {recipe.name}",
        schema=conversion.schema,
        tasks=unfinished,
        sources=folder.sources,
        card=recipe.card,
        default=recipe.default,
        labels=recipe.labels,
        network=None if network is None else network.spec,
    )
