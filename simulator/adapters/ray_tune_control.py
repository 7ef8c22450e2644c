"""The part of Ray Tune's ``TuneController`` that its schedulers need: trials, and the searcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blackbox_repo.space import Configuration
from simulator.adapters.library import require

TIME = "training_iteration"
"""Ray Tune's name for the fidelity; its clocks do not run here."""
PENDING = {True: 16, False: 1}
"""How many trials wait for a worker if they are drawn at random, or suggested by a searcher, as in Ray."""


@dataclass(frozen=True)
class Saved:
    """Stands for a checkpoint of a trial of the simulation.

    Args:
        number: Number of the trial in the simulation.
        fidelity: The fidelity of the checkpoint, as Ray Tune was told it.
    """

    number: int
    fidelity: int


class Variants:
    """Configurations at random, as ``BasicVariantGenerator`` draws them.

    Args:
        param_space: The search space, as Ray describes it.
        initial: Configurations that come first.
        seed: Seed of the random configurations that follow.
    """

    def __init__(self, param_space: Mapping[str, Any], initial: Sequence[Configuration], seed: int) -> None:
        self._generate = require("ray.tune.search.variant_generator", "ray", "ray[tune]").generate_variants
        sample = require("ray.tune.search.sample", "ray", "ray[tune]")
        self._random = sample._BackwardsCompatibleNumpyRng(seed)  # noqa: SLF001  as there, for the same draws
        self._param_space, self._initial = param_space, list(initial)

    def suggest(self, _trial_id: str) -> dict[str, Any]:
        """The next configuration."""
        if self._initial:
            return dict(self._initial.pop(0))
        _, spec = next(self._generate({"config": dict(self._param_space)}, random_state=self._random))
        return dict(spec["config"])


class Controller:
    """Replaces a ``TuneController``, whose event loop and actors a simulation does not need.

    Public methods are those of ``TuneController`` that schedulers call, and those that the adapter calls.

    Args:
        scheduler: A ``TrialScheduler``.
        search_alg: A ``SearchGenerator``, or ``None``.
        source: What suggests configurations.
        constants: Hyperparameters of which a searcher does not know.
        num_samples: How many trials there are at most.
    """

    def __init__(
        self,
        scheduler: Any,
        search_alg: Any,
        source: Any,
        constants: Mapping[str, Any],
        num_samples: int | None,
    ) -> None:
        self._scheduler, self.search_alg, self._source = scheduler, search_alg, source
        self._constants, self._num_samples = constants, num_samples
        self._most_waiting = PENDING[search_alg is None]
        self._trials: list[Any] = []
        self._new_trial = require("ray.tune.experiment", "ray", "ray[tune]").Trial
        self._finished = require("ray.tune.search", "ray", "ray[tune]").Searcher.FINISHED
        self._result_of = require("ray.train._internal.session", "ray", "ray[tune]")._TrainingResult  # noqa: SLF001
        self._staged: list[Any] = []
        self.numbers: dict[str, int] = {}

    # --- what schedulers call ------------------------------------------------------------------------------

    def get_trials(self) -> list[Any]:
        """All trials of the run."""
        return self._trials

    def get_live_trials(self) -> list[Any]:
        """The trials that have not ended."""
        return [trial for trial in self._trials if not trial.is_finished()]

    def stop_trial(self, trial: Any) -> None:
        """End a trial, and tell scheduler and searcher."""
        if trial.is_finished():
            return
        if trial.status == trial.RUNNING:
            self._scheduler.on_trial_complete(self, trial, trial.last_result)
            self._tell_searcher("on_trial_complete", trial.trial_id, result=trial.last_result)
        else:
            self._scheduler.on_trial_remove(self, trial)
            self._tell_searcher("on_trial_complete", trial.trial_id)
        trial.set_status(trial.TERMINATED)
        self._staged = [other for other in self._staged if other is not trial]

    def pause_trial(self, trial: Any, should_checkpoint: bool = True) -> None:  # noqa: FBT001, FBT002  as there
        """Take a trial off its worker; if it is not to save, it will be given another checkpoint."""
        if should_checkpoint:
            self._schedule_trial_save(trial)
        trial.set_status(trial.PAUSED)

    def _schedule_trial_save(self, trial: Any, result: Any = None) -> Saved:
        """Save a trial: population-based training does so before others continue from its checkpoint."""
        result = result or trial.last_result
        saved = Saved(self.numbers[trial.trial_id], result[TIME])
        kept = self._result_of(checkpoint=saved, metrics=result)
        manager = trial.run_metadata.checkpoint_manager
        manager._latest_checkpoint_result = kept  # noqa: SLF001  as population-based training does
        return saved

    # --- what the adapter calls ----------------------------------------------------------------------------

    def number(self, trial: Any) -> int | None:
        """The trial of the simulation in which this one has run last."""
        return self.numbers.get(trial.trial_id)

    def next_trial(self) -> Any:
        """The first trial in the queue for a worker; ``None`` if the queue is empty."""
        self.step()
        return self._staged.pop(0) if self._staged else None

    def step(self) -> None:
        """Queue the trial that the scheduler chooses, then pending ones, as Ray does between two events."""
        self._fill()
        chosen = self._scheduler.choose_trial_to_run(self)
        if chosen is not None and chosen not in self._staged:
            chosen.set_status(chosen.PENDING)
            self._staged.append(chosen)
        for trial in self._trials:
            if len(self._staged) >= self._most_waiting:
                break
            if trial.status == trial.PENDING and trial not in self._staged:
                self._staged.append(trial)

    def _fill(self) -> None:
        waiting = sum(trial.status == trial.PENDING for trial in self._trials)
        while waiting < self._most_waiting and len(self._trials) != self._num_samples:
            trial_id = f"{len(self._trials):05d}"
            suggested = self._source.suggest(trial_id)
            if suggested is None or suggested == self._finished:
                return
            config = {**self._constants, **suggested}
            trial = self._new_trial("simulated", config=config, trial_id=trial_id, stub=True)
            self._trials.append(trial)
            self._scheduler.on_trial_add(self, trial)
            waiting += 1

    def tell(self, trial: Any, result: dict[str, Any]) -> None:
        """Tell the scheduler a report of a running trial, and carry out its decision."""
        result["trial_id"] = trial.trial_id
        decision = self._scheduler.on_trial_result(self, trial, result)
        if decision != "STOP":
            self._tell_searcher("on_trial_result", trial.trial_id, result)
        result["done"] = decision == "STOP"
        trial.update_last_result(result)
        if decision == "STOP":
            self.stop_trial(trial)
        elif decision == "PAUSE":
            self.pause_trial(trial)
        self.step()

    def fail(self, trial: Any) -> None:
        """Tell scheduler and searcher that a running trial has failed."""
        self._scheduler.on_trial_error(self, trial)
        self._tell_searcher("on_trial_complete", trial.trial_id, error=True)
        trial.set_status(trial.ERROR)

    def _tell_searcher(self, method: str, *given: Any, **named: Any) -> None:
        if self.search_alg is not None:
            getattr(self.search_alg, method)(*given, **named)
