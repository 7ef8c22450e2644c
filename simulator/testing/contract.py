"""The contract of schedulers, as tests that a test class inherits."""

from __future__ import annotations

import inspect
import itertools
import random  # noqa: TID251  the contract looks whether schedulers touch the global generators
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from blackbox_repo import deprecated
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption, InvalidSpace
from blackbox_repo.schema import Schema
from simulator.api import simulate
from simulator.errors import RunError, SchedulerError
from simulator.results.build import describe_scheduler
from simulator.results.difference import find_first_difference
from simulator.results.run import Run
from simulator.scheduler import Scheduler, Start
from simulator.settings.conditions import Conditions
from simulator.settings.delays import Delays
from simulator.settings.distributions import Exponential, Uniform
from simulator.settings.failures import Failures
from simulator.settings.stopping import Stop
from simulator.testing.observers import CheckedScheduler, NeverSkipped
from simulator.testing.problems import PROBLEMS
from simulator.testing.subprocess_run import digest_in_subprocess, is_importable
from simulator.wrappers.generator import as_scheduler

CONDITIONS: Mapping[str, Conditions] = {
    "ideal": Conditions(),
    "slow signals": Conditions(Delays(start=1, report=Uniform(0, 3), stop=2, stopped=1)),
    "late ends": Conditions(Delays(report=0.5, complete=4, stop=2)),
    "decision time": Conditions(Delays(report=0.5), decision_time=Uniform(0, 0.5)),
    "polling": Conditions(poll=3),
    "crashes and preemptions": Conditions(
        speeds=Uniform(0.5, 2), failures=Failures(crash=Exponential(20), preempt=Exponential(25), away=3)
    ),
    "preempted jobs fail": Conditions(failures=Failures(preempt=Exponential(15), away=3, requeue=False)),
    "every job crashes at once": Conditions(Delays(start=3), failures=Failures(crash=0.4)),
    "no checkpoints": Conditions(checkpoints=False),
}
"""Name -> conditions of the cluster, for the test of everything that may happen."""


@deprecated.attributes
class SchedulerContract:
    """Inherit it in a test class, define the scheduler's factory, and pytest collects the tests.

    A problem is skipped if the factory raises ``InvalidSpace`` or ``InvalidOption`` for it. If two runs
    differ, the message names the first event that does.

    Attributes:
        make_scheduler: The factory ``(schema, seed) -> scheduler``: a class, a function, a generator
            function, or a factory of ``scheduler_factory`` or an adapter.
        problems: Name -> function that makes a blackbox.
        conditions: Name -> conditions under which the scheduler is tried on each problem.
        needs: ``["checkpoints"]`` if the scheduler needs them; independent fidelities have none.
        may_end: Whether the scheduler may stop suggesting before the time is up, as a grid does. Every
            scheduler may do so when each configuration of a finite space was tried.
        seeded: Whether another seed makes the scheduler try other configurations.

    Example:
        >>> class TestMine(SchedulerContract):
        ...     make_scheduler = MyScheduler
    """

    make_scheduler: ClassVar[Any]
    problems: ClassVar[Mapping[str, Callable[[], Blackbox]]] = PROBLEMS
    conditions: ClassVar[Mapping[str, Conditions]] = CONDITIONS
    needs: ClassVar[Collection[str]] = ()
    may_end: ClassVar[bool] = False
    seeded: ClassVar[bool] = True

    # --- what the tests are made of -------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run the tests that take a problem on each problem."""
        if "problem" in metafunc.fixturenames:
            metafunc.parametrize("problem", self.problems)

    def make(self, schema: Schema, seed: int) -> Scheduler:
        """Make a new scheduler; if the factory refuses the schema, the test is skipped.

        Args:
            schema: The schema of the blackbox.
            seed: The seed of the scheduler.
        """
        try:
            return self._make_unless_refused(schema, seed)
        except (InvalidSpace, InvalidOption) as err:
            import pytest

            pytest.skip(f"refused: {err}")

    def _make_unless_refused(self, schema: Schema, seed: int) -> Scheduler:
        factory = inspect.getattr_static(self, "make_scheduler", None)
        assert factory is not None, f"{type(self).__name__} must define make_scheduler, a factory"
        if not inspect.isfunction(factory) or next(iter(inspect.signature(factory).parameters)) == "self":
            factory = self.make_scheduler  # a plain function of the user's is not bound as a method
        return as_scheduler(factory(schema, seed), schema)

    def run(self, problem: str, make: Any = None, **settings: Any) -> Run:
        """Simulate one of the problems, by default with 4 workers, 100 s and seed 3.

        Args:
            problem: Name of the problem.
            make: Another factory than the contract's.
            **settings: Arguments of ``simulate``.
        """
        settings = {"workers": 4, "stop": Stop(time=100), "seed": 3, **settings}
        return simulate(self.problems[problem](), make or self.make, **settings)

    def some_problems(self) -> list[str]:
        """Names of two problems, for the tests of properties that do not depend on the problem."""
        found, refusals = [], []
        for problem in self.problems:
            try:
                self._make_unless_refused(self._schema(problem), 0)
            except (InvalidSpace, InvalidOption) as err:
                refusals.append(f"{problem}: {err}")
            else:
                found += [] if self._lacks_checkpoints(problem) else [problem]
        assert found, f"the scheduler refuses every problem: {'; '.join(refusals)}"
        return found[:2]

    def _schema(self, problem: str) -> Schema:
        return self.problems[problem]().schema

    def _lacks_checkpoints(self, problem: str, conditions: Conditions | None = None) -> bool:
        independent = self._schema(problem).fidelity.kind == "independent"
        kept = conditions is None or conditions.checkpoints
        return "checkpoints" in self.needs and (independent or not kept)

    # --- events ---------------------------------------------------------------------------------------------

    def test_it_goes_on_whatever_happens_to_its_trials(self, problem: str) -> None:
        """With one worker and with many, its answers are valid and it does not stop suggesting."""
        for name, conditions in self.conditions.items():
            for workers, seconds in ((1, 100), (30, 12)):
                if self._lacks_checkpoints(problem, conditions):
                    continue
                here = f"{name!r} of problem {problem!r} with {workers} workers"
                try:
                    run = self.run(
                        problem,
                        lambda schema, seed: CheckedScheduler(self.make(schema, seed)),
                        workers=workers,
                        stop=Stop(time=seconds),
                        conditions=conditions,
                    )
                except RunError as err:
                    raise AssertionError(f"under {here}: {err}") from err
                assert run.reason == "time" or self.may_end or _has_tried_everything(run), (
                    f"under {here} it suggests nothing any more after {run.end / 1e9:g} s ({run.reason}), "
                    f"and workers stay idle; if that is intended, set may_end = True"
                )
                assert run.trial_columns["trial"], f"under {here} it starts nothing at all"

    # --- determinism ----------------------------------------------------------------------------------------

    def test_two_runs_are_equal(self) -> None:
        """Two schedulers that exist at the same time do not affect each other either."""
        for problem in self.some_problems():
            both = [self._fresh(problem, 3) for _ in range(2)]
            runs = [self.run(problem, lambda *_, scheduler=scheduler: scheduler) for scheduler in both]
            difference = find_first_difference(*runs)
            assert difference is None, (
                f"two runs on {problem!r} differ, so its decisions depend on more than its reports and its "
                f"seed (shared state, a random generator without a seed): {difference}"
            )

    def test_the_global_random_state_is_neither_used_nor_changed(self) -> None:
        """Schedulers draw from their own generators, which they make from their seed."""
        (problem, *_) = self.some_problems()
        kept, digests = _global_state(), []
        try:
            for seed in (1, 2):
                random.seed(seed)
                np.random.seed(seed)  # noqa: NPY002, TID251  the global one is what this is about
                before = _comparable(_global_state())
                digests.append(self.run(problem).digest)
                assert _comparable(_global_state()) == before, (
                    "it leaves Python's or numpy's global random state changed, and with it its user's other "
                    "draws; make a generator of your own from the seed: random.Random(seed), "
                    "numpy.random.default_rng(seed)"
                )
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002, TID251  as above
        assert digests[0] == digests[1], (
            "it draws from Python's or numpy's global random state, so a run depends on what was drawn "
            "before; make a generator of your own from the seed"
        )

    def test_another_process_with_another_hash_seed_and_clock_gives_the_same_run(self) -> None:
        """No decision depends on the order of a set, on ``hash()`` or on a clock."""
        (problem, *_) = self.some_problems()
        here = self.run(problem).digest
        where: dict[str, Any] = {"target": self._target(), "problem": problem}
        if where["target"] is None:
            return
        if digest_in_subprocess(hash_seed="12345", jumping=True, **where) == here:
            return
        seeds = ("12345", "0", "1")
        still = [digest_in_subprocess(hash_seed=seed, jumping=False, **where) for seed in seeds]
        blame = "it depends on the process"
        if still[0] == here:
            blame = "it reads a clock; the only time that it may use is report.time"
        elif len(set(still)) > 1:
            blame = "it depends on hash(), as the order of a set of texts does; sort it"
        raise AssertionError(f"another process gives another run on {problem!r}: {blame}")

    def test_reports_may_be_skipped(self) -> None:
        """T22: a scheduler that is called in spite of its ``continue_until`` must decide alike."""
        tried = itertools.product(self.some_problems(), ("ideal", "crashes and preemptions"))
        for problem, name in tried:
            conditions = CONDITIONS[name]  # none of them has a decision time, which each call would take
            asked = self.run(problem, self._never_skipped, conditions=conditions)
            difference = find_first_difference(self.run(problem, conditions=conditions), asked)
            assert difference is None, (
                f"under {name!r} of problem {problem!r} it decides otherwise if it is called at the reports "
                f"that it asked to skip (continue_until): {difference}"
            )

    def test_it_goes_on_from_a_log(self, tmp_path: Path) -> None:
        """T20: a new scheduler with the same reports answers alike, so an interrupted run can be resumed."""
        conditions = Conditions(Delays(report=0.5), decision_time=0.1)
        for problem in self.some_problems():
            log = tmp_path / f"{problem}.jsonl"
            whole = self.run(problem, log=log, conditions=conditions)
            content = log.read_bytes()
            log.write_bytes(content[: len(content) // 2])
            try:
                again = self.run(problem, log=log, resume=True, conditions=conditions)
            except (SchedulerError, InvalidOption) as err:
                raise AssertionError(f"an interrupted run cannot be resumed from its log: {err}") from err
            assert again.digest == whole.digest
            assert log.read_bytes() == content

    def test_another_seed_gives_another_run(self) -> None:
        """It draws with its seed."""
        if self.seeded:
            (problem, *_) = self.some_problems()
            made = {describe_scheduler(self._fresh(problem, seed)) for seed in (1, 2)}
            tried = [self.run(problem, self._with_seed(seed)).digest for seed in (1, 2)]
            assert tried[0] != tried[1], (
                f"seeds 1 and 2 try the same; use the seed, or set seeded = False ({sorted(made)})"
            )

    # --- names and previews ---------------------------------------------------------------------------------

    def test_what_it_says_of_itself_is_the_same_each_time(self) -> None:
        """Its ``repr`` is saved with each run, and compared when a run is resumed from its log."""
        (problem, *_) = self.some_problems()
        one, other = (describe_scheduler(self._fresh(problem, 3)) for _ in range(2))
        assert one == other, f"its repr differs from one object to the next: {one} and {other}"
        assert not re.search(r" at 0x[0-9a-f]{6}", one), f"its repr holds an address: {one}"

    def test_what_is_upcoming_is_what_comes(self) -> None:
        """``upcoming`` announces the next suggestions; a scheduler need not have it."""
        for problem in self.some_problems():
            scheduler: Any = self._fresh(problem, 5)
            if hasattr(scheduler, "upcoming"):
                known = list(scheduler.upcoming(3))
                came = [scheduler.suggest() for _ in known]
                assert [start.configuration for start in came if isinstance(start, Start)] == known

    def _target(self) -> Any:
        """The object that another process has to import."""
        return type(self)

    def _fresh(self, problem: str, seed: int) -> Scheduler:
        return self.make(self._schema(problem), seed)

    def _never_skipped(self, schema: Schema, seed: int) -> Scheduler:
        return NeverSkipped(self.make(schema, seed))

    def _with_seed(self, seed: int) -> Callable[[Schema, int], Scheduler]:
        return lambda schema, _: self.make(schema, seed)


def contract_of(make_scheduler: Any, **settings: Any) -> SchedulerContract:
    """The contract of a factory; a factory that cannot be imported is not run in another process.

    Args:
        make_scheduler: A factory ``(schema, seed) -> scheduler``.
        **settings: Attributes and methods of the contract that replace the default ones.
    """

    def target(self: SchedulerContract) -> Any:
        del self
        return make_scheduler if is_importable(make_scheduler) else None

    members = {"make_scheduler": staticmethod(make_scheduler), "_target": target, **settings}
    contract: SchedulerContract = type("Contract", (SchedulerContract,), members)()
    return contract


def _global_state() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002, TID251  as above


def _comparable(state: tuple[Any, Any]) -> tuple[Any, ...]:
    name, keys, *rest = state[1]
    return state[0], name, keys.tobytes(), *rest


def _has_tried_everything(run: Run) -> bool:
    """Whether the space is finite and every configuration of it was tried."""
    tried = {tuple(run.configuration(trial).items()) for trial in run.trial_columns["trial"]}
    return len(tried) == run.schema.space.size
