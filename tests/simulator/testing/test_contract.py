"""Each way to break the contract is found, and the message says what to do instead."""

from __future__ import annotations

import os
import random  # noqa: TID251  the fault that is to be found
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import InvalidSpace
from simulator import CONTINUE, STOP, RandomSearch, Start, continue_until
from simulator.adapters.process import Process
from simulator.testing import PROBLEMS, SchedulerContract

ROOT = Path(__file__).parents[3]


class Global(RandomSearch):
    """Draws from the global generator of Python."""

    def suggest(self) -> Any:
        return Start(self._space_of_mine.sample(random.random()))  # noqa: S311  the fault

    def __init__(self, schema: Any, seed: int = 0) -> None:
        super().__init__(schema, seed)
        self._space_of_mine, self._seed_of_mine, self.count = schema.space, seed, 0

    def drawn(self, *key: Any) -> Start:
        self.count += 1
        return Start(self._space_of_mine.sample(self._seed_of_mine, self.count, *key))


class Seeding(Global):
    def suggest(self) -> Any:
        np.random.seed(self.count)  # noqa: NPY002, TID251  the fault
        return self.drawn()


class Clocked(Global):
    def suggest(self) -> Any:
        return self.drawn(int(time.time()) // 10**6)  # noqa: TID251  the fault


class Hashing(Global):
    def suggest(self) -> Any:
        return self.drawn(*{str(number) for number in range(20)})


class Sharing(Global):
    seen: list[int] = []  # noqa: RUF012  the fault

    def suggest(self) -> Any:
        self.seen.append(1)
        return self.drawn(len(self.seen))


class Unseeded(Global):
    def suggest(self) -> Any:
        self._seed_of_mine = 0
        return self.drawn()


class Changing(Global):
    def on_end(self, trial: Any) -> None:
        trial.configuration["rate"] = 0.5

    def suggest(self) -> Any:
        return self.drawn()


class Hasty(Global):
    """Asks to be spared calls, and counts them."""

    calls = 0

    def suggest(self) -> Any:
        return self.drawn()

    def on_report(self, trial: Any, report: Any) -> Any:
        self.calls += 1
        return STOP if self.calls % 7 == 0 else continue_until(5) if report.fidelity < 5 else CONTINUE


class Lazy(Global):
    def suggest(self) -> Any:
        return self.drawn() if self.count < 3 else None


class Wrong(Global):
    def suggest(self) -> Any:
        return Start({"rate": 7})


class Picky(Global):
    def __init__(self, schema: Any, seed: int = 0) -> None:
        raise InvalidSpace("Picky knows no spaces")


class Addressed(Global):
    def __repr__(self) -> str:
        return object.__repr__(self)


def contract_of(scheduler: Any, **settings: Any) -> SchedulerContract:
    contract: SchedulerContract = type(
        "Contract", (SchedulerContract,), {"make_scheduler": scheduler, **settings}
    )()
    return contract


class ContractOfClocked(SchedulerContract):
    make_scheduler = Clocked


class ContractOfHashing(SchedulerContract):
    make_scheduler = Hashing


@pytest.mark.parametrize(
    ("scheduler", "test", "message"),
    [
        (Global, "the_global_random_state_is_neither_used_nor_changed", "leaves Python's or numpy's global"),
        (Seeding, "the_global_random_state_is_neither_used_nor_changed", "leaves Python's or numpy's global"),
        (Global, "two_runs_are_equal", r"shared state, a random generator without a seed.*start of trial 0"),
        (Sharing, "two_runs_are_equal", "two runs on 'conditional' differ"),
        (Sharing, "it_goes_on_from_a_log", "an interrupted run cannot be resumed from its log: .*in line 2"),
        (Unseeded, "another_seed_gives_another_run", "use the seed, or set seeded = False"),
        (Hasty, "reports_may_be_skipped", r"asked to skip \(continue_until\): .*then one:"),
        (Addressed, "what_it_says_of_itself_is_the_same_each_time", "its repr "),
        (Picky, "two_runs_are_equal", "refuses every problem: conditional: Picky knows no spaces"),
    ],
)
def test_a_fault_is_found(scheduler: Any, test: str, message: str, tmp_path: Path) -> None:
    contract = contract_of(scheduler)
    arguments = [tmp_path] if "log" in test else []
    with pytest.raises(AssertionError, match=message):
        getattr(contract, f"test_{test}")(*arguments)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (
            Changing,
            "under 'ideal' of problem 'conditional' with 1 workers: .* changed trial.configuration, which",
        ),
        (Lazy, "it suggests nothing any more after .*if that is intended, set may_end = True"),
        (Wrong, "under 'ideal' of problem 'conditional' with 1 workers: Wrong.suggest.* lacks"),
    ],
)
def test_what_goes_wrong_on_the_way_is_named_with_its_conditions(scheduler: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        contract_of(scheduler).test_it_goes_on_whatever_happens_to_its_trials("conditional")
    if scheduler is Lazy:
        contract_of(Lazy, may_end=True).test_it_goes_on_whatever_happens_to_its_trials("conditional")


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        (
            ContractOfClocked,
            "another process gives another run on 'conditional': it reads a clock; the only time",
        ),
        (ContractOfHashing, r"it depends on hash\(\), as the order of a set of texts does; sort it"),
    ],
)
def test_clocks_and_hashes_are_told_apart(contract: type[SchedulerContract], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        contract().test_another_process_with_another_hash_seed_and_clock_gives_the_same_run()


def test_a_blackbox_that_it_refuses_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="refused: Picky knows no spaces"):
        contract_of(Picky).test_it_goes_on_whatever_happens_to_its_trials("tiny")


def test_a_class_without_a_factory_is_told_so() -> None:
    with pytest.raises(AssertionError, match="SchedulerContract must define make_scheduler"):
        SchedulerContract().test_two_runs_are_equal()


def test_the_snippet_of_the_page_is_collected_and_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "schedulers.md").read_text(encoding="utf-8")
    snippet = page.partition("## Testing your own")[2].partition("```python\n")[2].partition("```")[0]
    (tmp_path / "test_mine.py").write_text(snippet)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "15 passed" in done.stdout


# --- schedulers that keep to it ---------------------------------------------------------------------------


def search(schema: Any, seed: int) -> Any:
    number = 0
    while True:
        yield schema.space.sample("search", seed, number)
        number += 1


class TestGenerator(SchedulerContract):
    make_scheduler = search


class TestMethod(SchedulerContract):
    problems = {"smooth": PROBLEMS["smooth"]}  # noqa: RUF012  as users write it

    def make_scheduler(self, schema: Any, seed: int) -> Any:
        return search(schema, seed)


ECHO = """bash -c 'n=0; while read -r line; do case "$line" in
    *begin*) seed=${line#*seed*: }; seed=${seed%%,*}; echo "{}" ;;
    *suggest*) n=$((n + 1)); echo "{\\"start\\": {\\"a\\": $(((n * n + seed) % 3)), \\"b\\": \\"p\\"}}" ;;
    *on_report*) echo "{\\"decision\\": \\"continue\\"}" ;;
    *) echo "{}" ;;
esac; done'"""


class TestProcess(SchedulerContract):
    make_scheduler = Process(ECHO)
    problems = {"tiny": PROBLEMS["tiny"]}  # noqa: RUF012  as users write it
