"""Local search with restarts (White, Nolen and Savani, UAI 2021), asynchronous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from blackbox_repo.domains import Value
from blackbox_repo.schema import Schema
from blackbox_repo.space import CanonicalKey, Configuration, Space
from simulator.scheduler import Decision, Report, Start, Trial
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.final_loss import FinalLoss
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.settings import format_call

MAX_DRAWS = 1000
"""So many random configurations in a row that were all tried before mean that no other one is found."""


@dataclass(eq=False)
class _Climb:
    """A way down: the best loss so far, and its untried neighbours, the next one last."""

    loss: float = math.inf
    untried: list[dict[str, Value]] = field(default_factory=list)
    running: int = 0


class LocalSearch:
    """Tries the neighbours of a configuration, goes on from the first better one, and restarts at random.

    A neighbour differs in one hyperparameter: any other category, the next ordinal, one of four numbers drawn
    within a fifth of the domain; on a table that is no full grid it is the closest row. Nothing is tried
    twice, and where everything has been tried, the search is over. A free worker takes the next neighbour of
    the oldest search that has one; if none has, it begins another search at a random configuration. (The
    paper compares all neighbours before it moves.) A start that fails or is NaN has no neighbours.

    Args:
        schema: Of the blackbox; its target is optimized, each trial trained in full.
        seed: Of all draws; the random configurations are those of random search.
        initial: Configurations to begin with; what is left out of one is in the middle of its domain.

    Raises:
        InvalidOption: ``initial`` has something that is not in the space.
    """

    def __init__(self, schema: Schema, seed: int = 0, *, initial: Sequence[Configuration] = ()) -> None:
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._shown = format_call("LocalSearch", seed=configurations.seed, initial=configurations.initial)
        self._seed = configurations.seed
        self._neighbours = Neighbours(schema.space)
        self._fresh = _Fresh(configurations, schema.space)
        self._outcome = FinalLoss(schema)
        self._climbs: list[_Climb] = []
        self._climb_of: dict[int, _Climb] = {}
        self._started, self._first = 0, len(configurations.initial)

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """A neighbour or a restart, or ``None`` when all has been tried."""
        if self._started >= self._first:
            for climb in self._climbs:
                while climb.untried:
                    neighbour = climb.untried.pop()
                    if self._fresh.claim(neighbour):
                        return self._start(neighbour, climb)
        restart = self._fresh.next()
        if restart is None:
            return None
        self._climbs = [climb for climb in self._climbs if climb.running or climb.untried]
        self._climbs.append(_Climb())
        return self._start(restart, self._climbs[-1])

    def _start(self, configuration: dict[str, Value], climb: _Climb) -> Start:
        climb.running += 1
        self._climb_of[self._started] = climb
        self._started += 1
        return Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Goes on to the end."""
        return self._outcome.report(report)

    def on_end(self, trial: Trial) -> None:
        """Moves on to what is better."""
        climb, loss = self._climb_of.pop(trial.number), self._outcome.end(trial)
        climb.running -= 1
        if loss < climb.loss:
            climb.loss = loss
            around = self._neighbours.around(trial.configuration, self._seed, "neighbours", trial.number)
            climb.untried = around[::-1]


class _Fresh:
    """Configurations that were not tried before."""

    def __init__(self, configurations: RandomConfigurations, space: Space) -> None:
        self._random, self._identity = configurations, space.identity
        self._tried: set[CanonicalKey] = set()

    def claim(self, configuration: Configuration) -> bool:
        """Whether it was not tried before; from now on it was."""
        key = self._identity(configuration)
        if key in self._tried:
            return False
        self._tried.add(key)
        return True

    def next(self) -> dict[str, Value] | None:
        """A random one; ``None`` if there is none left, or hardly any of a space without end."""
        for _ in range(max(MAX_DRAWS, len(self._tried) + 1)):
            drawn = self._random.next()
            if drawn is None or self.claim(drawn):
                return drawn
        return None
