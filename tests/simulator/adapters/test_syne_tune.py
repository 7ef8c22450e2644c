"""Syne Tune's schedulers in the simulator do what they do in a loop of Syne Tune's."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timezone
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, ClassVar

import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Configuration, Space
from simulator import Run, SchedulerError, Stop, simulate
from simulator.adapters.syne_tune import SyneTune
from simulator.adapters.syne_tune_space import decode, encode, from_syne_tune, to_syne_tune
from simulator.global_state import GlobalRandomState, silence
from simulator.registry import scheduler_factory
from simulator.testing import CONDITIONS, SchedulerContract
from simulator.testing.problems import SCATTERED, TINY, Rough, schema_of
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

pytest.importorskip("syne_tune")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

FLAT = Space(SPACE.domains)
NUMBERS = Space({name: FLAT.domains[name] for name in ("x", "lr", "layers")})
BORE = {"searcher": "bore", "searcher_kwargs": {"classifier": "logreg", "feval_acq": 9}}
OLDER = version("syne-tune").startswith("0.13")
newer = pytest.mark.skipif(OLDER, reason="tests/peers compares 0.13 with its own tuner, word for word")
older = pytest.mark.skipif(not OLDER, reason="what newer versions do not have")
BOTH: dict[str, dict[str, Any]] = {
    "RandomSearch": {},
    "REA": {"population_size": 8, "sample_size": 3},
    "ASHA": {"brackets": 2},
    "PopulationBasedTraining": {"perturbation_interval": 2},
    "MedianStoppingRule": {"grace_population": 3},
}
SETTINGS = {
    **BOTH,
    "TPE": {},
    "SingleObjectiveScheduler": BORE,
    "BOHB": {"reduction_factor": 2},
}
PAUSING: dict[str, dict[str, Any]] = {
    "HyperbandScheduler": {"type": "promotion"},
    "PASHA": {},
    "SyncHyperband": {"brackets": 2},
    "DEHB": {},
}
HERE = {**BOTH, **PAUSING} if OLDER else SETTINGS


def loop(name: str, space: Space, trials: int) -> list[tuple[Configuration, int]]:
    """What a user of Syne Tune would write: a configuration, and for how many epochs it was trained."""
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer import baselines
    from syne_tune.optimizer.schedulers import MedianStoppingRule, PopulationBasedTraining

    theirs, settings = to_syne_tune(space), {"random_seed": OWN, **SETTINGS[name]}
    along = {"metric": "loss", "time_attr": "epoch"}
    done, epochs_of = [], {}
    with GlobalRandomState(OWN), silence():
        if name == "MedianStoppingRule":
            inner = baselines.RandomSearch(theirs, ["loss"], random_seed=OWN)
            scheduler: Any = MedianStoppingRule(inner, **along, **settings)
        elif name == "PopulationBasedTraining":
            scheduler = PopulationBasedTraining(theirs, **along, max_t=EPOCHS, **settings)
        elif name == "RandomSearch":
            scheduler = baselines.RandomSearch(theirs, ["loss"], **settings)
        elif name in ("ASHA", "BOHB"):
            scheduler = getattr(baselines, name)(theirs, **along, max_t=EPOCHS, **settings)
        else:
            scheduler = getattr(baselines, name)(theirs, "loss", **settings)
        for number in range(trials):
            suggestion = scheduler.suggest()
            trial = Trial(number, suggestion.config, datetime.fromtimestamp(0, timezone.utc))
            scheduler.on_trial_add(trial)
            epoch = epochs_of.get(suggestion.checkpoint_trial_id, 0)
            configuration, decision = decode(space, trial.config), "CONTINUE"
            while decision == "CONTINUE" and epoch < EPOCHS:
                epoch += 1
                result = {"epoch": epoch, "loss": loss_of(space, configuration, epoch)}
                decision = scheduler.on_trial_result(trial, result)
            (
                scheduler.on_trial_remove(trial)
                if decision == "STOP"
                else scheduler.on_trial_complete(trial, result)
            )
            epochs_of[number] = epoch
            done.append((configuration, epoch))
    return done


def trained(run: Run) -> list[tuple[Configuration, int]]:
    """Configurations, and up to which epoch each was trained."""
    reports = run.reports().to_pylist()
    last = {row["trial"]: int(row["fidelity"]) for row in reports if row["decision"] != "late"}
    return [(given, last.get(trial, EPOCHS)) for trial, given in enumerate(configurations(run))]


@newer
@pytest.mark.parametrize("name", SETTINGS)
def test_with_one_worker_trials_are_those_of_a_loop_of_syne_tunes(name: str) -> None:
    space, trials = (NUMBERS, 25) if name in ("TPE", "BOHB", "SingleObjectiveScheduler") else (FLAT, 40)
    run = simulated(made_blackbox(space), SyneTune(name, settings=SETTINGS[name]), trials)
    assert trained(run) == loop(name, space, trials)


@pytest.mark.parametrize("name", HERE)
def test_the_goal_is_the_blackboxs(name: str) -> None:
    """The same problem with its sign turned has the same trials."""
    factory = SyneTune(name, settings=HERE[name])
    smallest, largest = (simulated(made_blackbox(NUMBERS, goal), factory, 12) for goal in ("min", "max"))
    assert trained(smallest) == trained(largest)


def test_clones_start_from_checkpoints_T8() -> None:
    factory = SyneTune("PopulationBasedTraining", settings={"perturbation_interval": 2})
    run = simulated(made_blackbox(NUMBERS), factory, 30, workers=4)
    first = {row["trial"]: row["fidelity"] for row in reversed(run.reports().to_pylist())}
    assert {1, 3, 7} <= set(first.values())


@older
@pytest.mark.parametrize("name", PAUSING)
def test_paused_trials_go_on_from_where_they_were(name: str) -> None:
    factory = SyneTune(name, settings=PAUSING[name])
    run, again = (simulated(made_blackbox(NUMBERS), factory, 30, workers=4) for _ in range(2))
    assert run.digest == again.digest
    epochs: dict[int, list[float]] = {}
    for row in run.reports().to_pylist():
        epochs.setdefault(row["trial"], []).append(row["fidelity"])
    assert all(len(set(along)) == len(along) for along in epochs.values())
    assert "paused" in run.trial_columns["status"]
    most = max(len(along) for along in epochs.values())
    assert most == (1 if name == "PASHA" else EPOCHS)  # the ranking does not change with the epochs


def test_a_training_that_is_over_anyway_has_completed() -> None:
    """ASHA stops at the last epoch what has come so far; each trial is at most once in a rung."""
    run = simulated(made_blackbox(NUMBERS), SyneTune("ASHA"), 30)
    epochs = [epoch for _, epoch in trained(run)]
    assert [status == "completed" for status in run.trial_columns["status"]] == [
        epoch == EPOCHS for epoch in epochs
    ]
    assert 3 < epochs.count(EPOCHS) < 20


@newer
@pytest.mark.parametrize("name", ["CQR", "ASHACQR"])
def test_conformal_models_are_fitted(name: str) -> None:
    """One configuration after five at random, as each takes long."""
    pytest.importorskip("huggingface_hub", reason="which Syne Tune needs for CQR and does not install")
    fitted, random = (simulated(made_blackbox(NUMBERS), SyneTune(one), 6) for one in (name, "RandomSearch"))
    assert configurations(fitted)[-1] != configurations(random)[-1]


# --- whatever happens --------------------------------------------------------------------------------------

FLAT_ROUGH = Space(
    {"rate": Float(1e-4, 1.0, log=True), "layers": Integer(1, 4), "kind": Categorical(("a", "b"))}
)
SOME = ("ideal", "crashes and preemptions", "decision time")


class SyneTuneContract(SchedulerContract):
    """Problems without conditions."""

    problems: ClassVar = {
        "scattered": lambda: Rough(schema_of(Space(SCATTERED.domains))),
        "tiny": lambda: Rough(schema_of(TINY)),
        "one epoch": lambda: Rough(schema_of(FLAT_ROUGH, epochs=1)),
        "maximized": lambda: Rough(schema_of(FLAT_ROUGH, goal="max")),
        "independent": lambda: Rough(schema_of(FLAT_ROUGH, kind="independent")),
    }
    conditions: ClassVar = {name: CONDITIONS[name] for name in SOME}
    may_end = OLDER  # which suggests nothing twice


class TestASHA(SyneTuneContract):
    make_scheduler = SyneTune("ASHA", settings={"brackets": 2})


class TestPopulationBasedTraining(SyneTuneContract):
    make_scheduler = SyneTune("PopulationBasedTraining", settings={"perturbation_interval": 2})
    needs = ("checkpoints",)


@pytest.mark.parametrize(
    "name", [*sorted(set(HERE) - {"ASHA", "PopulationBasedTraining", *PAUSING}), "MOASHA"]
)
def test_many_workers_failures_and_two_runs_are_one_T19(name: str) -> None:
    check_hard_conditions(made_blackbox(NUMBERS), SyneTune(name, settings=HERE.get(name)), trials=20)


def test_several_objectives_each_by_its_goal() -> None:
    schema = schema_of(TINY, goal="max")
    run = simulate(
        Rough(schema, smooth=True),
        SyneTune("MOASHA", objectives=["score", "size"]),
        workers=4,
        stop=Stop(trials_started=40),
    )
    assert "stopped" in run.trial_columns["status"]
    if not OLDER:
        with pytest.raises(InvalidOption, match="ASHA optimizes one objective only, but objectives is"):
            SyneTune("ASHA", objectives=["score", "size"])(schema, 0)
    with pytest.raises(
        InvalidOption, match="the objective 'elapsed_time' cannot be optimized: it has no goal"
    ):
        SyneTune("ASHA", objectives=["elapsed_time"])(schema, 0)


def test_nan_is_told_as_the_worst_value_so_far() -> None:
    """Before there is one, nothing is told."""
    told: list[float] = []

    def recording(config_space: Any, metrics: list[str], random_seed: int) -> Any:
        from syne_tune.optimizer.baselines import RandomSearch

        class Recording(RandomSearch):
            def on_trial_result(self, trial: Any, result: dict[str, Any]) -> str:
                told.append(result["loss"])
                return str(super().on_trial_result(trial, result))

        return Recording(config_space, metrics, random_seed=random_seed)

    losses = {1: math.nan, 2: 3.0, 3: 5.0, 4: 4.0, 5: math.inf, 6: -math.inf, 7: 1.0, 8: math.nan, 9: 9.0}
    blackbox = made_blackbox(NUMBERS, losses=lambda _, epoch: losses[epoch])
    run = simulated(blackbox, SyneTune(recording), 1)
    assert told == [3.0, 5.0, 4.0, 5.0, 5.0, 1.0, 5.0, 9.0]
    assert run.header["scheduler"].startswith("SyneTune(seed=5, scheduler=recording, syne_tune=")


def test_fidelities_that_are_no_whole_numbers_are_told_by_position() -> None:
    from blackbox_repo.schema import Fidelity
    from simulator.adapters.fidelities import Resource

    fractions = Resource(Fidelity("trainsize", (0.1, 0.5, 1)))
    assert [fractions.of(value) for value in (0.1, 0.5, 1)] == [1, 2, 3]
    epochs = Resource(Fidelity("epoch", (2, 4, 9)))
    assert [epochs.of(value) for value in (2, 4, 9)] == [2, 4, 9]
    assert [epochs.until(resource) for resource in (1, 3, 9, 10)] == [2, 4, 9, None]


# --- settings and spaces -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RandomSearch", "ASHA", "PopulationBasedTraining", "MedianStoppingRule"])
def test_initial_configurations_come_first(name: str) -> None:
    first = [FLAT.sample("initial", number) for number in range(3)]
    run = simulated(made_blackbox(FLAT), SyneTune(name, initial=first), 5)
    assert configurations(run)[:3] == first
    assert "initial=[{'x': " in run.header["scheduler"]
    with pytest.raises(InvalidOption, match="MOASHA takes no initial configurations"):
        simulated(made_blackbox(FLAT), SyneTune("MOASHA", initial=first))


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    def tried(name: str = "syne-tune:ASHA", **settings: Any) -> Run:
        return simulated(made_blackbox(NUMBERS), scheduler_factory(name, settings), 20)

    assert tried().digest != tried(settings={"reduction_factor": 2}).digest
    assert (
        "scheduler=ASHA, reduction_factor=2, syne_tune="
        in tried(settings={"reduction_factor": 2}).header["scheduler"]
    )
    with pytest.raises(UnknownName, match="unknown ASHA setting 'reduction'"):
        tried(settings={"reduction": 2})
    with pytest.raises(
        InvalidOption, match="ASHA cannot be made with the settings {'reduction_factor': 1}: "
    ):
        tried(settings={"reduction_factor": 1})
    with pytest.raises(UnknownName, match="unknown Syne Tune scheduler 'ASAH'; did you mean 'ASHA'"):
        scheduler_factory("syne-tune:ASAH", {})
    assert "base=RandomSearch" in tried("syne-tune:MedianStoppingRule").header["scheduler"]


def test_spaces_go_there_and_back() -> None:
    same = Space({name: domain for name, domain in FLAT.domains.items() if name != "kind"})
    assert from_syne_tune(to_syne_tune(same)) == same
    mixed = Space({"kind": FLAT.domains["kind"], "o": Ordinal((1, 2.5, "x")), "one": Integer(3, 3)})
    assert from_syne_tune(to_syne_tune(mixed)) == Space(
        {"kind": Categorical(range(4)), "o": Ordinal(range(3)), "one": Constant(3)}
    )
    given: Configuration = {"kind": True, "o": 2.5, "one": 3}
    assert encode(mixed, given) == {"kind": 3, "o": 1, "one": 3}
    assert decode(mixed, encode(mixed, given)) == given


def test_what_has_no_counterpart_is_refused() -> None:
    from syne_tune import config_space

    with pytest.raises(
        InvalidSpace, match="Syne Tune has no conditions, but 'depth' is active only for some"
    ):
        to_syne_tune(SPACE)
    with pytest.raises(InvalidSpace, match="'q' is .*for which there is no domain here"):
        from_syne_tune({"q": config_space.quniform(0, 1, 0.5)})
    assert from_syne_tune({"f": config_space.finrange(0.0, 1.0, 3)}) == Space({"f": Ordinal((0.0, 0.5, 1.0))})


@newer
def test_nothing_is_said_and_no_handler_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """BORE warns through the root logger, which gives it a handler."""
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers.clear()
    try:
        flat = made_blackbox(NUMBERS, losses=lambda *_: 1.0)
        simulated(flat, SyneTune("SingleObjectiveScheduler", settings=BORE), 9)
        assert root.handlers == []
    finally:
        root.handlers[:] = before
    assert capsys.readouterr() == ("", "")


def test_a_real_table_with_its_nearest_rows_and_real_curves() -> None:
    run = simulated(real_table(), SyneTune("REA", settings=SETTINGS["REA"]), 25, workers=4)
    assert len(run.trial_columns["trial"]) == 25
    run = simulated(real_curves(), SyneTune("ASHA"), 25, workers=4)
    assert {"stopped", "completed"} == set(run.trial_columns["status"])


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Syne Tune")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(SyneTune("ASHA"))
    check_another_process(SyneTune("ASHA"))
    check_seeds(SyneTune("ASHA"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metric", "nosuch"),
        ("time_attr", "nosuch"),
        ("random_seed", 3),
        ("points_to_evaluate", [{"x": 0.5}]),
        *([("mode", "max")] if OLDER else [("do_minimize", False)]),
    ],
)
def test_settings_that_contradict_the_blackbox_are_refused(name: str, value: Any) -> None:
    """A goal that is turned round twice makes the worst of 40 trainings the best."""
    schema = made_blackbox(NUMBERS, "max").schema
    name = "resource_attr" if OLDER and name == "time_attr" else name
    with pytest.raises(InvalidOption, match=f"ASHA: the setting {name}=.* contradicts {name}="):
        SyneTune("ASHA", settings={name: value})(schema, 0)


@pytest.mark.parametrize("limit", [0, 500, 2.5, "9"])
def test_trainings_end_where_they_end(limit: Any) -> None:
    with pytest.raises(InvalidOption, match="max_t is .*, but must be a whole number from 1 to 9"):
        SyneTune("ASHA", settings={"max_t": limit})(made_blackbox(NUMBERS).schema, 0)


@newer
def test_a_trial_does_not_go_on_with_another_configuration() -> None:
    """Its curve would be that of neither."""

    def changing(config_space: Any, metrics: list[str]) -> Any:
        from syne_tune.optimizer.baselines import RandomSearch
        from syne_tune.optimizer.scheduler import TrialSuggestion

        class Changing(RandomSearch):
            paused = False

            def suggest(self) -> Any:
                given = {"x": 1.5 if self.paused else 0.5, "lr": 1e-3, "layers": 2}
                if self.paused:
                    return TrialSuggestion.resume_suggestion(0, given)
                return TrialSuggestion.start_suggestion(given)

            def on_trial_result(self, *_: Any) -> str:
                self.paused = True
                return "PAUSE"

        return Changing(config_space, metrics)

    message = "resumed trial 0 with another configuration, {'x': 1.5, .* instead of {'x': 0.5, "
    with pytest.raises(SchedulerError, match=message):
        simulated(made_blackbox(NUMBERS), SyneTune(changing), 1)


@newer
def test_the_missing_part_of_a_library_is_named() -> None:
    """Syne Tune passes over what cannot be imported, and fails for a name that it never got."""
    missing = [name for name in ("torch", "botorch") if find_spec(name) is None]
    if not missing:
        pytest.skip("nothing is missing")
    schema = schema_of(TINY)
    with pytest.raises(InvalidOption, match=f"EHVI cannot be made .*: it needs .*{missing[-1]}"):
        SyneTune("EHVI", objectives=["score", "size"])(schema, 0)
    with pytest.raises(InvalidOption, match=f"BOTorch cannot be made .*: .*{missing[0]}"):
        SyneTune("BOTorch")(schema, 0)


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(SyneTune("REA"))
    check_mixed_choices(SyneTune("PopulationBasedTraining"))


@older
def test_an_evolution_of_several_objectives_is_not_made_for_one() -> None:
    with pytest.raises(InvalidOption, match="MOREA optimizes several objectives; name them in objectives"):
        SyneTune("MOREA")(made_blackbox(NUMBERS).schema, 0)
    run = simulated(Rough(schema_of(TINY)), SyneTune("MOREA", objectives=["score", "size"]), 30)
    assert run.reason == "trials_started"


@older
@pytest.mark.parametrize("name", ["PASHA", "DEHB", "SyncHyperband"])
def test_a_space_that_is_used_up_ends_the_run_as_it_ends_syne_tunes(name: str) -> None:
    tiny = made_blackbox(Space({"a": Integer(0, 2), "b": Categorical(("p", "q"))}))
    assert simulate(tiny, SyneTune(name), workers=3, stop=Stop(time=5000)).reason == "exhausted"


@newer
def test_the_last_value_of_a_curve_that_ends_early_is_told() -> None:
    told: list[float] = []

    def recording(config_space: Any, metrics: list[str], random_seed: int) -> Any:
        from syne_tune.optimizer.baselines import RandomSearch

        class Recording(RandomSearch):
            def on_trial_complete(self, trial: Any, result: dict[str, Any]) -> None:
                told.append(result["loss"])

        return Recording(config_space, metrics, random_seed=random_seed)

    run = simulated(ending_early(), SyneTune(recording), 20)
    assert told == [2 * given["layers"] - 1 for given in configurations(run)]
    assert len(set(told)) > 3
