"""Small runs of every scheduler of ours, and the text that is kept of them.

``python tests/golden/traces.py`` writes the texts anew, into the files beside this one; a diff of them shows
what has changed. They hold the digest, and all events but the reports on which a trial simply went on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blackbox_repo import views
from blackbox_repo.repository import load_blackbox
from simulator.api import simulate
from simulator.kernel.events import Kind
from simulator.kernel.segments import Code
from simulator.registry import SCHEDULERS, scheduler_factory
from simulator.results.run import Run
from simulator.settings.conditions import Conditions
from simulator.settings.delays import Delays
from simulator.settings.stopping import Stop

if TYPE_CHECKING:
    from blackbox_repo.blackbox import Blackbox

FOLDER = Path(__file__).parent
TRIALS, WORKERS, SEED = 24, 4, 11


@dataclass(frozen=True)
class Problem:
    """A blackbox, under which conditions, with what lowest rung and which two objectives."""

    name: str
    load: Callable[[], Blackbox]
    r_min: float
    objectives: tuple[str, str]
    conditions: Conditions | None = None


def _taskset() -> Blackbox:
    tasks = load_blackbox("taskset")
    return views.with_time_model(tasks[min(tasks)], 0.1)


PROBLEMS = (
    Problem(
        "yahpo-lcbench/167200",
        lambda: load_blackbox("yahpo-lcbench")["167200"],
        4,
        ("val_accuracy", "val_cross_entropy"),
    ),
    Problem("taskset, 0.1 s a step", _taskset, 800, ("valid_loss", "train_loss")),
    Problem(
        "nasbench-nlp, with delays",
        lambda: load_blackbox("nasbench-nlp")["wikitext-2"],
        4,
        ("valid_loss", "parameters"),
        Conditions(delays=Delays(start=2.5, report=20.0, stop=300.0, stopped=11.0)),
    ),
)


def settings(scheduler: str, problem: Problem) -> dict[str, Any]:
    """What lets a scheduler do all that it can with few trials."""
    rungs: dict[str, Any] = {"eta": 4, "r_min": problem.r_min}
    chosen: Mapping[str, dict[str, Any]] = {
        "asha": {**rungs, "brackets": 2},
        "asha-promotion": rungs,
        "grid": {"points": 2, "shuffle": True},
        "hyperband": rungs,
        "median-stopping": {"grace": problem.r_min, "min_trials": 2},
        "mo-asha": {**rungs, "objectives": problem.objectives},
        "pasha": rungs,
        "pbt": {"population": 6},
        "regularized-evolution": {"population": 6, "sample": 3},
        "successive-halving": {**rungs, "trials": 8},
    }
    return chosen.get(scheduler, {})


def run(scheduler: str, problem: Problem) -> Run:
    """One of the runs."""
    return simulate(
        problem.load(),
        partial(_make, scheduler, settings(scheduler, problem)),
        workers=WORKERS,
        stop=Stop(trials_started=TRIALS),
        seed=SEED,
        conditions=problem.conditions,
    )


def _make(scheduler: str, chosen: Mapping[str, Any], schema: Any, seed: int) -> Any:
    return scheduler_factory(scheduler, chosen)(schema, seed)


def text(finished: Run, problem: Problem) -> str:
    """A run in lines: time (ns), event, trial.segment, fidelity, and what became of a report."""
    fidelities = finished.schema.fidelity.values
    lines = [
        f"# {problem.name}: {finished.header['scheduler']}",
        f"# {finished.digest}",
        f"# {len(finished.trial_columns['trial'])} trials, {len(finished.records)} events, {finished.reason}",
    ]
    for record in finished.records:
        kind, code = Kind(int(record["kind"])), int(record["code"])
        if kind is Kind.DEADLINE or code == Code.CONTINUE:
            continue
        point = int(record["point"])
        fields = [
            str(int(record["time"])),
            kind.name.lower(),
            f"{record['trial']}.{record['segment']}",
            str(fidelities[point]) if point >= 0 else "",
            Code(code).name.lower() if code else "",
        ]
        lines.append(",".join(fields).rstrip(","))
    return "\n".join(lines) + "\n"


def texts(scheduler: str) -> str:
    """All runs of a scheduler."""
    return "\n".join(text(run(scheduler, problem), problem) for problem in PROBLEMS)


def file_of(scheduler: str) -> Path:
    """Where the runs of a scheduler are kept."""
    return FOLDER / f"{scheduler}.csv"


def digests() -> list[str]:
    """A line for each run: scheduler, problem, digest."""
    return [
        f"{scheduler}, {problem.name}: {run(scheduler, problem).digest}"
        for scheduler in SCHEDULERS
        for problem in PROBLEMS
    ]


def main() -> None:
    """Write all anew."""
    for scheduler in SCHEDULERS:
        file_of(scheduler).write_text(texts(scheduler), encoding="utf-8")


if __name__ == "__main__":
    main()
