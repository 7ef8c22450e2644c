"""Population-based training (Jaderberg et al., 2017), asynchronous."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from blackbox_repo import draw
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Fidelity, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.brackets import towards_next
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.settings import check_number, check_whole, shown


@dataclass(eq=False)
class _Member:
    """A place in the population, and the trial that holds it now.

    ``loss`` is that of its last milestone, ``None`` before the first one. ``waits_for`` is what the next free
    worker is to do for it: begin a random trial or a copy, or resume.
    """

    number: int
    trial: int = -1
    configuration: Configuration = field(default_factory=dict)
    loss: float | None = None
    reported: bool = False
    over: bool = False
    waits_for: Literal["random", "copy", "resume", "nothing"] = "random"

    @property
    def trains(self) -> bool:
        """Whether its trial goes on, now or later."""
        return not self.over and self.waits_for in {"nothing", "resume"}


class PBT:
    """Trains a population; at each milestone the worst copy the best, and change what they copied.

    Milestones lie every ``interval``. A trial that is among the worst there is stopped, and its place taken
    by a new one, which begins at the checkpoint of one of the best that still train, drawn, with that one's
    configuration explored: each hyperparameter is drawn anew with probability ``resample``, else numbers are
    multiplied by 0.8 or 1.2, ordinals go one up or down and categories stay; on a table that is no full grid
    the closest row is taken. The worst and the best are ceil(quantile * n) of the n with a loss, half of them
    at most, by the loss at their last milestone, wherever that was; NaN comes last. With fewer workers than
    the population needs, trials pause at milestones and take turns. A report costs the logarithm of the
    population, one of the worst a part of it.

    A trial that fails is replaced like one of the worst; by a random one if it has not reported or if there
    is nobody to copy. When every place has been trained to the end, the search is over.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of all draws; the random configurations are those of random search.
        population: How many train side by side.
        interval: Fidelity between milestones; by default a tenth of the largest.
        quantile: What part of the population counts as the worst, and as the best.
        resample: The probability that a hyperparameter is drawn anew, not moved.
        initial: Configurations to try first.

    Raises:
        InvalidOption: A setting outside its range, or a fidelity without checkpoints.
    """

    def __init__(  # noqa: PLR0913  settings are named
        self,
        schema: Schema,
        seed: int = 0,
        *,
        population: int = 10,
        interval: float | None = None,
        quantile: float = 0.25,
        resample: float = 0.25,
        initial: Sequence[Configuration] = (),
    ) -> None:
        check_whole("population", population, 1)
        check_number("quantile", quantile, 0, 0.5)
        check_number("resample", resample, 0, 1)
        if schema.fidelity.kind != "incremental":
            raise InvalidOption(
                f"pbt copies checkpoints, but the fidelity {schema.fidelity.name!r} is independent and "
                f"has none; choose another scheduler"
            )
        self._last = schema.fidelity.values[-1]
        self._goals = [*milestones(schema.fidelity, interval), self._last]
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._random, self._neighbours = configurations.next, Neighbours(schema.space)
        self._shown = shown(
            "PBT",
            seed=seed,
            population=population,
            interval=interval,
            quantile=quantile,
            resample=resample,
            initial=configurations.initial,
        )
        self._target = schema.objective(schema.target)
        self._seed, self._quantile, self._resample = seed, quantile, resample
        self._members = [_Member(number) for number in range(population)]
        self._ranked: list[tuple[float, int]] = []  # losses and numbers, the best first
        self._waiting = deque(self._members)
        self._holder: dict[int, _Member] = {}
        self._started = 0

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | Resume | None:
        """Whatever has waited longest; ``None`` if everybody trains or is through."""
        if not self._waiting:
            return None
        member = self._waiting.popleft()
        if member.waits_for == "resume":
            member.waits_for = "nothing"
            return Resume(member.trial)
        best = self._best() if member.waits_for == "copy" else []
        source = best[draw.integer(len(best), self._seed, "exploit", self._started)] if best else None
        return self._begin(member, source)

    def _begin(self, member: _Member, source: _Member | None) -> Start:
        number, self._started = self._started, self._started + 1
        self._holder[number] = member
        self._rank(member, None)
        member.trial, member.reported, member.waits_for = number, False, "nothing"
        if source is None:
            member.configuration = self._random()
            return Start(member.configuration)
        member.configuration = self._neighbours.perturbed(
            source.configuration, self._resample, self._seed, "explore", number
        )
        return Start(member.configuration, checkpoint_of=source.trial)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """At a milestone: stop if it is among the worst, pause if others wait for a worker."""
        member = self._holder[trial.number]
        member.reported = True
        if report.fidelity not in self._goals:
            return towards_next(self._goals, report.fidelity)
        self._rank(member, self._target.loss(report[self._target.name]))
        if report.fidelity == self._last:
            return CONTINUE
        if self._is_among_the_worst(member) and self._best():
            self._wait(member, "copy")
            return STOP
        if self._waiting:
            self._wait(member, "resume")
            return PAUSE
        return towards_next(self._goals, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Who is through keeps its place; who has failed is replaced."""
        if trial.status is TrialStatus.PAUSED:
            return  # it may be told after the end of the job that went on
        member = self._holder.pop(trial.number)
        if trial.status is TrialStatus.COMPLETED:
            member.over = True
        elif trial.status is TrialStatus.FAILED:
            self._rank(member, math.inf)
            self._wait(member, "copy" if member.reported else "random")

    def _wait(self, member: _Member, what: Literal["copy", "random", "resume"]) -> None:
        member.waits_for = what
        self._waiting.append(member)

    def _rank(self, member: _Member, loss: float | None) -> None:
        if member.loss is not None:
            del self._ranked[bisect_left(self._ranked, (member.loss, member.number))]
        member.loss = loss
        if loss is not None:
            insort(self._ranked, (loss, member.number))

    @property
    def _few(self) -> int:
        """How many are the worst, and how many the best."""
        return min(math.ceil(round(len(self._ranked) * self._quantile, 9)), len(self._ranked) // 2)

    def _is_among_the_worst(self, member: _Member) -> bool:
        assert member.loss is not None
        return bisect_left(self._ranked, (member.loss, member.number)) >= len(self._ranked) - self._few

    def _best(self) -> list[_Member]:
        """The places that may be copied: of the best those that are still held."""
        best = [self._members[number] for _, number in self._ranked[: self._few]]
        return [member for member in best if member.trains]


def milestones(fidelity: Fidelity, interval: float | None) -> list[float]:
    """The fidelities at or next above the multiples of the interval, below the largest.

    Raises:
        InvalidOption: The interval is not above 0.
    """
    last = fidelity.values[-1]
    if interval is None:
        interval = last / 10
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise InvalidOption(f"interval is {interval!r}, but must be a number above 0")
    found: list[float] = []
    passed = 0
    for value in fidelity.values[:-1]:
        multiples = math.floor(round(value / interval, 9))
        if multiples > passed:
            found.append(value)
            passed = multiples
    return found
