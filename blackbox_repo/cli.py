"""bb-repo: what blackboxes there are, what they hold, and whether they are intact."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from blackbox_repo import console
from blackbox_repo.manifest import Manifest
from blackbox_repo.repository import describe, list_blackboxes, verify
from blackbox_repo.words import counted

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Name = Annotated[str, typer.Argument(help="A blackbox's name (see bb-repo list), or the path of its folder.")]

_NUMBERS = ("tasks", "configurations", "workers", "budget", "MB", "R2", "rank correlation")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="List, describe and verify blackboxes: tabulated benchmarks with their learning curves.",
)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:  # noqa: FBT002  a flag of the command line
    """List the blackboxes that can be loaded by name: the embedded ones, and those below BLACKBOX_PATH.

    Try:

        bb-repo list

        bb-repo list --json
    """
    overviews = [_overview(name, describe(name)) for name in list_blackboxes()]
    if as_json:
        typer.echo(json.dumps(overviews))
        return
    shown = ("name", "tasks", "configurations", "fidelity", "time", "target", "megabytes")
    for overview in overviews:
        overview["time"] = overview["time"] and "yes"
    rows = [tuple(_cell(overview[key]) for key in shown) for overview in overviews]
    _print_table(("blackbox", *shown[1:-1], "MB"), rows, fold=("fidelity",))


@app.command()
def info(name: Name, as_json: AsJson = False) -> None:  # noqa: FBT002  a flag of the command line
    """Describe a blackbox: space, objectives, tasks, sources, licence, citation, and known defects.

    Try:

        bb-repo info nasbench201-final

        bb-repo info yahpo-lcbench --json
    """
    manifest = describe(name)
    if as_json:
        typer.echo(json.dumps(manifest.to_json(), allow_nan=False))
        return
    from blackbox_repo.description import print_description

    print_description(manifest)


@app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(help="Blackboxes; all if none is named.")] = None,
    as_json: AsJson = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Check the files of blackboxes against their manifests: hashes, content, best values.

    The exit status is 1 if something is wrong.

    Try:

        bb-repo verify

        bb-repo verify nasbench-nlp taskset
    """
    findings = [(name, finding) for name in names or list_blackboxes() for finding in verify(name)]
    if as_json:
        rows = [{"blackbox": name, **vars(finding)} for name, finding in findings]
        typer.echo(json.dumps(rows))
    else:
        rows_of_text = [
            (name, finding.task, finding.file, finding.problem or "ok") for name, finding in findings
        ]
        _print_table(("blackbox", "task", "file", "finding"), rows_of_text, fold=("task", "file", "finding"))
    if any(finding.problem for _, finding in findings):
        raise typer.Exit(1)


@app.command("cache")
def cache_command(
    clear: Annotated[bool, typer.Option("--clear", help="Remove them.")] = False,  # noqa: FBT002  a flag
    as_json: AsJson = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Say where decoded copies of large tables lie, with which the next process loads them at once.

    They are made when a table is used first, and are never needed. The environment variable BLACKBOX_CACHE
    names another folder for them; set to nothing, it switches them off.

    Try:

        bb-repo cache

        bb-repo cache --clear
    """
    from blackbox_repo import cache

    where, copies = cache.folder(), cache.copies()
    size = sum(copy.stat().st_size for copy in copies)
    if clear:
        for copy in copies:
            copy.unlink()
    if as_json:
        typer.echo(json.dumps({"folder": where and str(where), "copies": len(copies), "bytes": size}))
    elif where is None:
        typer.echo(f"there is none, as {cache.FOLDER_VARIABLE} is set to nothing")
    else:
        typer.echo(f"{where}: {len(copies)} copies, {size / 1e6:.1f} MB{', removed' if clear else ''}")


@app.command()
def benchmarks(as_json: AsJson = False) -> None:  # noqa: FBT002  a flag of the command line
    """List the tuning problems that bb-sim run knows by name.

    Try:

        bb-repo benchmarks

        bb-repo benchmarks --json
    """
    from blackbox_repo.benchmark import BENCHMARKS, available_benchmarks

    available = available_benchmarks()
    if as_json:
        typer.echo(json.dumps([vars(benchmark) for benchmark in available]))
        return
    rows = [
        (
            b.name,
            ", ".join(b.objectives),
            str(b.workers),
            b.budget,
            f"{b.title}\n[dim]{b.blackbox}/{b.task}[/]",
        )
        for b in available
    ]
    _print_table(("benchmark", "objective", "workers", "budget", "what"), rows, fold=("objective", "what"))
    needed = sorted({b.blackbox for b in BENCHMARKS.values()} - {b.blackbox for b in available})
    if needed:
        missing = len(BENCHMARKS) - len(available)
        typer.echo(f"\n{missing} more need blackboxes that bb-convert can make: {', '.join(needed)}")


@app.command()
def tabulate(
    name: Name,
    configurations: Annotated[int, typer.Option(min=1, help="How many configurations to draw.")],
    out: Annotated[Path, typer.Option(help="Where to write the folder NAME-N.")] = Path(),
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    task: Annotated[list[str] | None, typer.Option(help="A task, may be repeated; all if none.")] = None,
) -> None:
    """Make a table of N configurations of a surrogate, with exactly its values: looked up, not computed.

    The configurations are the same for all tasks. A table can be cut so too; of fewer than N all are taken.

    Try:

        bb-repo tabulate yahpo-lcbench --configurations 50 --task 3945 --task 7593
    """
    from blackbox_repo.progress import told
    from blackbox_repo.tabulate import save_tabulated

    with told("bb-repo tabulate") as teller:
        manifest = save_tabulated(name, configurations, out, seed=seed, tasks=task or (), report=teller.step)
    size = sum(entry.bytes for entry in manifest.tasks.values())
    typer.echo(
        f"{out / manifest.name}: {counted(len(manifest.tasks), 'task')}, {size / 1e6:.2f} MB of parquet"
    )


@app.command()
def surrogate(
    name: Name,
    task: Annotated[str, typer.Argument(help="One of its tasks (see bb-repo info).")],
    model: Annotated[list[str] | None, typer.Option(help="knn or forest, may be repeated; both.")] = None,
    as_json: AsJson = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Say how well surrogates predict what a table lacks, by cross-validation at the last fidelity.

    R2 is 1 where predictions are exact, and 0 where the mean would do as well; the rank correlation is
    Spearman's. These surrogates are bb-sim run --off-table surrogate:MODEL.

    Try:

        bb-repo surrogate icml-deepar electricity

        bb-repo surrogate icml-xgboost a6a --model knn --json
    """
    from blackbox_repo.repository import load_blackbox
    from blackbox_repo.surrogate.quality import surrogate_quality
    from blackbox_repo.surrogate.resemblance import MODELS

    blackbox = load_blackbox(name)[task]
    found = {each: surrogate_quality(blackbox, each) for each in model or MODELS}
    if as_json:
        typer.echo(json.dumps({each: [vars(quality) for quality in found[each]] for each in found}))
        return
    rows = [
        (each, q.objective, _rounded(q.r2), _rounded(q.rank_correlation))
        for each in found
        for q in found[each]
    ]
    _print_table(("model", "objective", "R2", "rank correlation"), rows, fold=("objective",))


def _rounded(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"


def _overview(name: str, manifest: Manifest) -> dict[str, Any]:
    fidelity, sizes = manifest.schema.fidelity, {t.file: t.bytes for t in manifest.tasks.values()}
    configurations = max(task.configurations for task in manifest.tasks.values())
    return {
        "name": name,
        "tasks": len(manifest.tasks),
        "configurations": configurations or None,
        "fidelity": f"{fidelity.name} {fidelity.describe()}",
        "time": manifest.schema.time,
        "target": manifest.schema.target,
        "license": manifest.license,
        "megabytes": round(sum(sizes.values()) / 1e6, 1),
    }


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], fold: tuple[str, ...]) -> None:
    """Print a table; where the terminal is narrow, the columns in ``fold`` give way."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading in _NUMBERS else "left"
        table.add_column(heading, overflow="fold", no_wrap=heading not in fold, justify=justify)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def main() -> None:
    """The console script."""
    console.run(app, "bb-repo")


if __name__ == "__main__":
    main()
