"""The story of a trial, and the cluster at a time, as pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from blackbox_repo.words import in_words
from simulator.run import Run
from simulator.story import cluster_at, story_of_trial

if TYPE_CHECKING:
    from rich.console import Console


def print_story(console: Console, run: Run, trial: int) -> None:
    """What happened to a trial, a line each; raises as :func:`simulator.story.story_of_trial`."""
    moments = story_of_trial(run, trial)
    configuration = ", ".join(f"{name}={value}" for name, value in run.configuration(trial).items())
    status = run.trial_columns["status"][trial]
    console.print(f"[bold]trial {trial}[/], {status}: {configuration}", highlight=False)
    table = Table("simulated time", "what happened", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for moment in moments:
        table.add_row(f"{moment.time:.9g} s", moment.what)
    console.print(table)


def print_cluster(console: Console, run: Run, time: float) -> None:
    """What each worker does at a simulated second; raises as :func:`simulator.story.cluster_at`."""
    occupations = cluster_at(run, time)
    busy = sum(occupation.trial is not None for occupation in occupations)
    console.print(
        f"[bold]after {in_words(time)}[/]: {busy} of {len(occupations)} workers are busy", highlight=False
    )
    fidelity = run.schema.fidelity.name
    table = Table(
        "worker", "busy with", "since", fidelity, box=None, padding=(0, 2, 0, 0), header_style="dim"
    )
    for occupation in occupations:
        job = "(away)" if occupation.away else "-"
        if occupation.trial is not None:
            job = f"trial {occupation.trial}, job {(occupation.segment or 0) + 1}"
        reached = "-" if occupation.fidelity is None else str(occupation.fidelity)
        table.add_row(str(occupation.worker), job, f"{occupation.since:.9g} s", reached)
    console.print(table)
    best = run.best(by=time)
    if best is not None:
        where = f"trial {best.trial}, {fidelity} {best.fidelity}, after {in_words(best.time)}"
        console.print(f"best {best.objective} so far {best.value:.6g} ({where})", highlight=False)
