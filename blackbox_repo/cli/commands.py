"""The commands ``info``, ``verify``, ``benchmarks`` and ``tabulate``."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.fitting import show_quality
from blackbox_repo.cli.loading import explain_loading
from blackbox_repo.cli.options import AsJson, Name, Offline, Roots, Version, complete_name, make_source
from blackbox_repo.errors import BlackboxRepoError, FormatError, RootUnavailable
from blackbox_repo.repository import Finding, list_blackboxes, verify
from blackbox_repo.roots.find import locate
from blackbox_repo.roots.pins import read_pins
from blackbox_repo.roots.source import Source
from blackbox_repo.roots.surrogates import find_surrogates
from blackbox_repo.store.manifest import MANIFEST_FILE
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.humanize import format_count
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.terminal import Column, Terminal
from blackbox_repo.user_folder import folder_for_new


@app.command(
    cls=StrictCommand, epilog=examples("bb-repo info nasbench201-final", "bb-repo info yahpo-lcbench --json")
)
def info(
    name: Name,
    version: Version = None,
    root: Roots = None,
    *,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Describe a blackbox.

    The page has its search space, objectives and tasks, its sources, licence and citation, and the known
    defects of the data with how they are treated. --json prints its manifest.
    """
    source = make_source(root, offline=offline)
    holding = locate(name, source, version)
    manifest = holding.manifest
    if as_json:
        typer.echo(json.dumps(manifest.to_json(), allow_nan=False))
        return
    from blackbox_repo.cli.description import print_description

    print_description(manifest)
    if manifest.surrogate is not None:
        show_quality(manifest, "surrogates")
        return
    for found in find_surrogates(holding, source):
        show_quality(found.manifest, f"surrogate {found.manifest.fitted().model} ({found.origin})")


@app.command(
    "verify", cls=StrictCommand, epilog=examples("bb-repo verify", "bb-repo verify nasbench-nlp taskset")
)
def verify_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Blackboxes; by default all, or those in the lock file.",
            autocompletion=complete_name,
        ),
    ] = None,
    root: Roots = None,
    *,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Check the files of blackboxes against their manifests: hashes, content, best values.

    The files of remote roots are downloaded.
    The exit status is 1 if a check of any of them fails; the others are checked nevertheless.
    """
    source = make_source(root, offline=offline)
    for name in names or ():
        with suppress(FormatError, RootUnavailable):  # which are findings
            locate(name, source)
    pinned = read_pins()
    checked = names or (sorted(pinned.blackboxes) if pinned else list_blackboxes(source))
    findings = [(name, finding) for name in checked for finding in _findings(name, source)]
    if as_json:
        typer.echo(json.dumps([{"blackbox": name, **vars(finding)} for name, finding in findings]))
    else:
        rows = [(name, each.task, each.file, each.problem or "ok") for name, each in findings]
        wrapping = [Column(heading, wraps=True) for heading in ("task", "file", "finding")]
        Terminal().show_table((Column("blackbox"), *wrapping), rows)
    if any(finding.problem for _, finding in findings):
        raise typer.Exit(1)


def _findings(name: str, source: Source) -> list[Finding]:
    try:
        return verify(name, source=source)
    except (BlackboxRepoError, OSError) as err:
        return [Finding("-", MANIFEST_FILE, console.describe(err))]


@app.command(cls=StrictCommand, epilog=examples("bb-repo benchmarks", "bb-repo benchmarks --json"))
def benchmarks(as_json: AsJson = False) -> None:  # noqa: FBT002  a flag of the command line
    """List the benchmarks, tuning problems that bb-sim run knows by name.

    For each: what is optimized, how many workers train at a time, the budget, and the task of a blackbox.
    """
    from blackbox_repo.benchmark import BENCHMARKS, available_benchmarks

    available = available_benchmarks()
    if as_json:
        typer.echo(json.dumps([vars(benchmark) for benchmark in available]))
        return
    rows = [
        (b.name, b.workers, b.budget, ", ".join(b.objectives), f"{b.blackbox}/{b.task}", b.title)
        for b in available
    ]
    columns = (
        Column("benchmark"),
        Column("workers", right=True),
        Column("budget", right=True),
        *(Column(heading, wraps=True) for heading in ("objective", "blackbox/task", "what")),
    )
    Terminal().show_table(columns, rows)
    needed = sorted({b.blackbox for b in BENCHMARKS.values()} - {b.blackbox for b in available})
    if needed:
        missing = len(BENCHMARKS) - len(available)
        typer.echo(f"\n{missing} more need blackboxes that bb-convert can make: {', '.join(needed)}")


@app.command(
    cls=StrictCommand,
    epilog=examples("bb-repo tabulate yahpo-lcbench --configurations 50 --task 3945 --task 7593"),
)
def tabulate(
    name: Name,
    configurations: Annotated[int, typer.Option(min=1, metavar="N", help="Configurations to draw.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write the new blackbox to FOLDER/NAME-N. The default is the user's own folder, where all "
            "commands find it by its name.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed draws other configurations.")] = 0,
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Only this task; may be repeated.")
    ] = None,
) -> None:
    """Make a table of N configurations of a surrogate, with exactly its values.

    Values are then looked up instead of computed. The configurations are the same for all tasks. A large
    table can be reduced to N configurations too.
    """
    from blackbox_repo.tabulate import save_tabulated
    from blackbox_repo.text.progress import report_progress

    out = out or folder_for_new()
    with (
        console.interruptible(lambda: "nothing was written"),
        report_progress("bb-repo tabulate") as progress,
    ):
        tasks = task or ()
        manifest = save_tabulated(name, configurations, out, seed=seed, tasks=tasks, report=progress.step)
    megabytes = sum(entry.bytes for entry in manifest.tasks.values()) / 1e6
    _say(f"{out / manifest.name}: {format_count(len(manifest.tasks), 'task')}, {megabytes:.2f} MB of parquet")
    _say(explain_loading(out / manifest.name))


def _say(line: str) -> None:
    typer.echo(printable(line))
