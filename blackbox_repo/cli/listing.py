"""The command ``bb-repo list``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson, Offline, Roots, make_source
from blackbox_repo.roots.listing import Listed, list_contents
from blackbox_repo.roots.packages import find_missing_packages
from blackbox_repo.roots.pins import read_pins
from blackbox_repo.roots.settings import ALWAYS, NamedRoot, read_settings
from blackbox_repo.roots.source import Source
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.terminal import Column, Terminal

_COLUMNS = {
    "name": Column("blackbox"),
    "version": Column("version"),
    "tasks": Column("tasks", right=True),
    "configurations": Column("configurations", right=True),
    "time": Column("time"),
    "target": Column("target"),
    "megabytes": Column("MB", right=True),
    "license": Column("licence"),
    "fidelity": Column("fidelity", wraps=True),
    "root": Column("root", wraps=True),
}


@app.command(
    "list",
    cls=StrictCommand,
    epilog=examples("bb-repo list", "bb-repo list --json", "bb-repo list --root package --versions"),
)
def list_command(
    root: Roots = None,
    *,
    versions: Annotated[
        bool, typer.Option("--versions", help="List all versions, in all roots; not the one that is loaded.")
    ] = False,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """List the blackboxes that can be loaded by name.

    The table has the number of tasks and of configurations (- for a surrogate, which takes any), whether the
    time of training is recorded (if not, a simulation needs a time model), the target, the size, and the
    fidelities of the curves. A published root is asked for its index only, in one request. Where a lock file
    is in force, what it does not pin is not listed.

    The exit status is 1 if a blackbox is broken or a root does not answer; it is listed with the reason.
    """
    source = make_source(root, offline=offline)
    found = list_contents(source)
    chosen = found if versions else _first_of_each_name(_permitted(found))
    entries = [_entry(each) for each in chosen]
    if as_json:
        typer.echo(json.dumps(entries))
    else:
        _warn_of_missing_roots(source)
        _print(entries, source, versions=versions)
    if any(each.broken for each in chosen):
        raise typer.Exit(1)


def _permitted(found: list[Listed]) -> list[Listed]:
    """What the lock file in force, if any, permits to load; and what is broken."""
    pins = read_pins()
    if pins is None:
        return found
    typer.echo(printable(f"bb-repo: only what {pins.file} pins is loaded; --versions lists all"), err=True)
    pinned = {(name, pin.manifest) for name, pin in pins.blackboxes.items()}
    return [each for each in found if each.entry is None or (each.name, each.entry.manifest) in pinned]


def _first_of_each_name(found: list[Listed]) -> list[Listed]:
    first: dict[str, Listed] = {}
    for each in found:
        first.setdefault(each.name or each.root, each)
    return sorted(first.values(), key=lambda each: each.name)


def _entry(listed: Listed) -> dict[str, Any]:
    """A row of the list; for a broken blackbox all values but its name, its root and the reason are None."""
    entry, broken = listed.entry, listed.broken and console.describe(listed.broken)
    content = {
        "version": listed.version,
        "tasks": entry and entry.tasks,
        "configurations": entry and entry.configurations,
        "fidelity": entry and entry.fidelity,
        "time": entry and entry.time,
        "target": entry and entry.target,
        "license": entry and entry.license,
        "megabytes": entry and round(entry.bytes / 1e6, 1),
        "title": entry and entry.title,
        "manifest": entry and entry.manifest,
    }
    return {"name": listed.name, **content, "root": listed.root, "broken": broken}


def _print(entries: list[dict[str, Any]], source: Source, *, versions: bool) -> None:
    hidden = {"license"}
    if not versions and all(named.origin == ALWAYS for named in read_settings(source).roots):
        hidden |= {"version", "root"}
    keys = [key for key in _COLUMNS if key not in hidden]
    intact = [{**each, "time": each["time"] and "yes"} for each in entries if not each["broken"]]
    rows = [[_cell(each[key]) for key in keys] for each in intact]
    if not entries:
        typer.echo("bb-repo: warning: the roots have no blackboxes; see bb-repo config", err=True)
    if rows or not entries:
        Terminal().show_table([_COLUMNS[key] for key in keys], rows)
    broken = [(each["name"] or each["root"], each["broken"]) for each in entries if each["broken"]]
    if broken:
        typer.echo()
        Terminal().show_table((Column("broken"), Column("why", wraps=True)), broken)


def _warn_of_missing_roots(source: Source) -> None:
    for named in read_settings(source).roots:
        if named.is_missing:
            typer.echo(f"bb-repo: warning: {_describe(named)}, which is no folder", err=True)
    for problem in find_missing_packages():
        typer.echo(f"bb-repo: warning: {printable(problem)}", err=True)


def _describe(named: NamedRoot) -> str:
    return printable(f"{named.origin} names {named.address}")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
