"""Pages about a finished run: an overview, the timeline of a trial, and what workers do at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blackbox_repo.text.humanize import format_duration
from blackbox_repo.text.terminal import Column, Terminal, facts
from simulator.cli.summary import configuration_text, front_lines, run_facts
from simulator.results.run import TOLD, Run
from simulator.results.timeline import describe_trial, describe_workers

_SHOWN_TRIALS = 10


def print_overview(terminal: Terminal, run: Run, folder: str, objectives: Sequence[str]) -> None:
    """Print what a run did and found: its facts, its best trials, and the commands that show more.

    Args:
        terminal: Where it is printed.
        run: The run.
        folder: Where it is saved, as the user typed it.
        objectives: The objectives that were optimized; if there are several, the page has their front.
    """
    terminal.say(f"{run.header['scheduler']} on {run.header['blackbox']}", "bold")
    terminal.show([*facts(terminal, run_facts(run)), f"digest     {run.digest}"])  # to be copied in one piece
    terminal.show(front_lines(terminal, run, objectives, terminal.width))
    best = _best_trials(run)
    if best:
        headings = ("status", "jobs", "started")
        columns = [
            Column("trial", right=True),
            Column(f"best {run.schema.target}", right=True),
            Column(run.schema.fidelity.name, right=True),
            *(Column(heading, right=heading == "jobs") for heading in headings),
            Column("configuration", wraps=True),
        ]
        rows = [_trial(run, *one) for one in best]
        terminal.show_table(columns, rows, "the best trials")
    example = best[0][0] if best else 0
    terminal.show(
        [
            "",
            f"bb-sim trace {folder} --trial {example}",
            "  lists what happened to a trial",
            f"bb-sim trace {folder} --at {run.seconds / 2:.9g}",
            "  shows the cluster at that second",
        ]
    )


def _best_trials(run: Run) -> list[tuple[int, int]]:
    """The trials with the best reports, best first, and the row of each one's best report."""
    rows = np.flatnonzero(np.isin(run.report_columns["decision"], TOLD))
    goal = run.schema.objective(run.schema.target).goal
    losses = run.report_columns[run.schema.target][rows].astype(np.float64) * (-1 if goal == "max" else 1)
    found: dict[int, int] = {}
    for k in np.argsort(losses, kind="stable"):  # NaN comes last
        if np.isnan(losses[k]) or len(found) == _SHOWN_TRIALS:
            break
        found.setdefault(int(run.report_columns["trial"][rows[k]]), int(rows[k]))
    return list(found.items())


def _trial(run: Run, trial: int, report: int) -> list[object]:
    columns = run.trial_columns
    jobs = list(run.segment_columns["trial"]).count(trial)
    started = columns["started"][trial]
    return [
        f"{trial:,}",
        f"{run.report_columns[run.schema.target][report].item():.6g}",
        run.report_columns["fidelity"][report].item(),
        columns["status"][trial],
        jobs,
        "-" if started is None else format_duration(started),
        configuration_text(run.configuration(trial)),
    ]


def print_trial(terminal: Terminal, run: Run, trial: int) -> None:
    """What happened to a trial, a line each; raises as :func:`~simulator.results.timeline.describe_trial`."""
    entries = describe_trial(run, trial)
    status = run.trial_columns["status"][trial]
    configuration = ", ".join(f"{name}={value}" for name, value in run.configuration(trial).items())
    terminal.say(f"trial {trial}, {status}", "bold")
    terminal.say(configuration)
    rows = [(f"{entry.time:.9g} s", entry.what) for entry in entries]
    terminal.show_table([Column("simulated time"), Column("what happened", wraps=True)], rows)


def print_cluster(terminal: Terminal, run: Run, time: float) -> None:
    """What each worker does at a simulated second.

    It raises as :func:`~simulator.results.timeline.describe_workers` does.
    """
    states = describe_workers(run, time)
    busy = sum(state.trial is not None for state in states)
    terminal.say(f"after {format_duration(time)}: {busy} of {len(states)} workers are busy", "bold")
    fidelity = run.schema.fidelity.name
    rows = []
    for state in states:
        job = "(away)" if state.away else "-"
        if state.trial is not None:
            job = f"trial {state.trial}, job {(state.segment or 0) + 1}"
        reached = "-" if state.fidelity is None else str(state.fidelity)
        rows.append((state.worker, job, f"{state.since:.9g} s", reached))
    columns = [Column("worker", right=True), *map(Column, ("busy with", "since", fidelity))]
    terminal.show_table(columns, rows)
    best = run.best(by=time)
    if best is not None:
        where = f"trial {best.trial}, {fidelity} {best.fidelity}, after {format_duration(best.time)}"
        terminal.say(f"best {best.objective} so far {best.value:.6g} ({where})")
