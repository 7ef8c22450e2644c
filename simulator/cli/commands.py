"""The commands of ``bb-sim``: run, trace, replay, schedulers and ci."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from blackbox_repo.benchmark import BENCHMARKS
from blackbox_repo.errors import InvalidOption
from blackbox_repo.plugins import find_plugins
from blackbox_repo.repository import list_blackboxes
from blackbox_repo.store.lock import exclusive
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable
from simulator.cli.ci import ci
from simulator.cli.command import (
    OFF_TABLE,
    Command,
    Prepared,
    UnfinishedRun,
    check_unused,
    optimized_objectives,
)
from simulator.cli.options import Roots, parse_duration
from simulator.cli.run_folder import claim, describe_resume, save_failed
from simulator.errors import RunError
from simulator.registry import ADAPTERS, PLUGINS, SCHEDULERS
from simulator.results.difference import find_first_difference
from simulator.results.run import Run

DEFAULT_PROBLEM = "lcbench-167200"


def _problems(incomplete: str) -> list[str]:
    return [name for name in (*BENCHMARKS, *list_blackboxes()) if name.startswith(incomplete)]


def _schedulers(incomplete: str) -> list[str]:
    plugins = (plugin.name for plugin in find_plugins(PLUGINS))
    known = dict.fromkeys([*SCHEDULERS, *plugins, *(f"{library}:" for library in ADAPTERS)])
    return [name for name in known if name.startswith(incomplete)]


def _off_table_ways(incomplete: str) -> list[str]:
    return [name for name in OFF_TABLE if name.startswith(incomplete)]


app = console.command_line(
    "bb-sim",
    "Simulate hyperparameter tuning on recorded learning curves: hours of a cluster in a fraction of a "
    "second, and the same to the nanosecond on every machine.",
)
SavedRun = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="The folder of a saved run, such as bb-sim run prints at its end."),
]


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-sim run nasbench201-final/cifar100 --scheduler random --time 12h",
        "bb-sim run yahpo-lcbench/189908 --workers 32 --set scheduler.eta=4",
        "bb-sim run nasbench-macro --time-model constant:3600 --trials 100 --json",
        "bb-sim run --out runs/long --log --time 30d",
        "bb-sim run --resume runs/long  # if it was interrupted",
    ),
)
def run(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="PROBLEM",
            help="What is tuned: a benchmark (see bb-repo benchmarks), NAME/TASK of a blackbox (see bb-repo "
            "list), NAME alone if it has one task, or a path instead of NAME. The default is "
            f"{DEFAULT_PROBLEM}.",
            autocompletion=_problems,
        ),
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"What tunes: {', '.join(SCHEDULERS)} (see bb-sim schedulers); LIBRARY:NAME, such as "
            "optuna:TPESampler; the name of a scheduler in another installed package; process:COMMAND, a "
            "program in any language; or py:module:attribute, a factory or generator of yours.",
            autocompletion=_schedulers,
        ),
    ] = "asha",
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of trials that train at a time; by default the problem's own."
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time",
            metavar="DURATION",
            help="End the run at this simulated time: 2h, 90m, 1h30m, or seconds. The default is the budget "
            "of the problem.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(metavar="N", help="Start N trials; the run ends when they have ended."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the run and of the scheduler.")] = 0,
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What to optimize (see bb-repo info). The default is the problem's own."
        ),
    ] = None,
    max_fidelity: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Cut the curves after this fidelity.")
    ] = None,
    time_model: Annotated[
        str | None,
        typer.Option(
            metavar="constant:SECONDS",
            help="How long one unit of fidelity takes, for blackboxes that record no time.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Save the run here. The default is a new folder below runs/."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="GROUP.NAME=VALUE",
            help="Anything else; may be repeated. scheduler.eta=4 is a setting of the scheduler (see bb-sim "
            "schedulers); what else there is: delays.report=0.05, conditions.decision_time=2, "
            "conditions.poll=5, conditions.speeds=lognormal(1,0.3), failures.preempt=exponential(7200), "
            "stop.reports=500, ...",
        ),
    ] = None,
    roots: Roots = None,
    off_table: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="What answers for configurations that are not in the table: error, nearest (row), or a "
            "surrogate: forest, knn, extra_trees or xgboost. A stored surrogate is used (see bb-repo fit), "
            "else it is fitted once and kept in the user's cache; bb-repo surrogate says how good it is. "
            "Schedulers of other libraries need one of these on tables that are not a full grid.",
            autocompletion=_off_table_ways,
        ),
    ] = "error",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,  # noqa: FBT002
    log: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--log", help="Log the scheduler's answers in --out during the run, so that it can be resumed."
        ),
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Continue the interrupted run of this folder; it was started with --log."
        ),
    ] = None,
    call_timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Fail when one call of the scheduler takes more real seconds than this. The default is no "
            "limit.",
        ),
    ] = None,
) -> None:
    """Simulate one tuning run, print what it found, and save it.

    A scheduler suggests configurations of a problem, workers train them in simulated time, and their reports
    come from recorded learning curves. Without arguments, ASHA runs with 4 workers for 2 simulated hours on
    an LCBench task.
    """
    if resume is not None:
        _refuse_others(context)
        with claim(resume, UnfinishedRun.of):
            begun = UnfinishedRun.of(resume)
            _finish(
                replace(begun.command.prepare(), call_timeout=call_timeout), resume, begun, as_json=as_json
            )
        return
    if log and out is None:
        raise InvalidOption("--log needs --out, the folder from which the run can be resumed")
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
        roots=tuple(roots or ()),
    )
    prepared = replace(command.prepare(), call_timeout=call_timeout)
    _check_writable(out)
    with claim(out, _check_taken):
        unfinished = UnfinishedRun.begin(out, command) if out is not None and log else None
        _finish(prepared, out, unfinished, as_json=as_json)


def _refuse_others(context: typer.Context) -> None:
    """With ``--resume`` the options of the run are known, so refuse others."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in ("resume", "as_json", "call_timeout"):
            raise InvalidOption(
                f"--resume continues a run with the options it was started with; leave out "
                f"{parameter.opts[-1]!r}"
            )


def _finish(prepared: Prepared, out: Path | None, log: UnfinishedRun | None, *, as_json: bool) -> None:
    """Run to the end, save the run, and show its summary."""
    names = {
        "blackbox": prepared.benchmark.blackbox,
        "task": prepared.benchmark.task,
        "scheduler": prepared.command.scheduler,
    }

    def below_runs(run: Run) -> Path:
        return Path("runs", re.sub(r"[^\w.-]+", "-", "-".join([*names.values(), run.digest[:12]])))

    def folder_of(run: Run) -> Path:
        return out or below_runs(run)

    began = time.perf_counter()
    with console.interruptible(partial(describe_resume, log)):
        try:
            finished = _with_progress(prepared, log)
        except RunError as err:
            raise save_failed(err, folder_of, log) from err
        real_seconds = time.perf_counter() - began
        try:
            finished.save(folder_of(finished), None if log is None else log.check_replaced)
        except InvalidOption as err:  # it was not known before that the run in the folder is another one
            finished.save(below_runs(finished))
            raise InvalidOption(f"{err}; the finished run is in {below_runs(finished)}") from err
    names["out"] = str(folder_of(finished))
    try:
        _show(finished, prepared.objectives, names, real_seconds, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as err:
        err.strerror = f"{err.strerror}; the run is saved in {names['out']}"
        raise


def _with_progress(prepared: Prepared, log: UnfinishedRun | None = None) -> Run:
    if not sys.stderr.isatty():
        return prepared.run(log=log)
    from simulator.cli.run_progress import ProgressBar

    bar = ProgressBar()
    try:
        return prepared.run([bar], log=log)
    finally:
        bar.close()


def _check_taken(out: Path) -> None:
    """Refuse a folder that holds something other than a run; a run in it may be the same as this one."""
    if not (out / "run.json").is_file():
        check_unused(out)


def _check_writable(out: Path | None) -> None:
    """Refuse a folder that cannot be written, before anything is simulated."""
    if out is not None:
        _check_taken(out)
    out = out or Path("runs", "x")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InvalidOption(f"--out is {str(out)!r}, but {parent} is not a folder")
    try:
        with exclusive(out, timeout=10):  # its file is removed by the next run if this one is killed
            pass
    except OSError as err:
        raise InvalidOption(
            f"{out} cannot be written: {parent}: {err.strerror}; choose another --out"
        ) from err


def _show(
    finished: Run, objectives: Sequence[str], names: dict[str, str], real_seconds: float, *, as_json: bool
) -> None:
    from blackbox_repo.text.terminal import Terminal
    from simulator.cli.summary import print_summary, summary_object

    summary = summary_object(finished, names, real_seconds, objectives)
    if as_json:
        typer.echo(json.dumps(summary, allow_nan=False))
    else:
        print_summary(Terminal(), finished, summary, objectives)


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-sim trace runs/my-run", "bb-sim trace runs/my-run --trial 7", "bb-sim trace runs/my-run --at 1h"
    ),
)
def trace(
    folder: SavedRun,
    trial: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="List what happened to this trial, event by event.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Show the cluster at this simulated time: 3600, 1h, 90m."),
    ] = None,
) -> None:
    """Look into a saved run: an overview, the timeline of a trial, or what the cluster did at a time."""
    from blackbox_repo.text.terminal import Terminal
    from simulator.cli.timeline_page import print_cluster, print_overview, print_trial

    if trial is not None and at is not None:
        raise InvalidOption("give --trial NUMBER or --at TIME, not both")
    finished = Run.load(folder)
    if trial is not None:
        print_trial(Terminal(), finished, trial)
    elif at is not None:
        print_cluster(Terminal(), finished, parse_duration(at, "--at"))
    else:
        print_overview(Terminal(), finished, str(folder), optimized_objectives(finished, folder))


@app.command(cls=StrictCommand, epilog=examples("bb-sim replay runs/my-run"))
def replay(folder: SavedRun) -> None:
    """Run a saved run of bb-sim again, and compare the two runs event by event.

    If they differ, the exit status is 1, and the first difference is shown, with what else has changed: the
    blackbox, the version of this project, or the scheduler.
    """
    saved = Run.load(folder)
    with console.interruptible(lambda: "nothing was written"):
        again = _with_progress(Command.of(saved, folder).prepare())
    difference = find_first_difference(saved, again)
    if difference is None:
        typer.echo(f"the same run: digest {again.digest}")
        return
    for key in ("blackbox_digest", "version", "scheduler"):
        if saved.header[key] != again.header[key]:
            typer.echo(printable(f"{key} was {saved.header[key]!r} and is {again.header[key]!r}"))
    typer.echo(printable(f"the runs differ: {difference}".replace("; ", "\n  "), keep="\n"))
    raise typer.Exit(1)


@app.command(
    cls=StrictCommand,
    epilog=examples("bb-sim schedulers", "bb-sim run --scheduler asha --set scheduler.eta=4"),
)
def schedulers() -> None:
    """List the schedulers: what each does, needs and can be told; ours, other packages', and libraries'."""
    from blackbox_repo.text.terminal import Terminal
    from simulator.cli.scheduler_page import print_schedulers

    print_schedulers(Terminal())


app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-sim ci --suite smoke --scheduler asha --baseline asha.parquet",
        "bb-sim ci --suite smoke --scheduler asha --baseline asha.parquet --html out.html",
    ),
)(ci)


def main() -> None:
    """The console script."""
    app()
