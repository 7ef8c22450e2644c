"""A scheduler of Syne Tune, driven by this project's simulator as Syne Tune's own tuner would drive it."""

from __future__ import annotations

from datetime import datetime, timezone
from inspect import signature
from typing import Any

from syne_tune.backend.trial_status import Trial as PeersTrial
from syne_tune.constants import ST_TUNER_TIME
from syne_tune.optimizer.scheduler import SchedulerDecision

from simulator import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial
from simulator.scheduler import TrialStatus

DECISIONS = {
    SchedulerDecision.CONTINUE: CONTINUE,
    SchedulerDecision.PAUSE: PAUSE,
    SchedulerDecision.STOP: STOP,
}
CREATED = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""Of every trial: no scheduler of Syne Tune looks at it, and simulated time has no date."""


class SyneTuneScheduler:
    """Speaks to a ``TrialScheduler`` in the order in which ``Tuner`` does.

    Args:
        scheduler: A fresh instance; its configuration space is the blackbox's.
        resource: What it calls the fidelity (its ``time_attr`` or ``resource_attr``).
        limit: The key by which a configuration bounds its job (``max_resource_attr``), if it has one.
    """

    def __init__(self, scheduler: Any, resource: str, limit: str | None = None) -> None:
        self._scheduler, self._resource, self._limit = scheduler, resource, limit
        self._trials: list[PeersTrial] = []
        self._last: dict[int, dict[str, Any]] = {}

    def suggest(self) -> Start | Resume | None:
        number = (len(self._trials),) if "trial_id" in signature(self._scheduler.suggest).parameters else ()
        suggestion = self._scheduler.suggest(*number)
        if suggestion is None:
            return None
        if not suggestion.spawn_new_trial_id:
            paused = self._trials[suggestion.checkpoint_trial_id]
            if suggestion.config is not None:
                paused.config = suggestion.config
            return Resume(paused.trial_id, until=self._until(paused.config))
        trial = PeersTrial(len(self._trials), suggestion.config.copy(), CREATED)
        self._trials.append(trial)
        self._scheduler.on_trial_add(trial)
        configuration = {name: value for name, value in trial.config.items() if name != self._limit}
        return Start(configuration, self._until(trial.config), suggestion.checkpoint_trial_id)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        result = {**report.values(), self._resource: report.fidelity, ST_TUNER_TIME: report.time}
        self._last[trial.number] = result
        decision = self._scheduler.on_trial_result(self._trials[trial.number], result)
        if decision != SchedulerDecision.CONTINUE:
            self._scheduler.on_trial_remove(self._trials[trial.number])
        return DECISIONS[decision]

    def on_end(self, trial: Trial) -> None:
        theirs, last = self._trials[trial.number], self._last.get(trial.number)
        if trial.status is TrialStatus.COMPLETED and last is not None:
            self._scheduler.on_trial_complete(theirs, last)
        elif trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED):
            self._scheduler.on_trial_error(theirs)  # what ends without a report is an error to its tuner

    def _until(self, configuration: dict[str, Any]) -> float | None:
        return None if self._limit is None else configuration.get(self._limit)
