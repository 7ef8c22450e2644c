"""Assertions about schedulers: same trace, not worse, deterministic, within the contract, fast."""

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
from simulator.quality.markdown import format_markdown
from simulator.quality.results import Results, measure
from simulator.quality.suites import find_suite
from simulator.results.run import Run
from simulator.scheduler import SchedulerFactory
from simulator.schedulers.random_search import RandomSearch
from simulator.testing.contract import SchedulerContract, contract_of
from simulator.testing.goldens import golden_file, note, regenerating, write_and_fail
from simulator.testing.simulation import make_setup

_REPEATS = 5


def assert_same_trace(run: Run, golden: str | Path | None = None) -> None:
    """Assert that a run is, event by event, the one of the golden trace beside the test.

    A missing golden trace is written, and the test fails in this session. With ``--sim-regen`` one that
    differs is rewritten, and the test fails in this session.

    Args:
        run: The run.
        golden: Another file than ``goldens/<test file>/<test>.trace`` in the folder of the test.

    Raises:
        AssertionError: It is another run; the message shows the first step that differs, the three steps
            before it, and the reports that the scheduler knew.
    """
    __tracebackhide__ = True
    file, now = golden_file(golden, ".trace"), Golden.of(run)
    write = partial(_write_text, now.text)
    if not file.exists():
        write_and_fail(file, write, "there was no golden trace yet")
    try:
        departure = _golden(file).departure(run)
    except FormatError as err:
        if regenerating():
            write_and_fail(file, write, f"it was no golden trace any more ({err})")
        raise
    if departure is None:
        return
    if regenerating():
        write_and_fail(file, write, f"the golden trace has changed ({departure.splitlines()[0]})")
    said = (
        f"{run.header['scheduler']} does not behave as in {file.name}:\n{departure}\n"
        f"If that is intended, pytest --sim-regen rewrites the golden trace; its diff shows all changes."
    )
    raise AssertionError(printable(said, keep="\n"))


def _write_text(text: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _golden(file: Path) -> Golden:
    try:
        return Golden.parse(file.read_text(encoding="utf-8"))
    except (FormatError, UnicodeDecodeError) as err:
        raise FormatError(f"{file} is no golden trace: {err}; pytest --sim-regen rewrites it") from err


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
    """Assert that the regret of a scheduler on a suite is not larger than that of a baseline.

    Args:
        make_scheduler: Makes the scheduler.
        baseline: The factory of another scheduler; or a parquet file, relative to the folder of the test,
            with the results of an earlier version of this scheduler. A missing file is written, and the test
            fails in this session. With ``--sim-regen`` the file is rewritten if a trace has changed, unless
            the scheduler has become worse: if that is intended, delete the file.
        suite: ``smoke``, ``standard`` or ``full``, which is the newest version, or with a version such as
            ``standard-2``.
        tasks: Names of the tasks to run, ``BLACKBOX/TASK``; by default all of the suite.
        seeds: The number of seeds; by default that of the suite.
        margin: The largest change of the regret that makes no practical difference.
        must_decide: Whether to fail if there are too few seeds to tell.

    Returns:
        The comparison, with all figures.

    Raises:
        AssertionError: It is worse; the message has the figures, and the first difference in behaviour.
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
            write_and_fail(file, now.save, "there was no baseline yet")
        try:
            checked = check(make_scheduler, problems, Results.load(file), now, margin)
        except (FormatError, InvalidOption) as err:
            if regenerating():
                write_and_fail(file, now.save, f"the baseline could not be compared ({err})")
            raise
    comparison = checked.comparison
    if comparison.verdict is Verdict.REGRESSED:
        hint = "--sim-regen leaves such a baseline alone; if this is intended, delete the file.\n\n"
        raise AssertionError(("" if callable(baseline) else hint) + format_markdown(checked))
    if must_decide and comparison.verdict is Verdict.UNDECIDED:
        raise AssertionError(format_markdown(checked))
    if not callable(baseline) and regenerating() and comparison.changed:
        write_and_fail(file, now.save, f"the results have changed ({comparison.summary})")
    note(comparison.summary)
    return comparison


def assert_deterministic(make_scheduler: Any, **simulation: Any) -> None:
    """Assert that runs are equal, whatever the global random state is, and in another process too.

    The other process has another hash seed and a clock that jumps, and runs a small problem of the contract.
    It needs a factory that can be imported; for others, such as a function inside a test, it is left out.

    Args:
        make_scheduler: A factory ``(schema, seed) -> scheduler``; an instance cannot run twice.
        **simulation: The keywords of the marker ``simulation``.

    Raises:
        AssertionError: The runs differ; the message has a likely reason and the first event that differs.
    """
    __tracebackhide__ = True
    if not callable(make_scheduler):
        raise InvalidOption(f"a factory (schema, seed) -> scheduler is needed, not {make_scheduler!r}")
    setup = make_setup(simulation)

    def run(self: SchedulerContract, problem: str, make: Any = None) -> Run:
        del problem
        return setup.run(make or self.make)

    here = contract_of(make_scheduler, problems={"it": lambda: setup.blackbox}, run=run)
    here.test_two_runs_are_equal()
    here.test_the_global_random_state_is_neither_used_nor_changed()
    contract_of(make_scheduler).test_another_process_with_another_hash_seed_and_clock_gives_the_same_run()


def assert_contract(make_scheduler: Any, **settings: Any) -> None:
    """Run all tests of ``SchedulerContract`` as one test; inherit that class to have them one by one.

    Args:
        make_scheduler: A factory ``(schema, seed) -> scheduler``.
        **settings: ``needs``, ``may_end``, ``seeded``, ``problems`` and ``conditions`` of that class.

    Raises:
        AssertionError: The first test that fails.
    """
    __tracebackhide__ = True
    contract = contract_of(make_scheduler, **settings)
    for name in sorted(name for name in dir(contract) if name.startswith("test_")):
        test = getattr(contract, name)
        for arguments in _arguments(contract, test):
            with suppress(pytest.skip.Exception):
                _run_one(test, arguments)


def _arguments(contract: SchedulerContract, test: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """The arguments with which pytest would call a test of the contract, without a temporary folder."""
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
    """Assert that a run takes at most ``ratio`` times the CPU time of a run of a reference scheduler.

    It is the only assertion that reads a clock. The fastest of five runs counts,
    and the two schedulers alternate.

    Args:
        make_scheduler: Makes the scheduler.
        ratio: The largest CPU time, in runs of the reference.
        reference: Makes the scheduler to compare with.
        **simulation: The keywords of the marker ``simulation``; by default a table is simulated, as its
            curves take no time.

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
