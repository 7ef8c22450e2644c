"""The summary of a finished run: a page for people, and an object for programs."""

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
    run: Run, names: dict[str, Any], real_seconds: float, objectives: Sequence[str]
) -> dict[str, Any]:
    """The object that ``--json`` prints.

    Args:
        run: The finished run.
        names: ``blackbox``, ``task`` and ``scheduler`` as on the command line, and ``out``, the folder.
        real_seconds: Real seconds that the simulation took.
        objectives: The objectives that were optimized; if there are several, ``front`` has the reports that
            no other report dominates.
    """
    best = run.best()
    found = None if best is None else {**asdict(best), "configuration": dict(best.configuration)}
    return {
        **names,
        "seed": run.header["seed"],
        "workers": run.header["workers"],
        "simulated_seconds": run.seconds,
        "real_seconds": real_seconds,
        "trials": len(run.trial_columns["trial"]),
        "reports": _count_reports(run),
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
    """Print the page for people, in a frame if the terminal is wide enough.

    Args:
        terminal: Where it is printed.
        run: The finished run.
        summary: The object of :func:`summary_object`.
        objectives: The objectives that were optimized; if there are several, the page has their front.
    """
    framed = terminal.width >= _FRAMED
    room = min(terminal.width, _WIDEST) - framed * _FRAME
    pairs = run_facts(run)
    pairs[1:1] = _speed(run, summary["real_seconds"])
    lines = [
        *facts(terminal, pairs, room),
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
    """What a run did, as labels and values: simulated time, trials, reports, and the best report.

    Args:
        run: The finished run.
    """
    workers = "1 worker" if run.header["workers"] == 1 else f"{run.header['workers']:,} workers"
    pairs: list[tuple[str, object]] = [
        ("simulated", f"{format_duration(run.seconds)} with {workers}, seed {run.header['seed']}"),
        ("trials", f"{len(run.trial_columns['trial']):,} ({_statuses(run)})"),
        ("reports", f"{_count_reports(run):,}"),
    ]
    rates = run.statistics()
    remarks = [f"{rates[name]:.1%} {what}" for name, what in _RATES.items() if rates[name]]
    if remarks:
        pairs.append(("", ", ".join(remarks)))
    if len(run.schema.fidelity.values) == 1:
        pairs.append(("fidelity", "there is only one, so no trial can be stopped early"))
    if _preemptions(run):
        pairs.append(("preempted", f"{_preemptions(run):,} times a trial lost its worker"))
    share = _decision_seconds(run) / max(run.seconds, 1e-9)
    if share:
        pairs.append(("decisions", f"the scheduler took {share:.0%} of the time to decide"))
    pairs.append(("ended by", run.reason.replace("_", " ")))
    return pairs + _best(run)


def _best(run: Run) -> list[tuple[str, object]]:
    best = run.best()
    if best is None:
        return [
            (
                "best",
                f"every {run.schema.target} that was reported is NaN" if _count_reports(run) else "no report",
            )
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


def _count_reports(run: Run) -> int:
    return int(np.isin(run.report_columns["decision"], TOLD).sum())


def _preemptions(run: Run) -> int:
    return list(run.segment_columns["outcome"]).count("preempted")


def _decision_seconds(run: Run) -> float:
    """Simulated seconds that the scheduler took for its answers."""
    calls = run.call_columns
    return float(np.sum(np.minimum(calls["answered"], run.seconds) - np.array(calls["taken"])))


def _statuses(run: Run) -> str:
    statuses = list(run.trial_columns["status"])
    return ", ".join(f"{statuses.count(status):,} {status}" for status in sorted(set(statuses)))


def front_lines(terminal: Terminal, run: Run, objectives: Sequence[str], room: int) -> list[Text]:
    """The Pareto front of several objectives as a table; of a long front, ten points from end to end.

    Args:
        terminal: Where it is shown.
        run: The run.
        objectives: Names of the objectives; with a single one there is no front.
        room: The width to use.
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
    """At most ``most`` of ``count`` indices, evenly spaced, with the first and the last one."""
    return list(range(count)) if count <= most else [k * (count - 1) // (most - 1) for k in range(most)]


def _picture(terminal: Terminal, run: Run, room: int) -> list[Text]:
    """The incumbent over the logarithm of time, as it changes often early and rarely late."""
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
    """A configuration as ``name=value, ...``; floats have four digits.

    Args:
        configuration: Hyperparameter -> value.
    """
    return ", ".join(f"{name}={_short(value)}" for name, value in configuration.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
