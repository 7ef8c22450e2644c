"""Tuning problems by name, and what a simulation of one takes beside the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blackbox_repo.benchmark import BENCHMARKS, Benchmark, load_benchmark
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption, NotConverted, UnknownName
from blackbox_repo.repository import LoadedBlackbox, load_named
from blackbox_repo.roots.source import DEFAULT, Source
from simulator.api import simulate
from simulator.results.run import Run
from simulator.settings.conditions import Conditions
from simulator.settings.stopping import Stop


@dataclass(frozen=True)
class Setup:
    """What :func:`simulator.simulate` takes beside the scheduler.

    Args:
        blackbox: The source of the learning curves.
        workers: Number of trials that train at the same time.
        stop: When the run ends.
        seed: Seed of the run and of the scheduler.
        conditions: Delays, failures and the like; ``None`` for an ideal cluster.
    """

    blackbox: Blackbox
    workers: int
    stop: Stop
    seed: int = 0
    conditions: Conditions | None = None

    def run(self, scheduler: Any, **options: Any) -> Run:
        """Simulate a scheduler.

        Args:
            scheduler: A scheduler or a factory, as for ``simulate``.
            **options: Further arguments of ``simulate``: ``callbacks``, ``log``, ``resume``, ...
        """
        return simulate(
            self.blackbox,
            scheduler,
            workers=self.workers,
            stop=self.stop,
            seed=self.seed,
            conditions=self.conditions,
            **options,
        )


def find_problem(
    name: str,
    seconds_per_unit: float | None,
    source: Source = DEFAULT,
    extend: Callable[[Blackbox], Blackbox] = lambda blackbox: blackbox,
) -> tuple[Benchmark, Blackbox]:
    """The benchmark of a name and its blackbox; for ``BLACKBOX[/TASK]`` one with the manifest's defaults.

    Args:
        name: Name of a benchmark; or name or folder of a blackbox, with the task if there are several.
        seconds_per_unit: A time model: seconds that a unit of fidelity takes.
        source: Where the blackbox may come from.
        extend: Called with the task as it is stored, before it gets a time model, and so on.

    Raises:
        UnknownName: There is no such benchmark, blackbox or task.
        InvalidOption: The blackbox has several tasks and none is chosen.
    """
    if name in BENCHMARKS:
        benchmark = load_benchmark(name)
        return benchmark, benchmark.view_of(extend(benchmark.load_task(source)), seconds_per_unit)
    loaded, task = _load(name, source)
    manifest = loaded.manifest
    defaults = manifest.default
    benchmark = Benchmark(name, manifest.title, manifest.name, task, None, defaults.workers, defaults.seconds)
    return benchmark, benchmark.view_of(extend(loaded[task]), seconds_per_unit)


def _load(name: str, source: Source) -> tuple[LoadedBlackbox, str]:
    try:
        loaded, task = load_named(name, source)
    except NotConverted:
        raise
    except UnknownName as err:
        if err.kind != "blackbox":
            raise
        raise UnknownName(
            "blackbox or benchmark", name, [*err.known, *BENCHMARKS], "see bb-repo list"
        ) from err
    if task is None and len(loaded) > 1:
        raise InvalidOption(
            f"{name!r} has {len(loaded)} tasks; choose one as {name}/TASK: {', '.join(loaded)}"
        )
    return loaded, next(iter(loaded)) if task is None else task


def parse_time_model(text: str, option: str) -> float:
    """The seconds of ``constant:SECONDS``, which a unit of fidelity takes.

    Args:
        text: What was given.
        option: The name of the option or argument, for the error.

    Raises:
        InvalidOption: It has another form, or its number is not above 0.
    """
    kind, _, number = text.partition(":")
    try:
        seconds = float(number)
    except ValueError:
        seconds = -1.0
    if kind != "constant" or not 0 < seconds < float("inf"):
        raise InvalidOption(
            f"{option} is {text!r}, but must be constant:SECONDS, above 0, for one unit of fidelity"
        )
    return seconds
