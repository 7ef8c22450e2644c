"""Nevergrad's optimizers as schedulers (Rapin and Teytaud, 2018): whole trainings, asked and told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator.adapters.ask_tell import AskTellScheduler, Outcome, Proposal
from simulator.adapters.library import name_of, quiet, require, translate_errors, version_of
from simulator.adapters.nevergrad_space import decode, encode, to_nevergrad
from simulator.adapters.nevergrad_threads import take_turns
from simulator.global_state import GlobalRandomState, library_seed, silence
from simulator.scheduler_settings import check_initial, format_call


class Nevergrad:
    """A factory of schedulers that do what ``minimize`` of this optimizer would do.

    NaN is told as it is and a trial that failed as infinity, both of which Nevergrad clips to 5e20.

    Args:
        optimizer: A name in ``nevergrad.optimizers.registry``, or what makes an optimizer, such as
            ``nevergrad.families.DifferentialEvolution(popsize=20)``.
        budget: How many trials there will be; many optimizers choose by it what they do. After so many none
            is suggested.
        num_workers: How many trials run at once at most, which Nevergrad wants to know before: the number of
            workers of the run. Further workers stay idle.
        initial: Configurations to try first.

    Raises:
        InvalidOption: Nevergrad is not installed; or ``budget`` or ``num_workers`` is no whole number from 1.
        UnknownName: There is no such optimizer.
    """

    def __init__(
        self,
        optimizer: Any = "NGOpt",
        *,
        budget: int | None = None,
        num_workers: int = 1,
        initial: Sequence[Configuration] = (),
    ) -> None:
        registry = _import_library().optimizers.registry
        self._optimizer, self._name = optimizer, _describe_optimizer(optimizer)
        if isinstance(optimizer, str):
            if optimizer not in registry:
                raise UnknownName("Nevergrad optimizer", optimizer, sorted(registry))
            self._optimizer, self._name = registry[optimizer], optimizer
        if budget is not None:
            budget = whole("budget", budget, 1)
        num_workers = whole("num_workers", num_workers, 1)
        self._budget, self._workers, self._initial = budget, num_workers, initial

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh optimizer for this blackbox.

        Raises:
            InvalidOption: The optimizer refuses the budget, the number of workers or the space.
        """
        _import_library()
        initial = check_initial(schema.space, self._initial)
        settings = {"budget": self._budget, "num_workers": self._workers, "initial": initial}
        version = version_of("nevergrad")
        description = format_call("Nevergrad", seed=seed, optimizer=self._name, **settings, nevergrad=version)
        if self._workers > 1 and getattr(self._optimizer, "no_parallelization", False):
            raise InvalidOption(f"{description} cannot be made: the optimizer needs num_workers=1")
        own = library_seed(seed)
        state = GlobalRandomState(own)
        with state, silence():
            parametrization = to_nevergrad(schema.space)
            parametrization.random_state = np.random.RandomState(own)  # noqa: TID251  it takes these
            with translate_errors(f"{description} cannot be made"):
                made = self._optimizer(parametrization, budget=self._budget, num_workers=self._workers)
        return AskTellScheduler(_Optimizer(made, state, schema.space, initial, description), schema)


def _import_library() -> Any:
    """Import Nevergrad, silence its log and let its threads take turns: once in each process."""
    with GlobalRandomState(0):  # some optimizers draw their settings when the library is imported
        library = require("nevergrad", "nevergrad")
        take_turns(require("nevergrad.optimization.recaster", "nevergrad"))
    quiet("nevergrad")
    return library


def _describe_optimizer(optimizer: Any) -> str:
    """The ``repr`` of a family with its settings; the name of a function, whose ``repr`` has an address."""
    return name_of(optimizer) if hasattr(optimizer, "__name__") else repr(optimizer)


class _Optimizer:
    """One optimizer of Nevergrad, with a global random state of its own."""

    def __init__(
        self, made: Any, state: GlobalRandomState, space: Space, initial: list[Any], description: str
    ) -> None:
        self._made, self._state, self._space, self._description = made, state, space, description
        self._initial = initial[::-1]
        self._running = 0
        self._errors = require("nevergrad.common.errors", "nevergrad")
        self._too_many = require("nevergrad.optimization.recaster", "nevergrad").TooManyAskError

    def __repr__(self) -> str:
        return self._description

    def ask(self) -> Proposal | None:
        if self._running == self._made.num_workers:
            return None
        with self._isolated():
            proposal = self._ask()
        self._running += proposal is not None
        return proposal

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        self._running -= 1
        with self._isolated():
            try:
                self._made.tell(proposal.handle, math.inf if outcome.failed else outcome.loss)
            except self._errors.TellNotAskedNotSupportedError as err:
                raise InvalidOption(
                    f"{self._description} does not take configurations to try first; leave initial out"
                ) from err

    def _ask(self) -> Proposal | None:
        made = self._made
        if made.budget is not None and made.num_ask >= made.budget:
            return None
        given = self._initial.pop() if self._initial else None
        if given is not None:
            made.suggest(encode(self._space, given))
        try:
            candidate = made.ask()
        except self._too_many:
            return None
        return Proposal(decode(self._space, candidate.value) if given is None else given, handle=candidate)

    @contextmanager
    def _isolated(self) -> Iterator[None]:
        """A context for a call of Nevergrad: the random state is its own, and warnings are not shown."""
        with self._state, silence(), _cma_draws_from_the_global_state():
            yield


@contextmanager
def _cma_draws_from_the_global_state() -> Iterator[None]:
    """A context in which pycma does not take a seed from the clock, as it does if Nevergrad gives it none."""
    options = require("cma", "nevergrad").CMAOptions.defaults()
    default = options["seed"]
    options["seed"] = math.nan  # which means: do not seed
    try:
        yield
    finally:
        options["seed"] = default
