"""What a scheduler's suggestion means: a checked job for a worker (T6 to T8, T9a, T10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.space import Configuration
from simulator.errors import SchedulerError
from simulator.kernel.cluster import Cluster
from simulator.kernel.curves import Curves
from simulator.kernel.segments import SCRATCH, Job, Segment, TrialState
from simulator.kernel.training_seeds import TrainingSeeds
from simulator.scheduler import TrialStatus


class Jobs:
    """Turns suggestions into jobs, or refuses them.

    Args:
        blackbox: What is trained.
        cluster: The trials that suggestions are about.
        curves: Where the curves come from.
        seeds: Which training run each trial replays.
        checkpoints: Whether the cluster keeps any.
        refuse: ``(call, what)`` -> the error to raise.
    """

    def __init__(
        self,
        blackbox: Blackbox,
        cluster: Cluster,
        curves: Curves,
        seeds: TrainingSeeds,
        checkpoints: bool,  # noqa: FBT001
        refuse: Callable[[str, str], SchedulerError],
    ) -> None:
        self._blackbox, self._fidelity = blackbox, blackbox.schema.fidelity
        self._cluster, self._curves, self._seeds, self._refuse = cluster, curves, seeds, refuse
        self._independent = self._fidelity.kind == "independent"
        self._keeps_checkpoints = checkpoints and not self._independent

    def start(self, suggestion: Any) -> Job:
        """The job of the new trial of a ``Start``."""
        configuration, curve = self._trained(suggestion.configuration)
        base = SCRATCH
        if suggestion.checkpoint_of is not None:
            base = self._checkpoint_of(suggestion.checkpoint_of)
        until = self._bound(suggestion.until)
        trial = self._cluster.add_trial(configuration, curve, base, suggestion.checkpoint_of)
        return self._job(trial, base, until, ready=0)

    def resume(self, suggestion: Any) -> Job:
        """The next job of the paused trial of a ``Resume``."""
        trial = self._known_trial(suggestion.trial, "resumed")
        previous = trial.segments[-1] if trial.segments else None
        if previous is None or not self._can_be_resumed(trial, previous):
            raise self._refuse("suggest()", f"resumed trial {trial.number}, which is {trial.status.value}")
        until = self._bound(suggestion.until)
        self._cluster.go_on(trial)
        return self._job(trial, self._checkpoint(trial), until, self._gives_way(previous))

    def any_resumable(self) -> bool:
        """Whether there is a trial that could be resumed now."""
        perhaps = self._cluster.perhaps_paused
        while perhaps:
            trial = self._cluster.trials[next(iter(perhaps))]
            if self._can_be_resumed(trial, trial.segments[-1]):
                return True
            self._cluster.surely_not_paused(trial)
        return False

    @staticmethod
    def _can_be_resumed(trial: TrialState, previous: Segment) -> bool:
        """A paused trial, or one that is so for all its scheduler knows, after the report at a bound."""
        if previous.next_undecided <= previous.last:
            return False  # the scheduler does not know yet that it is paused
        job = previous.job
        at_bound = job.bounded and previous.crash is None and trial.last_delivered >= job.last
        by_itself = previous.outcome in {None, TrialStatus.COMPLETED, TrialStatus.FAILED}
        unknown = at_bound and by_itself and not previous.end_told
        return unknown or trial.status is TrialStatus.PAUSED

    def _gives_way(self, segment: Segment) -> int:
        """From when on the trial's next job may train."""
        if segment.end is not None:
            return segment.end
        return self._cluster.timetable.registered_end(segment) if segment.signal is None else segment.signal

    def again(self, segment: Segment) -> Job:
        """The job of a preempted segment once more, from the checkpoint (T18)."""
        before = segment.job
        base = self._checkpoint(before.trial)
        return self._job(before.trial, base, before.until, before.ready, segment.next_wanted)

    def point_of(self, fidelity: Any, call: str) -> int:
        """The position of a fidelity; of the last one for anything above."""
        values = self._fidelity.values
        try:
            return len(values) - 1 if fidelity >= values[-1] else self._fidelity.index(fidelity)
        except (TypeError, BlackboxRepoError) as err:
            raise self._refuse(call, f"named a fidelity that does not exist: {err}") from err

    def _job(self, trial: TrialState, base: int, until: int | None, ready: int, next_wanted: int = 0) -> Job:
        end = len(trial.curve) - 1
        last = end if until is None else min(end, until)
        first = max(last, 0) if self._independent else base + 1
        wanted = max(first, trial.last_delivered + 1, next_wanted)
        bounded = last == until and until < len(self._fidelity.values) - 1
        return Job(trial, len(trial.segments), base, first, last, ready, wanted, until, bounded)

    def _bound(self, until: Any) -> int | None:
        """The point after which a job shall end, if its scheduler says so."""
        return None if until is None else self.point_of(until, "suggest()")

    def _trained(self, configuration: Configuration) -> tuple[Configuration, LearningCurve]:
        """The canonical configuration, and the curve of the training run that this trial replays (T17)."""
        try:
            trainings = self._blackbox.trainings(configuration)
            return trainings.configuration, self._curves.of(trainings, self._seeds.choose(trainings))
        except BlackboxRepoError as err:
            raise self._refuse("suggest()", f"started {configuration!r}: {err}") from err

    def _checkpoint(self, trial: TrialState) -> int:
        return trial.last_delivered if self._keeps_checkpoints else SCRATCH

    def _checkpoint_of(self, number: Any) -> int:
        source = self._known_trial(number, "started from the checkpoint of")
        if source.segments:
            self._cluster.deliver_untold(source.segments[-1])
        if not self._keeps_checkpoints or source.last_delivered == SCRATCH:
            why = "has not reported yet" if self._keeps_checkpoints else "keeps no checkpoints here"
            raise self._refuse("suggest()", f"started from the checkpoint of trial {number}, which {why}")
        return source.last_delivered

    def _known_trial(self, number: object, verb: str) -> TrialState:
        count = len(self._cluster.trials)
        number = plain(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < count:
            raise self._refuse("suggest()", f"{verb} trial {number!r}, but there are {count} trials")
        return self._cluster.trials[number]
