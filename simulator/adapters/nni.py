"""NNI's tuners and assessors as schedulers (Microsoft, 2018 to 2023), told what its dispatcher would tell."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Schema
from blackbox_repo.space import Space
from simulator.adapters.library import (
    check_callable,
    check_kind,
    check_settings,
    make,
    name_of,
    require,
    version_of,
)
from simulator.adapters.nni_space import decode, to_nni
from simulator.errors import SchedulerError
from simulator.global_state import GlobalRandomState, library_seed, silence
from simulator.scheduler import CONTINUE, STOP, Decision, Report, Start, Trial, TrialStatus
from simulator.scheduler_settings import format_call

TUNERS: Mapping[str, str] = {
    "Anneal": "nni.algorithms.hpo.hyperopt_tuner:HyperoptTuner",
    "Evolution": "nni.algorithms.hpo.evolution_tuner:EvolutionTuner",
    "GridSearch": "nni.algorithms.hpo.gridsearch_tuner:GridSearchTuner",
    "Random": "nni.algorithms.hpo.random_tuner:RandomTuner",
    "TPE": "nni.algorithms.hpo.tpe_tuner:TpeTuner",
}
ASSESSORS: Mapping[str, str] = {
    "Curvefitting": "nni.algorithms.hpo.curvefitting_assessor:CurvefittingAssessor",
    "Medianstop": "nni.algorithms.hpo.medianstop_assessor:MedianstopAssessor",
}
_CURVES = "nni.algorithms.hpo.curvefitting_assessor.curvefunctions"


class NNI:
    """A factory of schedulers that do what an NNI experiment with this tuner and assessor would do.

    A trial that completes is told with its last report, NaN as it is; one that fails, or that the assessor
    stops, is told to have ended without success and without a result. When a tuner has nothing to offer it is
    asked again after the next end of a trial. The goal is the blackbox's: there is no ``optimize_mode``.

    Args:
        tuner: ``"TPE"``, ``"Random"``, ``"GridSearch"``, ``"Evolution"`` or ``"Anneal"`` (which needs
            Hyperopt), or what makes an ``nni.tuner.Tuner``; of ``seed`` and ``optimize_mode`` it is given
            what it takes.
        settings: Keyword arguments of the tuner's class, such as ``population_size``.
        assessor: ``"Medianstop"`` or ``"Curvefitting"`` (only where large is good), or what makes an
            ``nni.assessor.Assessor``; by default no trial is stopped.
        assessor_settings: Keyword arguments of the assessor's class, such as ``start_step``.

    Raises:
        InvalidOption: NNI is not installed; or settings for the goal, which is the blackbox's.
        UnknownName: There is no such tuner or assessor.
    """

    def __init__(
        self,
        tuner: str | Callable[..., Any] = "TPE",
        *,
        settings: Mapping[str, Any] | None = None,
        assessor: str | Callable[..., Any] | None = None,
        assessor_settings: Mapping[str, Any] | None = None,
    ) -> None:
        require_nni()
        if tuner == "Anneal":
            require("hyperopt", "hyperopt")
        self._settings = check_settings("settings", settings)
        self._assessor_settings = check_settings("assessor_settings", assessor_settings)
        for given in (self._settings, self._assessor_settings):
            if "optimize_mode" in given:
                raise InvalidOption("optimize_mode is the goal of the blackbox's target; leave it out")
        self._tuner, self._tuner_name = _find("NNI tuner", tuner, TUNERS)
        self._assessor, self._assessor_name = None, ""
        if assessor is not None:
            self._assessor, self._assessor_name = _find("NNI assessor", assessor, ASSESSORS)

    def __call__(self, schema: Schema, seed: int) -> NNIScheduler:
        """A fresh tuner, and a fresh assessor, for this blackbox.

        Raises:
            InvalidOption: NNI refuses the settings; curve fitting where small is good.
            InvalidSpace: Conditions that NNI cannot say.
        """
        require_nni()
        minimized = schema.objective(schema.target).goal == "min"
        if minimized and self._assessor_name == "Curvefitting":
            raise InvalidOption("NNI's Curvefitting needs a target with goal 'max', and here it is 'min'")
        mode = "minimize" if minimized else "maximize"
        own = library_seed(seed)
        supplied: dict[str, Any] = {
            "optimize_mode": mode,
            "seed": own,
            "epoch_num": len(schema.fidelity.values),
        }
        if self._tuner_name == "Anneal":
            supplied["algorithm_name"] = "anneal"
        state = _State(own, curves=self._assessor_name == "Curvefitting")
        with state.isolated(), _seeded_states(own):
            tuner = make(self._tuner, self._settings, supplied=supplied)
            check_kind(tuner, require("nni.tuner", "nni").Tuner, self._tuner)
            assessor = self._assessor and make(self._assessor, self._assessor_settings, supplied=supplied)
            if self._assessor:
                check_kind(assessor, require("nni.assessor", "nni").Assessor, self._assessor)
            _tell_space(tuner, self._tuner_name, to_nni(schema.space))
        parts: dict[str, Any] = {"seed": seed, "tuner": self._tuner_name, **self._settings}
        if assessor is not None:
            parts |= {"assessor": self._assessor_name, **self._assessor_settings}
        description = format_call("NNI", **{**parts, "seed": seed, "nni": version_of("nni")})
        return NNIScheduler(tuner, assessor, schema, state, description)


def _tell_space(tuner: Any, name: str, space: Mapping[str, Any]) -> None:
    if not space and name in ("Anneal", "Evolution", "GridSearch"):
        raise InvalidOption(f"NNI's {name} fails where no hyperparameter has more than one value")
    tuner.update_search_space(space)


class NNIScheduler:
    """Calls a tuner and an assessor as NNI's dispatcher does."""

    def __init__(self, tuner: Any, assessor: Any, schema: Schema, state: _State, description: str) -> None:
        self._tuner, self._assessor, self._state, self._description = tuner, assessor, state, description
        self._space: Space = schema.space
        self._target = schema.target
        self._requests = 0
        self._waiting = False
        self._ready: deque[tuple[int, Any]] = deque()
        self._trials: list[tuple[int, Any]] = []
        self._curves: dict[int, list[float]] = {}

    def __repr__(self) -> str:
        return self._description

    def suggest(self) -> Start | None:
        """What the tuner generates; if that is nothing, it is asked again after the next end of a trial."""
        if not self._ready and not self._waiting:
            number, self._requests = self._requests, self._requests + 1
            with self._state.isolated():
                generated = self._tuner.generate_multiple_parameters([number], st_callback=self._send)
                if isinstance(kept := getattr(self._tuner, "total_data", None), dict) and generated:
                    # Anneal keeps numpy's numbers of its own and compares them with [], an error since 2.2
                    kept[number] = _plain(kept[number])
            for parameters in generated:
                self._send(number, parameters)
            self._waiting = not generated
        if not self._ready:
            return None
        self._trials.append(self._ready.popleft())
        return Start(decode(self._space, self._trials[-1][1]))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """The assessor decides."""
        curve = self._curves.setdefault(trial.number, [])
        curve.append(report[self._target])
        if self._assessor is None:
            return CONTINUE
        with self._state.isolated():
            result = self._assessor.assess_trial(str(trial.number), list(curve))
        verdict = getattr(result, "value", result)
        if not isinstance(verdict, bool):
            name = type(self._assessor).__name__
            raise SchedulerError(
                f"{self._description}: {name} answered {result!r} about trial {trial.number} after "
                f"{len(curve)} reports, on which NNI's dispatcher gives up; its last values: {curve[-3:]}"
            )
        return CONTINUE if verdict else STOP

    def on_end(self, trial: Trial) -> None:
        """Tell tuner and assessor the result; they are told nothing of a trial that is interrupted."""
        curve = self._curves.pop(trial.number, [])
        if trial.status is TrialStatus.INTERRUPTED:
            return
        number, parameters = self._trials[trial.number]
        job = str(trial.number)
        success = trial.status is TrialStatus.COMPLETED and bool(curve)
        with self._state.isolated():
            if success:
                self._tuner.receive_trial_result(
                    number, parameters, curve[-1], customized=False, trial_job_id=job
                )
            if self._assessor is not None and curve:
                self._assessor.trial_end(job, success)
            self._tuner.trial_end(number, success)
        self._waiting = False

    def _send(self, number: int, parameters: Any) -> None:
        self._ready.append((number, parameters))


class _State:
    """The global state of NNI as one scheduler has left it; outside of its calls it is the user's.

    Args:
        seed: The seed of Python's and numpy's global generators, from which Evolution and Curvefitting draw.
        curves: Curve fitting is used: it begins each fit that fails with what the last one found, of whatever
            run of the process, in a dictionary of its module.
    """

    def __init__(self, seed: int, *, curves: bool) -> None:
        self._random = GlobalRandomState(seed)
        self._shared = require(_CURVES, "nni").model_para if curves else {}
        self._own = {name: list(values) for name, values in self._shared.items()}

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """A context for each call of NNI."""
        with self._random, silence():  # of warnings such as that a curve cannot be fitted
            outside = {name: list(values) for name, values in self._shared.items()}
            self._shared.update(self._own)
            try:
                yield
            finally:
                self._own = {name: list(values) for name, values in self._shared.items()}
                self._shared.update(outside)


@contextmanager
def _seeded_states(seed: int) -> Iterator[None]:
    """A context in which ``RandomState()`` without a seed is seeded, as Evolution and Anneal take no seed."""
    library: Any = np.random  # noqa: TID251  NNI's classes draw from it
    states = library.RandomState

    class Seeded(states):  # type: ignore[misc, valid-type]
        def __init__(self, given: Any = None) -> None:
            super().__init__(seed if given is None else given)

    library.RandomState = Seeded
    try:
        yield
    finally:
        library.RandomState = states


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def require_nni() -> Any:
    """Import NNI, which then prints nothing.

    Raises:
        InvalidOption: It is not installed.
    """
    first = "nni" not in sys.modules
    library = require("nni", "nni")
    if first:
        library.silence_stdout()
    for name in ("nni", "curvefitting_Assessor", "medianstop_Assessor", "hyperopt"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what goes wrong is raised
    return library


def _find(what: str, given: str | Callable[..., Any], known: Mapping[str, str]) -> tuple[Any, str]:
    if not isinstance(given, str):
        check_callable(f"the {what}", given)
        return given, name_of(given)
    if given not in known:
        raise UnknownName(what, given, sorted(known))
    module, _, name = known[given].partition(":")
    return getattr(require(module, "nni"), name), given
