"""Numbers that come from numpy are taken as the Python numbers of the same value, wherever they come in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import Fidelity, InvalidOption, Schema, from_function, views
from blackbox_repo.tabulate import tabulate
from simulator import (
    PAUSE,
    PBT,
    Conditions,
    Cost,
    Delays,
    Failures,
    MedianStopping,
    RandomSearch,
    Resume,
    Run,
    Start,
    Stop,
    Threshold,
    simulate,
)
from simulator.quality.comparison import check_margin
from simulator.registry import SCHEDULERS, scheduler_factory
from simulator.scheduler import Decision, Report, Trial, continue_until
from simulator.schedulers.pbt import compute_milestones
from simulator.schedulers.rung_levels import compute_rungs
from simulator.settings.distributions import Exponential, LogNormal, Uniform
from tests.simulator.schedulers.problems import PROBLEMS

BOX = PROBLEMS["smooth"]()
SETTINGS: dict[str, dict[str, Any]] = {
    "asha": {"eta": 2, "r_min": 2, "brackets": 2},
    "asha-promotion": {"eta": 2.5, "rungs": [1, 4]},
    "grid": {"points": 2, "shuffle": True, "repeat": 2},
    "hyperband": {"eta": 2, "overlap": True},
    "local-search": {},
    "median-stopping": {"grace": 2, "min_trials": 3, "duplicates": True},
    "mo-asha": {"eta": 2, "r_min": 1},
    "pasha": {"eta": 2, "r_min": 1},
    "pbt": {"population": 4, "interval": 2, "quantile": 0.5, "resample": 0.5},
    "random": {"repeat": 2, "duplicates": False},
    "regularized-evolution": {"population": 5, "sample": 2},
    "successive-halving": {"eta": 2, "trials": 8},
}
INITIAL = {"optimizer": "sgd", "rate": 0.01, "momentum": 0.5, "layers": 2, "batch": 32}


def in_numpy(value: Any) -> Any:
    """The same of numpy's kinds, as small as they come."""
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int16(value)
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, str):
        return np.str_(value)
    if isinstance(value, dict):
        return {key: in_numpy(part) for key, part in value.items()}
    return [in_numpy(part) for part in value]


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_every_setting_of_every_scheduler(name: str) -> None:
    settings = {**SETTINGS[name], "initial": [INITIAL]}
    runs = []
    for given, seed in ((settings, 3), (in_numpy(settings), np.int64(3))):
        factory = scheduler_factory(name, given)
        assert repr(factory(BOX.schema, seed)) == repr(scheduler_factory(name, settings)(BOX.schema, 3))
        runs.append(simulate(BOX, factory, workers=2, stop=Stop(trials_started=12), seed=seed))
    assert runs[0].digest == runs[1].digest
    assert runs[0].header == runs[1].header


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
@pytest.mark.parametrize("seed", [3.0, np.float32(3)])
def test_a_seed_that_is_a_float_is_the_whole_number_in_every_draw(name: str, seed: Any) -> None:
    factory = scheduler_factory(name, SETTINGS[name])
    runs = [
        simulate(BOX, factory(BOX.schema, number), workers=2, stop=Stop(trials_started=40))
        for number in (3, seed)
    ]
    assert runs[0].digest == runs[1].digest
    assert runs[0].header == runs[1].header


def test_the_arguments_limits_and_conditions_of_a_run(tmp_path: Path) -> None:
    def run(of: Any, folder: Path) -> Run:
        call_time = lambda call: of(0.25) * call.number  # noqa: E731
        conditions = Conditions(
            delays=Delays(start=of(1), report=of(2), stop=of(0.5), stopped=of(1), complete=of(3)),
            checkpoints=of(True),
            speeds=(of(1), of(2.0)),
            decision_time=call_time,
            poll=of(2),
            failures=Failures(crash=Exponential(of(500), of(1)), preempt=LogNormal(of(900), of(1))),
            training_seed=of(0),
        )
        stop = Stop(
            time=of(3000),
            trials_started=of(9),
            reports=of(60),
            cost=Cost(of(10**4), price=of(0.5)),
            threshold=Threshold(of(-5)),
            drain=of(True),
        )
        done = simulate(
            BOX, RandomSearch, workers=of(2), stop=stop, seed=of(5), conditions=conditions, log=folder / "log"
        )
        done.save(folder / "run")
        return Run.load(folder / "run")

    plain, numpy = run(lambda value: value, tmp_path / "plain"), run(in_numpy, tmp_path / "numpy")
    assert plain.digest == numpy.digest
    assert plain.header == numpy.header
    logs = [(tmp_path / kind / "log").read_text() for kind in ("plain", "numpy")]
    assert logs[0] == logs[1]


class Typed:
    """A scheduler whose answers are made of numpy's scalars."""

    def __init__(self, of: Any) -> None:
        self._of, self._asked, self._paused = of, 0, -1

    def suggest(self) -> Start | Resume | None:
        of, self._asked = self._of, self._asked + 1
        if self._paused >= 0:
            trial, self._paused = self._paused, -1
            return Resume(of(trial), until=of(6))
        if self._asked == 4:
            return Start(of(INITIAL), until=of(9), checkpoint_of=of(0))
        return Start(of({**INITIAL, "layers": 1 + self._asked % 3}), until=of(5.0))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        if trial.number == 0 and report.fidelity == 2:
            self._paused = trial.number
            return PAUSE
        return continue_until(self._of(4))

    def on_end(self, trial: Trial) -> None:
        pass


def test_the_answers_of_a_scheduler(tmp_path: Path) -> None:
    runs = []
    for name, of in (("plain", lambda value: value), ("numpy", in_numpy)):
        stop = Stop(trials_started=8)
        runs.append(simulate(BOX, Typed(of), workers=2, stop=stop, log=tmp_path / name))
        runs[-1].save(tmp_path / f"{name} run")
    assert runs[0].digest == runs[1].digest
    assert (tmp_path / "plain").read_text() == (tmp_path / "numpy").read_text()


def test_views_and_tables() -> None:
    cut = views.select_fidelities(views.up_to(BOX, np.int64(6)), np.array([2, 4]))
    assert cut.schema.fidelity.values == (2, 4)
    assert views.fixed_seed(BOX, np.int64(0)).schema == BOX.schema
    table = tabulate(BOX, np.int64(5), seed=np.int64(1))
    assert list(table.configurations()) == list(tabulate(BOX, 5, seed=1).configurations())
    curve = table.curve(in_numpy(dict(table.configurations()[0])), seed=np.int64(0))
    assert curve.at(np.int64(2)) == curve.at(2)


def test_a_time_model() -> None:
    untimed = from_function(
        Schema(BOX.schema.space, BOX.schema.fidelity, BOX.schema.objectives[:2], "score"),
        lambda c, seed: {"score": [1.0] * 9, "size": [3.0] * 9},
    )
    timed = views.with_time_model(untimed, np.float32(2.5))
    assert timed.curve(BOX.schema.space.sample(0)).at(2)["elapsed_time"] == 5.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Stop(trials_started=np.float64(2.5)),
        lambda: Stop(time=np.float64("nan")),
        lambda: Stop(time=np.bool_(True)),
        lambda: Stop(reports=np.array([3])),
        lambda: Delays(start=np.float64(-1)),
        lambda: Delays(start=np.timedelta64(3, "s")),
        lambda: Conditions(speeds=(np.float64("inf"),)),
        lambda: Conditions(training_seed=np.float64(0.5)),
        lambda: Failures(crash=np.int64(0)),
        lambda: Uniform(np.float64(2), np.float64(1)),
        lambda: check_margin(np.float64(1.5)),
        lambda: RandomSearch(BOX.schema, np.float64(0.5)),
        lambda: RandomSearch(BOX.schema, repeat=np.int64(0)),
        lambda: RandomSearch(BOX.schema, np.array(3)),
    ],
)
def test_what_is_refused_of_python_is_refused_of_numpy(make: Any) -> None:
    with pytest.raises(InvalidOption, match=" but must "):
        make()


def test_counts_may_be_written_as_floats() -> None:
    assert Stop(trials_started=1e3) == Stop(trials_started=1000)
    assert repr(Stop(trials_started=1e3)) == repr(Stop(trials_started=1000))


def test_a_setting_of_numpys_short_floats_is_the_decimal_that_it_is_written_as() -> None:
    tenths = replace(BOX.schema, fidelity=Fidelity("share", tuple(k / 10 for k in range(1, 11))))

    def made(of: Any) -> list[Any]:
        return [
            MedianStopping(tenths, grace=of(0.3))._stopping,
            PBT(tenths, quantile=of(0.1))._share,
            compute_milestones(tenths.fidelity, of(0.3)),
            compute_rungs(tenths.fidelity, of(0.3), of(1.2)),
        ]

    assert made(np.float32) == made(float)
