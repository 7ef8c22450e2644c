"""The command ``bb-convert``: raw files in, a blackbox out."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Annotated, Optional

import typer

from blackbox_repo.cli.fitting import fit_and_store, show_stored
from blackbox_repo.cli.loading import explain_loading
from blackbox_repo.errors import BlackboxRepoError, InvalidOption
from blackbox_repo.fit_tables import FitOrder
from blackbox_repo.repository import load_blackbox
from blackbox_repo.roots.settings import read_settings
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.surrogate_entry import surrogate_folder
from blackbox_repo.text import console
from blackbox_repo.text.console import HELP_OPTIONS, StrictCommand, Version, examples
from blackbox_repo.text.humanize import format_count
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.progress import report_progress
from blackbox_repo.text.terminal import Column, Terminal
from blackbox_repo.user_folder import folder_for_new
from conversion_scripts.build import build
from conversion_scripts.expected_size import describe_shortfall
from conversion_scripts.offers import check_ready, fetch_raw_files
from conversion_scripts.raw import RawFile
from conversion_scripts.raw.default_folder import default_folder
from conversion_scripts.raw.download import can_download, source_url, variant_to_download
from conversion_scripts.raw.raw_file import total_size
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import all_recipes, load_recipe

_SIGNS = {"exact": "", "about": "~", "at least": ">"}


def _complete_name(incomplete: str) -> list[str]:
    return [name for name in all_recipes() if name.startswith(incomplete)]


app = console.CommandLine("bb-convert", pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(
    cls=StrictCommand,
    context_settings=dict(HELP_OPTIONS),
    epilog=examples(
        "bb-convert --list                   # which recipes there are",
        "bb-convert nasbench-macro --list    # what one needs",
        "bb-convert nasbench-macro --download",
        "bb-convert nasbench-macro --raw ~/raw --out ~/blackboxes",
        "bb-convert icml-deepar --download --surrogate forest",
        "bb-convert py:my_recipes:DIGITS --raw ~/measured --out ~/blackboxes",
    ),
)
def convert(  # noqa: PLR0913  a command line has as many options as it has
    name: Annotated[
        Optional[str],  # noqa: UP045  typer reads it
        typer.Argument(
            metavar="RECIPE",
            help="A recipe that --list shows, or your own as py:module:attribute (docs/add-a-blackbox.md).",
            autocompletion=_complete_name,
        ),
    ] = None,
    raw: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="PATH",
            help="The folder of the raw files, or one of these. With --download the default is a folder of "
            "the user's cache; for your own recipe it is raw in the current folder.",
        ),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="FOLDER",
            help="Write the blackbox to FOLDER/NAME. The default is the user's own folder, where all "
            "commands find it by its name.",
        ),
    ] = None,
    surrogate: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            metavar="MODEL",
            help="Then fit surrogates to the tables, and store them beside these (see bb-repo fit): "
            "forest, knn, extra_trees or xgboost.",
        ),
    ] = None,
    *,
    fetch: Annotated[
        bool, typer.Option("--download", help="First fetch the raw files that are not there yet.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Show all recipes, or with RECIPE its raw files.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error was raised.")] = False,
    version: Version = False,
) -> None:
    """Convert raw benchmark files into a blackbox: a folder with a manifest and a parquet file for each task.

    The environment variable BLACKBOX_HOME names another folder as the user's own. To load a blackbox from any
    other folder by its name, set BLACKBOX_PATH to that folder.

    Raw files are checked against the SHA-256 in the recipe, if it is known
    (RECIPE --list shows for which files it is), and the result against the rules of the format.
    The blackbox appears complete or not at all; an older version of it is replaced.
    A download that was interrupted continues where it ended. If no host gives a file,
    the error says where to get it and where to put it.
    """
    del version
    if list_:
        _show_recipes(Terminal(), name)
        return
    if name is None:
        raise InvalidOption("give the NAME of a recipe, or --list to see them; --help has an example")
    recipe = load_recipe(name)
    if raw is None and not fetch:
        raise InvalidOption(
            f"give the folder with the raw files as --raw, or --download to fetch them; "
            f"bb-convert {name} --list shows them"
        )
    if fetch and (origin := read_settings().offline_origin):
        raise InvalidOption(
            f"--download opens connections, which {origin} forbids; give the raw files as --raw"
        )
    out, command = out or folder_for_new(), f"bb-convert {name}"
    raw = raw or (Path("raw") if name.startswith("py:") else default_folder(name))
    try:
        check_ready(recipe, out, surrogate)
        if fetch:
            _download(recipe, raw, command)
        with console.interruptible(lambda: f"nothing was written to {out / recipe.name}"):
            _convert(recipe, raw, out, command)
            _fit(out / recipe.name, surrogate, command)
    except BlackboxRepoError:
        if debug:
            typer.echo(printable(traceback.format_exc(), keep="\n"), err=True)
        raise
    if fetch:
        _say(f"its raw files are kept in {raw}")
    _say(explain_loading(out / recipe.name))


def _download(recipe: Recipe, raw: Path, command: str) -> None:
    kept = f"the files downloaded so far are kept in {raw}; the same command continues from there"
    with console.interruptible(lambda: kept), report_progress(command) as reporter:
        fetch_raw_files(recipe, raw, reporter)


def _convert(recipe: Recipe, raw: Path, out: Path, command: str) -> None:
    with report_progress(command) as reporter:
        manifest = build(recipe, raw, out, command=command, report=reporter.step, watch=reporter.amount)
    if lacking := describe_shortfall(recipe.expected_size, manifest):
        typer.echo(printable(f"bb-convert: warning: the raw files have only {lacking}"), err=True)
    _say(f"{out / recipe.name}: {_summary(manifest)}")


def _fit(folder: Path, model: str | None, command: str) -> None:
    if model is None:
        return
    tables, place = load_blackbox(folder), surrogate_folder(folder, model)
    show_stored(fit_and_store(tables, FitOrder(model), place, (), command=command), place)


def _say(line: str) -> None:
    typer.echo(printable(line))


def _summary(manifest: Manifest) -> str:
    files = {task.file: task for task in manifest.tasks.values()}.values()
    rows = sum(task.rows for task in manifest.tasks.values())
    size = sum(file.bytes for file in files)
    content = format_count(rows, "training run") if manifest.network is None else "a surrogate network"
    return f"{format_count(len(manifest.tasks), 'task')}, {content}, {size / 1e6:.2f} MB of parquet"


def _show_recipes(terminal: Terminal, name: str | None) -> None:
    if name is None:
        _show_overview(terminal)
        return
    recipe = load_recipe(name)
    for line in (recipe.title, recipe.license, recipe.citation, recipe.homepage, ""):
        terminal.say(" ".join(line.split()))
    _show_files(terminal, recipe)


def _show_overview(terminal: Terminal) -> None:
    """One line for each recipe, with as many columns as the terminal has room for."""
    columns = [
        Column("recipe"),
        Column("files", right=True),
        Column("MB", right=True),
        Column("download"),
        Column("licence", wraps=True),
        Column("title", wraps=True),
    ]
    rows = []
    for recipe in all_recipes().values():
        files, how = recipe.files, "yes" if all(map(can_download, recipe.files)) else "by hand"
        rows.append((recipe.name, len(files), _megabytes(files), how, recipe.license, recipe.title))
    terminal.show_table(columns, rows)


def _show_files(terminal: Terminal, recipe: Recipe) -> None:
    """One line for each file and variant; an empty address means that of the line above."""
    columns = [
        Column("file below --raw (or its .gz)", wraps=True),
        Column("MB", right=True),
        Column("SHA-256"),
        Column("download"),
        Column("published at", wraps=True),
    ]
    rows = []
    for file in recipe.files:
        for variant in file.variants:
            known = "known" if variant.sha256 else "unknown"
            how = "yes" if can_download(file) and variant is variant_to_download(file) else "by hand"
            name = variant.name if variant is file else f"or {variant.name}"
            same = variant is not file and source_url(variant) == source_url(file)
            rows.append((name, _megabytes((variant,)), known, how, "" if same else source_url(variant)))
            if variant.members:
                rows.append(("or that archive unpacked", "", "unknown", "by hand", ""))
    terminal.show_table(columns, rows)


def _megabytes(files: tuple[RawFile, ...]) -> str:
    """The total size of the files whose size is known; empty if none is."""
    size, kind = total_size(files)
    return f"{_SIGNS[kind]}{size / 1e6:,.1f}" if size else ""


def main() -> None:
    """The entry point of ``bb-convert``."""
    app()


if __name__ == "__main__":
    main()
