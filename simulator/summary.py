"""A finished run in the words of the command line: a page for people, an object for programs."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from blackbox_repo.words import in_words
from simulator.run import TOLD, Run
from simulator.segments import Code
from simulator.step_plot import step_plot

_RATES = {"duplicates": "tried before", "off_table": "not in the table", "idle": "of the workers' time idle"}


def summary_object(run: Run, described: dict[str, Any], real_seconds: float) -> dict[str, Any]:
    """What ``--json`` prints.

    Args:
        run: The finished run.
        described: ``blackbox``, ``task``, ``scheduler`` as they were named on the command line, and ``out``.
        real_seconds: How long the simulation took.
    """
    best = run.best()
    found = None
    if best is not None:
        found = {
            "objective": best.objective,
            "value": best.value,
            "configuration": dict(best.configuration),
            "fidelity": best.fidelity,
            "time": best.time,
            "trial": best.trial,
        }
    told = int(np.isin(run.report_columns["decision"], TOLD).sum())
    return {
        **described,
        "seed": run.header["seed"],
        "workers": run.header["workers"],
        "simulated_seconds": run.seconds,
        "real_seconds": real_seconds,
        "trials": len(run.trial_columns["trial"]),
        "reports": told,
        "late_reports": int((run.report_columns["decision"] == Code.LATE).sum()),
        "statistics": run.statistics(),
        "preemptions": run.segment_columns["outcome"].count("preempted"),
        "ended_by": run.reason,
        "best": found,
        "digest": run.digest,
    }


def print_summary(console: Console, run: Run, summary: dict[str, Any]) -> None:
    """The page for people."""
    console.print(
        Panel(
            Group(_facts(run, summary), *_picture(run)),
            title=f"[bold]{summary['scheduler']}[/] on [bold]{summary['blackbox']}/{summary['task']}[/]",
            expand=False,
            padding=(1, 2),
        )
    )
    console.print(f"digest   {summary['digest']}", highlight=False, soft_wrap=True)
    console.print(f"results  {summary['out']}", highlight=False, soft_wrap=True)


def _facts(run: Run, summary: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim")
    table.add_column(overflow="fold", max_width=70)
    real = summary["real_seconds"]
    ratio = summary["simulated_seconds"] / max(real, 1e-9)
    who = "1 worker" if summary["workers"] == 1 else f"{summary['workers']:,} workers"
    table.add_row("simulated", f"{in_words(summary['simulated_seconds'])} with {who}, seed {summary['seed']}")
    table.add_row("real", f"{real:.2f} s" if real >= 0.1 else f"{real * 1000:.1f} ms")
    table.add_row("", f"{ratio:,.0f} times faster")
    table.add_row("trials", f"{summary['trials']:,} ({_statuses(run)})")
    table.add_row("reports", f"{summary['reports']:,}")
    rates = summary["statistics"]
    noted = [f"{rates[name]:.1%} {what}" for name, what in _RATES.items() if rates[name]]
    if noted:
        table.add_row("", ", ".join(noted))
    if summary["preemptions"]:
        table.add_row("preempted", f"{summary['preemptions']:,} times a trial lost its worker")
    thought = _thinking_time(run)
    if thought:
        table.add_row(
            "thinking", f"the scheduler thought for {thought / max(run.seconds, 1e-9):.0%} of the time"
        )
    table.add_row("ended by", summary["ended_by"].replace("_", " "))
    best = summary["best"]
    if best is None:
        nothing = f"every {run.schema.target} that was reported is NaN" if summary["reports"] else "no report"
        table.add_row("best", nothing)
        return table
    unit = run.schema.objective(best["objective"]).unit
    fidelity = f"{run.schema.fidelity.name} {best['fidelity']}"
    table.add_row(
        "best",
        Text.assemble(
            (f"{best['objective']} {best['value']:.6g}{unit and ' ' + unit}", "bold green"),
            f" at {fidelity}",
        ),
    )
    table.add_row("", f"trial {best['trial']:,}, after {in_words(best['time'])}")
    table.add_row("", ", ".join(f"{name}={_short(value)}" for name, value in best["configuration"].items()))
    return table


def _thinking_time(run: Run) -> float:
    """Simulated seconds that the scheduler thought."""
    calls = run.call_columns
    return float(np.sum(np.minimum(calls["answered"], run.seconds) - np.array(calls["taken"])))


def _statuses(run: Run) -> str:
    statuses = run.trial_columns["status"]
    return ", ".join(f"{statuses.count(status):,} {status}" for status in sorted(set(statuses)))


def _picture(run: Run) -> list[Text]:
    """The incumbent over the logarithm of time: much happens early, and little late."""
    incumbent = run.incumbent()
    if not len(incumbent.value) or not run.end:
        return []
    start = min(max(float(incumbent.time[0]), run.seconds / 10_000), run.seconds)
    decades = np.log10(np.maximum(incumbent.time, start) / start)
    lines = step_plot(decades.tolist(), incumbent.value.tolist(), float(np.log10(run.seconds / start)) or 1.0)
    margin = lines[0].index("┤") + 1
    width = len(lines[0]) - margin
    first, last = in_words(start), in_words(run.seconds)
    return [
        Text(""),
        Text(f"best {run.schema.target} over simulated time (logarithmic)", style="dim"),
        *(Text(line, style="cyan") for line in lines),
        Text(" " * (margin - 1) + "└" + "─" * width),
        Text(" " * margin + first + last.rjust(width - len(first))),
    ]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
