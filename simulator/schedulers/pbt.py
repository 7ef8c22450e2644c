"""Population-based training (Jaderberg et al., 2017, algorithm 1), asynchronous."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isnan
from typing import Literal

from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidOption
from blackbox_repo.keyed_random import Stream
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Fidelity
from blackbox_repo.space import Configuration
from simulator.scheduler import CONTINUE, PAUSE, STOP, Decision, Report, Resume, Start, Trial, TrialStatus
from simulator.schedulers.base import ReferenceScheduler
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact_fractions import ceil, floor, fraction
from simulator.schedulers.neighbours import Neighbours
from simulator.schedulers.objective_loss import objective_loss
from simulator.schedulers.rung_levels import continue_to_levels


@dataclass(eq=False)
class _Member:
    """A member of the population, and the trial that is trained for it now.

    ``loss`` is that of its last milestone; ``None`` before the first milestone, and after one at which it was
    NaN. ``waits_for`` is what the next free worker is to do for it: start a random trial, start a copy of
    another member, or resume its trial.
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


@dataclass(repr=False, eq=False, kw_only=True)
class PBT(ReferenceScheduler):
    """Trains a population; at each milestone the worst copy the best, and change what they copied.

    Milestones lie every ``interval``. A trial that is among the worst at a milestone is stopped and replaced
    by a new one. The new trial begins at the checkpoint of one of the best members that still train, which is
    drawn, with a variation of its configuration: each hyperparameter is drawn anew with probability
    ``resample``; otherwise numbers are multiplied by 0.8 or 1.2, ordinals go one value up or down and
    categories stay; in a table that is not a full grid the closest row is taken. Of the n members that have a
    loss, the worst and the best are ceil(quantile * n) each, but at most half. They are compared by the loss
    at their last milestone, wherever that was, or at the end of the curve; of equal losses that of the member
    with the lower number is better. If there are fewer workers than members, trials pause at milestones and
    take turns. A report costs time in proportion to the logarithm of the population, and for one of the worst
    in proportion to the population.

    A trial that fails, or is NaN at a milestone, has no loss and is replaced like one of the worst; by a
    random trial if it has not reported or if there is no member to copy. When every member has been trained
    to the end, or a finite space is used up, the search is over.

    Args:
        schema: What the blackbox records; its target is optimized.
        seed: The seed of all draws; the random configurations are those of random search.
        population: The number of members, which train side by side.
        interval: The distance between milestones; by default a tenth of the largest fidelity.
        quantile: The share of the population that counts as the worst, and as the best, at most 0.5. The
            default is that of Ray Tune.
        resample: The probability with which a hyperparameter is drawn anew, not moved. The default is that
            of Ray Tune.
        initial: Configurations to try first; a hyperparameter left out gets the middle of its domain.

    Raises:
        InvalidOption: A setting is outside its range, or the fidelity has no checkpoints.
    """

    population: int = 10
    interval: float | None = None
    quantile: float = 0.25
    resample: float = 0.25
    initial: Sequence[Configuration] = ()

    def __post_init__(self) -> None:
        self.population = whole("population", self.population, 1)
        number("quantile", self.quantile, 0, 0.5)
        self.resample = number("resample", self.resample, 0, 1)
        space, fidelity = self.schema.space, self.schema.fidelity
        if fidelity.kind != "incremental":
            raise InvalidOption(
                f"pbt copies checkpoints, but the fidelity {fidelity.name!r} is independent and "
                f"has none; choose another scheduler"
            )
        levels = [*compute_milestones(fidelity, self.interval), fidelity.values[-1]]
        self._milestones = {fidelity.index(level) for level in levels}
        self._last = len(fidelity.values) - 1
        self._continue = continue_to_levels(fidelity, levels)
        drawn = RandomConfigurations(space, self.seed, self.initial)
        self.seed, self.initial = drawn.seed, drawn.initial
        self._random_configuration, self._neighbours = drawn.next, Neighbours(space)
        self._target = self.schema.objective(self.schema.target)
        self._share = fraction(self.quantile)
        self._sources = Stream(self.seed, "exploit")
        self._members = [_Member(number) for number in range(self.population)]
        self._ranked: list[tuple[float, int]] = []  # losses and numbers of members, the best first
        self._waiting = deque(self._members)
        self._member_of: dict[int, _Member] = {}
        self._started = 0

    def suggest(self) -> Start | Resume | None:
        """A job for the member that has waited longest; ``None`` if no member waits."""
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
        """A copy or a random trial; ``None`` if the space is used up, which ends the member."""
        best = self._best(member) if member.waits_for == "copy" else []
        source = best[self._sources.integer(len(best), self._started)] if best else None
        configuration = self._random_configuration() if source is None else self._explore(source)
        self._rank(member, None)
        if configuration is None:
            member.over = True
            return None
        trial, self._started = self._started, self._started + 1
        self._member_of[trial] = member
        member.trial, member.reported, member.waits_for = trial, False, "nothing"
        member.configuration = configuration
        return Start(configuration, checkpoint_of=None if source is None else source.trial)

    def _explore(self, source: _Member) -> dict[str, Value]:
        return self._neighbours.perturb(
            source.configuration, self.resample, self.seed, "explore", self._started
        )

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """At a milestone, stop a trial that is among the worst, or pause it if other members wait."""
        member = self._member_of[trial.number]
        member.reported = True
        if report.index not in self._milestones:
            return self._continue[report.index]
        loss = objective_loss(report, self._target)
        self._rank(member, loss)
        if report.index == self._last:
            return CONTINUE
        if isnan(loss) or (self._is_among_the_worst(member) and self._best(member)):
            self._wait(member, "copy")
            return STOP
        if self._waiting:
            self._wait(member, "resume")
            return PAUSE
        return self._continue[report.index]

    def on_end(self, trial: Trial) -> None:
        """Keep the loss of a trial that has been completed, and replace one that has failed."""
        if trial.status is TrialStatus.PAUSED or trial.number not in self._member_of:
            return  # after a trial is over, the end of an earlier job of it may still be delivered (T11)
        member = self._member_of.pop(trial.number)
        if trial.status is TrialStatus.COMPLETED:
            member.over = True
            if trial.last_report is not None:  # the curve may end between two milestones
                self._rank(member, objective_loss(trial.last_report, self._target))
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

    def _quota(self, count: int) -> int:
        """How many of so many members are the worst, and how many are the best."""
        return min(ceil(count * self._share), count // 2)

    def _is_among_the_worst(self, member: _Member) -> bool:
        assert member.loss is not None
        count = len(self._ranked)
        return bisect_left(self._ranked, (member.loss, member.number)) >= count - self._quota(count)

    def _best(self, asker: _Member) -> list[_Member]:
        """The members that one of the worst may copy: those of the best that still train."""
        quota = self._quota(len(self._ranked) + (asker.loss is None))
        best = [self._members[number] for _, number in self._ranked[:quota]]
        return [member for member in best if member.trains]


def compute_milestones(fidelity: Fidelity, interval: float | None) -> list[float]:
    """The fidelities at or next above the multiples of the interval, below the largest one.

    Args:
        fidelity: The fidelity axis of the blackbox.
        interval: The distance between milestones; by default a tenth of the largest fidelity.

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
