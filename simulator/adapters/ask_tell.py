"""Optimizers with ``ask`` and ``tell`` as schedulers: each trial is asked for, and its final loss told."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blackbox_repo import deprecated
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, configuration_text
from simulator.scheduler import CONTINUE, Decision, Report, Resume, Start, Trial, TrialStatus


def __getattr__(name: str) -> Any:
    return deprecated.attribute(__name__, name)


@dataclass(frozen=True)
class Proposal:
    """A training that an optimizer proposes.

    Args:
        configuration: What to train.
        until: Up to which fidelity; ``None`` for the end of the curve.
        handle: What the library needs to know the proposal again.
    """

    configuration: Configuration
    until: float | None = None
    handle: Any = None


@dataclass(frozen=True)
class Outcome:
    """The result of a proposal: the last report of its trial.

    Args:
        loss: The target as a number to be small: negated for goal ``"max"``; NaN stays NaN.
        failed: The training failed, or reported nothing; the loss is NaN then.
        seconds: How long the training took, from scratch up to this point; 0 if the blackbox has no time.
    """

    loss: float
    failed: bool = False
    seconds: float = 0.0


class Optimizer(Protocol):
    """An optimizer of some library, as an adapter wraps it; the header of a run has its ``repr``."""

    def ask(self) -> Proposal | None:
        """The next proposal; ``None`` if there is none before a result is told, or none at all any more."""

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        """Tell the optimizer the result of a proposal."""


class AskTellScheduler:
    """Starts a trial for each proposal, stops none of them, and tells the optimizer their final losses.

    The optimizer is not told of a proposal that the end of the run interrupts.

    Args:
        optimizer: Makes proposals when it is asked, and is told their losses.
        schema: What the blackbox records; its target is optimized.
        resume: Let a proposal go on with a paused trial of its configuration; else each begins from scratch.
    """

    def __init__(self, optimizer: Optimizer, schema: Schema, *, resume: bool = False) -> None:
        self._optimizer, self._schema, self._resume = optimizer, schema, resume
        self._target = schema.objective(schema.target)
        self._started = 0
        self._proposals: dict[int, Proposal] = {}
        self._last: dict[int, Report] = {}
        self._paused: dict[str, tuple[int, float]] = {}

    def __repr__(self) -> str:
        return repr(self._optimizer)

    def suggest(self) -> Start | Resume | None:
        """Start a trial of the next proposal, or resume one."""
        proposal = self._optimizer.ask()
        if proposal is None:
            return None
        text = configuration_text(self._schema.space.check(proposal.configuration))
        if text in self._paused and (proposal.until is None or proposal.until > self._paused[text][1]):
            number, _ = self._paused.pop(text)
            self._proposals[number] = proposal
            return Resume(number, proposal.until)
        self._proposals[self._started] = proposal
        self._started += 1
        return Start(proposal.configuration, proposal.until)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Keep the report: only the end of the trial shows which is the last."""
        self._last[trial.number] = report
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Tell the optimizer the result."""
        proposal, report = self._proposals.pop(trial.number), self._last.pop(trial.number, None)
        if trial.status is TrialStatus.INTERRUPTED:
            return
        if report is None or trial.status is TrialStatus.FAILED:
            self._optimizer.tell(proposal, Outcome(math.nan, failed=True))
            return
        if self._resume and trial.status is TrialStatus.PAUSED:
            self._paused[configuration_text(trial.configuration)] = trial.number, report.fidelity
        value = report[self._target.name]
        seconds = 0.0 if self._schema.time is None else report[self._schema.time]
        self._optimizer.tell(
            proposal, Outcome(-value if self._target.goal == "max" else value, seconds=seconds)
        )

    def abandoned(self) -> Sequence[int]:
        """All trials: every result has been told, and no proposal is left that resumes a paused trial."""
        return range(self._started)


class AskTell:
    """A factory of schedulers from any object with ``ask()`` and ``tell(asked, loss)``.

    Args:
        make: ``(schema, seed)`` -> the object; the conversion of the space is in it.
        to_configuration: What ``ask()`` gives -> the configuration; by default it is one.
        bad: Told in the place of NaN, and of trials that failed; ``None`` if they are not to be told.
        name: The name of the scheduler in the header of a run.

    Raises:
        InvalidOption: ``make`` or ``to_configuration`` is no function.

    Example:
        >>> class Sweep:
        ...     def __init__(self):
        ...         self.asked, self.told = 0, []
        ...
        ...     def ask(self):
        ...         self.asked += 1
        ...         return [self.asked / 10]
        ...
        ...     def tell(self, asked, loss):
        ...         self.told.append((asked, loss))
        >>> AskTell(lambda schema, seed: Sweep(), to_configuration=lambda asked: {"x": asked[0]})
        AskTell(make=<lambda>)
    """

    def __init__(
        self,
        make: Callable[[Schema, int], Any],
        *,
        to_configuration: Callable[[Any], Configuration] = dict,
        bad: float | None = math.inf,
        name: str | None = None,
    ) -> None:
        for what, given in (("make", make), ("to_configuration", to_configuration)):
            if not callable(given):
                raise InvalidOption(f"{what} is {given!r}, but must be a function")
        self._make, self._to_configuration, self._bad = make, to_configuration, bad
        self._name = name or f"AskTell(make={getattr(make, '__qualname__', repr(make)).split('.')[-1]})"

    def __repr__(self) -> str:
        return self._name

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh object for this blackbox.

        Raises:
            InvalidOption: It has no ``ask`` or no ``tell``.
        """
        made = self._make(schema, seed)
        for method in ("ask", "tell"):
            if not callable(getattr(made, method, None)):
                raise InvalidOption(f"{self._name} made an object without {method}(): {made!r}")
        return AskTellScheduler(_Plain(made, self._to_configuration, self._bad, self._name), schema)


class _Plain:
    """An object with ``ask`` and ``tell`` as an :class:`Optimizer`."""

    def __init__(
        self, made: Any, to_configuration: Callable[[Any], Configuration], bad: float | None, name: str
    ) -> None:
        self._made, self._to_configuration, self._bad, self._name = made, to_configuration, bad, name

    def __repr__(self) -> str:
        return self._name

    def ask(self) -> Proposal | None:
        asked = self._made.ask()
        return None if asked is None else Proposal(self._to_configuration(asked), handle=asked)

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        loss = self._bad if math.isnan(outcome.loss) else outcome.loss
        if loss is not None:
            self._made.tell(proposal.handle, loss)
