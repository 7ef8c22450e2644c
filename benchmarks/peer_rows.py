"""Rows that are measured beside another package: the same work in both, in turns, in the peer's environment.

A peer runs with its defaults, as its users run it, but Syne Tune writes no results and no log.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any

import synthetic
from measuring import Effort, Measured, Row, in_turns
from surrogate_rows import syne_tune_rows

from blackbox_repo import load_blackbox, views
from blackbox_repo.curve import LearningCurve
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.storage import save_tables
from simulator import ASHA, Conditions, Delays, RandomSearch, Stop, simulate

SYNE_TUNES = Conditions(Delays(0.05, 0.05, 0.05, 0.05, 0.05), poll=5)
"""What Syne Tune does unless it is told otherwise."""

table = cache(synthetic.make)


def syne_tune(peer: str, effort: Effort) -> Iterator[Row]:
    """Its simulator with a table of the size of NAS-Bench-201, its schedulers and ours."""
    of = f"{effort.trials:,} trials, beside {peer}"
    marked = peer == "syne-tune"

    def row(short: str, what: str, mark: float | None = None, *, slow: bool = False, **job: Any) -> Row:
        measure = partial(measure_run, effort.trials, **job)
        return Row(f"{peer}/{short}", f"{what}, {of}", "x", measure, mark if marked else None, slow)

    for workers in (4, 32, 256):
        what = f"ASHA, {workers} workers"
        yield row(f"asha-{workers}", what, 100, theirs="ASHA", ours=ASHA, workers=workers)
    for workers in (4, 32, 256):
        job = {"theirs": "RandomSearch", "ours": RandomSearch, "workers": workers}
        yield row(f"random-{workers}", f"random search, {workers} workers", slow=True, **job)
    job = {"theirs": "ASHA", "ours": "SyneTune", "workers": 32}
    yield row("its-asha", "its own ASHA in both, 32 workers", 3, **job)
    what = "its own ASHA in both, its delays and looks, 32 workers"
    yield row("its-asha-delays", what, **job, conditions=SYNE_TUNES)
    of = f"beside {peer}"
    curves = partial(measure_curves, effort.queries)
    yield Row(f"{peer}/curves", f"{effort.queries:,} curves of 200 epochs, {of}", "x", curves)
    yield Row(f"{peer}/table", f"a table from disk, and its first curve, {of}", "x", measure_table)
    if marked:
        yield from syne_tune_rows(peer, effort)


def measure_run(
    trials: int,
    rounds: int,
    *,
    theirs: str,
    ours: Any,
    workers: int,
    conditions: Conditions | None = None,
) -> Measured:
    """A run in both simulators.

    Args:
        trials: How many finish.
        rounds: How many times each run is measured.
        theirs: The name of Syne Tune's scheduler.
        ours: Our scheduler; ``"SyneTune"`` for theirs, adapted.
        workers: In both.
        conditions: Ours; theirs are those that Syne Tune has by default.
    """
    from simulator.adapters.syne_tune import SyneTune

    scheduler = SyneTune(theirs) if ours == "SyneTune" else ours
    table_there, stop = their_table(), Stop(trials_finished=trials)

    def in_ours() -> None:
        simulate(table(), scheduler, workers=workers, stop=stop, conditions=conditions)

    def in_theirs(finished: int = trials) -> None:
        run_syne_tune(table_there, their_scheduler(theirs, table_there), workers, finished)

    in_ours(), in_theirs(10)  # imports, caches
    return in_turns(in_ours, in_theirs, warm=False)(rounds)


@cache
def their_table() -> Any:
    """The table, as Syne Tune has it."""
    from tests.peers.syne_tune_simulator import to_syne_tune

    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    return to_syne_tune(table(), "error")


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


def run_syne_tune(blackbox: Any, scheduler: Any, workers: int, trials: int) -> None:
    """Its tuner as in its documentation, but without logs and files."""
    from syne_tune import StoppingCriterion, Tuner
    from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
    from syne_tune.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend

    from tests.peers.syne_tune_simulator import ELAPSED, Silence

    class NoFiles(SimulatorCallback):  # type: ignore[misc]  its types are unknown
        def store_results(self) -> None:
            pass

    quiet = {"output_logger": Silence()} if "output_logger" in signature(Tuner).parameters else {}
    Tuner(
        UserBlackboxBackend(blackbox, ELAPSED, seed=0),
        scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=trials),
        n_workers=workers,
        sleep_time=0,
        callbacks=[NoFiles()],
        save_tuner=False,
        **quiet,
    ).run()


def measure_curves(queries: int, rounds: int) -> Measured:
    """The curves of configurations, one by one."""
    theirs = their_table()
    asked = [table().schema.space.sample("beside", k) for k in range(queries)]
    return in_turns(
        lambda: [table().curve(configuration) for configuration in asked],
        lambda: [theirs(configuration, seed=0) for configuration in asked],
    )(rounds)


def measure_table(rounds: int) -> Measured:
    """Reading a table that each has written in its own format."""
    from syne_tune.blackbox_repository.blackbox_tabular import deserialize, serialize

    folder, schema = Path(tempfile.mkdtemp()), table().schema
    asked = schema.space.sample("beside", 0)
    serialize({"task": their_table()}, folder / "theirs")
    manifest = Manifest("synthetic", "1", "made up", "CC0-1.0", "", "", "", schema, {})
    save_tables(folder / "ours", manifest, {"task": table().table})
    return in_turns(
        lambda: load_blackbox(folder / "ours")["task"].curve(asked),
        lambda: deserialize(folder / "theirs")["task"](asked, seed=0),
    )(rounds)


def mfhpo_simulator(peer: str, effort: Effort) -> Iterator[Row]:
    """Its ask-and-tell simulator, which knows final results only; an optimizer that chooses at random."""
    for workers in (4, 32):
        what = f"ask and tell, {workers} workers, {effort.results:,} final results, beside {peer}"
        job = partial(measure_ask_and_tell, workers, effort.results)
        yield Row(f"{peer}/ask-and-tell-{workers}", what, "x", job, 1)


def measure_ask_and_tell(workers: int, results: int, rounds: int) -> Measured:
    """The same random choices in both."""
    from tests.peers.tables import wikitext
    from tests.peers.test_mfhpo_simulator import ForThem, ForUs, run_there

    blackbox, folder, runs = wikitext(), Path(tempfile.mkdtemp()), count()
    final = views.select_fidelities(blackbox, blackbox.schema.fidelity.values[-1:])
    stop = Stop(trials_completed=results)
    return in_turns(
        lambda: simulate(final, ForUs(blackbox, 0), workers=workers, stop=stop),
        lambda: run_there(blackbox, ForThem(blackbox, 0), workers, results, folder / str(next(runs))),
    )(rounds)


def yahpo_gym(peer: str, effort: Effort) -> Iterator[Row]:
    """The surrogate of LCBench, asked for values and for curves."""
    number = max(2, effort.queries // 10)
    jobs = {
        "value": ("values at epoch 50 without the elapsed time, one by one", 1.0),
        "curves": ("curves of 50 epochs, one by one", 3.5),
        "batch": ("curves of 50 epochs, together", 4.5),
    }
    for name, (what, mark) in jobs.items():
        measure = partial(measure_surrogate, name, number)
        yield Row(f"{peer}/{name}", f"{number:,} {what}, beside {peer}", "x", measure, mark)


def measure_surrogate(kind: str, number: int, rounds: int) -> Measured:
    """The same configurations predicted by both."""
    import yahpo_gym as package

    package.local_config._config = {"data_path": os.environ["YAHPO_DATA"]}  # noqa: SLF001
    theirs = package.BenchmarkSet("lcbench", instance="167200", multithread=False)
    ours = load_blackbox("yahpo-lcbench")["167200"]
    sampled = [ours.schema.space.sample("beside", k) for k in range(number)]

    predicted = [objective.name for objective in ours.schema.objectives if objective.name != ours.schema.time]

    def rows(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{**configuration, "OpenML_task_id": "167200", "epoch": epoch} for epoch in range(1, 51)]

    def read(curves: Iterable[LearningCurve]) -> None:
        for curve in curves:
            curve.head("val_accuracy", 50)

    predict = theirs.objective_function
    jobs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "value": (
            lambda: [ours.evaluate(configuration, 50, objectives=predicted) for configuration in sampled],
            lambda: [predict(rows(configuration)[-1]) for configuration in sampled],
        ),
        "curves": (
            lambda: read(map(ours.curve, sampled)),
            lambda: [predict(rows(configuration)) for configuration in sampled],
        ),
        "batch": (
            lambda: read(ours.curves(sampled)),
            lambda: predict([row for configuration in sampled for row in rows(configuration)]),
        ),
    }
    return in_turns(*jobs[kind])(rounds)


PEERS: dict[str, Callable[[str, Effort], Iterator[Row]]] = {
    "syne-tune": syne_tune,
    "syne-tune-0.13": syne_tune,
    "mfhpo-simulator": mfhpo_simulator,
    "yahpo-gym": yahpo_gym,
}
