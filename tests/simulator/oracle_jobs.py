"""What happens to a job and when, for the oracle: delays, speeds and failures, in nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from blackbox_repo import keyed_random
from simulator.scheduler import TrialStatus
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import Call
from simulator.settings.delays import Delay

SECOND = 10**9
NEVER = 10**30


@dataclass(eq=False)
class Job:
    """A segment: it trains from ``base`` (-1: from scratch) to ``last`` and reports the points it produces.

    ``produced`` and ``arrives`` say when, apart from a crash, a signal or a loss; ``until`` is the point
    after which its scheduler wants it to end, if it has said so; ``earliest`` is when the job before it was
    to end (T9a).
    """

    trial: int
    number: int
    worker: int
    given: int
    base: int
    last: int
    ask_from: int
    until: int | None = None
    earliest: int = 0
    start: int = 0
    produced: dict[int, int] = field(default_factory=dict)
    arrives: dict[int, int] = field(default_factory=dict)
    crash: int = NEVER
    own_end: int = NEVER
    signal: int = NEVER
    stopped: int = NEVER
    lost: int = NEVER
    ended: int | None = None
    told: bool = False
    outcome: TrialStatus | None = None

    def points_by(self, time: int) -> list[int]:
        """What the job has produced; a crash, a signal and a loss end it (T9, T18)."""
        until = min(time, self.crash, self.signal, self.lost)
        return [point for point, produced in self.produced.items() if produced <= until]

    def last_point_by(self, time: int) -> int:
        return max([self.base, *self.points_by(time)])

    @property
    def told_to_end(self) -> bool:
        return self.signal < NEVER


@dataclass(frozen=True)
class Times:
    """Every draw is a function of its key (T16)."""

    conditions: Conditions
    seed: int

    def seconds(self, delay: Delay, purpose: tuple[str, ...], *numbers: int) -> int:
        if not isinstance(delay, int | float):
            delay = delay.at(keyed_random.Stream(self.seed, *purpose).unit(*numbers))
        return round(delay * SECOND)

    def delay(self, name: str, job: Job, point: int = -1) -> int:
        delay: Delay = getattr(self.conditions.delays, name)
        return self.seconds(delay, ("delay", name), job.trial, job.number, point)

    def speed(self, worker: int) -> Fraction:
        speeds = self.conditions.speeds
        if speeds is None:
            return Fraction(1)
        if isinstance(speeds, tuple):
            return Fraction(speeds[worker])
        return Fraction(speeds.at(keyed_random.unit(self.seed, "speed", worker)))

    def decision(self, call: Call) -> int:
        policy = self.conditions.decision_time
        if callable(policy):
            return round(policy(call) * SECOND)
        return self.seconds(policy, ("decision",), call.number)

    def begin(self, job: Job, earliest: int, elapsed: Sequence[float], points: Iterable[int]) -> None:
        """Make the timetable of a job that has been given a worker."""
        training = [round(seconds * SECOND) for seconds in elapsed]
        paid = training[job.base] if 0 <= job.base < len(training) else 0
        job.earliest = earliest
        job.start = max(job.given + self.delay("start", job), earliest)
        before = 0
        for point in points:  # T6, T6b
            job.produced[point] = job.start + round((training[point] - paid) / self.speed(job.worker))
            before = max(before, job.produced[point] + self.delay("report", job, point))
            job.arrives[point] = before
        if not job.produced:  # T8
            job.own_end = job.start
            return
        finished = max(job.produced.values())
        if self.conditions.failures.crash is not None:  # T18
            after = self.conditions.failures.crash
            crash = job.start + self.seconds(after, ("crash",), job.trial, job.number)
            job.crash = crash if crash < finished else NEVER
        over = min(finished, job.crash) + self.delay("complete", job)
        job.own_end = max([over, *(job.arrives[point] for point in job.points_by(NEVER))])  # T7

    def tell_to_end(self, job: Job, now: int) -> None:  # T9
        job.signal = now + self.delay("stop", job)
        job.stopped = job.signal + self.delay("stopped", job)

    def turn(self, worker: int, turns: Sequence[int]) -> int:
        """When a worker that came and went at these times goes or comes next (T18)."""
        failures, count = self.conditions.failures, (len(turns) - 1) // 2
        if failures.preempt is None:
            return NEVER
        if len(turns) % 2:
            return turns[-1] + self.seconds(failures.preempt, ("preempt",), worker, count)
        return turns[-1] + self.seconds(failures.away, ("away",), worker, count)
