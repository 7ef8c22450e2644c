"""The command ``bb-convert``: raw files in, a blackbox out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

from blackbox_repo import console
from blackbox_repo.errors import InvalidOption
from blackbox_repo.manifest import Manifest
from conversion_scripts.build import build
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import RECIPES, load_recipe

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def convert(
    name: Annotated[Optional[str], typer.Argument(help="The recipe: a name that --list shows.")] = None,  # noqa: UP045  typer reads it
    raw: Annotated[Optional[Path], typer.Option(help="The folder with the raw files.")] = None,  # noqa: UP045
    out: Annotated[Path, typer.Option(help="Where to write the folder NAME.")] = Path(),
    *,
    list_: Annotated[
        bool, typer.Option("--list", help="Show all recipes, or with NAME the raw files of one.")
    ] = False,
) -> None:
    """Convert raw benchmark files into a blackbox: OUT/NAME with a manifest.json and a parquet file a task.

    Every raw file is checked against the SHA-256 in the recipe, the result against the rules of the format.
    The folder appears complete or not at all; an older version of it is replaced.

    Example: see what there is, see what one recipe needs, convert it:

        bb-convert --list

        bb-convert nasbench-macro --list

        bb-convert nasbench-macro --raw ~/raw --out ~/blackboxes
    """
    if list_:
        _show(Console(), name)
    elif name is None:
        raise InvalidOption("give the NAME of a recipe, or --list to see them; --help has an example")
    else:
        recipe = load_recipe(name)
        if raw is None:
            raise InvalidOption(
                f"give the folder with the raw files as --raw; bb-convert {name} --list shows them"
            )
        _convert(recipe, raw, out)


def _convert(recipe: Recipe, raw: Path, out: Path) -> None:
    stderr = Console(stderr=True)
    if stderr.is_terminal:
        with stderr.status(recipe.name) as status:
            manifest = build(recipe, raw, out, report=lambda step: status.update(f"{recipe.name}: {step}"))
    else:
        manifest = build(recipe, raw, out)
    typer.echo(f"{out / recipe.name}: {_summary(manifest)}")


def _summary(manifest: Manifest) -> str:
    files = {task.file: task for task in manifest.tasks.values()}.values()
    rows = sum(task.rows for task in manifest.tasks.values())
    size = sum(file.bytes for file in files)
    return f"{len(manifest.tasks)} tasks, {rows:,} training runs, {size / 1e6:.2f} MB of parquet"


def _show(terminal: Console, name: str | None) -> None:
    if name is None:
        table = Table("name", "title", "licence", "raw files", box=None, padding=(0, 2, 0, 0))
        for recipe in map(load_recipe, RECIPES):
            table.add_row(recipe.name, recipe.title, recipe.license, str(len(recipe.files)))
    else:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("file below --raw (or its .gz)", "repository", "path", "commit"):
            table.add_column(heading, overflow="fold")  # a path must be readable to its end
        for file in load_recipe(name).files:
            table.add_row(file.name, file.repository, file.path, file.commit[:12])
    terminal.print(table)


def main() -> None:
    """The entry point of ``bb-convert``."""
    console.run(app, "bb-convert")


if __name__ == "__main__":
    main()
