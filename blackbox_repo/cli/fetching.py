"""The commands ``fetch``, ``lock`` and ``config``: what comes from where, and which of it is meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson, Offline, Roots, Version, complete_name, make_source
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots import pins, settings
from blackbox_repo.roots.fetch import fetch_file, fetch_parts, reads_parts
from blackbox_repo.roots.find import locate_any, locate_task
from blackbox_repo.roots.holding import Holding, ReportFile
from blackbox_repo.store import atomic_file
from blackbox_repo.store.cache_folder import downloads_folder
from blackbox_repo.store.cache_folder import folder as copies_folder
from blackbox_repo.store.lock import exclusive
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.progress import report_progress
from blackbox_repo.text.terminal import Column, Terminal
from blackbox_repo.transfer.connections import SCHEMES, format_url, scheme_of
from blackbox_repo.user_folder import user_folder

_HARMLESS = ("endpoint_url", "profile", "anon", "region_name", "timeout", "token_file", "use_ssl")
"""Options whose values are shown; others may be secrets."""
_WRITTEN = {True: "yes", False: "no", None: "-"}


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-repo fetch fcnet --root s3://team/blackboxes",
        "bb-repo fetch nasbench201/cifar10 --objectives valid_accuracy,elapsed_time",
        "bb-repo fetch nasbench201 --convert",
    ),
)
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[/TASK]...",
            help="Blackboxes, or single tasks of them.",
            autocompletion=complete_name,
        ),
    ],
    objectives: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these objectives, if that moves fewer bytes than all."),
    ] = None,
    version: Version = None,
    root: Roots = None,
    *,
    convert: Annotated[
        bool, typer.Option("--convert", help="Convert raw files where no root has the blackbox.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Download blackboxes, so that they can be loaded offline and without waiting.

    Every file is checked against the manifest before it is kept. A download that was interrupted continues
    where it ended. Files that are on this machine are not downloaded again. --json has the path of each file.
    """
    source = make_source(root, convert=convert)
    wanted = [name for name in (objectives or "").split(",") if name]
    kept = "what was downloaded so far is kept; the same command continues from there"
    found = []
    with console.interruptible(lambda: kept), report_progress("bb-repo fetch") as progress:
        for name in names:
            progress.step(name)
            holding, task = locate_task(name, source, version)
            tasks = holding.manifest.tasks if task is None else [task]
            found += [_fetch(holding, each, wanted, progress.amount) for each in tasks]
    if as_json:
        typer.echo(json.dumps(found))
        return
    rows = [(each["blackbox"], each["version"], each["task"], f"{each['bytes']:,}") for each in found]
    headings = (Column("blackbox"), Column("version"), Column("task"), Column("bytes", right=True))
    Terminal().show_table(headings, rows)
    for folder in dict.fromkeys(str(Path(each["path"]).parent) for each in found if each["path"]):
        typer.echo(printable(f"files in {folder}"))


def _fetch(holding: Holding, task: str, objectives: list[str], report: ReportFile) -> dict[str, Any]:
    entry = holding.manifest.task(task)
    facts = {"blackbox": holding.manifest.name, "version": holding.manifest.version, "task": task}
    if objectives and reads_parts(holding.manifest, task, objectives):
        parts = fetch_parts(holding, task, objectives)
        return {**facts, "bytes": sum(part.bytes for part in parts), "path": None}
    path = fetch_file(holding, task, report)
    return {**facts, "bytes": entry.bytes, "path": str(path)}


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-repo lock fcnet nasbench201 --root s3://team/blackboxes > blackboxes.lock",
        "bb-repo lock fcnet --out ci/blackboxes.lock",
    ),
)
def lock(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[@VERSION]...",
            help="Blackboxes; the newest version unless one is given.",
            autocompletion=complete_name,
        ),
    ],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write FILE instead of printing.")] = None,
    root: Roots = None,
    *,
    offline: Offline = False,
) -> None:
    """Print a lock file: the versions and hashes of blackboxes as they are now.

    Where a lock file is in force, nothing else is loaded, whatever the roots have. In force is the file
    blackboxes.lock in the working folder, or the one that the environment variable BLACKBOX_LOCK names. The
    file names no root and no machine, so it can be committed.
    """
    source = make_source(root, offline=offline)
    found = []
    for given in names:
        name, at, version = given.rpartition("@")
        found.append(locate_any(name, source, version) if at else locate_any(given, source))
    text = pins.pins_text(found)
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists() and not out.is_file():  # such as /dev/stdout
        out.write_text(text, encoding="utf-8")
    else:
        with exclusive(out):  # completely or not at all: the file that is there may be needed
            atomic_file.write(out.resolve(), text.encode())
    typer.echo(printable(f"{out}: {', '.join(names)}"))


_CONFIG = """Show which roots are searched, in which order, what named them, and where things are kept.

Roots are named by --root, else by the environment variables BLACKBOX_ROOTS (one a line) and BLACKBOX_PATH
(folders only), else by the configuration file. Values of options that may be secret are not shown.

\b
The configuration file is TOML:
  roots = ["s3://team/blackboxes", "https://host/blackboxes"]
  offline = false
  [options."s3://team"]
  profile = "team"                  # or anon = true
  endpoint_url = "https://minio.example.org"
  client_kwargs = {region_name = "eu-central-1"}
  [options."https://host"]
  token_file = "/home/me/.token"
"""


@app.command(
    help=_CONFIG,
    cls=StrictCommand,
    epilog=examples("bb-repo config", "bb-repo config --root s3://team --json"),
)
def config(root: Roots = None, *, offline: Offline = False, as_json: AsJson = False) -> None:
    """Show what is in force."""
    found = settings.read_settings(make_source(root, offline=offline))
    facts: dict[str, Any] = {
        "configuration_file": _text_of(found.file),
        "configuration_file_exists": bool(found.file and found.file.is_file()),
        "offline": bool(found.offline_origin),
        "offline_named_by": found.offline_origin or None,
        "lock_file": _describe_lock(),
        "own_blackboxes": _text_of(user_folder()),
        "downloads": _text_of(downloads_folder()),
        "decoded_copies": _text_of(copies_folder()),
    }
    rows = [_row(named, found) for named in found.roots]
    if as_json:
        typer.echo(json.dumps({**facts, "roots": rows}))
        return
    Terminal().show_table(
        (Column("root"), Column("named by"), Column("options", wraps=True)),
        [(each["root"], each["named_by"], _join(each["options"])) for each in rows],
    )
    typer.echo()
    Terminal().show_table(
        (Column("what"), Column("is", wraps=True)),
        [(name.replace("_", " "), _WRITTEN.get(value) or value) for name, value in facts.items()],
    )


def _row(named: settings.NamedRoot, found: settings.Settings) -> dict[str, Any]:
    options = {name: _shown(name, value) for name, value in found.options_for(named.address).items()}
    return {"root": named.address.text, "named_by": named.origin, "options": options}


def _describe_lock() -> str | None:
    try:
        locked = pins.read_pins()
    except BlackboxRepoError as err:  # what is in force is of interest all the more
        return printable(err)
    return None if locked is None else str(locked.file)


def _text_of(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _shown(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {key: _shown(key, inner) for key, inner in value.items()}
    if name not in _HARMLESS:
        return "(not shown)"
    if name == "endpoint_url":
        return format_url(str(value)) if scheme_of(str(value)) in SCHEMES else "(not shown, as no address)"
    if name == "token_file" and not Path(str(value)).expanduser().is_absolute():
        return "(not shown, as no absolute path)"  # but perhaps the token
    return value


def _join(options: dict[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in options.items()) or "-"
