"""bb-sim: simulated tuning runs from the command line."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from blackbox_repo import console
from blackbox_repo.errors import InvalidOption
from simulator.command import Command, Prepared, UnfinishedRun
from simulator.difference import first_difference
from simulator.errors import RunError
from simulator.keeping import claimed, kept
from simulator.options import duration
from simulator.progress import ProgressBar
from simulator.regression.ci import ci
from simulator.run import Run
from simulator.saved_run import check_free
from simulator.schedulers.registry import SCHEDULERS

DEFAULT_PROBLEM = "lcbench-167200"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Simulate hyperparameter tuning on recorded learning curves: hours of a cluster in a fraction of a "
    "second, and the same to the nanosecond on every machine.",
)


@app.command()
def run(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME[/TASK]|BENCHMARK",
            help="A blackbox and its task, a benchmark (see bb-repo benchmarks), or the path of a blackbox.",
        ),
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(SCHEDULERS)}; LIBRARY:NAME, such as optuna:TPESampler; process:COMMAND; or "
            "py:module:attribute for a factory or generator of yours."
        ),
    ] = "asha",
    workers: Annotated[
        int | None, typer.Option(help="Trials that train at a time; the default is the problem's own.")
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="Simulated time: 2h, 90m, 1h30m, or seconds; the default is the problem's own budget.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Start so many trials and let them end.")] = None,
    seed: Annotated[int, typer.Option(help="Of the run and of the scheduler.")] = 0,
    objective: Annotated[
        str | None, typer.Option(help="What to optimize; the default is the problem's own.")
    ] = None,
    max_fidelity: Annotated[float | None, typer.Option(help="Cut the curves after this fidelity.")] = None,
    time_model: Annotated[
        str | None,
        typer.Option(help="constant:SECONDS per unit of fidelity, for blackboxes that record no time."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new folder for the results; the default is a folder below runs/.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="scheduler.eta=4, delays.report=0.05, conditions.decision_time=2, conditions.poll=5, "
            "conditions.speeds=lognormal(1,0.3), failures.preempt=exponential(7200), stop.reports=500, ...; "
            "may be repeated.",
        ),
    ] = None,
    off_table: Annotated[
        str,
        typer.Option(
            help="What answers for configurations that a table lacks: error, nearest (row), surrogate or "
            "surrogate:forest (see bb-repo surrogate). Schedulers of other libraries need one of the latter "
            "on tables that are no full grid."
        ),
    ] = "error",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
    log: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--log", help="Write the scheduler's answers to --out as the run goes, so that it can be resumed."
        ),
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Go on with the run of this folder, begun with --log and cut off."),
    ] = None,
    patience: Annotated[
        float | None,
        typer.Option(help="Give up when one call of the scheduler takes so many real seconds; no limit."),
    ] = None,
) -> None:
    """Simulate one tuning run, print what it found, and save it.

    Without arguments: ASHA with 4 workers for 2 simulated hours on an LCBench task.

    Try:

        bb-sim run nasbench201-final/cifar100 --scheduler random --time 12h

        bb-sim run yahpo-lcbench/189908 --workers 32 --set scheduler.eta=4

        bb-sim run nasbench-macro --time-model constant:3600 --trials 100 --json

        bb-sim run --out runs/long --log --time 30d; bb-sim run --resume runs/long
    """
    if resume is not None:
        _refuse_others(context)
        with claimed(resume, UnfinishedRun.of):
            begun = UnfinishedRun.of(resume)
            _finish(replace(begun.command.prepared(), patience=patience), resume, begun, as_json=as_json)
        return
    if log and out is None:
        raise InvalidOption("--log needs --out: the folder by which the run can be resumed")
    command = Command(
        name=name or DEFAULT_PROBLEM,
        scheduler=scheduler,
        workers=workers,
        time=time_limit,
        trials=trials,
        seed=seed,
        objective=objective,
        max_fidelity=max_fidelity,
        time_model=time_model,
        settings=tuple(settings or ()),
        off_table=off_table,
    )
    prepared = replace(command.prepared(), patience=patience)
    _check_writable(out)
    with claimed(out, _check_taken):
        unfinished = UnfinishedRun.begin(out, command) if out is not None and log else None
        _finish(prepared, out, unfinished, as_json=as_json)


def _refuse_others(context: typer.Context) -> None:
    """With ``--resume``, everything else is as it was."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in ("resume", "as_json", "patience"):
            raise InvalidOption(
                f"--resume goes on with a run as it was begun; leave out {parameter.opts[-1]!r}"
            )


def _finish(prepared: Prepared, out: Path | None, log: UnfinishedRun | None, *, as_json: bool) -> None:
    """Run to the end, save, and show what was found."""
    problem = prepared.problem
    described = {
        "blackbox": problem.name,
        "task": problem.task,
        "scheduler": prepared.command.scheduler,
    }

    def folder_of(run: Run) -> Path:
        return out or Path("runs", re.sub(r"[^\w.-]+", "-", "-".join([*described.values(), run.digest[:12]])))

    began = time.perf_counter()
    try:
        finished = _with_progress(prepared, log)
    except RunError as err:
        raise kept(err, folder_of, log) from err
    real_seconds = time.perf_counter() - began
    finished.save(folder_of(finished), None if log is None else log.check_replaced)
    _show(finished, {**described, "out": str(folder_of(finished))}, real_seconds, as_json)


def _with_progress(prepared: Prepared, log: UnfinishedRun | None = None) -> Run:
    if not sys.stderr.isatty():
        return prepared.run(log=log)
    bar = ProgressBar()
    try:
        return prepared.run([bar], log=log)
    finally:
        bar.close()


def _check_taken(out: Path) -> None:
    """Refuse a folder that holds something else than a run, which may be this very one."""
    if not (out / "run.json").is_file():
        check_free(out)


def _check_writable(out: Path | None) -> None:
    """Refuse a folder that could not be written before anything is simulated."""
    if out is not None:
        _check_taken(out)
    out = out or Path("runs", "x")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InvalidOption(f"--out is {str(out)!r}, but {parent} is not a folder")
    try:
        shutil.rmtree(tempfile.mkdtemp(prefix=".bb-sim.", dir=parent))
    except OSError as err:
        raise InvalidOption(
            f"{out} cannot be written: {parent}: {err.strerror}; choose another --out"
        ) from err


def _show(finished: Run, described: dict[str, str], real_seconds: float, as_json: bool) -> None:  # noqa: FBT001
    from rich.console import Console

    from simulator.summary import print_summary, summary_object

    summary = summary_object(finished, described, real_seconds)
    if as_json:
        typer.echo(json.dumps(summary, allow_nan=False))
    else:
        print_summary(Console(), finished, summary)


@app.command()
def trace(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a saved run.")],
    trial: Annotated[int | None, typer.Option(help="Tell the story of this trial.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Show the cluster at this simulated time: 3600, 1h, 90m.")
    ] = None,
) -> None:
    """Look into a finished run: the story of a trial, or what the cluster did at a time.

    Example: bb-sim trace runs/my-run --trial 7
    """
    from rich.console import Console

    from simulator.story_page import print_cluster, print_story

    finished = Run.load(folder)
    if (trial is None) == (at is None):
        raise InvalidOption("give either --trial NUMBER or --at TIME")
    if trial is not None:
        print_story(Console(), finished, trial)
    if at is not None:
        print_cluster(Console(), finished, duration(at, "--at"))


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a saved run.")],
) -> None:
    """Run a saved run of bb-sim again, and compare the traces event by event. Exit 1 if they differ.

    Example: bb-sim replay runs/my-run
    """
    saved = Run.load(folder)
    again = _with_progress(Command.of(saved, folder).prepared())
    difference = first_difference(saved, again)
    if difference is None:
        typer.echo(f"the same run: digest {again.digest}")
        return
    for key in ("blackbox_digest", "version", "scheduler"):
        if saved.header[key] != again.header[key]:
            typer.echo(f"{key} was {saved.header[key]!r} and is {again.header[key]!r}")
    typer.echo(f"the runs differ: {difference}".replace("; ", "\n  "))
    raise typer.Exit(1)


@app.command()
def schedulers() -> None:
    """List the schedulers: what each does, what it needs, and its settings; ours, then those of libraries."""
    from rich.console import Console

    from simulator.schedulers.listing import scheduler_table

    Console().print(scheduler_table())


app.command()(ci)


def main() -> None:
    """The console script."""
    console.run(app, "bb-sim")


if __name__ == "__main__":
    main()
