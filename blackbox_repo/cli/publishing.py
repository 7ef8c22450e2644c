"""The commands that write a published root: ``publish``, ``mirror``, ``remove`` and ``gc``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson, Roots, complete_name, make_source
from blackbox_repo.errors import InvalidOption
from blackbox_repo.roots import publish as publishing
from blackbox_repo.roots.find import find_names, search
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.holding import ReportFile
from blackbox_repo.roots.publish import GRACE, Published
from blackbox_repo.roots.source import Source
from blackbox_repo.store.names import is_plain_name
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.humanize import format_count
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.progress import report_progress

Written = Annotated[
    str,
    typer.Argument(
        metavar="ROOT",
        help="The root to write: a folder, which becomes a published root, or an address such as "
        "s3://bucket/prefix.",
    ),
]
_KEPT = "what was written stays, and the same command continues from there"


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-repo publish nasbench-macro ./site",
        "bb-repo publish ./digits s3://team/blackboxes --version 1.1",
        "bb-repo publish --all-embedded s3://team/blackboxes",
    ),
)
def publish(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME...] ROOT",
            help="Blackboxes, by name or by the path of a folder, and at last the root to write.",
            autocompletion=complete_name,
        ),
    ],
    version: Annotated[
        str | None, typer.Option("--version", metavar="V", help="Publish it as this version.")
    ] = None,
    root: Roots = None,
    *,
    all_embedded: Annotated[
        bool, typer.Option("--all-embedded", help="Publish everything that ships with the code.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Read files that are there, and write damaged ones again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish blackboxes in a root, from which others load them.

    The files are written first, named by their SHA-256, then the manifest under its version, and the index
    last. So others see a version completely or not at all. A version never changes: if the root has it with
    the same content, there is nothing to do; other content is refused. The
    blackbox is looked for in ROOT itself last.
    """
    *chosen, target = names
    if not chosen and not all_embedded:
        raise InvalidOption("give the NAME of a blackbox before the ROOT, or --all-embedded")
    _check_target(target)
    if version is not None and len(chosen) != 1:
        raise InvalidOption("--version goes with one NAME only")
    source = Source(("package",)) if all_embedded else make_source(root)
    if all_embedded:
        chosen = [*find_names(source), *chosen]
    done = _watch(
        "bb-repo publish",
        lambda report: _publish(chosen, target, version, source=source, repair=repair, report=report),
    )
    _show(done, target, as_json=as_json)


@app.command(
    cls=StrictCommand, epilog=examples("bb-repo mirror https://host/blackboxes s3://team/blackboxes")
)
def mirror(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="The root to copy; or package, or user.")],
    target: Written,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy all blackboxes of a root into another one, in all their versions.

    What the other root has already is not copied again; what else it has stays.
    """
    done = _watch("bb-repo mirror", lambda report: publishing.mirror(origin, target, report))
    if not done:
        typer.echo(printable(f"bb-repo: warning: {origin} has no blackboxes, so none was copied"), err=True)
    _show(done, target, as_json=as_json)


@app.command(cls=StrictCommand, epilog=examples("bb-repo remove digits 1.0 s3://team/blackboxes"))
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A blackbox of the root.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version to remove.")],
    target: Written,
) -> None:
    """Remove a version from a root. Its files stay until bb-repo gc removes them."""
    publishing.remove(name, version, target)
    _say(f"{target}: {name} {version} is removed; bb-repo gc {target} removes its files in a day")


@app.command(
    cls=StrictCommand, epilog=examples("bb-repo gc s3://team/blackboxes", "bb-repo gc ./site --hours 0")
)
def gc(
    target: Written,
    hours: Annotated[
        float,
        typer.Option(min=0, metavar="N", help="Keep files that are younger, as they may be in use."),
    ] = GRACE / 3600,
    *,
    as_json: AsJson = False,
) -> None:
    """Remove the files of a root that no manifest names, and write its index again from the manifests.

    Files that a publisher has written before its manifest are named by no manifest yet. So --hours must be
    longer than a publisher needs.
    """
    removed = collect_garbage(target, grace=hours * 3600)
    size = sum(entry.size for entry in removed)
    if as_json:
        typer.echo(json.dumps({"files": len(removed), "bytes": size}))
        return
    _say(
        f"{target}: {format_count(len(removed), 'file')} removed, {size / 1e6:.1f} MB; what is younger than "
        f"{hours:g} h stays"
    )


def _watch(command: str, publish: Callable[[ReportFile], Iterator[Published]]) -> list[Published]:
    """What is published, while progress is shown."""
    done = []
    with console.interruptible(lambda: _KEPT), report_progress(command) as progress:
        for published in publish(progress.amount):
            progress.step(f"{published.name} {published.version}")
            done.append(published)
    return done


def _publish(
    names: Sequence[str],
    target: str,
    version: str | None,
    *,
    source: Source,
    repair: bool,
    report: ReportFile,
) -> Iterator[Published]:
    if version is None and not repair:
        yield from publishing.publish_all(names, target, source=source, report=report)
        return
    for name in names:
        yield publishing.publish(name, target, version=version, source=source, repair=repair, report=report)


def _check_target(target: str) -> None:
    """Refuse a name of a blackbox where the root should be, unless there is such a folder."""
    if is_plain_name(target) and not Path(target).exists() and search(target, Source(("package", "user"))):
        raise InvalidOption(
            f"the last argument is the root to write, but {target!r} is a blackbox; add the root, or write "
            f"./{target} for a folder of that name"
        )


def _show(done: list[Published], target: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([vars(each) for each in done]))
        return
    for each in done:
        what = f"{format_count(each.files, 'file')}, {each.bytes / 1e6:.2f} MB written"
        if not each.new:
            what = f"published already{f'; {what}' if each.files else ''}"
        _say(f"{target}: {each.name} {each.version} ({each.digest[:12]}): {what}")


def _say(line: str) -> None:
    typer.echo(printable(line))
