"""Regularized evolution (Real, Aggarwal, Huang and Le, AAAI 2019), asynchronous."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from blackbox_repo import draw
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import Decision, Report, Start, Trial
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.final_loss import FinalLoss
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.settings import check_whole, shown


class RegularizedEvolution:
    """Mutates the best of a sample of the population, of which the oldest dies when a child is trained.

    The first trials are random, as many as the population holds. Then each parent is the best of a sample
    drawn with replacement among those that have ended, and one of the child's hyperparameters has another
    value; on a table that is no full grid the child is the closest row. Trials join the population in the
    order in which they end, each trained in full, and failed ones as infinitely bad. If nobody has ended when
    a parent is needed, because there are more workers than the population holds, the trial is random, too.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of all draws; the random configurations are those of random search.
        population: How many trials live.
        sample: Among how many, drawn from the population, the parent is chosen.
        initial: Configurations to try first.

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
        check_whole("population", population, 1)
        check_whole("sample", sample, 1)
        self._random = RandomConfigurations(schema.space, seed, initial)
        self._shown = shown(
            "RegularizedEvolution",
            seed=seed,
            population=population,
            sample=sample,
            initial=self._random.initial,
        )
        self._seed, self._size, self._sample = seed, population, sample
        self._neighbours = Neighbours(schema.space)
        self._outcome = FinalLoss(schema)
        self._population: deque[tuple[float, Configuration]] = deque(maxlen=population)
        self._started = 0

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start:
        """Always a new trial: random at first, then a child."""
        number, self._started = self._started, self._started + 1
        random = max(self._size, len(self._random.initial))
        if number < random or not self._population:
            return Start(self._random.next())
        drawn = [
            self._population[draw.integer(len(self._population), self._seed, "parent", number, k)]
            for k in range(self._sample)
        ]
        _, parent = min(drawn, key=lambda member: member[0])
        return Start(self._neighbours.mutated(parent, self._seed, "mutation", number))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Goes on to the end."""
        return self._outcome.report(trial, report)

    def on_end(self, trial: Trial) -> None:
        """Joins the population; the oldest leaves it when it is full."""
        self._population.append((self._outcome.end(trial), trial.configuration))
