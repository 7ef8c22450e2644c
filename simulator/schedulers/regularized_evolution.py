"""Regularized evolution (Real, Aggarwal, Huang and Le, AAAI 2019, algorithm 1), asynchronous."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from blackbox_repo.domains import Value
from blackbox_repo.keyed_random import Stream
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.space import Configuration
from simulator.scheduler import Decision, Report, Start, Trial
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.full_training import FullTraining
from simulator.schedulers.neighbours import Neighbours


@dataclass(repr=False, eq=False, kw_only=True)
class RegularizedEvolution(ReferenceScheduler):
    """Mutates the best of a sample of the population, of which the oldest dies when a child is trained.

    The first trials are random, as many as the population holds. From then on each parent is the best of a
    sample drawn with replacement from the trials that have ended, of equal ones the one that was drawn first,
    and one hyperparameter of the child has another value; in a table that is not a full grid the child is the
    closest row. Trials join the population in the order in which they end, each trained in full and with the
    loss of its last report. A trial that failed, or is NaN there, lives in the population like the others but
    has no children. If there is no parent in the sample, the trial is random, too: with more workers than the
    population holds, it may be that no trial has ended yet.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of all draws; the random configurations are those of random search.
        population: The number of trials in the population. The default is the paper's.
        sample: How many trials of the population are drawn to choose a parent from. The
            default is the paper's.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.

    Raises:
        InvalidOption: A setting is outside its range.
    """

    population: int = 100
    sample: int = 25
    initial: Sequence[Configuration] = ()

    def __post_init__(self) -> None:
        self.population, self.sample = (
            whole("population", self.population, 1),
            whole("sample", self.sample, 1),
        )
        drawn = RandomConfigurations(self.schema.space, self.seed, self.initial)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._random_configuration = drawn.next
        self._parents = Stream(self.seed, "parent")
        self._randoms = max(self.population, len(self.initial))
        self._neighbours = Neighbours(self.schema.space)
        self._training = FullTraining(self.schema)
        self._population: deque[tuple[float, Configuration]] = deque(maxlen=self.population)
        self._started = 0

    def suggest(self) -> Start | None:
        """A new trial: random at first, until a finite space is used up, and then a child."""
        random, child = self._random_configuration, self._child
        first, second = (random, child) if self._started < self._randoms else (child, random)
        new = first()
        if new is None:
            new = second()
        if new is None:
            return None
        self._started += 1
        return Start(new)

    def _child(self) -> dict[str, Value] | None:
        """A mutation of the best of a sample; ``None`` if no trial in the sample has a loss."""
        count = len(self._population)
        drawn = [
            self._population[self._parents.integer(count, self._started, k)]
            for k in range(self.sample if count else 0)
        ]
        able = [member for member in drawn if not math.isnan(member[0])]
        if not able:
            return None
        _, parent = min(able, key=lambda member: member[0])
        return self._neighbours.mutate(parent, self.seed, "mutation", self._started)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Continue to the end of the curve."""
        return self._training.decide(report)

    def on_end(self, trial: Trial) -> None:
        """Add the trial to the population, from which the oldest one is removed if it is full."""
        self._population.append((self._training.final_loss(trial), trial.configuration))
