"""Assertions about a scheduler: same behaviour, no worse quality, deterministic, in contract, fast."""

from __future__ import annotations

import gc
import inspect
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.text.plain_text import printable
from simulator.quality.check import check
from simulator.quality.comparison import MARGIN, Comparison, Verdict
from simulator.quality.golden import Golden
from simulator.quality.markdown import markdown
from simulator.quality.results import Results, measure
from simulator.quality.suites import find_suite
from simulator.results.run import Run
from simulator.scheduler import SchedulerFactory
from simulator.schedulers.random_search import RandomSearch
from simulator.testing.contract import SchedulerContract, contract_of
from simulator.testing.goldens import golden_file, note, regenerating, written
from simulator.testing.simulation import make_setup

_REPEATS = 5


def assert_same_trace(run: Run, golden: str | Path | None = None) -> None:
    """The run is, event by event, the one whose golden trace lies beside the test.

    A missing golden is written, and the test fails in this session. With ``--sim-regen`` one that differs is
    written anew, and the test fails in this session.

    Args:
        run: The run.
        golden: Another file than ``goldens/<test file>/<test>.trace`` in the folder of the test.

    Raises:
        AssertionError: It is another run: the message shows the first step that differs, the three before
            it, and what the scheduler had been told.
    """
    __tracebackhide__ = True
    file, now = golden_file(golden, ".trace"), Golden.of(run)
    write = partial(_write_text, now.text)
    if not file.exists():
        written(file, write, "there was no golden trace yet")
    try:
        departure = _golden(file).departure(run)
    except FormatError as err:
        if regenerating():
            written(file, write, f"it was no golden trace any more ({err})")
        raise
    if departure is None:
        return
    if regenerating():
        written(file, write, f"the golden trace has changed ({departure.splitlines()[0]})")
    said = (
        f"{run.header['scheduler']} does not behave as in {file.name}:\n{departure}\n"
        f"If that is meant: pytest --sim-regen writes the golden anew, and its diff shows all that changed."
    )
    raise AssertionError(printable(said, keep="\n"))


def _write_text(text: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _golden(file: Path) -> Golden:
    try:
        return Golden.parse(file.read_text(encoding="utf-8"))
    except (FormatError, UnicodeDecodeError) as err:
        raise FormatError(f"{file} is no golden trace: {err}; pytest --sim-regen writes it anew") from err


def assert_not_worse(  # noqa: PLR0913  what is compared, and how
    make_scheduler: SchedulerFactory,
    baseline: str | Path | SchedulerFactory,
    *,
    suite: str = "smoke",
    tasks: Sequence[str] | None = None,
    seeds: int | None = None,
    margin: float = MARGIN,
    must_decide: bool = False,
) -> Comparison:
    """The scheduler's regret on a suite is not larger than the baseline's, seed by seed.

    Args:
        make_scheduler: Makes the scheduler.
        baseline: Another scheduler's factory; or a parquet file, from the folder of the test, with what an
            earlier version of this one reached. If missing it is written, and the test fails in this
            session; with ``--sim-regen`` so it is if any trace has changed, unless the scheduler has become
            worse: then delete the file if that is meant.
        suite: ``smoke``, ``standard`` or ``full``; with a version, such as ``standard-2``, it stays that one.
        tasks: Only these of the suite, by ``BLACKBOX/TASK``.
        seeds: Other than as many as the suite says.
        margin: A change of the regret that makes no practical difference.
        must_decide: Fail too if there are too few seeds to tell.

    Returns:
        The comparison, with all figures.

    Raises:
        AssertionError: It is worse; the message has the figures, and shows where its behaviour differs.
        InvalidOption: The baseline is of another suite, or has fewer seeds or tasks.
    """
    __tracebackhide__ = True
    problems = find_suite(suite)
    if callable(baseline):
        now, before = (
            measure(make, problems, tasks=tasks, seeds=seeds) for make in (make_scheduler, baseline)
        )
        checked = check(make_scheduler, problems, before, now, margin)
    else:
        file = golden_file(baseline, ".parquet")
        now = measure(make_scheduler, problems, tasks=tasks, seeds=seeds)
        if not file.exists():
            written(file, now.save, "there was no baseline yet")
        try:
            checked = check(make_scheduler, problems, Results.load(file), now, margin)
        except (FormatError, InvalidOption) as err:
            if regenerating():
                written(file, now.save, f"the baseline could not be compared ({err})")
            raise
    comparison = checked.comparison
    if comparison.verdict is Verdict.REGRESSED:
        hint = "--sim-regen leaves such a baseline alone; if this is meant, delete the file.\n\n"
        raise AssertionError(("" if callable(baseline) else hint) + markdown(checked))
    if must_decide and comparison.verdict is Verdict.UNDECIDED:
        raise AssertionError(markdown(checked))
    if not callable(baseline) and regenerating() and comparison.changed:
        written(file, now.save, f"the results have changed ({comparison.summary})")
    note(comparison.summary)
    return comparison


def assert_deterministic(make_scheduler: Any, **simulation: Any) -> None:
    """Two runs are one, whatever the global random state is, and a third in another process.

    The third has another hash seed and a clock that jumps, and runs a small problem of the contract's. It
    needs a factory that can be imported; for others, such as a function inside a test, it is left out.

    Args:
        make_scheduler: A factory ``(schema, seed) -> scheduler``; an instance cannot run twice.
        **simulation: As of the marker ``simulation``.

    Raises:
        AssertionError: The runs differ; the message says what it may be, and names the first event.
    """
    __tracebackhide__ = True
    if not callable(make_scheduler):
        raise InvalidOption(f"a factory (schema, seed) -> scheduler is needed, not {make_scheduler!r}")
    setup = make_setup(simulation)

    def run(self: SchedulerContract, problem: str, make: Any = None) -> Run:
        del problem
        return setup.run(make or self.made)

    here = contract_of(make_scheduler, problems={"it": lambda: setup.blackbox}, run=run)
    here.test_two_runs_are_equal()
    here.test_the_global_random_state_is_neither_used_nor_changed()
    contract_of(make_scheduler).test_another_process_with_another_hash_seed_and_clock_gives_the_same_run()


def assert_contract(make_scheduler: Any, **settings: Any) -> None:
    """Everything that ``SchedulerContract`` tests, in one test; inherit that class to have one test each.

    Args:
        make_scheduler: A factory ``(schema, seed) -> scheduler``.
        **settings: ``needs``, ``may_end``, ``seeded``, ``problems``, ``conditions``, as of that class.

    Raises:
        AssertionError: The first thing that it does not keep to.
    """
    __tracebackhide__ = True
    contract = contract_of(make_scheduler, **settings)
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if name.startswith("test_"):
            for arguments in _arguments(contract, test):
                with suppress(pytest.skip.Exception):
                    _run_one(test, arguments)


def _arguments(contract: SchedulerContract, test: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """What pytest would call one of the contract's tests with, but for a temporary folder."""
    takes = inspect.signature(test).parameters
    yield from ({"problem": problem} for problem in contract.problems) if "problem" in takes else [{}]


def _run_one(test: Callable[..., None], arguments: dict[str, Any]) -> None:
    try:
        if "tmp_path" not in inspect.signature(test).parameters:
            test(**arguments)
            return
        with tempfile.TemporaryDirectory() as folder:
            test(tmp_path=Path(folder), **arguments)
    except AssertionError as err:
        said = "".join(f" of {value!r}" for value in arguments.values())
        raise AssertionError(f"{test.__name__.removeprefix('test_').replace('_', ' ')}{said}: {err}") from err


def assert_speed(
    make_scheduler: SchedulerFactory,
    ratio: float,
    reference: SchedulerFactory = RandomSearch,
    **simulation: Any,
) -> float:
    """A run takes at most ``ratio`` times the processor time of the same number of trials of a reference.

    The only assertion that looks at a clock: at the least of five runs each, which take turns.

    Args:
        make_scheduler: Makes the scheduler.
        ratio: What it may take, in runs of the reference.
        reference: What it is measured against.
        **simulation: As of the marker ``simulation``; by default on a table, whose curves take no time.

    Returns:
        The ratio that was measured.

    Raises:
        AssertionError: It takes longer.
    """
    __tracebackhide__ = True
    setup = make_setup({"blackbox": "nasbench-nlp/wikitext-2", **simulation})
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_REPEATS):
        for is_reference, factory in ((False, make_scheduler), (True, reference)):
            times[is_reference].append(_seconds(partial(setup.run, factory)))
    found = min(times[False]) / max(min(times[True]), 1e-9)  # where the clock is coarse
    assert found <= ratio, (
        f"a run takes {found:.3g} times as long as one of {getattr(reference, '__name__', reference)}, but "
        f"may take {ratio:g} times ({min(times[False]):.3g} s and {min(times[True]):.3g} s of the processor)"
    )
    return found


def _seconds(run: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    run()
    return time.process_time() - began
