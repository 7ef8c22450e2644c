"""Measures this project beside other simulators: the same work, in turns, in one process.

    python benchmarks/beside_peers.py                    every peer, about half an hour
    python benchmarks/beside_peers.py syne-tune --quick  one of them, everything once and smaller
    python benchmarks/beside_peers.py --markdown         the table as it stands in docs/performance.md

Every peer has an environment of its own, which ``tests/peers`` makes. YAHPO Gym needs its data: the variable
YAHPO_DATA names a checkout of yahpo_data that has the scenario lcbench.

A peer runs with its defaults, as its users run it, but Syne Tune writes no results and no log. A line is the
median of its rounds, of ours and of theirs; then the median, smallest and largest of the rounds' ratios.

Beside a peer's name stand the numpy of its environment and the kernel that its OpenBLAS chose for this
processor. An old OpenBLAS may take one of 2004 for a processor that it does not know, which is several times
slower; OPENBLAS_CORETYPE=SkylakeX or Haswell in the environment names another.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import marks
import synthetic

from blackbox_repo import load_blackbox, views
from blackbox_repo.curve import LearningCurve
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import TabularBlackbox
from simulator import ASHA, Conditions, Delays, RandomSearch, Stop, simulate
from tests.peers.peers import Untried, python_of

ROOT = Path(__file__).parents[1]
HEADINGS = ("peer", "what", "ours", "theirs", "times faster", "smallest .. largest")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
SYNE_TUNES = Conditions(Delays(0.05, 0.05, 0.05, 0.05, 0.05), poll=5)
"""What Syne Tune does unless it is told otherwise."""


@dataclass(frozen=True)
class Effort:
    """How often everything is measured, in how many trials, queries and results."""

    rounds: int
    trials: int
    queries: int
    results: int


FULL, QUICK = Effort(5, 1000, 1000, 100), Effort(1, 20, 10, 10)


@dataclass(frozen=True)
class Pair:
    """The same work done twice."""

    what: str
    ours: Callable[[], object]
    theirs: Callable[[], object]

    def cells(self, peer: str, rounds: int) -> tuple[str, ...]:
        """Both in turns, so that whatever else the machine does meets both."""
        self.ours(), self.theirs()  # imports, caches
        times = [(marks.seconds(self.ours), marks.seconds(self.theirs)) for _ in range(rounds)]
        ours, theirs = (statistics.median(side) for side in zip(*times, strict=True))
        ratios = [there / here for here, there in times]
        spread = f"{marks.figure(min(ratios))} .. {marks.figure(max(ratios))}"
        ratio = marks.figure(statistics.median(ratios))
        return peer, self.what, duration(ours), duration(theirs), ratio, spread


def duration(seconds: float) -> str:
    """With a unit that suits it."""
    size, unit = next((entry for entry in UNITS if seconds >= entry[0]), UNITS[-1])
    return f"{marks.figure(seconds / size)} {unit}"


def syne_tune(effort: Effort) -> Iterator[Pair]:
    """Its simulator with a table of the size of NAS-Bench-201, its schedulers and ours."""
    from simulator.adapters.syne_tune import SyneTune
    from tests.peers.syne_tune_simulator import ELAPSED, to_syne_tune

    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    ours, stop = synthetic.make(), Stop(trials_finished=effort.trials)
    theirs = to_syne_tune(ours, "error")
    of = f"{effort.trials:,} trials"

    def pair(what: str, workers: int, name: str, mine: Any, conditions: Conditions | None = None) -> Pair:
        def in_ours() -> None:
            simulate(ours, mine, workers=workers, stop=stop, conditions=conditions)

        def in_theirs() -> None:
            run_syne_tune(theirs, ELAPSED, their_scheduler(name, theirs), workers, effort.trials)

        return Pair(f"{what}, {workers} workers, {of}", in_ours, in_theirs)

    for workers in (4, 32, 256):
        yield pair("random search", workers, "RandomSearch", RandomSearch)
        yield pair("ASHA", workers, "ASHA", ASHA)
    yield pair("its ASHA in both", 32, "ASHA", SyneTune("ASHA"))
    yield pair("its ASHA in both, its delays and looks", 32, "ASHA", SyneTune("ASHA"), SYNE_TUNES)
    yield from syne_tune_table(effort, ours, theirs)


def their_scheduler(name: str, blackbox: Any) -> Any:
    """One of its own, as versions from 0.16 and those before want to be called."""
    from syne_tune.optimizer import baselines

    space, goal = blackbox.configuration_space, {"metric": "error", "mode": "min"}
    if hasattr(baselines, "MOBSTER"):
        more = {"resource_attr": "epoch", "max_t": 200} if name == "ASHA" else {}
        return getattr(baselines, name)(space, search_options={"debug_log": False}, **goal, **more)
    more = (
        {"metric": "error", "time_attr": "epoch", "max_t": 200} if name == "ASHA" else {"metrics": ["error"]}
    )
    return getattr(baselines, name)(space, random_seed=0, **more)


def run_syne_tune(blackbox: Any, elapsed: str, scheduler: Any, workers: int, trials: int) -> None:
    """Its tuner as in its documentation, but without logs and files."""
    from syne_tune import StoppingCriterion, Tuner
    from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
    from syne_tune.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend

    class NoFiles(SimulatorCallback):  # type: ignore[misc]  its types are unknown
        def store_results(self) -> None:
            pass

    Tuner(
        UserBlackboxBackend(blackbox, elapsed, seed=0),
        scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=trials),
        n_workers=workers,
        sleep_time=0,
        callbacks=[NoFiles()],
        save_tuner=False,
    ).run()


def syne_tune_table(effort: Effort, ours: TabularBlackbox, theirs: Any) -> Iterator[Pair]:
    """Reading a table, and asking it."""
    from syne_tune.blackbox_repository.blackbox_tabular import deserialize, serialize

    asked = [ours.schema.space.sample("beside", k) for k in range(effort.queries)]
    yield Pair(
        f"{effort.queries:,} curves of 200 epochs",
        lambda: [ours.curve(configuration) for configuration in asked],
        lambda: [theirs(configuration, seed=0) for configuration in asked],
    )
    folder = Path(tempfile.mkdtemp())
    serialize({"task": theirs}, folder / "theirs")
    manifest = Manifest("synthetic", "1", "made up", "CC0-1.0", "", "", "", ours.schema, {})
    save_tables(folder / "ours", manifest, {"task": ours.table})
    yield Pair(
        "a table from disk, and its first curve",
        lambda: load_blackbox(folder / "ours")["task"].curve(asked[0]),
        lambda: deserialize(folder / "theirs")["task"](asked[0], seed=0),
    )


def mfhpo_simulator(effort: Effort) -> Iterator[Pair]:
    """Its ask-and-tell simulator, which knows final results only; an optimizer that chooses at random."""
    from tests.peers.tables import wikitext
    from tests.peers.test_mfhpo_simulator import ForThem, ForUs, run_there

    blackbox, folder, runs = wikitext(), Path(tempfile.mkdtemp()), count()
    final = views.select_fidelities(blackbox, blackbox.schema.fidelity.values[-1:])
    stop = Stop(trials_completed=effort.results)
    for workers in (4, 32):
        yield Pair(
            f"ask and tell, {workers} workers, {effort.results:,} results",
            lambda w=workers: simulate(final, ForUs(blackbox, 0), workers=w, stop=stop),
            lambda w=workers: run_there(
                blackbox, ForThem(blackbox, 0), w, effort.results, folder / str(next(runs))
            ),
        )


def yahpo_gym(effort: Effort) -> Iterator[Pair]:
    """The surrogate of LCBench, asked for values and for curves."""
    import yahpo_gym as package

    package.local_config._config = {"data_path": os.environ["YAHPO_DATA"]}  # noqa: SLF001
    theirs = package.BenchmarkSet("lcbench", instance="167200", multithread=False)
    ours = load_blackbox("yahpo-lcbench")["167200"]
    sampled = [ours.schema.space.sample("beside", k) for k in range(max(2, effort.queries // 10))]

    def their_curve(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{**configuration, "OpenML_task_id": "167200", "epoch": epoch} for epoch in range(1, 51)]

    def read(curves: Iterable[LearningCurve]) -> None:
        for curve in curves:
            curve.head("val_accuracy", 50)

    number = f"{len(sampled):,}"
    yield Pair(
        f"{number} values at epoch 50, one by one",
        lambda: [ours.evaluate(configuration, 50) for configuration in sampled],
        lambda: [theirs.objective_function(their_curve(configuration)[-1]) for configuration in sampled],
    )
    yield Pair(
        f"{number} curves of 50 epochs, one by one",
        lambda: read(map(ours.curve, sampled)),
        lambda: [theirs.objective_function(their_curve(configuration)) for configuration in sampled],
    )
    yield Pair(
        f"{number} curves of 50 epochs, together",
        lambda: read(ours.curves(sampled)),
        lambda: theirs.objective_function([row for c in sampled for row in their_curve(c)]),
    )


PEERS = {
    "syne-tune": syne_tune,
    "syne-tune-0.13": syne_tune,
    "mfhpo-simulator": mfhpo_simulator,
    "yahpo-gym": yahpo_gym,
}


def measure(peer: str, effort: Effort, row: Callable[[tuple[str, ...]], str]) -> None:
    """In the peer's environment."""
    logging.disable()
    warnings.simplefilter("ignore")
    named = f"{peer} ({arithmetic()})"
    for pair in PEERS[peer](effort):
        with redirect_stdout(sys.stderr):
            cells = pair.cells(named, effort.rounds)
        print(row(cells), flush=True)


def arithmetic() -> str:
    """The version of numpy here, and the kernel of its OpenBLAS, if it says one."""
    environment = {**os.environ, "OPENBLAS_VERBOSE": "2"}
    command = [sys.executable, "-c", "import numpy; print(f'numpy {numpy.__version__}')"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    core = re.search(r"Core: (\w+)", done.stdout + done.stderr)
    version = done.stdout.strip().splitlines()[-1]
    return f"{version}, {core[1]}" if core else version


def text_row(cells: tuple[str, ...]) -> str:
    """A row in columns."""
    peer, what, *figures = cells
    return f"{peer:44} {what:66}" + "".join(f"{cell:>20}" for cell in figures)


def main() -> int:
    """Start a process for each peer; 1 if one could not be tried."""
    parser = argparse.ArgumentParser(description="Measure speed beside that of other simulators.")
    parser.add_argument("peer", nargs="*", choices=[[], *PEERS], help="by default all")
    parser.add_argument("--quick", action="store_true", help="everything once and smaller")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--inside", choices=PEERS, help="this is the environment of that peer")
    options = parser.parse_args()
    row = marks.markdown_row if options.markdown else text_row
    if options.inside:
        measure(options.inside, QUICK if options.quick else FULL, row)
        return 0
    print(marks.machine() + "\n")
    print(row(HEADINGS))
    if options.markdown:
        print("| --- | --- | ---: | ---: | ---: | ---: |")
    sys.stdout.flush()
    flags = ["--quick"] * options.quick + ["--markdown"] * options.markdown
    return max([in_environment_of(peer, flags) for peer in options.peer or PEERS])


def in_environment_of(peer: str, flags: list[str]) -> int:
    """This script again, in the environment of the peer."""
    if peer == "yahpo-gym" and "YAHPO_DATA" not in os.environ:
        print(f"{peer}: NOT TRIED, YAHPO_DATA does not name a checkout of yahpo_data")
        return 1
    try:
        python = python_of(peer)
    except Untried as err:
        print(f"{peer}: NOT TRIED: {err}")
        return 1
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [python, __file__, "--inside", peer, *flags]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
