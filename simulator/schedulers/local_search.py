"""Local search with restarts (White, Nolen and Savani, UAI 2021), asynchronous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from blackbox_repo.domains import Value
from blackbox_repo.space import CanonicalKey, Configuration, Space
from simulator.scheduler import Decision, Report, Start, Trial
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.full_training import FullTraining
from simulator.schedulers.neighbours import Neighbours

MAX_DRAWS = 1000
"""After this number of random configurations in a row that were all tried before, the search gives up."""


@dataclass(eq=False)
class _Descent:
    """One local search: its best loss so far, and the untried neighbours, of which the last is next."""

    loss: float = math.inf
    untried: list[dict[str, Value]] = field(default_factory=list)
    running: int = 0


@dataclass(repr=False, eq=False, kw_only=True)
class LocalSearch(ReferenceScheduler):
    """Tries the neighbours of a configuration, moves to the first better one, and restarts at random.

    A neighbour differs in one hyperparameter: any other category, the next ordinal, one of four numbers drawn
    within a fifth of the domain; in a table that is not a full grid it is the closest row. Nothing is tried
    twice, and when everything has been tried, the search is over. A free worker takes the next neighbour of
    the oldest descent that has one; if none has, it begins another descent at a random configuration. (The
    paper compares all neighbours before it moves.) A start that fails or is NaN has no neighbours.

    Args:
        schema: What the blackbox records; its target is optimized, and each trial is trained in full.
        seed: The seed of all draws; the random configurations are those of random search.
        initial: Configurations to begin with; a hyperparameter left out gets the middle of its domain.

    Raises:
        InvalidOption: ``initial`` has a configuration that is not in the space.
    """

    initial: Sequence[Configuration] = ()

    def __post_init__(self) -> None:
        space = self.schema.space
        drawn = RandomConfigurations(space, self.seed, self.initial)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._neighbours = Neighbours(space)
        self._untried = _Untried(drawn, space)
        self._training = FullTraining(self.schema)
        self._descents: list[_Descent] = []
        self._descent_of: dict[int, _Descent] = {}  # of the trials that run
        self._started = 0

    def suggest(self) -> Start | None:
        """A neighbour or a restart, or ``None`` when everything has been tried."""
        if self._started >= len(self.initial):
            for descent in self._descents:
                while descent.untried:
                    neighbour = descent.untried.pop()
                    if self._untried.claim(neighbour):
                        return self._start(neighbour, descent)
        restart = self._untried.next()
        if restart is None:
            return None
        self._descents = [descent for descent in self._descents if descent.running or descent.untried]
        self._descents.append(_Descent())
        return self._start(restart, self._descents[-1])

    def _start(self, configuration: dict[str, Value], descent: _Descent) -> Start:
        descent.running += 1
        self._descent_of[self._started] = descent
        self._started += 1
        return Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Continue to the end of the curve."""
        return self._training.decide(report)

    def on_end(self, trial: Trial) -> None:
        """Move to the configuration of the trial if it is better."""
        descent, loss = self._descent_of.pop(trial.number), self._training.final_loss(trial)
        descent.running -= 1
        if loss < descent.loss:
            descent.loss = loss
            around = self._neighbours.around(trial.configuration, self.seed, "neighbours", trial.number)
            descent.untried = around[::-1]


class _Untried:
    """Configurations that have not been tried before.

    Args:
        configurations: The random configurations to take from.
        space: Their space.
    """

    def __init__(self, configurations: RandomConfigurations, space: Space) -> None:
        self._random, self._identity = configurations, space.identity
        self._tried: set[CanonicalKey] = set()

    def claim(self, configuration: Configuration) -> bool:
        """Whether a configuration has not been tried before; from now on it has been."""
        identity = self._identity(configuration)
        if identity in self._tried:
            return False
        self._tried.add(identity)
        return True

    def next(self) -> dict[str, Value] | None:
        """A random one; ``None`` if none is left, or hardly any of an infinite space."""
        for _ in range(max(MAX_DRAWS, len(self._tried) + 1)):
            drawn = self._random.next()
            if drawn is None or self.claim(drawn):
                return drawn
        return None
