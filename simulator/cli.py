"""bb-sim: simulated tuning runs from the command line."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from blackbox_repo import console, views
from blackbox_repo.errors import InvalidOption
from simulator.api import simulate
from simulator.options import (
    Problem,
    check_count,
    duration,
    find_problem,
    grouped_settings,
    make_conditions,
    make_stop,
)
from simulator.progress import ProgressBar
from simulator.run import Run, check_free
from simulator.schedulers.registry import SCHEDULERS, scheduler_factory
from simulator.stopping import Stop

DEFAULT_PROBLEM = "lcbench-167200"
DEFAULT_SECONDS = 7200.0

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Simulate hyperparameter tuning on recorded learning curves: hours of a cluster in a fraction of a "
    "second, and the same to the nanosecond on every machine.",
)


@app.command()
def run(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME[/TASK]|BENCHMARK",
            help="A blackbox and its task, a benchmark (see bb-repo benchmarks), or the path of a blackbox.",
        ),
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help=f"{', '.join(SCHEDULERS)}, or py:module:attribute for a factory of yours.")
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
            help="scheduler.eta=4, delays.report=0.05, conditions.speeds=lognormal(1,0.3), "
            "stop.reports=500, ...; may be repeated.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002
) -> None:
    """Simulate one tuning run, print what it found, and save it.

    Without arguments: ASHA with 4 workers for 2 simulated hours on an LCBench task.

    Try:

        bb-sim run nasbench201-final/cifar100 --scheduler random --time 12h

        bb-sim run yahpo-lcbench/189908 --workers 32 --set scheduler.eta=4

        bb-sim run nasbench-macro --time-model constant:3600 --trials 100 --json
    """
    check_count("--workers", workers)
    check_count("--trials", trials)
    groups = grouped_settings(settings or [])
    problem = find_problem(name or DEFAULT_PROBLEM, time_model)
    blackbox = problem.blackbox
    if max_fidelity is not None:
        blackbox = views.up_to(blackbox, max_fidelity)
    if objective is not None:
        blackbox = views.with_target(blackbox, objective)
    factory = scheduler_factory(scheduler, groups["scheduler"])
    conditions = make_conditions(groups["delays"], groups["conditions"])
    stop = _limits(problem, time_limit, trials, groups["stop"])
    _check_writable(out)
    bar = ProgressBar()
    began = time.perf_counter()
    try:
        finished = simulate(
            blackbox,
            factory,
            workers=problem.workers if workers is None else workers,
            stop=stop,
            seed=seed,
            conditions=conditions,
            callbacks=[bar] if sys.stderr.isatty() else (),
        )
    finally:
        bar.close()
    real_seconds = time.perf_counter() - began
    described = {"blackbox": problem.name, "task": problem.task, "scheduler": scheduler}
    folder = out or Path("runs", "-".join([*described.values(), finished.digest[:12]]).replace(":", "-"))
    finished.save(folder)
    _show(finished, {**described, "out": str(folder)}, real_seconds, as_json)


def _limits(problem: Problem, time_limit: str | None, trials: int | None, settings: dict[str, Any]) -> Stop:
    """The limits given, or the problem's own budget if none is."""
    seconds = None if time_limit is None else duration(time_limit)
    if seconds is None and trials is None and not set(settings) - {"drain"}:
        seconds = problem.seconds or DEFAULT_SECONDS
    return make_stop(seconds, trials, settings)


def _check_writable(out: Path | None) -> None:
    """Refuse a folder that could not be written before anything is simulated."""
    if out is not None and not (out / "run.json").is_file():
        check_free(out)
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
def schedulers() -> None:
    """List the schedulers that come with the simulator, with their settings."""
    from rich.console import Console

    from simulator.schedulers.listing import scheduler_table

    Console().print(scheduler_table())


def main() -> None:
    """The console script."""
    console.run(app, "bb-sim")


if __name__ == "__main__":
    main()
