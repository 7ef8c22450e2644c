"""What has been counted so far in a run, and which limit that reaches (T14)."""

from __future__ import annotations

from blackbox_repo.schema import Schema
from simulator.clock import NANOSECONDS, to_seconds
from simulator.kernel.cluster import Cluster
from simulator.kernel.run_state import RunState
from simulator.kernel.segments import Segment, TrialState
from simulator.scheduler import TrialStatus
from simulator.settings.stopping import Stop, Threshold


class Tally:
    """Counts of a run in progress.

    Args:
        cluster: Whose run.
        stop: The limits.
        schema: Of the blackbox.
        watched: Somebody looks at the state, so the best value must be followed.
    """

    def __init__(self, cluster: Cluster, stop: Stop, schema: Schema, *, watched: bool) -> None:
        self._cluster, self._stop = cluster, stop
        self.completed = self.finished = self.reports = 0
        self._target = schema.objective(schema.target)
        threshold = stop.threshold or Threshold(0.0)
        self._goal = schema.objective(threshold.objective or schema.target)
        self._needed = self._goal.loss(threshold.value)
        self._watched = watched or stop.when is not None
        limits = (stop.trials_completed, stop.trials_finished, stop.cost, stop.threshold, stop.when)
        self._limited = stop.reports is not None or any(limit is not None for limit in limits)
        self._best: float | None = None
        self._reached_goal = False
        self._paid = 0.0

    def report(self, trial: TrialState, segment: Segment, point: int, *, fresh: int) -> None:
        """A point has arrived in time, the last of so many fresh ones; 0 if it repeats what was told."""
        cost = self._stop.cost
        if cost is not None and cost.objective is not None:
            before = segment.base if point == segment.first else point - 1
            paid_before = trial.curve.point(cost.objective, before) if before >= 0 else 0.0
            self._paid += cost.price * (trial.curve.point(cost.objective, point) - paid_before)
        self.reports += fresh
        if not fresh:
            return
        if self._watched:
            value = trial.curve.point(self._target.name, point)
            if self._best is None or self._target.loss(value) < self._target.loss(self._best):
                self._best = value
        if self._stop.threshold is not None:
            loss = self._goal.loss(trial.curve.point(self._goal.name, point))
            self._reached_goal = self._reached_goal or loss <= self._needed

    def end(self, outcome: TrialStatus) -> None:
        """A job's end is registered."""
        self.completed += outcome is TrialStatus.COMPLETED
        self.finished += outcome not in (TrialStatus.PAUSED, TrialStatus.INTERRUPTED)

    def limit_reached(self, now: int) -> str | None:
        """The first limit, apart from time and trials_started, that holds at ``now`` (ns)."""
        if not self._limited:
            return None
        stop = self._stop
        counts = {
            "trials_completed": self.completed,
            "trials_finished": self.finished,
            "reports": self.reports,
        }
        for name, count in counts.items():
            limit = getattr(stop, name)
            if limit is not None and count >= limit:
                return name
        if stop.cost is not None and self._cost(now) >= stop.cost.limit:
            return "cost"
        if self._reached_goal:
            return "threshold"
        return "when" if stop.when is not None and stop.when(self.state(now)) else None

    def _cost(self, now: int) -> float:
        cost = self._stop.cost
        assert cost is not None
        if cost.objective is not None:
            return self._paid
        return cost.price * self._cluster.busy(now) / NANOSECONDS

    def state(self, now: int) -> RunState:
        """A snapshot."""
        return RunState(
            time=to_seconds(now),
            trials_started=len(self._cluster.trials),
            trials_completed=self.completed,
            trials_finished=self.finished,
            running=len(self._cluster.running),
            reports=self.reports,
            busy_seconds=to_seconds(self._cluster.busy(now)),
            best=self._best,
        )
