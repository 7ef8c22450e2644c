"""Regularized evolution (Real, Aggarwal, Huang and Le, AAAI 2019), asynchronous."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from blackbox_repo import keyed_random
from blackbox_repo.domains import Value
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import Decision, Report, Start, Trial
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.final_loss import FinalLoss
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.settings import format_call


class RegularizedEvolution:
    """Mutates the best of a sample of the population, of which the oldest dies when a child is trained.

    The first trials are random, as many as the population holds. Then each parent is the best of a sample
    drawn with replacement among those that have ended, of equal ones the one that was drawn first, and one of
    the child's hyperparameters has another value; on a table that is no full grid the child is the closest
    row. Trials join the population in the order in which they end, each trained in full and with the loss of
    its last report. One that failed, or is NaN there, lives in the population like the others but has no
    children. If there is no parent in the sample, the trial is random, too: where there are more workers than
    the population holds, nobody may have ended yet.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of all draws; the random configurations are those of random search.
        population: How many trials live.
        sample: Among how many, drawn from the population, the parent is chosen.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        population: int = 100,
        sample: int = 25,
        initial: Sequence[Configuration] = (),
    ) -> None:
        population, sample = whole("population", population, 1), whole("sample", sample, 1)
        self._random = RandomConfigurations(schema.space, seed, initial)
        self._shown = format_call(
            "RegularizedEvolution",
            seed=self._random.seed,
            population=population,
            sample=sample,
            initial=self._random.initial,
        )
        self._seed, self._sample = self._random.seed, sample
        self._parents = keyed_random.Stream(self._seed, "parent")
        self._randoms = max(population, len(self._random.initial))
        self._neighbours = Neighbours(schema.space)
        self._outcome = FinalLoss(schema)
        self._population: deque[tuple[float, Configuration]] = deque(maxlen=population)
        self._started = 0

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A new trial: random at first, until a finite space is used up, and then a child."""
        random, child = self._random.next, self._child
        first, second = (random, child) if self._started < self._randoms else (child, random)
        new = first()
        if new is None:
            new = second()
        if new is None:
            return None
        self._started += 1
        return Start(new)

    def _child(self) -> dict[str, Value] | None:
        """Of the best of a sample, if one in it has a loss."""
        count = len(self._population)
        drawn = [
            self._population[self._parents.integer(count, self._started, k)]
            for k in range(self._sample if count else 0)
        ]
        able = [member for member in drawn if not math.isnan(member[0])]
        if not able:
            return None
        _, parent = min(able, key=lambda member: member[0])
        return self._neighbours.mutate(parent, self._seed, "mutation", self._started)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Goes on to the end."""
        return self._outcome.report(report)

    def on_end(self, trial: Trial) -> None:
        """Joins the population; the oldest leaves it when it is full."""
        self._population.append((self._outcome.end(trial), trial.configuration))
