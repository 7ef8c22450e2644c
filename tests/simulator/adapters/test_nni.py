"""NNI's tuners and assessors in the simulator do what NNI's dispatcher does with them."""

from __future__ import annotations

import random  # noqa: TID251  the tests look at the global state
from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownName
from blackbox_repo.space import Condition, Configuration, Space
from simulator import Run, SchedulerError
from simulator.adapters.nni import NNI, TUNERS, _seeded_states
from simulator.adapters.nni_space import decode, from_nni, to_nni
from simulator.global_state import GlobalRandomState
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
    EPOCHS,
    NUMBERS,
    OWN,
    check_another_process,
    check_hard_conditions,
    check_it_goes_on,
    check_mixed_choices,
    check_processes,
    check_seeds,
    check_threads,
    configurations,
    ending_early,
    loss_of,
    made_blackbox,
    real_table,
    run_snippet,
    simulated,
)

nni = pytest.importorskip("nni")
HYPEROPT = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("hyperopt") is None, reason="Anneal needs Hyperopt"
)

SPACE = Space(
    {
        "x": Float(-2, 2),
        "lr": Float(1e-5, 1e-1, log=True),
        "layers": Integer(1, 5),
        "width": Integer(4, 512, log=True),
        "kind": Categorical(("a", "b", 3)),
        "depth": Integer(2, 9),
        "order": Ordinal((1, 4, 9)),
        "version": Constant("v1"),
    },
    {"depth": (Condition("kind", ("a", 3)),)},
)
SMALL = Space({"a": Integer(0, 2), "b": Categorical(("p", "q"))})


class Manager:
    """NNI's manager with one worker: it asks the library's own dispatcher, and trains what it sends."""

    def __init__(self, tuner: Any, assessor: Any = None, *, goal: str = "min") -> None:
        from nni.runtime import msg_dispatcher

        for shared in (
            msg_dispatcher._trial_history,
            msg_dispatcher._ended_trials,
            msg_dispatcher._trial_params,
        ):
            shared.clear()  # type: ignore[attr-defined]
        msg_dispatcher._next_parameter_id = 0
        self.dispatcher = msg_dispatcher.MsgDispatcher("ws://_unittest_placeholder_", tuner, assessor)
        self.dispatcher.send = lambda command, data: self.sent.append((command.name, data))
        self.sent: list[Any] = []
        self.sign = -1 if goal == "max" else 1
        self.configurations: list[Configuration] = []
        self.reports: list[int] = []

    def run(self, trials: int) -> None:
        with _seeded_states(OWN):  # as no user of NNI can: Evolution takes no seed
            self.dispatcher.handle_initialize(to_nni(SPACE))
        for number in range(trials):
            self.sent.clear()
            self.dispatcher.handle_request_trial_jobs(1)
            job = nni.load(self.sent[0][1])
            self.configurations.append(decode(SPACE, job["parameters"]))
            self.train(str(number), job["parameter_id"])

    def train(self, job: str, parameter: int) -> None:
        told = {"parameter_id": parameter, "trial_job_id": job}
        values = [self.sign * loss_of(SPACE, self.configurations[-1], epoch + 1) for epoch in range(EPOCHS)]
        killed = False
        for epoch, value in enumerate(values):
            metric = {"type": "PERIODICAL", "sequence": epoch, "value": nni.dump(value)}
            self.dispatcher.handle_report_metric_data({**told, **metric})
            if killed := self.sent[-1][0] == "KillTrialJob":
                break
        self.reports.append(epoch + 1)
        if not killed:
            final = {"type": "FINAL", "sequence": 0, "value": nni.dump(values[-1])}
            self.dispatcher.handle_report_metric_data({**told, **final})
        end = {"trial_job_id": job, "event": "EARLY_STOPPED" if killed else "SUCCEEDED"}
        self.dispatcher.handle_trial_end({**end, "hyper_params": nni.dump({"parameter_id": parameter})})


def reports_of(run: Run) -> list[int]:
    counts: dict[int, int] = {}
    for row in run.reports().to_pylist():
        if row["decision"] != "late":
            counts[row["trial"]] = counts.get(row["trial"], 0) + 1
    return [counts[trial] for trial in sorted(counts)]


def library_tuner(name: str, mode: str) -> Any:
    import importlib

    module, _, kind = TUNERS[name].partition(":")
    made = getattr(importlib.import_module(module), kind)
    if name in ("TPE", "Random"):
        return made(optimize_mode=mode, seed=OWN)
    return made("anneal", mode) if name == "Anneal" else made(optimize_mode=mode)


@pytest.mark.parametrize("assessed", [False, True])
@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("name", ["TPE", "Random", "GridSearch", "Evolution"])
def test_with_one_worker_trials_are_those_of_nnis_own_dispatcher(
    name: str, goal: str, assessed: bool
) -> None:
    from nni.algorithms.hpo.medianstop_assessor import MedianstopAssessor

    mode = "minimize" if goal == "min" else "maximize"
    stops = MedianstopAssessor(mode, start_step=2) if assessed else None
    manager = Manager(library_tuner(name, mode), stops, goal=goal)
    with GlobalRandomState(OWN):
        manager.run(45)
    ours = NNI(name, assessor="Medianstop", assessor_settings={"start_step": 2}) if assessed else NNI(name)
    run = simulated(made_blackbox(SPACE, goal), ours, 45)
    assert configurations(run) == manager.configurations
    assert reports_of(run) == manager.reports
    assert (min(manager.reports) < EPOCHS) == assessed


@HYPEROPT
def test_anneal_that_takes_no_seed_and_fails_on_numpys_numbers() -> None:
    run = simulated(made_blackbox(SPACE), NNI("Anneal"), 40)
    assert run.digest == simulated(made_blackbox(SPACE), NNI("Anneal"), 40).digest
    last, first = (
        sum(loss_of(SPACE, c) for c in configurations(run)[part]) for part in (slice(30, 40), slice(10))
    )
    assert last < first


def test_the_goal_is_the_blackboxs() -> None:
    for goal, sign in (("min", 1), ("max", -1)):
        run = simulated(made_blackbox(SPACE, goal), NNI("Evolution", settings={"population_size": 8}), 60)
        losses = [sign * loss_of(SPACE, configuration) for configuration in configurations(run)]
        assert sign * sum(losses[-20:]) < sign * sum(losses[:20])
    with pytest.raises(
        InvalidOption, match="optimize_mode is the goal of the blackbox's target; leave it out"
    ):
        NNI(settings={"optimize_mode": "minimize"})


@pytest.mark.parametrize("name", ["TPE", "Evolution"])
def test_whatever_happens_to_its_trials_it_goes_on(name: str) -> None:
    check_it_goes_on(
        NNI(name, assessor="Medianstop"), ("conditional", "maximized", "one epoch", "independent")
    )


@pytest.mark.parametrize("name", ["TPE", "Evolution"])
def test_many_workers_failures_and_two_runs_are_one_T19(name: str) -> None:
    check_hard_conditions(made_blackbox(SPACE), NNI(name, assessor="Medianstop"))


def test_the_users_random_state_stays_as_it_was() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), np.random.RandomState  # noqa: TID251, NPY002
    simulated(made_blackbox(SPACE), NNI("Evolution", settings={"population_size": 4}), 20)
    after = random.getstate(), np.random.get_state()[1].tolist(), np.random.RandomState  # noqa: TID251, NPY002
    assert after == before


def test_when_there_is_nothing_left_the_run_ends() -> None:
    for name in ("TPE", "Random", "GridSearch"):
        run = simulated(made_blackbox(SMALL), NNI(name), 50, workers=3)
        assert (len(run.trial_columns["trial"]), run.statistics()["duplicates"]) == (9 - 3, 0.0), name
    assert simulated(made_blackbox(SMALL), NNI("Evolution"), 50).statistics()["duplicates"] == 44 / 50


def test_evolution_with_more_workers_than_its_population_leaves_them_idle() -> None:
    evolution = NNI("Evolution", settings={"population_size": 3})
    run = simulated(made_blackbox(SPACE), evolution, 2, workers=2)
    assert len(run.trial_columns["trial"]) == 2
    with pytest.raises(SchedulerError, match="The population is empty"):
        simulated(made_blackbox(SPACE), evolution, 30, workers=5)


def test_an_assessor_that_gives_no_answer_is_named() -> None:
    from nni.assessor import Assessor

    class Silent(Assessor):
        def assess_trial(self, trial_job_id: str, trial_history: list[Any]) -> Any:
            return None

    with pytest.raises(
        SchedulerError, match="Silent answered None about trial 0 after 1 reports, on which NNI"
    ):
        simulated(made_blackbox(SPACE), NNI(assessor=Silent))


def test_curve_fitting_stops_trials_and_what_it_found_in_other_runs_does_not_matter() -> None:
    from nni.algorithms.hpo.curvefitting_assessor.curvefunctions import model_para

    with pytest.raises(
        InvalidOption, match="Curvefitting needs a target with goal 'max', and here it is 'min'"
    ):
        simulated(made_blackbox(SPACE), NNI(assessor="Curvefitting"))
    before = {name: list(values) for name, values in model_para.items()}
    fitting = NNI("Random", assessor="Curvefitting", assessor_settings={"start_step": 6, "gap": 9})
    runs = [simulated(made_blackbox(SPACE, "max", rising), fitting, 5) for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    assert "stopped" in runs[0].trial_columns["status"]
    assert model_para == before


def rising(configuration: Configuration, epoch: float) -> float:
    return -0.5 - 0.2 * float(configuration["x"]) + 0.3 / epoch**0.7


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    settings: dict[str, Any] = {"settings": {"tpe_args": {"n_startup_jobs": 5}}}
    run = simulated(made_blackbox(SPACE), scheduler_factory("nni:TPE", settings))
    assert run.digest != simulated(made_blackbox(SPACE), NNI()).digest
    run = simulated(
        made_blackbox(SPACE), scheduler_factory("nni:TPE", {**settings, "assessor": "Medianstop"})
    )
    assert (
        "tuner='TPE', tpe_args={'n_startup_jobs': 5}, assessor='Medianstop', nni='3."
        in run.header["scheduler"]
    )
    with pytest.raises(UnknownName, match="unknown NNI tuner 'TPEE'; did you mean 'TPE'"):
        NNI("TPEE")
    with pytest.raises(UnknownName, match="unknown NNI assessor 'Median'"):
        NNI(assessor="Median")
    for wrong in ({"population": 3}, {"tpe_args": {"constant_liar_type": "none"}}):  # NNI's docs allow "none"
        with pytest.raises(InvalidOption, match="TpeTuner cannot be made with"):
            simulated(made_blackbox(SPACE), NNI(settings=wrong))


@pytest.mark.parametrize("advisor", ["Hyperband", "BOHB"])
def test_advisors_that_fail_on_every_metric_in_nni_3_are_not_offered(advisor: str) -> None:
    with pytest.raises(UnknownName, match=f"unknown NNI tuner '{advisor}'; known: 'Anneal', 'Evolution'"):
        scheduler_factory(f"nni:{advisor}", {})


def test_spaces_go_there_and_back() -> None:
    there = from_nni(to_nni(SPACE))
    domains = {**SPACE.domains, "order": Categorical((1, 4, 9))}
    del domains["version"]
    assert dict(there.domains) == domains
    assert dict(there.conditions) == dict(SPACE.conditions)
    assert from_nni({"r": {"_type": "randint", "_value": [2, 5]}}) == Space({"r": Integer(2, 4)})
    stepped = {"s": {"_type": "quniform", "_value": [0, 6, 2]}}
    assert from_nni(stepped) == Space({"s": Ordinal((0, 2, 4, 6))})
    with pytest.raises(InvalidSpace, match=r"'n' is normal\[0, 1\], for which there is no domain here"):
        from_nni({"n": {"_type": "normal", "_value": [0, 1]}})


def test_every_value_of_an_integer_has_the_same_chance() -> None:
    space = Space({"i": Integer(1, 4), "f": Float(0, 1)})
    counts = [0] * 6
    for configuration in configurations(simulated(made_blackbox(space), NNI("Random"), 400)):
        counts[int(configuration["i"])] += 1
    assert [round(count / 50) for count in counts] == [0, 2, 2, 2, 2, 0]


def test_choices_within_choices_within_choices_fail_in_nni_and_are_refused() -> None:
    deep = Space(
        {"kind": Categorical(("a", "b")), "sub": Categorical(("p", "q")), "deep": Float(0, 1)},
        {"sub": (Condition("kind", ("a",)),), "deep": (Condition("sub", ("p",)),)},
    )
    with pytest.raises(
        InvalidSpace, match="'deep' depends on 'sub', which depends on 'kind'; NNI's tuners fail"
    ):
        simulated(made_blackbox(deep), NNI())
    inner = {"_type": "choice", "_value": [{"_name": "p", "deep": {"_type": "uniform", "_value": [0, 1]}}]}
    outer = [{"_name": "a", "sub": inner}, {"_name": "b"}]
    tuner = library_tuner("Random", "minimize")
    tuner.update_search_space({"kind": {"_type": "choice", "_value": outer}})
    with pytest.raises(KeyError):
        tuner.generate_multiple_parameters(list(range(20)))


def test_a_real_table_with_its_nearest_rows() -> None:
    run = simulated(real_table(), NNI(), 25, workers=4)
    assert len(run.trial_columns["trial"]) == 25


def test_two_processes_find_the_same() -> None:
    check_processes("nni:Evolution")


def test_the_snippet_of_the_documentation() -> None:
    left = run_snippet("NNI")
    assert left["run"].best().value > 50
    assert left["search"].statistics()["duplicates"] == 0


def test_threads_processes_and_seeds() -> None:
    check_threads(NNI("TPE"))
    check_another_process(NNI("TPE"))
    check_seeds(NNI("TPE"))


@pytest.mark.parametrize("tuner", ["Random", "Evolution"])
def test_a_negative_seed_is_one_like_any_other(tuner: str) -> None:
    check_seeds(NNI(tuner))


def test_settings_that_contradict_the_run_are_refused() -> None:
    schema = made_blackbox(NUMBERS).schema
    with pytest.raises(InvalidOption, match="the setting seed=3 contradicts seed="):
        NNI("TPE", settings={"seed": 3})(schema, 0)
    with pytest.raises(InvalidOption, match="algorithm_name='tpe' contradicts algorithm_name='anneal'"):
        NNI("Anneal", settings={"algorithm_name": "tpe"})(schema, 0)


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(NNI("TPE"))
    check_mixed_choices(NNI("Evolution"))


@pytest.mark.parametrize("tuner", ["Anneal", "Evolution", "GridSearch"])
def test_where_there_is_nothing_to_choose_some_tuners_are_refused(tuner: str) -> None:
    schema = made_blackbox(Space({"version": Constant("v1")})).schema
    with pytest.raises(InvalidOption, match=f"NNI's {tuner} fails where no hyperparameter has more than one"):
        NNI(tuner)(schema, 0)


def test_the_last_value_of_a_curve_that_ends_early_is_told() -> None:
    from nni.algorithms.hpo.random_tuner import RandomTuner

    told: list[float] = []

    class Recording(RandomTuner):  # type: ignore[misc]
        def receive_trial_result(self, *given: Any, **named: Any) -> None:
            told.append(given[2])

    run = simulated(ending_early(), NNI(Recording), 20)
    assert told == [2 * given["layers"] - 1 for given in configurations(run)]
    assert len(set(told)) > 3
