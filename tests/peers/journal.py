"""A scheduler of Syne Tune that writes down, in its own words, all that passes between it and a simulator."""

from __future__ import annotations

from inspect import signature
from typing import Any

from syne_tune.constants import ST_TUNER_TIME
from syne_tune.optimizer.scheduler import TrialScheduler


class Journal(TrialScheduler):
    """Hands everything on to a scheduler, until it has suggested ``limit`` jobs; then there are no more.

    Args:
        scheduler: The scheduler whose calls are written down.
        metric: What it optimizes.
        resource: What it calls the fidelity.
        limit: How many jobs are suggested.
    """

    def __init__(self, scheduler: TrialScheduler, metric: str, resource: str, limit: int) -> None:
        self._scheduler, self._metric, self._resource, self._limit = scheduler, metric, resource, limit
        self.lines: list[tuple[Any, ...]] = []
        """What was said, in order."""
        self.times: list[float] = []
        """The simulated second at which each report arrived."""

    def suggest(self, trial_id: int | None = None) -> Any:
        suggested = sum(line[0] in ("start", "resume") for line in self.lines)
        suggestion = None if suggested == self._limit else self._suggest(trial_id)
        if suggestion is not None:
            kind = "start" if suggestion.spawn_new_trial_id else "resume"
            self.lines.append((kind, suggestion.checkpoint_trial_id, suggestion.config))
        return suggestion

    def _suggest(self, trial_id: int | None) -> Any:
        """Before 0.14 a scheduler is told the number that a new trial would have."""
        told = (trial_id,) if "trial_id" in signature(self._scheduler.suggest).parameters else ()
        return self._scheduler.suggest(*told)

    def on_trial_add(self, trial: Any) -> None:
        self.lines.append(("add", trial.trial_id, dict(trial.config)))
        self._scheduler.on_trial_add(trial)

    def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
        decision = self._scheduler.on_trial_result(trial, result)
        said = (float(result[self._resource]), float(result[self._metric]), decision)
        self.lines.append(("result", trial.trial_id, *said))
        self.times.append(float(result[ST_TUNER_TIME]))
        return decision

    def on_trial_complete(self, trial: Any, result: dict[str, Any]) -> None:
        self.lines.append(("complete", trial.trial_id, float(result[self._resource])))
        self._scheduler.on_trial_complete(trial, result)

    def on_trial_remove(self, trial: Any) -> None:
        self.lines.append(("remove", trial.trial_id))
        self._scheduler.on_trial_remove(trial)

    def on_trial_error(self, trial: Any) -> None:
        self.lines.append(("error", trial.trial_id))
        self._scheduler.on_trial_error(trial)

    def only(self, *kinds: str) -> list[tuple[Any, ...]]:
        """The lines of these kinds."""
        return [line for line in self.lines if line[0] in kinds]

    def metric_names(self) -> list[str]:
        return [self._metric]

    def metric_mode(self) -> str:
        return "min"

    def metadata(self) -> dict[str, Any]:
        return {}
