"""Random little worlds for properties: curves in whole seconds, schedulers that try all that is allowed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from blackbox_repo import keyed_random
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve, Status
from blackbox_repo.domains import Categorical, Integer
from blackbox_repo.schema import Fidelity, FidelityKind, Objective, Schema
from blackbox_repo.space import Configuration, Space
from simulator import CONTINUE, PAUSE, STOP, Conditions, Delays, continue_until
from simulator.scheduler import Decision, Report, Resume, Scheduler, Start, Suggestion, Trial
from simulator.settings.decision_time import Call, DecisionTime
from simulator.settings.delays import Delay
from simulator.settings.distributions import Uniform
from simulator.settings.failures import Failures
from simulator.settings.stopping import Cost, Stop, Threshold

FIDELITIES = (1, 3, 9, 27, 81)


def examples(count: int) -> settings:
    """The same examples each time; BB_EXAMPLES=20 tries 20 times as many, and new ones each time."""
    factor = int(os.environ.get("BB_EXAMPLES", "0"))
    return settings(max_examples=count * max(factor, 1), deadline=None, derandomize=not factor, database=None)


@dataclass(frozen=True)
class Row:
    """A training run: the seconds of each step, and how it ended."""

    steps: tuple[int, ...]
    status: Status = "ok"


class World(Blackbox):
    """A few configurations, told apart by ``row``; ``shade`` has no effect. Steps take ``scale`` seconds."""

    name = "world"

    def __init__(self, rows: Sequence[Row], epochs: int, kind: FidelityKind = "incremental") -> None:
        self.rows, self.scale = tuple(rows), 1
        self.schema = Schema(
            Space({"row": Integer(0, len(rows) - 1), "shade": Categorical(("light", "dark"))}),
            Fidelity("epoch", FIDELITIES[:epochs], kind=kind),
            (Objective("loss", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
            target="loss",
            time="elapsed_time",
        )

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        row = self.rows[configuration["row"]]
        count = len(row.steps)
        losses = [configuration["row"] + 1 / (point + 2) for point in range(count)]
        if row.status == "diverged":
            losses[-1:] = [float("nan")]
        elapsed = [self.scale * sum(row.steps[: point + 1]) for point in range(count)]
        values = {"loss": losses[:count], "elapsed_time": elapsed}
        return LearningCurve.of(self.schema, values, status=row.status, seed=seed or 0)

    def digest(self) -> str:
        return "world"


@dataclass(frozen=True)
class Character:
    """What a :class:`Whimsical` scheduler does: tenths of its answers.

    A moody one may answer ``None`` now and otherwise later, though it was told nothing in between.
    """

    starts: int = 12
    nothing: int = 2
    resumes: int = 6
    copies: int = 2
    bounds: int = 5
    pauses: int = 2
    stops: int = 1
    patience: int = 2
    moody: bool = False


class Whimsical:
    """Asks for whatever is possible, at random; its answers follow from what it was told.

    It knows how many trials are admitted: asked again without news, it offers the same trial again.
    """

    def __init__(
        self, world: World, seed: int, character: Character, *, keeps_checkpoints: bool, door: int | None
    ) -> None:
        self.world, self.seed, self.character = world, seed, character
        self.keeps_checkpoints, self.door = keeps_checkpoints, door
        self.answers = self.asked = self.told = 0
        self.bounds: list[float | None] = []
        self.open_jobs: list[int] = []
        self.paused: set[int] = set()
        self.over: set[int] = set()
        self.reported: set[int] = set()
        self.heard: dict[tuple[int, float], int] = {}

    def chance(self, tenths: int, *what: Any) -> bool:
        return keyed_random.integer(10, self.seed, *what) < tenths

    def suggest(self) -> Suggestion:
        key = ("suggest", self.answers, self.told, self.asked if self.character.moody else 0)
        self.asked += 1
        if self.answers == self.character.starts or self.chance(self.character.nothing, "nothing", *key):
            return None
        until = None
        if self.chance(self.character.bounds, "bounded", *key):
            until = self.pick(self.world.schema.fidelity.values, "until", *key)
        source = None
        if self.reported and self.keeps_checkpoints and self.chance(self.character.copies, "copy", *key):
            source = self.pick(sorted(self.reported), "source", *key)
        elif self.paused and self.chance(self.character.resumes, "resume", *key):
            return self.resume(self.pick(sorted(self.paused), "which", *key), until)
        return self.start(self.pick(range(len(self.world.rows)), "row", *key), until, source)

    def pick(self, among: Sequence[Any], *key: Any) -> Any:
        return among[keyed_random.integer(len(among), self.seed, "pick", *key)]

    def start(self, row: int, until: float | None, source: int | None) -> Start:
        if len(self.bounds) != self.door:
            self.answers += 1
            self.bounds.append(until)
            self.open_jobs.append(1)
        return Start({"row": row, "shade": "light"}, until, source)

    def resume(self, trial: int, until: float | None) -> Resume:
        self.answers += 1
        self.paused.discard(trial)
        self.bounds[trial] = until
        self.open_jobs[trial] += 1
        return Resume(trial, until)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        self.told += 1
        self.reported.add(trial.number)
        key = (trial.number, report.fidelity)
        occurrence = self.heard[key] = self.heard.get(key, 0) + 1
        decision = self.decide("decide", *key, occurrence)
        last = self.world.schema.fidelity.values[-1]
        if decision == STOP:
            self.over.add(trial.number)
        elif decision == PAUSE or report.fidelity == self.bounds[trial.number] != last:
            self.paused.add(trial.number)
        return decision

    def decide(self, *key: Any) -> Decision:
        number, character = keyed_random.integer(10, self.seed, *key), self.character
        kinds = [PAUSE] * character.pauses + [STOP] * character.stops + ["patience"] * character.patience
        if number >= len(kinds):
            return CONTINUE
        kind = kinds[number]
        if isinstance(kind, Decision):
            return kind
        return continue_until(self.pick((*self.world.schema.fidelity.values, 1000), *key))

    def on_end(self, trial: Trial) -> None:
        self.told += 1
        self.open_jobs[trial.number] -= 1
        if trial.status.value != "paused":
            self.over.add(trial.number)
            self.paused.discard(trial.number)
        if not self.open_jobs[trial.number] and trial.number not in self.over:
            self.paused.add(trial.number)


class Recorder:
    """Writes down every call of the scheduler that it wraps."""

    def __init__(self, inner: Scheduler) -> None:
        self.inner = inner
        self.calls: list[str] = []
        self.suggestions: list[Start | Resume] = []
        self.ends: list[Trial] = []

    def suggest(self) -> Suggestion:
        suggestion = self.inner.suggest()
        self.calls.append(f"suggest {suggestion}")
        if suggestion is not None:
            self.suggestions.append(suggestion)
        return suggestion

    def on_report(self, trial: Trial, report: Report) -> Decision:
        decision = self.inner.on_report(trial, report)
        self.calls.append(f"{report.time} {report.fidelity} {trial} {report.values()} {decision}")
        return decision

    def on_end(self, trial: Trial) -> None:
        self.calls.append(f"end {trial}")
        self.ends.append(trial)
        self.inner.on_end(trial)


class Patient:
    """Answers CONTINUE where the scheduler that it wraps asks not to be called (T22)."""

    def __init__(self, inner: Scheduler) -> None:
        self.inner = inner
        self.ask_from: dict[int, float] = {}

    def suggest(self) -> Suggestion:
        suggestion = self.inner.suggest()
        if isinstance(suggestion, Resume):
            self.ask_from.pop(suggestion.trial, None)
        return suggestion

    def on_report(self, trial: Trial, report: Report) -> Decision:
        if report.fidelity < self.ask_from.get(trial.number, 0):
            return CONTINUE
        decision = self.inner.on_report(trial, report)
        if decision.until is not None:
            self.ask_from[trial.number] = min(decision.until, self.last_fidelity(report))
        return replace(decision, until=None)

    @staticmethod
    def last_fidelity(report: Report) -> float:
        last: float = report._curve.schema.fidelity.values[-1]
        return last

    def on_end(self, trial: Trial) -> None:
        self.inner.on_end(trial)


@dataclass(frozen=True)
class Case:
    """A world, a scheduler, and under what conditions they meet."""

    rows: tuple[Row, ...]
    epochs: int
    kind: FidelityKind
    seed: int
    character: Character
    workers: int
    stop: Stop
    conditions: Conditions

    @property
    def world(self) -> World:
        return World(self.rows, self.epochs, self.kind)

    def scheduler(self) -> Recorder:
        keeps = self.conditions.checkpoints and self.kind == "incremental"
        door = self.stop.trials_started
        return Recorder(Whimsical(self.world, self.seed, self.character, keeps_checkpoints=keeps, door=door))


STEPS = st.sampled_from((1, 2, 3, 4, 1, 2, 0, 0))
STATUSES: st.SearchStrategy[Status] = st.sampled_from(("ok", "ok", "ok", "diverged", "crashed"))


def delays(most: int) -> st.SearchStrategy[Delay]:
    """Whole seconds, which often coincide, and some that are drawn."""
    whole = st.integers(0, most)
    return st.one_of(whole, whole, whole, st.builds(lambda low: Uniform(low / 2, low / 2 + most / 2), whole))


DELAYS = st.one_of(
    st.just(Delays()),
    st.builds(
        lambda start, report, more, stop, stopped: Delays(start, report, report + more, stop, stopped),
        *[st.integers(0, 6)] * 5,
    ),
    st.builds(
        Delays,
        delays(4),
        delays(6).filter(lambda delay: isinstance(delay, Uniform)),
        delays(3),
        delays(6),
        delays(6),
    ),
)


@dataclass(frozen=True)
class Pondering:
    """A scheduler whose thoughts take up to ``most`` whole seconds, as it pleases."""

    seed: int
    most: int

    def __call__(self, call: Call) -> float:
        asked = (call.kind, call.number, call.trial, call.fidelity, int(call.time))
        return keyed_random.integer(self.most + 1, self.seed, "ponder", *asked)


@dataclass(frozen=True)
class Slow:
    """Kinds of calls that take ``seconds``; the others take no time."""

    kinds: tuple[str, ...]
    seconds: int

    def __call__(self, call: Call) -> float:
        return self.seconds * (call.kind in self.kinds)


DECISION_TIMES: st.SearchStrategy[DecisionTime] = st.one_of(
    st.integers(1, 4),
    st.builds(Pondering, st.integers(0, 100), st.sampled_from((1, 2, 5))),
    st.builds(
        Slow, st.sampled_from((("suggest",), ("on_report",), ("on_end", "suggest"))), st.integers(1, 5)
    ),
    st.just(Uniform(0, 3)),
)
NO_TIME = st.just(0)
POLLS = st.one_of(st.none(), st.none(), st.integers(1, 10), st.just(2.5))
FAILURES = st.builds(
    Failures,
    crash=st.one_of(st.none(), st.integers(1, 12), st.just(Uniform(0.5, 20))),
    preempt=st.one_of(st.none(), st.integers(2, 20), st.builds(Uniform, st.just(1), st.integers(4, 30))),
    away=st.one_of(st.just(0), st.integers(0, 8), st.just(Uniform(0, 8))),
    requeue=st.sampled_from((True, True, False)),
)
SPEEDS = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.lists(st.sampled_from((1, 2, 0.5, 1.5)), min_size=4, max_size=4).map(tuple),
    st.just(Uniform(0.5, 2)),
)
PRICES = st.sampled_from((1.0, 0.5, 2.0))
LIMIT = st.one_of(
    st.just({}),
    st.integers(1, 80).map(lambda seconds: {"time": seconds}),
    st.integers(1, 8).map(lambda count: {"trials_started": count}),
    st.integers(1, 4).map(lambda count: {"trials_completed": count}),
    st.integers(1, 6).map(lambda count: {"trials_finished": count}),
    st.integers(1, 30).map(lambda count: {"reports": count}),
    st.builds(Cost, st.integers(1, 150), st.sampled_from((None, None, "elapsed_time")), PRICES).map(
        lambda cost: {"cost": cost}
    ),
    st.sampled_from((1.22, 1.3, 2.3)).map(lambda loss: {"threshold": Threshold(loss)}),
)
DRAIN = st.sampled_from((False, False, False, True))
LIMITS = st.builds(
    lambda *two, drain: Stop(**{"time": 400, **two[0], **two[1]}, drain=drain), LIMIT, LIMIT, drain=DRAIN
)
CHARACTERS = st.builds(
    Character,
    starts=st.integers(3, 15),
    nothing=st.sampled_from((0, 0, 1, 2)),
    resumes=st.sampled_from((9, 7, 10, 4, 0)),
    copies=st.sampled_from((0, 2, 6)),
    bounds=st.sampled_from((4, 8, 0)),
    pauses=st.sampled_from((3, 2, 5, 0)),
    stops=st.integers(0, 2),
    patience=st.sampled_from((0, 2, 4)),
)


@st.composite
def conditions(draw_one: st.DrawFn, workers: int) -> Conditions:
    speeds = draw_one(SPEEDS)
    return Conditions(
        draw_one(DELAYS),
        checkpoints=draw_one(st.sampled_from((True, True, False))),
        speeds=speeds[:workers] if isinstance(speeds, tuple) else speeds,
        decision_time=draw_one(st.one_of(NO_TIME, NO_TIME, DECISION_TIMES)),
        poll=draw_one(POLLS),
        failures=draw_one(st.one_of(st.just(Failures()), st.just(Failures()), FAILURES)),
    )


@st.composite
def cases(draw_one: st.DrawFn) -> Case:
    epochs = draw_one(st.sampled_from((4, 3, 5, 2, 1)))
    whole = st.lists(STEPS, min_size=epochs, max_size=epochs)
    row = st.builds(Row, st.one_of(whole, whole, st.lists(STEPS, max_size=epochs)).map(tuple), STATUSES)
    workers = draw_one(st.integers(1, 4))
    under, stop = draw_one(conditions(workers)), draw_one(LIMITS)
    if stop.drain and under.failures.preempt is not None:  # by chance every job must get to its end
        under = replace(under, failures=replace(under.failures, preempt=Uniform(10, 100)))
    return Case(
        rows=tuple(draw_one(st.lists(row, min_size=2, max_size=6))),
        epochs=epochs,
        kind=draw_one(st.sampled_from(("incremental", "incremental", "incremental", "independent"))),
        seed=draw_one(st.integers(0, 10**6)),
        character=draw_one(CHARACTERS),
        workers=workers,
        stop=stop,
        conditions=under,
    )


def plain_cases() -> st.SearchStrategy[Case]:
    """Cases in which nothing is drawn but by the scheduler, thinking takes no time and nothing fails."""

    def plainly(case: Case) -> Case:
        delays = case.conditions.delays
        constant = all(isinstance(delay, int | float) for delay in vars(delays).values())
        conditions = Conditions(delays if constant else Delays(), checkpoints=case.conditions.checkpoints)
        return replace(case, conditions=conditions, stop=replace(case.stop, drain=False))

    return cases().map(plainly)
