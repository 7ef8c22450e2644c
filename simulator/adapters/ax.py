"""Ax's Bayesian optimization as a scheduler (Olson et al., AutoML 2025): whole trainings, asked and told."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from blackbox_repo.domains import Float, Integer, Ordinal, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator.adapters.ask_tell import AskTellScheduler, Outcome, Proposal
from simulator.adapters.library import check_settings, require, translate_errors, version_of
from simulator.adapters.values import at_position, has_single_value, to_configuration
from simulator.global_state import GlobalRandomState, library_seed, silence
from simulator.scheduler_settings import check_initial, format_call

_METRIC = "loss"


class Ax:
    """A factory of schedulers that do what a loop over ``get_next_trials`` of ``ax.api.Client`` would do.

    Ax is told the last value of each training, as a loss that is to be small; NaN, and what failed, as a
    failed trial. Categories and ordinals are told by their number. There are no conditions.

    Args:
        method: That of ``configure_generation_strategy``: ``"fast"``, ``"quality"``, ``"random_search"``.
        settings: Further keyword arguments of it, such as ``initialization_budget``.
        initial: Configurations to try first.

    Raises:
        InvalidOption: Ax is not installed.
    """

    def __init__(
        self,
        method: str = "fast",
        *,
        settings: Mapping[str, Any] | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        _import_library()
        self._method, self._settings, self._initial = method, check_settings("settings", settings), initial

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A fresh client for this blackbox.

        Raises:
            InvalidOption: Ax refuses the settings.
            InvalidSpace: There are conditions between hyperparameters.
        """
        _import_library()
        initial = check_initial(schema.space, self._initial)
        description = format_call(
            "Ax",
            seed=seed,
            method=self._method,
            **self._settings,
            initial=initial,
            ax=version_of("ax-platform"),
        )
        own = library_seed(seed)
        state = _State(own)
        with state.isolated():
            client = require("ax.api.client", "ax").Client(random_seed=own)
            client.configure_experiment(parameters=to_ax(schema.space), name="simulated")
            client.configure_optimization(objective=f"-{_METRIC}")
            with translate_errors(f"{description} cannot be made"):
                client.configure_generation_strategy(method=self._method, **self._settings)
        return AskTellScheduler(_Optimizer(client, state, schema.space, initial, description), schema)


def _import_library() -> None:
    """Import Ax and silence its log, which must be done in each process."""
    with silence():
        require("ax.api.client", "ax", "ax-platform")
        require("ax.utils.common.logger", "ax").set_ax_logger_levels(logging.ERROR)


class _State:
    """The random state of one client of Ax, which computes in one thread, so that sums have one order."""

    def __init__(self, seed: int) -> None:
        self._torch = require("torch", "ax", "ax-platform")
        self._others = GlobalRandomState(seed)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """A context for a call of Ax, which leaves the user's random state and number of threads alone."""
        with silence(), self._others, self._torch.random.fork_rng(devices=()):
            threads = self._torch.get_num_threads()
            self._torch.set_num_threads(1)
            try:
                yield
            finally:
                self._torch.set_num_threads(threads)


class _Optimizer:
    """A client of Ax as an optimizer."""

    def __init__(
        self, client: Any, state: _State, space: Space, initial: list[Any], description: str
    ) -> None:
        self._client, self._state, self._space, self._description = client, state, space, description
        self._initial = initial[::-1]
        core = require("ax.exceptions.core", "ax")
        generation = require("ax.exceptions.generation_strategy", "ax")
        self._nothing = (
            core.DataRequiredError,
            core.SearchSpaceExhausted,
            generation.MaxParallelismReachedException,
        )

    def __repr__(self) -> str:
        return self._description

    def ask(self) -> Proposal | None:
        with self._state.isolated():
            if self._initial:
                given = self._initial.pop()
                return Proposal(given, handle=self._client.attach_trial(encode(self._space, given)))
            try:
                suggested = self._client.get_next_trials(max_trials=1)
            except self._nothing:
                return None
        for index, parameters in suggested.items():
            return Proposal(decode(self._space, parameters), handle=index)
        return None

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        with self._state.isolated():
            if outcome.failed or not math.isfinite(outcome.loss):
                self._client.mark_trial_failed(proposal.handle)
            else:
                self._client.complete_trial(proposal.handle, raw_data={_METRIC: outcome.loss})


def to_ax(space: Space) -> list[Any]:
    """The hyperparameters as Ax's ``ParameterConfig`` objects; those with a single value are left out.

    Raises:
        InvalidSpace: There are conditions.
    """
    if space.conditions:
        name = next(iter(space.conditions))
        raise InvalidSpace(f"the hyperparameter {name!r} depends on others, which cannot be said to Ax here")
    configs = require("ax.api.configs", "ax", "ax-platform")
    made = []
    for name, domain in space.domains.items():
        if has_single_value(domain):
            continue
        if isinstance(domain, Float | Integer):
            kind = "float" if isinstance(domain, Float) else "int"
            made.append(
                configs.RangeParameterConfig(
                    name=name,
                    bounds=(domain.lower, domain.upper),
                    parameter_type=kind,
                    scaling="log" if domain.log else None,
                )
            )
        else:
            ordered = isinstance(domain, Ordinal)
            made.append(
                configs.ChoiceParameterConfig(
                    name=name,
                    values=list(range(len(domain.values))),
                    parameter_type="int",
                    is_ordered=ordered,
                )
            )
    return made


def encode(space: Space, configuration: Configuration) -> dict[str, Any]:
    """Ax's parameters for a configuration; choices are positions."""
    given: dict[str, Any] = {}
    for name, domain in space.domains.items():
        if isinstance(domain, Float | Integer):
            given[name] = configuration[name]
        else:
            given[name] = domain.values.index(configuration[name])
    return {name: value for name, value in given.items() if not has_single_value(space.domains[name])}


def decode(space: Space, parameters: Mapping[str, Any]) -> dict[str, Value]:
    """The configuration that Ax's parameters mean."""
    return to_configuration(space, parameters, at_position)
