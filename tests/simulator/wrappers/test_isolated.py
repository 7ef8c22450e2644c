"""Schedulers that draw from the global random state, made right by ``Isolated``."""

from __future__ import annotations

import pickle
import random  # noqa: TID251  what the schedulers here draw from
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from blackbox_repo.domains import Float
from blackbox_repo.space import Space
from simulator import RandomSearch
from simulator.adapters.ask_tell import AskTell
from simulator.wrappers.isolated import Isolated
from tests.simulator.adapters.contract import made_blackbox, run_snippet, simulated

LINE = Space({"x": Float(0, 1), "y": Float(0, 1)})


def point() -> dict[str, float]:
    return {"x": random.random(), "y": float(np.random.random_sample())}  # noqa: NPY002, TID251, S311  see above


class Drawn:
    """Draws, and draws again of what it is told."""

    def __init__(self, *_: Any) -> None:
        random.random()  # noqa: S311  see above

    def ask(self) -> dict[str, float]:
        return point()

    def tell(self, asked: dict[str, float], loss: float) -> None:
        random.seed(loss + random.random())  # noqa: S311  see above


def search(_schema: Any, _seed: int) -> Iterator[Any]:
    while True:
        yield point()


ASKED, SEARCHED = Isolated(AskTell(Drawn)), Isolated(search)  # type: ignore[arg-type]


def digests(factory: Any, threads: int) -> list[str]:
    with ThreadPoolExecutor(threads) as pool:
        runs = pool.map(lambda seed: simulated(made_blackbox(LINE), factory, seed=seed, workers=3), range(6))
        return [run.digest for run in runs]


def test_runs_in_threads_are_those_made_one_after_the_other() -> None:
    for factory in (ASKED, SEARCHED):
        alone = digests(factory, 1)
        assert len(set(alone)) == 6
        assert digests(factory, 4) == alone


def test_the_users_state_does_not_matter_and_is_left_alone() -> None:
    np.random.seed(1)  # noqa: NPY002, TID251  the user's
    state = np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's
    first = simulated(made_blackbox(LINE), SEARCHED)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002, TID251  the user's
    random.seed(9)
    assert simulated(made_blackbox(LINE), SEARCHED).digest == first.digest
    assert first.header["scheduler"] == "search(_seed=5)"


def test_a_factory_goes_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(SEARCHED))  # noqa: S301, TID251  our own
    assert simulated(made_blackbox(LINE), again).digest == simulated(made_blackbox(LINE), SEARCHED).digest


def test_what_else_a_scheduler_offers_it_still_offers() -> None:
    isolated = Isolated(RandomSearch)(made_blackbox(LINE).schema, 5)
    assert list(isolated.upcoming(2)) == list(RandomSearch(made_blackbox(LINE).schema, 5).upcoming(2))
    assert not hasattr(isolated, "abandoned")


def test_a_scheduler_that_draws_nothing_globally_is_as_it_was() -> None:
    isolated = simulated(made_blackbox(LINE), Isolated(RandomSearch))
    assert isolated.digest == simulated(made_blackbox(LINE), RandomSearch).digest


def test_the_snippet_of_the_documentation() -> None:
    assert len(run_snippet("Threads, processes and numpy's errors")["run"].trial_columns["trial"]) == 20
