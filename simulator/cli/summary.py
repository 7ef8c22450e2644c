"""A finished run in the words of the command line: a page for people, an object for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from blackbox_repo.text.humanize import format_duration
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.terminal import Column, Terminal, facts, plain, table, wrap
from simulator.cli.step_plot import step_plot
from simulator.kernel.segments import Code
from simulator.results.front import FrontPoint, compute_front
from simulator.results.run import TOLD, Run

_RATES = {"duplicates": "tried before", "off_table": "not in the table", "idle": "of the workers' time idle"}
_WIDEST, _FRAMED, _FRAME = 80, 66, 6
_SHOWN_OF_A_FRONT, _SHOWN_OBJECTIVES = 10, 3


def summary_object(
    run: Run, described: dict[str, Any], real_seconds: float, objectives: Sequence[str]
) -> dict[str, Any]:
    """What ``--json`` prints.

    Args:
        run: The finished run.
        described: ``blackbox``, ``task``, ``scheduler`` as they were named on the command line, and ``out``.
        real_seconds: How long the simulation took.
        objectives: What was optimized; of several, ``front`` has the reports that no other one dominates.
    """
    best = run.best()
    found = None if best is None else {**asdict(best), "configuration": dict(best.configuration)}
    return {
        **described,
        "seed": run.header["seed"],
        "workers": run.header["workers"],
        "simulated_seconds": run.seconds,
        "real_seconds": real_seconds,
        "trials": len(run.trial_columns["trial"]),
        "reports": _told(run),
        "late_reports": int((run.report_columns["decision"] == Code.LATE).sum()),
        "statistics": run.statistics(),
        "preemptions": _preemptions(run),
        "ended_by": run.reason,
        "best": found,
        "front": [asdict(point) for point in compute_front(run, objectives)] if len(objectives) > 1 else None,
        "digest": run.digest,
    }


def print_summary(
    terminal: Terminal, run: Run, summary: dict[str, Any], objectives: Sequence[str] = ()
) -> None:
    """The page for people; in a frame where the terminal is wide enough for it.

    Args:
        terminal: Where it is shown.
        run: The finished run.
        summary: As of :func:`summary_object`.
        objectives: What was optimized; where there are several, the page has their front.
    """
    framed = terminal.width >= _FRAMED
    room = min(terminal.width, _WIDEST) - framed * _FRAME
    told = run_facts(run)
    told[1:1] = _speed(run, summary["real_seconds"])
    lines = [
        *facts(terminal, told, room),
        *front_lines(terminal, run, objectives, room),
        *_picture(terminal, run, room),
    ]
    title = f"{summary['scheduler']} on {summary['blackbox']}/{summary['task']}"
    if framed:
        terminal.print(Panel(Group(*lines), title=plain(title, "bold"), expand=False, padding=(1, 2)))
    else:
        terminal.say(title, "bold")
        terminal.show(lines)
    terminal.show([f"digest   {summary['digest']}", f"results  {summary['out']}"])


def run_facts(run: Run) -> list[tuple[str, object]]:
    """What there is to say of any run: how long, how many trials, and the best that was found."""
    who = "1 worker" if run.header["workers"] == 1 else f"{run.header['workers']:,} workers"
    told: list[tuple[str, object]] = [
        ("simulated", f"{format_duration(run.seconds)} with {who}, seed {run.header['seed']}"),
        ("trials", f"{len(run.trial_columns['trial']):,} ({_statuses(run)})"),
        ("reports", f"{_told(run):,}"),
    ]
    rates = run.statistics()
    noted = [f"{rates[name]:.1%} {what}" for name, what in _RATES.items() if rates[name]]
    if noted:
        told.append(("", ", ".join(noted)))
    if len(run.schema.fidelity.values) == 1:
        told.append(("fidelity", "there is one only, so nothing can be stopped early"))
    if _preemptions(run):
        told.append(("preempted", f"{_preemptions(run):,} times a trial lost its worker"))
    thought = _thinking_time(run) / max(run.seconds, 1e-9)
    if thought:
        told.append(("thinking", f"the scheduler thought for {thought:.0%} of the time"))
    told.append(("ended by", run.reason.replace("_", " ")))
    return told + _best(run)


def _best(run: Run) -> list[tuple[str, object]]:
    best = run.best()
    if best is None:
        return [
            ("best", f"every {run.schema.target} that was reported is NaN" if _told(run) else "no report")
        ]
    unit = run.schema.objective(best.objective).unit
    value = plain(f"{best.objective} {best.value:.6g}{unit and ' ' + unit}", "bold green")
    return [
        ("best", Text.assemble(value, printable(f" at {run.schema.fidelity.name} {best.fidelity}"))),
        ("", f"trial {best.trial:,}, after {format_duration(best.time)}"),
        ("", configuration_text(best.configuration)),
    ]


def _speed(run: Run, real: float) -> list[tuple[str, object]]:
    took = f"{real:.2f} s" if real >= 0.1 else f"{real * 1000:.1f} ms"
    return [("real", took), ("", f"{run.seconds / max(real, 1e-9):,.0f} times faster")]


def _told(run: Run) -> int:
    return int(np.isin(run.report_columns["decision"], TOLD).sum())


def _preemptions(run: Run) -> int:
    return list(run.segment_columns["outcome"]).count("preempted")


def _thinking_time(run: Run) -> float:
    """Simulated seconds that the scheduler thought."""
    calls = run.call_columns
    return float(np.sum(np.minimum(calls["answered"], run.seconds) - np.array(calls["taken"])))


def _statuses(run: Run) -> str:
    statuses = list(run.trial_columns["status"])
    return ", ".join(f"{statuses.count(status):,} {status}" for status in sorted(set(statuses)))


def front_lines(terminal: Terminal, run: Run, objectives: Sequence[str], room: int) -> list[Text]:
    """The front of several objectives as a table; of a long one, some points between its ends.

    Args:
        terminal: Where it is shown.
        run: The run.
        objectives: Their names; without a second one there is no front.
        room: Columns to use.
    """
    if len(objectives) < 2:
        return []
    points = compute_front(run, objectives)
    shown = [points[k] for k in _spread(len(points), _SHOWN_OF_A_FRONT)]
    named = objectives[:_SHOWN_OBJECTIVES]
    more = len(objectives) - len(named)
    what = f"front of {', '.join(named)}" + (f" and {more} more" if more else "")
    how_many = f"{len(points):,} reports" + (f", {len(shown)} are shown" if len(shown) < len(points) else "")
    names = [*named, "trial", run.schema.fidelity.name]
    rows = [[*_values(point, named), f"{point.trial:,}", point.fidelity] for point in shown]
    return [
        Text(),
        *wrap(terminal, plain(f"{what}: {how_many}", "dim"), room),
        *table(terminal, [Column(name, right=True) for name in names], rows, room),
    ]


def _values(point: FrontPoint, objectives: Sequence[str]) -> list[str]:
    return [f"{point.values[name]:.6g}" for name in objectives]


def _spread(count: int, most: int) -> list[int]:
    """At most so many of the indices, evenly, the first and the last among them."""
    return list(range(count)) if count <= most else [k * (count - 1) // (most - 1) for k in range(most)]


def _picture(terminal: Terminal, run: Run, room: int) -> list[Text]:
    """The incumbent over the logarithm of time: much happens early, and little late."""
    incumbent = run.incumbent()
    if not len(incumbent.value) or not run.end:
        return []
    start = min(max(float(incumbent.time[0]), run.seconds / 10_000), run.seconds)
    decades = np.log10(np.maximum(incumbent.time, start) / start)
    lines = step_plot(
        decades.tolist(),
        incumbent.value.tolist(),
        float(np.log10(run.seconds / start)) or 1.0,
        width=min(60, room - 14),
    )
    margin = lines[0].index("┤") + 1
    width = len(lines[0]) - margin
    first, last = format_duration(start), format_duration(run.seconds)
    caption = f"best {run.schema.target} over simulated time (logarithmic)"
    return [
        Text(),
        *wrap(terminal, plain(caption, "dim"), room),
        *(Text(line, style="cyan") for line in lines),
        Text(" " * (margin - 1) + "└" + "─" * width),
        Text(" " * margin + first + last.rjust(width - len(first))),
    ]


def configuration_text(configuration: Mapping[str, object]) -> str:
    """A configuration in a few words: floats have four digits."""
    return ", ".join(f"{name}={_short(value)}" for name, value in configuration.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
