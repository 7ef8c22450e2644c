"""Population-based training (Jaderberg et al., 2017), asynchronous."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isnan
from typing import Literal

from blackbox_repo import keyed_random
from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Fidelity, Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.brackets import towards_next
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ceil, floor, fraction
from simulator.schedulers.loss import loss_of
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.settings import format_call


@dataclass(eq=False)
class _Member:
    """A place in the population, and the trial that holds it now.

    ``loss`` is that of its last milestone, ``None`` before the first one, and after one at which it is NaN.
    ``waits_for`` is what the next free worker is to do for it: begin a random trial or a copy, or resume.
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
    at most, by the loss at their last milestone, wherever that was, or at the end of the curve; of equal
    losses the place with the lower number is the better one. With fewer workers than the population needs,
    trials pause at milestones and take turns. A report costs the logarithm of the population, one of the
    worst a part of it.

    A trial that fails, or is NaN at a milestone, has no loss and is replaced like one of the worst; by a
    random one if it has not reported or if there is nobody to copy. When every place has been trained to the
    end, or a finite space is used up, the search is over.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of all draws; the random configurations are those of random search.
        population: How many train side by side.
        interval: Fidelity between milestones; by default a tenth of the largest.
        quantile: What part of the population counts as the worst, and as the best.
        resample: The probability that a hyperparameter is drawn anew, not moved.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.

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
        population = whole("population", population, 1)
        number("quantile", quantile, 0, 0.5)
        resample = number("resample", resample, 0, 1)
        if schema.fidelity.kind != "incremental":
            raise InvalidOption(
                f"pbt copies checkpoints, but the fidelity {schema.fidelity.name!r} is independent and "
                f"has none; choose another scheduler"
            )
        self._last = schema.fidelity.values[-1]
        self._goals = [*milestones(schema.fidelity, interval), self._last]
        configurations = RandomConfigurations(schema.space, seed, initial)
        self._random, self._neighbours = configurations.next, Neighbours(schema.space)
        self._shown = format_call(
            "PBT",
            seed=configurations.seed,
            population=population,
            interval=interval,
            quantile=quantile,
            resample=resample,
            initial=configurations.initial,
        )
        self._target = schema.objective(schema.target)
        self._seed, self._quantile, self._resample = configurations.seed, fraction(quantile), resample
        self._exploit = keyed_random.Stream(self._seed, "exploit")
        self._members = [_Member(number) for number in range(population)]
        self._ranked: list[tuple[float, int]] = []  # losses and numbers, the best first
        self._waiting = deque(self._members)
        self._holder: dict[int, _Member] = {}
        self._started = 0

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | Resume | None:
        """Whatever has waited longest; ``None`` if everybody trains or is through."""
        while self._waiting:
            member = self._waiting.popleft()
            if member.waits_for == "resume":
                member.waits_for = "nothing"
                return Resume(member.trial)
            start = self._begin(member)
            if start is not None:
                return start
        return None

    def _begin(self, member: _Member) -> Start | None:
        """A copy or a random trial; ``None`` if the space is used up, and the place is given up."""
        best = self._best(member) if member.waits_for == "copy" else []
        source = best[self._exploit.integer(len(best), self._started)] if best else None
        configuration = self._random() if source is None else self._explored(source)
        self._rank(member, None)
        if configuration is None:
            member.over = True
            return None
        number, self._started = self._started, self._started + 1
        self._holder[number] = member
        member.trial, member.reported, member.waits_for = number, False, "nothing"
        member.configuration = configuration
        return Start(configuration, checkpoint_of=None if source is None else source.trial)

    def _explored(self, source: _Member) -> dict[str, Value]:
        return self._neighbours.perturb(
            source.configuration, self._resample, self._seed, "explore", self._started
        )

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """At a milestone: stop if it is among the worst, pause if others wait for a worker."""
        member = self._holder[trial.number]
        member.reported = True
        if report.fidelity not in self._goals:
            return towards_next(self._goals, report.fidelity)
        loss = loss_of(report, self._target)
        self._rank(member, loss)
        if report.fidelity == self._last:
            return CONTINUE
        if isnan(loss) or (self._is_among_the_worst(member) and self._best(member)):
            self._wait(member, "copy")
            return STOP
        if self._waiting:
            self._wait(member, "resume")
            return PAUSE
        return towards_next(self._goals, report.fidelity)

    def on_end(self, trial: Trial) -> None:
        """Who is through keeps its place; who has failed is replaced."""
        if trial.status is TrialStatus.PAUSED or trial.number not in self._holder:
            return  # of a trial that is over, the end of an earlier job may be told last (T11)
        member = self._holder.pop(trial.number)
        if trial.status is TrialStatus.COMPLETED:
            member.over = True
            if trial.last_report is not None:  # the curve may end between two milestones
                self._rank(member, loss_of(trial.last_report, self._target))
        elif trial.status is TrialStatus.FAILED:
            self._rank(member, None)
            self._wait(member, "copy" if member.reported else "random")

    def _wait(self, member: _Member, what: Literal["copy", "random", "resume"]) -> None:
        member.waits_for = what
        self._waiting.append(member)

    def _rank(self, member: _Member, loss: float | None) -> None:
        if member.loss is not None:
            del self._ranked[bisect_left(self._ranked, (member.loss, member.number))]
        member.loss = None if loss is None or isnan(loss) else loss
        if member.loss is not None:
            insort(self._ranked, (member.loss, member.number))

    def _few(self, count: int) -> int:
        """How many of so many are the worst, and how many the best."""
        return min(ceil(count * self._quantile), count // 2)

    def _is_among_the_worst(self, member: _Member) -> bool:
        assert member.loss is not None
        count = len(self._ranked)
        return bisect_left(self._ranked, (member.loss, member.number)) >= count - self._few(count)

    def _best(self, asker: _Member) -> list[_Member]:
        """The places that one of the worst may copy: of the best those that are still held."""
        few = self._few(len(self._ranked) + (asker.loss is None))
        best = [self._members[number] for _, number in self._ranked[:few]]
        return [member for member in best if member.trains]


def milestones(fidelity: Fidelity, interval: float | None) -> list[float]:
    """The fidelities at or next above the multiples of the interval, below the largest.

    Raises:
        InvalidOption: The interval is not above 0, or leaves no milestone.
    """
    *earlier, last = fidelity.values
    if interval is not None:
        number("interval", interval, above=0)
    step = Fraction(fraction(last), 10) if interval is None else fraction(interval)
    found: list[float] = []
    passed = 0
    for value in earlier:
        multiples = floor(fraction(value) / step)
        if multiples > passed:
            found.append(value)
            passed = multiples
    if interval is not None and earlier and not found:
        raise InvalidOption(
            f"interval is {interval!r}, but must leave a milestone below the largest fidelity: at most "
            f"{fidelity.name}={earlier[-1]} of {fidelity.describe()}"
        )
    return found
