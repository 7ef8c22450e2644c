"""The command ``bb-repo cache``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson
from blackbox_repo.roots import downloads
from blackbox_repo.store import cache, surrogate_cache
from blackbox_repo.store.cache_folder import FOLDER_VARIABLE, downloads_folder, surrogates_folder
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable


@app.command("cache", cls=StrictCommand, epilog=examples("bb-repo cache", "bb-repo cache --clear"))
def cache_command(
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the decoded copies.")] = False,
    clear_downloads: Annotated[
        bool, typer.Option("--clear-downloads", help="Remove what was downloaded from remote roots.")
    ] = False,
    clear_surrogates: Annotated[
        bool, typer.Option("--clear-surrogates", help="Remove the surrogates that were fitted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show decoded copies of large tables, fitted surrogates, and what was downloaded from remote roots.

    A copy is made when a table is first used; later processes load the table faster from it. A surrogate is
    kept when it was fitted. All can be removed at any time: tables are decoded again, surrogates fitted
    again, and files downloaded again. The environment variable
    BLACKBOX_CACHE names another folder; if it is empty, no copies are made.
    """
    copies, fetched, fitted = cache.copies(), downloads.files(), surrogate_cache.kept()
    sizes = _size(copies), _size(fetched), _size(fitted)
    for chosen, files in ((clear, copies), (clear_downloads, fetched), (clear_surrogates, fitted)):
        for file in files if chosen else ():
            file.unlink(missing_ok=True)
    where = cache.folder()
    if as_json:
        facts = {"folder": where and str(where), "copies": len(copies), "bytes": sizes[0]}
        facts |= {"downloads": len(fetched), "downloaded_bytes": sizes[1]}
        typer.echo(json.dumps({**facts, "surrogates": len(fitted), "fitted_bytes": sizes[2]}))
    elif where is None:
        typer.echo(f"there is none, as {FOLDER_VARIABLE} is set to nothing")
    else:
        _show(where, f"{len(copies)} copies", sizes[0], removed=clear)
        if fetched:
            _show(downloads_folder(), f"{len(fetched)} downloads", sizes[1], removed=clear_downloads)
        if fitted:
            _show(surrogates_folder(), f"{len(fitted)} surrogates", sizes[2], removed=clear_surrogates)


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _show(folder: Path | None, what: str, size: int, *, removed: bool) -> None:
    typer.echo(printable(f"{folder}: {what}, {size / 1e6:.1f} MB{', removed' if removed else ''}"))
