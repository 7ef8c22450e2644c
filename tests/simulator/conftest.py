"""A tiny blackbox whose curves can be computed in the head, and schedulers that follow a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve, Status
from blackbox_repo.domains import Float, Integer
from blackbox_repo.schema import Fidelity, FidelityKind, Objective, Schema
from blackbox_repo.space import Configuration, Space
from simulator import CONTINUE, Decision, Report, Resume, Run, Start, Stop, Trial, simulate
from simulator.kernel.events import Kind
from simulator.kernel.segments import Code
from simulator.settings.conditions import Conditions


def tiny_schema(epochs: int = 4, kind: FidelityKind = "incremental") -> Schema:
    return Schema(
        Space({"pace": Float(0.0, 1000.0), "level": Integer(0, 9)}),
        Fidelity("epoch", tuple(range(1, epochs + 1)), kind=kind),
        (Objective("loss", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="loss",
        time="elapsed_time",
    )


class TinyBlackbox(Blackbox):
    """An epoch takes ``pace`` seconds, and the loss at epoch e is level + 1 / e; lengths by pace."""

    name = "tiny"

    def __init__(
        self,
        epochs: int = 4,
        kind: FidelityKind = "incremental",
        lengths: Mapping[float, int] | None = None,
        status: Status = "ok",
    ) -> None:
        self.schema = tiny_schema(epochs, kind)
        self.lengths, self.status = dict(lengths or {}), status

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        checked = self.schema.space.check(configuration)
        epochs = self.lengths.get(float(checked["pace"]), len(self.schema.fidelity.values))
        steps = range(1, epochs + 1)
        values = {
            "loss": [checked["level"] + 1 / step for step in steps],
            "elapsed_time": [checked["pace"] * step for step in steps],
        }
        return LearningCurve.of(self.schema, values, status=self.status, seed=seed or 0)


@dataclass(frozen=True)
class After:
    """A suggestion to make once ``(trial, epoch)`` was reported, or ``("end", trial)`` was told."""

    what: tuple[Any, ...]
    suggestion: Start | Resume


Script = Iterable[Start | Resume | After]


class Scripted:
    """Suggests what is written, one a call, and decides what is written: ``(trial, epoch) -> decision``."""

    def __init__(self, script: Script, decisions: Mapping[tuple[int, float], Decision] | None = None) -> None:
        self.script = list(script)
        self.decisions = dict(decisions or {})
        self.heard: list[tuple[float, int, float, float]] = []
        self.ended: list[tuple[int, str]] = []
        self.known: set[tuple[Any, ...]] = set()

    def suggest(self) -> Start | Resume | None:
        if not self.script:
            return None
        first = self.script[0]
        if isinstance(first, After):
            if first.what not in self.known:
                return None
            first = first.suggestion
        self.script.pop(0)
        return first

    def on_report(self, trial: Trial, report: Report) -> Decision:
        self.heard.append((report.time, trial.number, report.fidelity, report["loss"]))
        self.known.add((trial.number, report.fidelity))
        return self.decisions.get((trial.number, report.fidelity), CONTINUE)

    def on_end(self, trial: Trial) -> None:
        self.ended.append((trial.number, trial.status.value))
        self.known.add(("end", trial.number))


def story_of(run: Run) -> list[str]:
    """The trace as lines: seconds, what, trial.segment, and for reports the epoch and what became of it."""
    lines = []
    for record in run.records:
        kind, name = Kind(int(record["kind"])), f"{record['trial']}.{record['segment']}"
        line = f"{int(record['time']) / 1e9:g} {kind.name.lower()} {name}"
        if kind is Kind.REPORT:
            line += f" epoch {record['point'] + 1} {Code(int(record['code'])).name.lower()}"
        lines.append(line)
    return lines


@pytest.fixture
def job() -> Callable[..., Start]:
    def start(
        pace: float, level: int = 0, until: float | None = None, checkpoint_of: int | None = None
    ) -> Start:
        return Start({"pace": pace, "level": level}, until=until, checkpoint_of=checkpoint_of)

    return start


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def after() -> type[After]:
    return After


@pytest.fixture
def make_tiny() -> type[TinyBlackbox]:
    return TinyBlackbox


@pytest.fixture
def tiny() -> Blackbox:
    return TinyBlackbox()


@pytest.fixture
def play(tiny: Blackbox) -> Callable[..., tuple[list[str], Scripted, Run]]:
    """Simulate a script; gives the story, the scheduler and the run."""

    def run(
        script: Script,
        decisions: Mapping[tuple[int, float], Decision] | None = None,
        workers: int = 1,
        stop: Stop | None = None,
        conditions: Conditions | None = None,
        blackbox: Blackbox = tiny,
    ) -> tuple[list[str], Scripted, Run]:
        scheduler = Scripted(script, decisions)
        finished = simulate(
            blackbox, scheduler, workers=workers, stop=stop or Stop(time=1000), conditions=conditions
        )
        return story_of(finished), scheduler, finished

    return run
