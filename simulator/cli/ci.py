"""``bb-sim ci``: the check of a scheduler for projects without pytest; the exit status is the verdict."""

from __future__ import annotations

import json
import os
import sys
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer

from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.text import console
from blackbox_repo.text.plain_text import printable
from simulator.cli.options import group_settings
from simulator.quality.check import Check, check
from simulator.quality.comparison import MARGIN, Comparison, Verdict, check_comparable, check_margin
from simulator.quality.markdown import format_markdown
from simulator.quality.page import format_page
from simulator.quality.results import Results, measure
from simulator.quality.suites import NEWEST, SUITES, Suite, find_suite
from simulator.registry import scheduler_factory

_RUNS_FOR_A_PROCESS = 100


class FailOn(str, Enum):
    """The verdict that makes the exit status 1; the verdicts named before it do so too."""

    REGRESSED = "regressed"
    UNDECIDED = "undecided"
    CHANGED = "changed"


def ci(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="py:module:attribute for a factory of yours; or as for bb-sim run."
        ),
    ],
    baseline: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A parquet file with earlier results of the scheduler. If there is none, it is written, and "
            "the exit status is 1: commit it.",
        ),
    ],
    suite: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"{', '.join(NEWEST)}; or with its version: {', '.join(SUITES)}."),
    ] = "standard",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="scheduler.NAME=VALUE",
            help="A setting of the scheduler (see bb-sim schedulers); may be repeated.",
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(metavar="SHARE", help="A change of the regret that makes no practical difference."),
    ] = MARGIN,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", help="Number of seeds; by default that of the suite.")
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="BLACKBOX/TASK", help="Only this task of the suite; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of processes; by default one for each core."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 if it regressed; or undecided too; or if any trace changed.")
    ] = FailOn.REGRESSED,
    update: Annotated[  # noqa: FBT002
        bool, typer.Option("--update", help="Write the baseline again, and exit with 0.")
    ] = False,
    markdown_file: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write a comment for a pull request to this file."),
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,  # noqa: FBT002
) -> None:
    """Compare a scheduler with earlier results: has its behaviour changed, has it become worse?

    The suite is simulated with many seeds. The first time, the results are written to --baseline; later
    results are compared with them. The exit status is 0 if the check passes, 1 if it does not (see --fail-on)
    or there was no baseline, and 2 on an error.
    """
    chosen = find_suite(suite)
    groups = group_settings(settings or ())
    others = [group for group, values in groups.items() if values and group != "scheduler"]
    if others:
        raise InvalidOption(f"--set {others[0]}.* is fixed by the suite; only scheduler.NAME=VALUE is free")
    factory = scheduler_factory(scheduler, groups["scheduler"])
    cases = chosen.only(task)
    before = _load_baseline(baseline, update=update)
    if before is not None and not update:
        check_margin(margin)
        count = chosen.seeds if seeds is None else seeds
        check_comparable(before, chosen.name, product((case.name for case in cases), range(count)))
    with console.interruptible(lambda: "nothing was written or compared"):
        now = _measure(factory, chosen, task, seeds, jobs)
    if before is None:
        now.save(baseline)
        typer.echo(
            f"there was no baseline yet; {baseline} was written ({len(now.rows)} runs): commit it", err=True
        )
        raise typer.Exit(0 if update else 1)
    if update:
        _update(baseline, before, now)
    try:
        result = check(factory, chosen, before, now, margin)
    except InvalidOption as err:
        if not update:
            raise
        typer.echo(printable(f"not compared: {err}"), err=True)
        return
    _write(markdown_file, format_markdown(result))
    _write(html_file, format_page(result))
    text = json.dumps(_as_object(result), allow_nan=False) if as_json else _format(result)
    typer.echo(printable(text, keep="\n"))
    if not update and is_failure(result.comparison, fail_on):
        raise typer.Exit(1)


def _update(file: Path, before: Results, now: Results) -> None:
    now.save(file)
    typer.echo(f"{file} was written again: {len(before.rows)} runs before, {len(now.rows)} now", err=True)


def _load_baseline(file: Path, *, update: bool) -> Results | None:
    """The results of the file; ``None`` if there is none, or it cannot be read and is to be replaced."""
    if not file.exists():
        return None
    try:
        return Results.load(file)
    except FormatError:
        if update:
            return None
        raise


def _measure(
    factory: Any, suite: Suite, tasks: list[str] | None, seeds: int | None, jobs: int | None
) -> Results:
    if jobs is None:
        runs = len(tasks or suite.cases) * (suite.seeds if seeds is None else max(seeds, 0))
        jobs = max(min(os.cpu_count() or 1, runs // _RUNS_FOR_A_PROCESS), 1)
    if not sys.stderr.isatty():
        return measure(factory, suite, tasks=tasks, seeds=seeds, jobs=jobs)
    from blackbox_repo.text.progress import make_bar

    with make_bar() as bar:
        line = bar.add_task(f"{suite.name}, {jobs} at a time")

        def progress(done: int, of: int) -> None:
            bar.update(line, completed=done, total=of)

        return measure(factory, suite, tasks=tasks, seeds=seeds, jobs=jobs, progress=progress)


def is_failure(comparison: Comparison, fail_on: FailOn) -> bool:
    """Whether the exit status is 1.

    Args:
        comparison: The comparison with the baseline.
        fail_on: The verdict from which on it is.
    """
    if fail_on is FailOn.CHANGED and comparison.changed:
        return True
    bad = {Verdict.REGRESSED} if fail_on is FailOn.REGRESSED else {Verdict.REGRESSED, Verdict.UNDECIDED}
    return comparison.verdict in bad


def _write(file: Path | None, text: str) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def _format(result: Check) -> str:
    """The text for a terminal."""
    comparison = result.comparison
    width = max(len(effect.name) for effect in comparison.tasks)
    lines = [
        f"  {effect.name:<{width}}  {effect.before:.4f} -> {effect.now:.4f}  {effect.test.estimate:+.4f} "
        f"({effect.test.low:+.4f} to {effect.test.high:+.4f})  {effect.verdict.value}"
        for effect in comparison.tasks
    ]
    first = next(iter(result.departures.items()), None)
    departure = (
        []
        if first is None
        else [f"the behaviour differs first, {first[0]}, seed 0: {printable(first[1], keep=chr(10))}"]
    )
    return "\n".join([comparison.summary, *lines, *departure, f"digest {result.now.digest}"])


def _as_object(result: Check) -> dict[str, Any]:
    comparison = result.comparison
    return {
        "verdict": comparison.verdict.value,
        "summary": comparison.summary,
        "suite": comparison.suite,
        "scheduler": comparison.scheduler,
        "baseline": comparison.baseline,
        "margin": comparison.margin,
        "digest": result.now.digest,
        "seeds_needed": comparison.seeds_needed,
        "tasks": [
            {
                "task": effect.name,
                "before": effect.before,
                "now": effect.now,
                "change": effect.test.estimate,
                "interval": [
                    end if abs(end) < float("inf") else None for end in (effect.test.low, effect.test.high)
                ],
                "worse": effect.worse,
                "better": effect.better,
                "changed": effect.changed,
                "verdict": effect.verdict.value,
            }
            for effect in (*comparison.tasks, comparison.together)
        ],
        "departures": dict(result.departures),
    }
