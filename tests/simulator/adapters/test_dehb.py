"""DEHB in the simulator does what ``DEHB.run`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.space import Configuration
from simulator import Stop, simulate
from simulator.adapters.config_space import decode, to_config_space
from simulator.adapters.dehb import DEHB, STRATEGIES
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
    EPOCHS,
    OWN,
    SPACE,
    check_another_process,
    check_hard_conditions,
    check_it_goes_on,
    check_mixed_choices,
    check_processes,
    check_seeds,
    check_threads,
    configurations,
    jobs_of,
    loss_of,
    made_blackbox,
    real_curves,
    run_snippet,
    simulated,
)
from tests.simulator.schedulers.problems import PROBLEMS

dehb = pytest.importorskip("dehb")


@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_jobs_are_those_of_run(tmp_path: Path) -> None:
    tried: list[tuple[Configuration, float]] = []

    def function(config: Any, fidelity: float, **_: Any) -> dict[str, float]:
        tried.append((decode(SPACE, config), round(fidelity)))
        return {"fitness": loss_of(SPACE, *tried[-1]), "cost": 10.0 * fidelity}

    optimizer = dehb.DEHB(
        f=function,
        cs=to_config_space(SPACE, OWN),
        min_fidelity=1,
        max_fidelity=EPOCHS,
        n_workers=1,
        seed=OWN,
        output_path=tmp_path,
    )
    optimizer.run(fevals=60)
    dehb.optimizers.dehb.logger.remove()  # or its thread outlives the test
    assert jobs_of(simulated(made_blackbox(SPACE), DEHB(), 60)) == tried


def test_the_goal_is_the_blackboxs() -> None:
    smallest = simulated(made_blackbox(SPACE), DEHB(), 60)
    largest = simulated(made_blackbox(SPACE, "max"), DEHB(), 60)
    assert configurations(smallest) == configurations(largest)
    assert smallest.header["scheduler"].startswith("DEHB(seed=5, strategy='rand1_bin', resume=False, dehb='")


def test_it_goes_on_whatever_happens_to_its_trials() -> None:
    check_it_goes_on(DEHB(), ["conditional", "maximized", "tiny", "independent"], trials=40)


def test_many_workers_failures_and_two_runs_are_one_T19() -> None:
    check_hard_conditions(made_blackbox(SPACE), DEHB(), trials=60)


def test_promoted_configurations_may_go_on_from_their_checkpoints() -> None:
    anew, resumed = (simulated(made_blackbox(SPACE), DEHB(resume=again), 40) for again in (False, True))
    assert anew.segments().num_rows == 40
    assert resumed.segments().num_rows > 40
    assert max(resumed.segments().to_pydict()["segment"]) == 2


def test_where_everything_fails_it_goes_on() -> None:
    schema = PROBLEMS["tiny"]().schema

    class Failing(Blackbox):
        name = "failing"

        def __init__(self) -> None:
            self.schema = schema

        def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
            values: dict[str, list[float]] = {objective.name: [] for objective in schema.objectives}
            return LearningCurve.of(schema, values, status="crashed", seed=seed or 0)

        def digest(self) -> str:
            return "failing"

    run = simulate(Failing(), DEHB(), workers=3, stop=Stop(trials_started=40), seed=1)
    assert set(run.trial_columns["status"]) == {"failed"}


def test_settings_reach_the_library_and_wrong_ones_are_refused() -> None:
    settings = {"settings": {"eta": 2, "min_fidelity": 2}}
    run = simulated(made_blackbox(SPACE), scheduler_factory("dehb:best1_bin", settings), 40)
    assert "strategy='best1_bin', resume=False, eta=2, min_fidelity=2" in run.header["scheduler"]
    assert {until for _, until in jobs_of(run)} == {3, 5, 9}
    with pytest.raises(UnknownName, match="unknown DEHB setting 'min_budget'; did you mean 'min_fidelity'"):
        DEHB(settings={"min_budget": 1})
    with pytest.raises(InvalidOption, match="epoch has only the value 1; a multi-fidelity scheduler needs"):
        simulate(PROBLEMS["one epoch"](), DEHB(), workers=1, stop=Stop(trials_started=1))
    with pytest.raises(InvalidOption, match=r"DEHB\(.*min_fidelity=9.*cannot be made"):
        simulated(made_blackbox(SPACE), DEHB(settings={"min_fidelity": 9}))


def test_nothing_is_written_and_nobody_loses_a_log(monkeypatch: Any, tmp_path: Path) -> None:
    import loguru

    heard: list[str] = []
    sink = loguru.logger.add(heard.append, format="{message}")
    monkeypatch.chdir(tmp_path)
    simulated(made_blackbox(SPACE), DEHB())
    loguru.logger.info("still here")
    loguru.logger.remove(sink)
    assert heard == ["still here\n"]
    assert not list(tmp_path.iterdir())


def test_a_real_table_with_its_nearest_rows() -> None:
    run = simulated(real_curves(), DEHB(), 40, workers=4)
    assert len(run.trial_columns["trial"]) == 40


def test_two_processes_find_the_same() -> None:
    check_processes("dehb:")


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("DEHB")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(DEHB())
    check_another_process(DEHB())
    check_seeds(DEHB())


def test_a_strategy_is_one_that_dehb_has() -> None:
    with pytest.raises(UnknownName, match="unknown DEHB strategy 'best_bin'; did you mean 'best"):
        DEHB("best_bin")
    for strategy in STRATEGIES:
        assert simulated(made_blackbox(SPACE), DEHB(strategy), 40).reason == "trials_started"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_workers", 4, "n_workers=4 contradicts n_workers=1"),  # which would start four processes
        ("seed", 3, "seed=3 contradicts seed="),
        ("strategy", "best1_bin", "strategy='best1_bin' contradicts strategy='rand1_bin'"),
        ("save_freq", "step", "save_freq='step' contradicts save_freq='end'"),
        ("max_fidelity", 500, "max_fidelity is 500, but must be a number above 0 and at most 9, the largest"),
        ("min_fidelity", 0, "min_fidelity is 0, but must be a number above 0"),
        ("min_fidelity", "1", "min_fidelity is '1', but must be a number above 0"),
        ("eta", 1, "cannot be made: OverflowError"),
        ("mutation_factor", -1, "mutation_factor is -1, but must be a number from 0 to 2"),
        ("crossover_prob", "a", "crossover_prob is 'a', but must be a number from 0 to 1"),
        ("boundary_fix_type", "foo", "boundary_fix_type is 'foo', but must be 'random' or 'clip'"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_runs(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(InvalidOption, match=message):
        DEHB(settings={name: value})(made_blackbox(SPACE).schema, 0)


def test_trials_that_are_not_promoted_leave_no_run_stalled() -> None:
    """A bounded job is a trial that is never resumed."""
    run = simulate(PROBLEMS["tiny"](), DEHB(), workers=3, stop=Stop(time=100), seed=1)
    assert run.reason == "time"
    scheduler = DEHB()(made_blackbox(SPACE).schema, 1)
    scheduler.suggest()
    assert list(scheduler.abandoned()) == [0]


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(DEHB())
