"""Ax in the simulator does what a loop of one's own over its client does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidOption, InvalidSpace
from blackbox_repo.space import Configuration, Space
from simulator.adapters.ax import Ax, decode, encode, to_ax
from simulator.registry import scheduler_factory
from tests.simulator.adapters.contract import (
    OWN,
    SPACE,
    check_another_process,
    check_hard_conditions,
    check_mixed_choices,
    check_seeds,
    check_threads,
    configurations,
    loss_of,
    made_blackbox,
    run_snippet,
    simulated,
)

client_module = pytest.importorskip("ax.api.client")

SMALL = Space(
    {
        "x": Float(-2, 2),
        "lr": Float(1e-5, 1e-1, log=True),
        "n": Integer(1, 9),
        "kind": Categorical(("a", 3, True)),
        "order": Ordinal((1, 4, 9)),
        "version": Constant("v1"),
    }
)


def looped(trials: int) -> list[Configuration]:
    """What a user of Ax would write."""
    client = client_module.Client(random_seed=OWN)
    client.configure_experiment(parameters=to_ax(SMALL), name="loop")
    client.configure_optimization(objective="-loss")
    client.configure_generation_strategy(method="fast")
    tried = []
    for _ in range(trials):
        for index, parameters in client.get_next_trials(max_trials=1).items():
            tried.append(decode(SMALL, parameters))
            client.complete_trial(index, raw_data={"loss": loss_of(SMALL, tried[-1])})
    return tried


@pytest.mark.filterwarnings("ignore")
def test_with_one_worker_trials_are_those_of_a_loop_of_ones_own() -> None:
    runs = [simulated(made_blackbox(SMALL), Ax(), 7) for _ in range(2)]
    assert configurations(runs[0]) == looped(7)
    assert runs[0].digest == runs[1].digest
    assert runs[0].header["scheduler"].startswith("Ax(seed=5, method='fast', ")


def test_the_goal_is_the_blackboxs() -> None:
    least, most = (configurations(simulated(made_blackbox(SMALL, goal), Ax(), 7)) for goal in ("min", "max"))
    assert least == most


def test_it_goes_on_whatever_happens_to_its_trials() -> None:
    check_hard_conditions(made_blackbox(SMALL), Ax("random_search"), trials=12)


def test_initial_configurations_come_first() -> None:
    first = [SMALL.sample("initial", number) for number in range(3)]
    run = simulated(made_blackbox(SMALL), Ax("random_search", initial=first), 5)
    assert configurations(run)[:3] == first


def test_spaces_go_there_and_back() -> None:
    for number in range(20):
        drawn = SMALL.sample(number)
        assert decode(SMALL, encode(SMALL, drawn)) == drawn
    with pytest.raises(InvalidSpace, match="'depth' depends on others, which cannot be said to Ax here"):
        simulated(made_blackbox(SPACE), Ax())


def test_wrong_settings_are_refused_and_nothing_is_written(
    monkeypatch: Any, tmp_path: Path, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidOption, match=r"Ax\(.*method='best'.* cannot be made"):
        simulated(made_blackbox(SMALL), scheduler_factory("ax:best", {}), 1)
    simulated(made_blackbox(SMALL), Ax("random_search"), 3)
    assert not list(tmp_path.iterdir())
    assert "".join(capsys.readouterr()) == ""


def test_the_snippet_of_the_documentation() -> None:
    assert run_snippet("Ax")["run"].best().value > 0


def test_threads_processes_and_seeds() -> None:
    check_threads(Ax("random_search"), trials=4)
    check_another_process(Ax("random_search"), trials=4)
    check_seeds(Ax("random_search"))


def test_choices_of_several_kinds_keep_them() -> None:
    check_mixed_choices(Ax("random_search"), trials=9)
