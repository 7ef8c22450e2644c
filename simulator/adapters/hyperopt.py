"""Hyperopt's algorithms as schedulers (Bergstra et al., ICML 2013): whole trainings, asked and told."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from blackbox_repo.errors import UnknownName
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, Space
from simulator.adapters.ask_tell import AskTellScheduler, Outcome, Proposal
from simulator.adapters.hyperopt_space import decode, encode, to_hyperopt
from simulator.adapters.library import (
    check_callable,
    check_settings,
    name_of,
    quiet,
    require,
    translate_errors,
    version_of,
)
from simulator.global_state import library_seed, silence
from simulator.scheduler_settings import check_initial, format_call

ALGORITHMS = ("anneal", "rand", "tpe")


class Hyperopt:
    """A factory of schedulers that do what ``hyperopt.fmin`` would do with this algorithm.

    A trial that failed is told as ``STATUS_FAIL``; NaN is told as it is, as ``fmin`` does.

    Args:
        algorithm: ``"tpe"``, ``"rand"`` or ``"anneal"``, or a ``suggest`` function such as a ``partial`` of
            ``hyperopt.mix.suggest``.
        settings: Keyword arguments of the ``suggest`` function, such as ``n_startup_jobs``.
        initial: Configurations to try first.

    Raises:
        InvalidOption: Hyperopt is not installed, or refuses the settings.
        UnknownName: There is no such algorithm.
    """

    def __init__(
        self,
        algorithm: str | Callable[..., Any] = "tpe",
        *,
        settings: Mapping[str, Any] | None = None,
        initial: Sequence[Configuration] = (),
    ) -> None:
        library = _import_library()
        self._settings, self._initial = check_settings("settings", settings), initial
        suggest: Any = algorithm
        self._name = name_of(algorithm)
        if isinstance(algorithm, str):
            if algorithm not in ALGORITHMS:
                raise UnknownName("Hyperopt algorithm", algorithm, ALGORITHMS)
            self._name, suggest = algorithm, getattr(library, algorithm).suggest
        check_callable("the Hyperopt algorithm", suggest)
        self._suggest = functools.partial(suggest, **self._settings)
        probe = library.Domain(None, library.hp.uniform("x", 0, 1))
        with silence(), translate_errors(f"Hyperopt's {self._name} refuses {self._settings!r}"):
            self._suggest([0], probe, library.Trials(), 0)

    def __call__(self, schema: Schema, seed: int) -> AskTellScheduler:
        """A scheduler with a fresh ``hyperopt.Trials`` for this blackbox."""
        initial = check_initial(schema.space, self._initial)
        version = {"initial": initial, "hyperopt": version_of("hyperopt")}
        description = format_call("Hyperopt", seed=seed, algorithm=self._name, **self._settings, **version)
        return AskTellScheduler(_Optimizer(self._suggest, schema.space, seed, initial, description), schema)


def _import_library() -> Any:
    """Import Hyperopt and silence its log, which must be done in each process."""
    library = require("hyperopt", "hyperopt")
    quiet("hyperopt")
    return library


class _Optimizer:
    """The steps of the loop of ``hyperopt.fmin``, which itself does not return between two trials."""

    def __init__(
        self, suggest: Callable[..., Any], space: Space, seed: int, initial: list[Any], description: str
    ) -> None:
        self._library = _import_library()
        self._suggest, self._space, self._description = suggest, space, description
        self._initial = initial[::-1]
        self._domain = self._library.Domain(None, to_hyperopt(space))
        self._trials = self._library.Trials()
        self._random = np.random.default_rng(library_seed(seed))  # noqa: TID251  as fmin(rstate=...), a seed a suggestion

    def __repr__(self) -> str:
        return self._description

    def ask(self) -> Proposal:
        trials = self._trials
        ids = trials.new_trial_ids(1)
        trials.refresh()
        given = self._document(ids[0], self._initial.pop()) if self._initial else self._suggest_document(ids)
        trials.insert_trial_docs(given)
        trials.refresh()
        document = trials.trials[-1]
        document["state"] = self._library.JOB_STATE_RUNNING
        return Proposal(decode(self._space, document["misc"]["vals"]), handle=document)

    def tell(self, proposal: Proposal, outcome: Outcome) -> None:
        library = self._library
        told = {"status": library.STATUS_OK, "loss": outcome.loss}
        proposal.handle["result"] = {"status": library.STATUS_FAIL} if outcome.failed else told
        proposal.handle["state"] = library.JOB_STATE_DONE

    def _suggest_document(self, ids: list[int]) -> Any:
        with silence():  # of warnings such as that all losses are NaN
            return self._suggest(ids, self._domain, self._trials, self._random.integers(2**31 - 1))

    def _document(self, number: int, configuration: Configuration) -> Any:
        kept = encode(self._space, configuration)
        values = {name: [kept[name]] if name in kept else [] for name in self._domain.params}
        ids = {name: [number] * len(value) for name, value in values.items()}
        misc = {"tid": number, "cmd": self._domain.cmd, "workdir": None, "idxs": ids, "vals": values}
        return self._trials.new_trial_docs([number], [None], [self._domain.new_result()], [misc])
