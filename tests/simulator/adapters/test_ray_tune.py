"""Ray Tune's trial schedulers and searchers in the simulator do what they do under Ray's own controller."""

from __future__ import annotations

import functools
import importlib
import math
import sys
from typing import Any, ClassVar

import pytest

from blackbox_repo.domains import Categorical, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Configuration, Space
from simulator import Run, Stop
from simulator.adapters.ray_tune import RayTune
from simulator.adapters.ray_tune_space import clip_numbers, decode, from_ray_tune, to_mutations, to_ray_tune
from simulator.global_state import GlobalRandomState, silence
from simulator.registry import scheduler_factory
from simulator.testing import CONDITIONS, SchedulerContract
from simulator.testing.problems import TINY, Rough, schema_of
from tests.simulator.adapters.contract import (
    EPOCHS,
    OWN,
    SPACE,
    check_another_process,
    check_hard_conditions,
    check_mixed_choices,
    check_seeds,
    check_threads,
    configurations,
    ending_early,
    loss_of,
    made_blackbox,
    real_curves,
    real_table,
    run_snippet,
    simulated,
)

pytest.importorskip("ray.tune")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

FLAT = Space(SPACE.domains)
NUMBERS = Space({name: FLAT.domains[name] for name in ("x", "lr", "layers")})
EVERY_SECOND = {"perturbation_interval": 2}
ENDLESS: dict[str, dict[str, Any]] = {
    "FIFOScheduler": {},
    "ASHAScheduler": {"settings": {"brackets": 2}},
    "MedianStoppingRule": {"settings": {"grace_period": 2}},
}
ALL: dict[str, dict[str, Any]] = {
    **ENDLESS,
    "HyperBandScheduler": {"num_samples": 20},
    "PopulationBasedTraining": {"num_samples": 6, "settings": EVERY_SECOND},
}


def trained(run: Run) -> list[tuple[Configuration, int]]:
    """Configurations, and up to which epoch each was trained."""
    last = {row["trial"]: int(row["fidelity"]) for row in run.reports().to_pylist()}
    return [(given, last[trial]) for trial, given in enumerate(configurations(run))]


def asha(trials: int) -> list[tuple[Configuration, int]]:
    """What Ray Tune does with one CPU, in short."""
    from ray.tune.experiment import Trial
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.sample import _BackwardsCompatibleNumpyRng
    from ray.tune.search.variant_generator import generate_variants

    spec, random = {"config": to_ray_tune(FLAT)}, _BackwardsCompatibleNumpyRng(OWN)
    queue, done = [], []
    with GlobalRandomState(OWN), silence():
        theirs: Any = ASHAScheduler("training_iteration", "loss", "min", max_t=EPOCHS, brackets=2)
        for number in range(trials + 15):
            _, made = next(generate_variants(spec, random_state=random))
            queue.append(Trial("asha", config=made["config"], trial_id=str(number), stub=True))
        added = iter(queue)
        for trial in queue[:trials]:
            for other in [next(added) for _ in range(16 if trial is queue[0] else 1)]:
                theirs.on_trial_add(None, other)
            configuration, decision, epoch = decode(FLAT, trial.config), "CONTINUE", 0
            while decision == "CONTINUE":
                epoch += 1
                result = {"training_iteration": epoch, "loss": loss_of(FLAT, configuration, epoch)}
                decision = theirs.on_trial_result(None, trial, result)
            theirs.on_trial_complete(None, trial, result)
            done.append((configuration, epoch))
    return done


ASHA: dict[str, Any] = {"scheduler": "ASHAScheduler", **ENDLESS["ASHAScheduler"]}


def test_with_one_worker_trials_are_those_of_rays_loop() -> None:
    """Runs of ``Tuner.fit`` with one CPU have been the same, too; they take a cluster and a minute each."""
    assert trained(simulated(made_blackbox(FLAT), RayTune(**ASHA), 40)) == asha(40)


@pytest.mark.parametrize("name", ALL)
def test_the_goal_is_the_blackboxs(name: str) -> None:
    """The same problem with its sign turned has the same trials."""
    smallest, largest = (
        simulated(made_blackbox(NUMBERS, goal), RayTune(name, **ALL[name]), 20, workers=3)
        for goal in ("min", "max")
    )
    assert trained(smallest) == trained(largest)


def test_a_population_exploits_from_the_checkpoint_that_ray_has_saved_T8() -> None:
    """With one worker six trials share it: one that exploits goes on from where both were."""
    factory = RayTune("PopulationBasedTraining", num_samples=6, settings=EVERY_SECOND)
    run = simulated(made_blackbox(NUMBERS), factory, stop=Stop(time=1e5))
    reports = run.reports().to_pylist()
    starts = {row["trial"]: int(row["fidelity"]) for row in reversed(reports)}
    assert run.reason in ("exhausted", "stalled")
    assert [epoch for trial, epoch in starts.items() if trial < 6] == [1] * 6
    assert {epoch for trial, epoch in starts.items() if trial >= 6} <= {3, 5, 7, 9}
    assert sum(row["fidelity"] == EPOCHS for row in reports) == 6


@pytest.mark.parametrize("synch", [False, True])
def test_a_population_trains_to_its_end(synch: bool) -> None:
    settings = {**EVERY_SECOND, "synch": synch}
    factory = RayTune("PopulationBasedTraining", num_samples=6, settings=settings)
    run = simulated(made_blackbox(NUMBERS), factory, stop=Stop(time=1e5), workers=4)
    assert sum(row["fidelity"] == EPOCHS for row in run.reports().to_pylist()) == 6
    assert len(run.trial_columns["trial"]) > 6


def test_perturbed_numbers_stay_within_their_ends() -> None:
    given = {"x": 2.4, "lr": 1e-7, "layers": 6}
    assert clip_numbers(NUMBERS, given) == {"x": 2, "lr": 1e-5, "layers": 5}
    assert to_mutations(Space({"order": Ordinal((1, 4, 9)), "one": Integer(2, 2)})) == {"order": [1, 4, 9]}


def test_hyperband_resumes_the_best_of_a_bracket() -> None:
    run = simulated(
        made_blackbox(NUMBERS), RayTune("HyperBandScheduler", num_samples=17), stop=Stop(time=1e5), workers=4
    )
    ends = sorted(epoch for _, epoch in trained(run))
    assert ends == [1] * 6 + [3] * 5 + [9] * 6  # 9@1 -> 3@3 -> 1@9, 5@3 -> 2@9, 3@9


@pytest.mark.parametrize("searcher", ["optuna", "hyperopt"])
def test_searchers_are_told(searcher: str) -> None:
    """They learn: what they suggest in the end is better than at random."""
    pytest.importorskip(searcher)
    runs = [simulated(made_blackbox(NUMBERS), RayTune(searcher=searcher), 30, workers=2) for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    random = simulated(made_blackbox(NUMBERS), RayTune(), 30, workers=2)
    losses = [
        [loss_of(NUMBERS, configuration) for configuration in configurations(run)[20:]]
        for run in (runs[0], random)
    ]
    assert sum(losses[0]) < sum(losses[1])


def test_PB2() -> None:
    pytest.importorskip("sklearn")
    if "GPy" in vars(importlib.import_module("ray.tune.schedulers.pb2")):
        pytest.importorskip("GPy", reason="which PB2 of older versions needs")
    factory = RayTune("PB2", num_samples=6, settings=EVERY_SECOND)
    runs = [simulated(made_blackbox(NUMBERS), factory, stop=Stop(time=1e5), workers=6) for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    assert len(runs[0].trial_columns["trial"]) > 6


# --- whatever happens --------------------------------------------------------------------------------------

ROUGH = Space({"rate": Float(1e-4, 1.0, log=True), "layers": Integer(1, 4), "kind": Categorical(("a", "b"))})


class RayTuneContract(SchedulerContract):
    """Problems without conditions."""

    problems: ClassVar = {
        "tiny": lambda: Rough(schema_of(TINY)),
        "one epoch": lambda: Rough(schema_of(ROUGH, epochs=1)),
        "maximized": lambda: Rough(schema_of(ROUGH, goal="max")),
    }
    conditions: ClassVar = {
        name: CONDITIONS[name] for name in ("ideal", "crashes and preemptions", "decision time")
    }


class TestASHA(RayTuneContract):
    make_scheduler = RayTune(**ASHA)


class TestMedianStoppingRule(RayTuneContract):
    make_scheduler = RayTune("MedianStoppingRule", **ENDLESS["MedianStoppingRule"])


class TestPopulationBasedTraining(RayTuneContract):
    make_scheduler = RayTune("PopulationBasedTraining", num_samples=30, settings=EVERY_SECOND)
    may_end = True


@pytest.mark.parametrize("name", ["FIFOScheduler", "HyperBandScheduler"])
def test_many_workers_failures_and_two_runs_are_one_T19(name: str) -> None:
    check_hard_conditions(made_blackbox(NUMBERS), RayTune(name, **ALL[name]), trials=20)


def test_nan_does_not_stop_it() -> None:
    def loss(configuration: Configuration, epoch: float = EPOCHS) -> float:
        return math.nan if configuration["layers"] == 2 else loss_of(NUMBERS, configuration, epoch)

    blackbox = made_blackbox(NUMBERS, losses=loss)
    for name in ("ASHAScheduler", "MedianStoppingRule", "PopulationBasedTraining"):
        run = simulated(blackbox, RayTune(name, **ALL[name]), 20, workers=3)
        assert run.best() is not None


# --- settings and spaces -----------------------------------------------------------------------------------


def test_initial_configurations_come_first() -> None:
    first = [FLAT.sample("initial", number) for number in range(3)]
    run = simulated(made_blackbox(FLAT), RayTune(initial=first), 5)
    assert configurations(run)[:3] == first
    assert "initial=[{'x': " in run.header["scheduler"]
    few = [NUMBERS.sample("initial", number) for number in range(3)]
    pytest.importorskip("optuna")
    assert (
        configurations(simulated(made_blackbox(NUMBERS), RayTune(searcher="optuna", initial=few), 5))[:3]
        == few
    )


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    def tried(name: str = "ray:ASHAScheduler", **settings: Any) -> Run:
        return simulated(made_blackbox(NUMBERS), scheduler_factory(name, settings), 20)

    faster = tried(settings={"reduction_factor": 2})
    assert tried().digest != faster.digest
    assert (
        "RayTune(seed=5, trial_scheduler='AsyncHyperBandScheduler', reduction_factor=2"
        in faster.header["scheduler"]
    )
    with pytest.raises(InvalidOption, match="AsyncHyperBandScheduler cannot be made with the settings"):
        tried(settings={"reduction": 2})
    with pytest.raises(InvalidOption, match="cannot be made with .*Reduction Factor not valid"):
        tried(settings={"reduction_factor": 1})
    with pytest.raises(UnknownName, match="unknown Ray Tune scheduler 'AHSAScheduler'; did you mean 'ASHA"):
        scheduler_factory("ray:AHSAScheduler", {})
    with pytest.raises(UnknownName, match="unknown Ray Tune searcher 'optun'; did you mean 'optuna'"):
        RayTune(searcher="optun")
    with pytest.raises(InvalidOption, match="PopulationBasedTraining needs num_samples, the size of its pop"):
        tried("ray:PopulationBasedTraining")


def test_a_scheduler_and_a_searcher_of_ones_own() -> None:
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search import Searcher

    class Middle(Searcher):  # type: ignore[misc]
        def suggest(self, trial_id: str) -> Any:
            return (
                {"x": float(trial_id) / 100, "lr": 1e-3, "layers": 2} if trial_id < "00007" else self.FINISHED
            )

        def set_search_properties(self, *_: Any, **__: Any) -> bool:
            return True

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            assert result["training_iteration"] == EPOCHS

    never = functools.partial(ASHAScheduler, grace_period=EPOCHS)
    never.__name__ = "never"  # type: ignore[attr-defined]
    run = simulated(made_blackbox(NUMBERS), RayTune(never, searcher=Middle), 20)
    assert [configuration["x"] for configuration in configurations(run)] == [n / 100 for n in range(7)]
    assert run.reason == "exhausted"


def test_spaces_go_there_and_back() -> None:
    domains = {**FLAT.domains, "order": Categorical((1, 4, 9))}
    assert from_ray_tune(to_ray_tune(FLAT)) == Space(domains)


def test_what_has_no_counterpart_is_refused() -> None:
    from ray import tune

    with pytest.raises(
        InvalidSpace, match="Ray Tune's searchers know no conditions, but 'depth' is active only"
    ):
        to_ray_tune(SPACE)
    with pytest.raises(InvalidSpace, match="'n' is .*for which there is no domain here"):
        from_ray_tune({"n": tune.randn(0, 1)})
    with pytest.raises(InvalidSpace, match="'q' is .*for which there is no domain here"):
        from_ray_tune({"q": tune.quniform(0, 1, 0.5)})


def test_a_real_table_with_its_nearest_rows_and_real_curves() -> None:
    assert len(simulated(real_table(), RayTune(), 25, workers=4).trial_columns["trial"]) == 25
    run = simulated(real_curves(), RayTune(**ASHA), 25, workers=4)
    assert {"stopped", "completed"} == set(run.trial_columns["status"])


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Ray Tune")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(RayTune("ASHAScheduler"))
    check_another_process(RayTune("ASHAScheduler"))
    check_seeds(RayTune("ASHAScheduler"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": "val_acc"}, "metric='val_acc' contradicts metric='loss'"),
        ({"mode": "max"}, "mode='max' contradicts mode='min'"),
        ({"time_attr": "epoch"}, "time_attr is 'epoch', but must be 'training_iteration', the number of"),
        ({"time_attr": "time_total_s"}, "time_attr='time_total_s' needs max_t, in seconds"),
        ({"max_t": 100}, "max_t is 100, but trainings end at training_iteration=9"),
    ],
)
def test_settings_that_contradict_the_blackbox_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        RayTune("ASHAScheduler", settings=settings)(made_blackbox(NUMBERS).schema, 0)


def test_settings_that_say_what_is_so_anyway_are_none() -> None:
    said = {"metric": "loss", "mode": "min", "time_attr": "training_iteration"}
    plain, repeated = (
        simulated(made_blackbox(NUMBERS), RayTune("ASHAScheduler", settings=given)) for given in ({}, said)
    )
    assert plain.digest == repeated.digest


def test_seconds_of_training_may_be_the_clock() -> None:
    """Epochs take 10 seconds each."""
    seconds = {"time_attr": "time_total_s", "grace_period": 10, "max_t": 90}
    plain, timed = (
        simulated(made_blackbox(NUMBERS), RayTune("ASHAScheduler", settings=given)) for given in ({}, seconds)
    )
    assert trained(timed) == trained(plain)


def test_what_population_based_training_changes_must_exist() -> None:
    settings = {**EVERY_SECOND, "hyperparam_mutations": {"nosuch": [1, 2]}}
    with pytest.raises(UnknownName, match="unknown hyperparameter in hyperparam_mutations 'nosuch'"):
        RayTune("PopulationBasedTraining", num_samples=4, settings=settings)(made_blackbox(NUMBERS).schema, 0)


def test_a_searcher_is_told_what_the_blackbox_says() -> None:
    pytest.importorskip("optuna")
    for name, value in (("metric", "seconds"), ("mode", "max"), ("seed", 3), ("space", {})):
        factory = RayTune(searcher="optuna", searcher_settings={name: value})
        with pytest.raises(InvalidOption, match=f"OptunaSearch: the setting {name}=.* contradicts {name}="):
            factory(made_blackbox(NUMBERS).schema, 0)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("PopulationBasedTraining", EVERY_SECOND),
        ("PopulationBasedTraining", {**EVERY_SECOND, "synch": True}),
        ("HyperBandScheduler", {}),
    ],
)
def test_trials_that_ray_has_ended_or_copied_do_not_stall_a_run(name: str, settings: dict[str, Any]) -> None:
    """``Tuner.fit`` ends there normally: all trials are terminated."""
    factory = RayTune(name, num_samples=8, settings=settings)
    scheduler = factory(made_blackbox(NUMBERS).schema, 3)
    run = simulated(made_blackbox(NUMBERS), scheduler, stop=Stop(time=5000), workers=8)
    assert {trial.status for trial in scheduler._control.get_trials()} == {"TERMINATED"}
    assert run.reason == "exhausted"


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(RayTune())
    check_mixed_choices(RayTune("PopulationBasedTraining", num_samples=8, settings=EVERY_SECOND))


def test_schedulers_that_have_no_place_here_are_refused() -> None:
    with pytest.raises(InvalidOption, match="HyperBandForBOHB talks to its searcher, so it needs searcher="):
        RayTune("HyperBandForBOHB", num_samples=9)
    with pytest.raises(InvalidOption, match="ResourceChangingScheduler gives trials parts of a computer"):
        RayTune("ResourceChangingScheduler")


def test_a_scheduler_that_lacks_a_part_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("ray.tune.schedulers.pb2")  # which keeps what it finds of scikit-learn
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InvalidOption, match="PB2 cannot be made with the settings {}: .*install"):
        RayTune("PB2", num_samples=4)(made_blackbox(NUMBERS).schema, 0)


def test_the_last_value_of_a_curve_that_ends_early_is_told() -> None:
    from ray.tune.search import Searcher

    told: list[float] = []

    class Recording(Searcher):  # type: ignore[misc]
        def suggest(self, trial_id: str) -> Any:
            return {"x": 0.5, "lr": 1e-3, "layers": 1 + int(trial_id) % 5}

        def set_search_properties(self, *_: Any, **__: Any) -> bool:
            return True

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            told.append(result["loss"])

    simulated(ending_early(), RayTune("FIFOScheduler", searcher=Recording), 10)
    assert told == [1, 3, 5, 7, 9] * 2
