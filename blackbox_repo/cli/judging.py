"""The command ``bb-repo surrogate``: how good a surrogate of a table would be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson, Name
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.terminal import Terminal

if TYPE_CHECKING:
    from blackbox_repo.blackbox import Blackbox
    from blackbox_repo.surrogate.model import Say
    from blackbox_repo.surrogate.quality import Judgement


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-repo surrogate icml-deepar electricity",
        "bb-repo surrogate icml-xgboost a6a --model knn --json",
        "bb-repo surrogate nmt-hpo zh-en --model forest --schedulers --report pages",
    ),
)
def surrogate(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    name: Name,
    task: Annotated[str, typer.Argument(metavar="TASK", help="One of its tasks (see bb-repo info NAME).")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="knn, forest, extra_trees or xgboost; may be repeated. The default is knn and forest.",
        ),
    ] = None,
    schedulers: Annotated[  # noqa: FBT002  a flag of the command line
        bool,
        typer.Option("--schedulers", help="Also run schedulers on the table and on the surrogate."),
    ] = False,
    min_rank: Annotated[
        float | None,
        typer.Option(metavar="R", help="Refuse a model whose rank correlation of the target is below R."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write a page with a picture, FOLDER/TASK.MODEL.html."),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Show how well surrogates predict configurations that they were not fitted to.

    Configurations are left out, a fifth at a time, and predicted by models that are fitted to all others. R2
    is 1 for exact predictions, and 0 for predictions that are no better than the mean; the rank correlation
    is Spearman's. The best (top) are 1 %, but at least 10, or a tenth of fewer than 100: the figure is the
    share of the best by prediction that are truly among the best. With --schedulers the mean regrets of
    schedulers are compared too, on configurations that the surrogate does not know. These are the surrogates
    of bb-sim run --off-table MODEL and of bb-repo fit.
    """
    from blackbox_repo.repository import load_blackbox
    from blackbox_repo.text.progress import report_progress

    if report is not None:
        from blackbox_repo.surrogate_page import check_plots

        check_plots()
    blackbox = load_blackbox(name)[task]
    with (
        console.interruptible(lambda: "nothing was written"),
        report_progress("bb-repo surrogate") as progress,
    ):
        found = {
            each: _judge(blackbox, each, min_rank=min_rank, schedulers=schedulers, say=progress.step)
            for each in model or ("knn", "forest")
        }
    if as_json:
        typer.echo(json.dumps({each: judgement.report.to_json() for each, judgement in found.items()}))
    else:
        _show(found, blackbox.schema.fidelity.name)
    if report is not None:
        _write(report, task, blackbox, found)


def _judge(
    blackbox: Blackbox, model: str, *, min_rank: float | None, schedulers: bool, say: Say
) -> Judgement:
    from blackbox_repo.scheduler_agreement import find_measurement
    from blackbox_repo.surrogate.fit import Fitting
    from blackbox_repo.surrogate.quality import judge

    fitting = Fitting.of(blackbox, model)
    measure = find_measurement() if schedulers else None
    judgement = judge(fitting, min_rank=min_rank, say=lambda step: say(f"{model}: {step}"))
    if measure is None:
        return judgement
    agreement = measure(fitting, say=lambda step: say(f"{model}: {step}"))
    return replace(judgement, report=replace(judgement.report, schedulers=agreement))


def _show(found: dict[str, Judgement], fidelity: str) -> None:
    from blackbox_repo.surrogate_tables import report_tables

    terminal = Terminal()
    for model, judgement in found.items():
        for title, columns, rows in report_tables(judgement.report, fidelity, model):
            terminal.show_table(columns, rows, title)


def _write(folder: Path, task: str, blackbox: Blackbox, found: dict[str, Judgement]) -> None:
    from blackbox_repo.surrogate_page import save_page

    for model, judgement in found.items():
        file = folder / f"{task}.{model}.html"
        save_page(file, judgement, blackbox.schema, f"{blackbox.name}: {model}")
        typer.echo(printable(f"{file}: written"), err=True)
