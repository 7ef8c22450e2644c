"""The counts of a run so far, and the first limit that they reach (T14)."""

from __future__ import annotations

from blackbox_repo.schema import Schema
from simulator.clock import NANOSECONDS, to_seconds
from simulator.kernel.cluster import Cluster
from simulator.kernel.segments import Segment
from simulator.run_state import RunState
from simulator.scheduler import TrialStatus
from simulator.settings.stopping import Stop, Threshold


class Limits:
    """Counts of a run in progress.

    Args:
        cluster: The state of the run.
        stop: The limits.
        schema: What the curves mean.
        watched: Whether a callback looks at the state, so that the best value must be followed.

    Attributes:
        active: Whether there is a limit that a report or an end may reach.
    """

    def __init__(self, cluster: Cluster, stop: Stop, schema: Schema, *, watched: bool) -> None:
        self._cluster, self._stop = cluster, stop
        self._completed = self._finished = self._reports = 0
        self._target = schema.objective(schema.target)
        threshold = stop.threshold or Threshold(0.0)
        self._goal = schema.objective(threshold.objective or schema.target)
        self._needed = self._goal.loss(threshold.value)
        self._watched = watched or stop.when is not None
        limits = (stop.trials_completed, stop.trials_finished, stop.cost, stop.threshold, stop.when)
        self.active = stop.reports is not None or any(limit is not None for limit in limits)
        self._values_matter = self._watched or stop.cost is not None or stop.threshold is not None
        self._best: float | None = None
        self._reached_goal = False
        self._paid = 0.0

    def count_reports(self, segment: Segment, point: int, fresh: int) -> None:
        """Count a point that has arrived in time.

        Args:
            segment: Which produced it.
            point: Its position on the curve.
            fresh: How many points it completes that were not delivered before; 0 if it repeats one.
        """
        self._reports += fresh
        if self._values_matter:
            self._look_at(segment, point, fresh=fresh > 0)

    def _look_at(self, segment: Segment, point: int, *, fresh: bool) -> None:
        curve = segment.trial.curve
        cost = self._stop.cost
        if cost is not None and cost.objective is not None:
            before = segment.base if point == segment.first else point - 1
            paid_before = curve.point(cost.objective, before) if before >= 0 else 0.0
            self._paid += cost.price * (curve.point(cost.objective, point) - paid_before)
        if not fresh:
            return
        if self._watched:
            value = curve.point(self._target.name, point)
            if self._best is None or self._target.loss(value) < self._target.loss(self._best):
                self._best = value
        if self._stop.threshold is not None:
            loss = self._goal.loss(curve.point(self._goal.name, point))
            self._reached_goal = self._reached_goal or loss <= self._needed

    def count_end(self, outcome: TrialStatus) -> None:
        """Count a job's end that the scheduler knows of."""
        self._completed += outcome is TrialStatus.COMPLETED
        self._finished += outcome not in (TrialStatus.PAUSED, TrialStatus.INTERRUPTED)

    def reached(self, now: int) -> str | None:
        """The first limit, apart from time and trials_started, that holds at ``now`` (ns)."""
        stop = self._stop
        counts = {
            "trials_completed": self._completed,
            "trials_finished": self._finished,
            "reports": self._reports,
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
        """A snapshot for limits and callbacks."""
        return RunState(
            time=to_seconds(now),
            trials_started=len(self._cluster.trials),
            trials_completed=self._completed,
            trials_finished=self._finished,
            running=len(self._cluster.running),
            reports=self._reports,
            busy_seconds=to_seconds(self._cluster.busy(now)),
            best=self._best,
        )
