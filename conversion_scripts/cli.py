"""The command ``bb-convert``: raw files in, a blackbox out."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.table import Table

from blackbox_repo import console
from blackbox_repo.errors import BlackboxRepoError, InvalidOption
from blackbox_repo.manifest import Manifest
from blackbox_repo.progress import told
from blackbox_repo.words import counted
from conversion_scripts.build import build, check_place
from conversion_scripts.completeness import shortfall
from conversion_scripts.download import can_download, download, packing_fetched, place
from conversion_scripts.raw import RawFile
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import RECIPES, load_recipe

DOWNLOADED = Path("raw")
# columns of the terminal: for a licence unless it is wide, and the fewest for a title
_LICENCE, _WIDE, _TITLE = 15, 140, 30

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def convert(
    name: Annotated[
        Optional[str],  # noqa: UP045  typer reads it
        typer.Argument(help="A recipe that --list shows, or your own as py:module:attribute."),
    ] = None,
    raw: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help=f"The folder of the raw files, or one of these; by default {DOWNLOADED} with --download."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write the folder NAME.")] = Path(),
    *,
    fetch: Annotated[
        bool, typer.Option("--download", help="First fetch the raw files that the folder lacks.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Show all recipes, or with NAME the raw files of one.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error was raised.")] = False,
) -> None:
    """Convert raw benchmark files into a blackbox: OUT/NAME with a manifest.json and a parquet file a task.

    Raw files are checked against the SHA-256 in the recipe, where it is known
    (NAME --list says of which it is), the result against the rules of the format.
    The folder appears complete or not at all; an older version of it is replaced.
    A download that was cut goes on where it ended; a file that no host gives is
    named, with where to get and to put it.

    See what there is, and what one recipe needs:

        bb-convert --list

        bb-convert nasbench-macro --list

    Fetch the raw files and convert them:

        bb-convert nasbench-macro --download --out ~/blackboxes

    Convert files that are there already, or your own (docs/add-a-blackbox.md):

        bb-convert nasbench-macro --raw ~/raw --out ~/blackboxes

        bb-convert py:my_recipes:DIGITS --raw ~/measured --out ~/blackboxes
    """
    if list_:
        _show(Console(), name)
        return
    if name is None:
        raise InvalidOption("give the NAME of a recipe, or --list to see them; --help has an example")
    recipe = load_recipe(name)
    if raw is None and not fetch:
        raise InvalidOption(
            f"give the folder with the raw files as --raw, or --download to fetch them; "
            f"bb-convert {name} --list shows them"
        )
    raw, command = raw or DOWNLOADED, f"bb-convert {name}"
    try:
        if fetch:
            check_place(out / recipe.name)
            _download(recipe, raw, command)
        _convert(recipe, raw, out, command)
    except BlackboxRepoError:
        if debug:
            traceback.print_exc()
        raise


def _download(recipe: Recipe, raw: Path, command: str) -> None:
    with told(command) as teller:
        teller.step("downloading")
        download(recipe.files, raw, report=lambda file, done, total: teller.amount(file.name, done, total))


def _convert(recipe: Recipe, raw: Path, out: Path, command: str) -> None:
    with told(command) as teller:
        manifest = build(recipe, raw, out, command=command, report=teller.step, watch=teller.amount)
    if lacking := shortfall(recipe.whole, manifest):
        typer.echo(f"bb-convert: warning: the raw files have {lacking} only", err=True)
    typer.echo(f"{out / recipe.name}: {_summary(manifest)}")


def _summary(manifest: Manifest) -> str:
    files = {task.file: task for task in manifest.tasks.values()}.values()
    rows = sum(task.rows for task in manifest.tasks.values())
    size = sum(file.bytes for file in files)
    content = counted(rows, "training run") if manifest.network is None else "a surrogate network"
    return f"{counted(len(manifest.tasks), 'task')}, {content}, {size / 1e6:.2f} MB of parquet"


def _show(terminal: Console, name: str | None) -> None:
    if name is None:
        terminal.print(_overview(terminal.width))
        return
    recipe = load_recipe(name)
    for line in (recipe.title, recipe.license, recipe.citation, recipe.homepage):
        terminal.print(line, highlight=False, markup=False)
    terminal.print(_files(recipe))


def _overview(width: int) -> Table:
    """A line a recipe; the titles are cut, or left out, where the terminal is narrow."""
    recipes = [load_recipe(name) for name in RECIPES]
    licence = max(len(recipe.license) for recipe in recipes) if width >= _WIDE else _LICENCE
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("licence", max_width=licence)
    table.add_column("files", justify="right", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("download", no_wrap=True)
    used = max(len(recipe.name) for recipe in recipes) + licence + len("files1,234.5download") + 5 * 2
    room = width - used if width - used > _TITLE else 0
    if room:
        table.add_column("title", no_wrap=True)
    for recipe in recipes:
        files, title = recipe.files, recipe.title
        cut = [title if len(title) <= room else f"{title[: room - 1]}…"] if room else []
        how = "yes" if all(map(can_download, files)) else "by hand"
        table.add_row(recipe.name, recipe.license, str(len(files)), _megabytes(files), how, *cut)
    return table


def _files(recipe: Recipe) -> Table:
    """A line a file and packing; where nothing else is said, a packing is published where the file is."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("file below --raw (or its .gz)", "MB", "SHA-256", "download", "published at"):
        table.add_column(heading, justify="right" if heading == "MB" else "left", overflow="fold")
    for file in recipe.files:
        for packing in (file, *file.instead):
            known = "known" if packing.sha256 else "unknown"
            how = "yes" if can_download(file) and packing is packing_fetched(file) else "by hand"
            name = packing.name if packing is file else f"or {packing.name}"
            same = packing is not file and place(packing) == place(file)
            table.add_row(name, _megabytes((packing,)), known, how, "" if same else place(packing))
            if packing.members:
                table.add_row("or that archive unpacked", "", "unknown", "by hand")
    return table


def _megabytes(files: tuple[RawFile, ...]) -> str:
    """The size of all files, or of those whose size is known; nothing if it is of none."""
    known = [file.size or file.about for file in files if file.size or file.about]
    roughly = "~" if any(file.about for file in files) else ""
    sign = ">" if len(known) < len(files) else roughly
    return f"{sign}{sum(known) / 1e6:,.1f}" if known else ""


def main() -> None:
    """The entry point of ``bb-convert``."""
    console.run(app, "bb-convert")


if __name__ == "__main__":
    main()
