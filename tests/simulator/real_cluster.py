"""A real cluster: threads that sleep as long as training takes, and a coordinator that owns the scheduler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from queue import Queue
from threading import Event, Thread

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.space import Configuration
from simulator import Report, Resume, Start, Trial
from simulator.scheduler import Decision, Scheduler, TrialStatus


@dataclass
class Job:
    """A trial on a worker, from after the point ``base`` to the point ``last``."""

    trial: int
    curve: LearningCurve
    base: int
    last: int
    began: float
    """When it would have begun on an ideal machine (s of the run): what it lost since then it catches up."""
    wake: float = 0.0
    status: TrialStatus = TrialStatus.RUNNING

    def __post_init__(self) -> None:
        self.told_to_end = Event()


@dataclass(frozen=True)
class Message:
    """A worker says that a point was produced, which should have been at ``due``."""

    worker: int
    job: Job
    point: int
    due: float


class RealCluster:
    """Runs a scheduler really, without delays, checkpoints kept (docs/time.md, T6 to T11).

    Args:
        blackbox: Its curves say how long training takes.
        scheduler: Asked and told by the thread that calls :meth:`run`, and by no other.
        workers: How many threads train.
        scale: Real seconds for a second of the curves.
    """

    def __init__(self, blackbox: Blackbox, scheduler: Scheduler, workers: int, scale: float) -> None:
        self._blackbox, self._scheduler, self._scale = blackbox, scheduler, scale
        self._fidelity = blackbox.schema.fidelity
        self._orders: list[Queue[Job | None]] = [Queue() for _ in range(workers)]
        self._messages: Queue[Message] = Queue()
        self._configurations: list[Configuration] = []
        self._trials: list[Job] = []  # the latest job of each
        self._busy: dict[int, Job] = {}
        self.latest = 0.0
        """By how many real seconds anything came later than on an ideal machine, at most."""

    def run(self) -> None:
        """Until no job runs and the scheduler suggests none."""
        threads = [
            Thread(target=self._work, args=(worker,), daemon=True) for worker in range(len(self._orders))
        ]
        for thread in threads:
            thread.start()
        self._began = time.perf_counter()
        self._ask(0.0)
        while self._busy:
            message = self._messages.get()
            if self._busy.get(message.worker) is message.job:  # else it came too late
                self.latest = max(self.latest, self._now() - message.due)
                self._hear(message)
                self._ask(message.due)
        for order in self._orders:
            order.put(None)
        for thread in threads:
            thread.join()

    def _now(self) -> float:
        return time.perf_counter() - self._began

    # --- in the threads of the workers ----------------------------------------------------------------------

    def _work(self, worker: int) -> None:
        while (job := self._orders[worker].get()) is not None:
            for point, seconds in self._points(job):
                due = job.began + seconds
                if job.told_to_end.wait(due - self._now()):
                    break
                self._messages.put(Message(worker, job, point, due))

    def _points(self, job: Job) -> Iterator[tuple[int, float]]:
        elapsed = job.curve.head("elapsed_time", job.last + 1)
        before = elapsed[job.base] if job.base >= 0 else 0.0
        for point in range(job.base + 1, job.last + 1):
            yield point, (elapsed[point] - before) * self._scale

    # --- in the thread of the coordinator -------------------------------------------------------------------

    def _ask(self, now: float) -> None:
        for worker in range(len(self._orders)):
            if worker not in self._busy:
                suggestion = self._scheduler.suggest()
                if suggestion is None:
                    return
                self._busy[worker] = job = self._job(suggestion, now)
                self._orders[worker].put(job)

    def _job(self, suggestion: Start | Resume, now: float) -> Job:
        last = self._fidelity.values[-1] if suggestion.until is None else suggestion.until
        if isinstance(suggestion, Start):
            curve = self._blackbox.curve(suggestion.configuration)
            self._configurations.append(suggestion.configuration)
            self._trials.append(Job(len(self._trials), curve, -1, self._fidelity.index(last), now))
            return self._trials[-1]
        before = self._trials[suggestion.trial]
        job = Job(before.trial, before.curve, before.last, self._fidelity.index(last), now)
        self._trials[suggestion.trial] = job
        return job

    def _hear(self, message: Message) -> None:
        job, point = message.job, message.point
        fidelity = self._fidelity.values[point]
        report = Report(fidelity, message.due / self._scale, point, job.curve)
        if fidelity >= job.wake:
            self._obey(job, point, self._scheduler.on_report(self._seen(job), report))
        if job.status is TrialStatus.RUNNING and point == job.last:
            at_end = point == len(self._fidelity.values) - 1
            job.status = TrialStatus.COMPLETED if at_end else TrialStatus.PAUSED
        if job.status is not TrialStatus.RUNNING:
            del self._busy[message.worker]
            self._scheduler.on_end(replace(self._seen(job), last_report=report))

    def _obey(self, job: Job, point: int, decision: Decision) -> None:
        if decision.action == "continue":
            job.wake = decision.until or 0.0
            return
        job.status = TrialStatus.STOPPED if decision.action == "stop" else TrialStatus.PAUSED
        job.last = point  # where its checkpoint is
        job.told_to_end.set()

    def _seen(self, job: Job) -> Trial:
        return Trial(job.trial, self._configurations[job.trial], job.status)
