"""Rows that are measured alone: processes, tables, surrogates, draws, runs, memory."""

from __future__ import annotations

import gc
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import synthetic
from measuring import Effort, Measured, Row, alone, cpu_seconds, fresh, fresh_process
from scheduler_calls import Counted
from surrogate_rows import surrogate_rows

from blackbox_repo import load_blackbox
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.keyed_random import integer
from blackbox_repo.schema import Schema
from blackbox_repo.space import Space
from blackbox_repo.table import TabularBlackbox
from simulator import ASHA, RandomSearch, Run, Stop, simulate
from simulator.kernel.training_seeds import TrainingSeeds
from simulator.schedulers.configurations import RandomConfigurations

TABLES = {
    "nasbench201-final": "cifar10-valid",
    "nasbench-nlp": "wikitext-2",
    "taskset": "imdb_patch32_GRU64_avg_bs128",
    "fcnet-final": "protein_structure",
}
MIXED = Space(
    {
        "learning_rate": Float(1e-5, 1e-1, log=True),
        "weight_decay": Float(1e-5, 1, log=True),
        "momentum": Float(0, 1),
        "batch_size": Integer(16, 512, log=True),
        "optimizer": Categorical(("sgd", "adam", "rmsprop")),
        "layers": Integer(1, 5),
    }
)
FIRST_QUERY = """
from blackbox_repo.repository import load_blackbox
blackbox = load_blackbox("nasbench201-final")["cifar10-valid"]
edges = ("op_1_from_0", "op_2_from_0", "op_2_from_1", "op_3_from_0", "op_3_from_1", "op_3_from_2")
blackbox.curve(dict.fromkeys(edges, "nor_conv_3x3"))
"""
WORKERS = (4, 32, 256)
SURROGATE = ("yahpo-lcbench", "167200")

table = cache(synthetic.make)


def own_rows(effort: Effort) -> Iterator[Row]:
    """All rows that need no peer."""
    yield from processes(effort)
    yield from runs(effort)
    yield from kept(effort)
    yield from lookups(effort)
    yield from surrogates(effort)
    yield from surrogate_rows(effort)
    yield from draws(effort)


def processes(effort: Effort) -> Iterator[Row]:
    """Whole processes, from their start to their end."""
    numpy = ("-c", "import numpy")
    yield Row(
        "ours/import",
        "import simulator, less import numpy",
        "s",
        fresh("-c", "import numpy, simulator", less=numpy),
        0.08,
    )
    yield Row(
        "ours/import-repository",
        "import blackbox_repo, less import numpy",
        "s",
        fresh("-c", "import numpy, blackbox_repo", less=numpy),
    )
    what = "fresh process: import, load nasbench201-final/cifar10-valid, query"
    yield Row("ours/first-query", what, "s", fresh("-c", FIRST_QUERY), 1.0)
    limit = () if effort.hours >= 1 else ("--time", "10m")
    what = " ".join(["bb-sim run", *limit, "(whole process)"])
    yield Row("ours/run", what, "s", fresh("-m", "simulator", "run", *limit), 1.2)


# --- runs ---------------------------------------------------------------------------------------------------


def every_report(kind: Any) -> Callable[[Schema, int], Counted]:
    """Makes a scheduler that is called at each report."""
    return lambda schema, seed: Counted(kind(schema, seed), told=True)


def runs(effort: Effort) -> Iterator[Row]:
    """Reports a second, as the schedulers are, and where they are called at each report."""
    marks = {RandomSearch: (3e6, 3e5), ASHA: (None, 1e5)}
    for kind, (passed_over, told) in marks.items():
        for workers in WORKERS:
            name = f"{'asha' if kind is ASHA else 'random'}-{workers}"
            what = f"{kind.__name__}, {workers} workers, {effort.trials:,} trials"
            job = partial(run_on_table, kind, workers, effort.trials)
            yield Row(f"ours/{name}", what, "reports/s", reports_a_second(job), passed_over)
            job = partial(run_on_table, every_report(kind), workers, effort.trials)
            yield Row(
                f"ours/told-{name}", f"{what}, told every report", "reports/s", reports_a_second(job), told
            )


def run_on_table(scheduler: Any, workers: int, trials: int) -> Run:
    """On a table of the size of NAS-Bench-201."""
    return simulate(table(), scheduler, workers=workers, stop=Stop(trials_started=trials), seed=1)


def reports_a_second(job: Callable[[], Run]) -> Callable[[int], Measured]:
    """How many reports a run has for each second that it takes."""

    def measure(rounds: int) -> Measured:
        reports = len(job().report_columns["decision"])
        return Measured([reports / cpu_seconds(job) for _ in range(rounds)])

    return measure


def kept(effort: Effort) -> Iterator[Row]:
    """What a run leaves behind: memory and files."""
    trials, many = effort.trials, 10 * effort.trials
    grown, held = "memory that the process grew by", "memory that the run itself holds"
    of_random, of_asha = f"random search, {trials:,} trials of 200 reports", f"ASHA, {many:,} trials"
    reports = partial(bytes_kept, f"RandomSearch, 32, {trials}", "report_columns")
    yield Row("ours/memory-random", f"{grown}: {of_random}", "B a report", partial(reports, "grown"), 64)
    yield Row("ours/held-random", f"{held}: {of_random}", "B a report", partial(reports, "held"))
    asha = partial(bytes_kept, f"ASHA, 32, {many}", "trial_columns")
    yield Row("ours/memory-asha", f"{grown}: {of_asha}", "B a trial", partial(asha, "grown"), 1000)
    yield Row("ours/held-asha", f"{held}: {of_asha}", "B a trial", partial(asha, "held"))
    what = f"load a saved run of {2 * trials * 200:,} reports"
    yield Row("ours/load", what, "s", partial(loading, 2 * trials), 0.15)
    what = f"first save of a process, a run of {2 * trials * 200:,} reports"
    yield Row("ours/save", what, "s", partial(saving, 2 * trials))
    what = f"{trials**2:,} ASHA trials on a continuous space, 32 workers"
    yield Row("ours/million", what, "s", partial(of_long_run, trials**2, 0), 60, slow=True)
    peak = f"{what}: peak memory of the process"
    yield Row("ours/million-memory", peak, "GB", partial(of_long_run, trials**2, 1), 1, slow=True)


KEPT = """
import gc, tracemalloc
from pathlib import Path
from own_rows import ASHA, RandomSearch, run_on_table
run_on_table(ASHA, 32, 10), run_on_table(RandomSearch, 32, 10)  # imports, and what is made once a table
gc.collect()
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
if "{how}" == "held":
    tracemalloc.start()
before = 0 if "{how}" == "held" else resident()
run = run_on_table({job})
gc.collect()
after = tracemalloc.get_traced_memory()[0] if "{how}" == "held" else resident()
print((after - before) / len(run.{columns}["trial"]))
"""


def bytes_kept(job: str, columns: str, how: str, rounds: int) -> Measured:
    """Bytes for each report or trial of a finished run, in a process that has nothing else.

    Args:
        job: Arguments of :func:`run_on_table`.
        columns: By whose length the bytes are divided.
        how: ``"grown"`` for how much more memory the process has (Linux), with all that Python and malloc do
            not give back; ``"held"`` for what objects and arrays of the run take.
        rounds: How often at most; three are enough.
    """
    script = KEPT.format(job=job, columns=columns, how=how)
    return Measured([float(fresh_process("-c", script)[1]) for _ in range(min(rounds, 3))])


def loading(trials: int, rounds: int) -> Measured:
    """A run that was saved before, read again and again."""
    with tempfile.TemporaryDirectory() as folder:
        run_on_table(RandomSearch, 32, trials).save(Path(folder) / "run")
        return alone(lambda: Run.load(Path(folder) / "run"), float)(rounds)


SAVE = """
import time, own_rows
from simulator import RandomSearch
run = own_rows.run_on_table(RandomSearch, 32, {})
began = time.process_time()
run.save("run")
print(time.process_time() - began)
"""


def saving(trials: int, rounds: int) -> Measured:
    """The first save of a process, imports included."""
    return Measured([float(fresh_process("-c", SAVE.format(trials))[1]) for _ in range(rounds)])


LONG = "import own_rows; own_rows.print_long_run({})"


def of_long_run(trials: int, which: int, _rounds: int) -> Measured:
    """Seconds of the processor, or the peak of the process's memory in GB."""
    return Measured([long_run(trials)[which]])


@cache
def long_run(trials: int) -> tuple[float, float]:
    """Measured once, in a process of its own."""
    seconds, peak = json.loads(fresh_process("-c", LONG.format(trials))[1])
    return seconds, peak


def print_long_run(trials: int) -> None:
    """Run in this process."""
    import resource

    blackbox = Continuous(table())
    began = time.process_time()
    simulate(blackbox, ASHA, workers=32, stop=Stop(trials_started=trials), seed=1)
    taken = time.process_time() - began
    print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]))


class Continuous(Blackbox):
    """Four real hyperparameters; a curve is that of a row of a table, and costs next to nothing."""

    name = "continuous"

    def __init__(self, source: TabularBlackbox) -> None:
        space = Space({name: Float(0, 1) for name in "abcd"})
        self.schema = Schema(
            space,
            source.schema.fidelity,
            source.schema.objectives,
            target=source.schema.target,
            time=source.schema.time,
        )
        self._points = source.table.points
        self._rows, self._length = len(source.table), len(source.schema.fidelity.values)

    def curve(self, configuration: Any, *, seed: int | None = None) -> LearningCurve:
        """The curve of the row that lies at ``a`` of all rows."""
        start = min(int(configuration["a"] * self._rows), self._rows - 1) * self._length
        return LearningCurve(self.schema, self._points, {}, start, start + self._length, 0, "ok", seed or 0)


# --- tables and surrogates ----------------------------------------------------------------------------------


def lookups(effort: Effort) -> Iterator[Row]:
    """One curve for a configuration given as a dict; what a loaded table takes."""
    for name, task in TABLES.items():
        count = effort.queries
        what = f"curve of {name}, configuration as dict"
        yield Row(f"ours/curve-{name}", what, "us", partial(asking, name, task, count), 2.0)
    for name, task in TABLES.items():
        what = f"memory of {name}/{task}, as a share of twice its arrays and 300 bytes a row"
        yield Row(f"ours/table-{name}", what, "of allowed", partial(share_of_allowed, name, task), 1.0)


def asking(name: str, task: str, count: int, rounds: int) -> Measured:
    """Microseconds a curve."""
    blackbox = load_blackbox(name)[task]
    known = blackbox.configurations()
    asked = [dict(known[integer(len(known), "marks", name, i)]) for i in range(count)]

    def ask() -> None:
        curve = blackbox.curve
        for configuration in asked:
            curve(configuration)

    return alone(ask, lambda seconds: seconds / count * 1e6)(rounds)


def share_of_allowed(name: str, task: str, rounds: int) -> Measured:
    """What a loaded task takes, as a share of what it may."""
    shares = []
    for _ in range(min(rounds, 3)):
        gc.collect()
        arrow = pa.total_allocated_bytes()
        tracemalloc.start()
        blackbox = load_blackbox(name)[task]
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - arrow
        tracemalloc.stop()
        rows = blackbox.table  # type: ignore[attr-defined]
        arrays = sum(array.nbytes for array in [*rows.points.values(), *rows.constants.values()])
        shares.append(taken / (2 * arrays + 300 * len(rows)))
        del blackbox, rows
    return Measured(shares)


def surrogates(effort: Effort) -> Iterator[Row]:
    """Curves of a surrogate network, and runs on it."""
    count = max(2, effort.queries // 10)
    what = "curve of yahpo-lcbench, all 50 epochs"
    yield Row("ours/yahpo-curve", what, "ms a curve", partial(predicting, count, "singly"))
    yield Row(
        "ours/yahpo-batch", f"{what}, {count} together", "ms a curve", partial(predicting, count, "together")
    )
    for task in (SURROGATE[1], "189908"):
        what = f"ASHA, 32 workers, {effort.hours:g} h on yahpo-lcbench/{task}"
        job = partial(run_on_surrogate, task, effort.hours)
        yield Row(f"ours/yahpo-asha-{task}", what, "s", alone(job, float), 30.0, slow=effort.hours >= 1)


def predicting(count: int, how: str, rounds: int) -> Measured:
    """Milliseconds a curve, computed ``"singly"`` or ``"together"``."""
    name, task = SURROGATE
    blackbox = load_blackbox(name)[task]
    sampled = [blackbox.schema.space.sample("marks", i) for i in range(count)]

    def read() -> None:
        curves: Sequence[LearningCurve] = blackbox.curves(sampled) if how == "together" else []
        for curve in curves or map(blackbox.curve, sampled):
            curve.head("val_accuracy", 50)

    return alone(read, lambda seconds: seconds / count * 1e3)(rounds)


def run_on_surrogate(task: str, hours: float) -> None:
    """As long as the main job's."""
    simulate(load_blackbox(SURROGATE[0])[task], ASHA, workers=32, stop=Stop(time=hours * 3600))


def draws(effort: Effort) -> Iterator[Row]:
    """What random draws cost a trial."""
    count = 5 * effort.queries
    for name, what in (("mixed", "6 hyperparameters without end"), ("grid", "a grid of 15,625")):
        yield Row(
            f"ours/draw-{name}",
            f"random configuration of {what}, as schedulers draw it",
            "us",
            partial(drawing, name, count),
            5.0,
        )
    yield Row("ours/draw-seed", "training seed of a trial, of 2", "us", partial(choosing_seeds, count))


def drawing(name: str, count: int, rounds: int) -> Measured:
    """Microseconds a configuration."""
    space = MIXED if name == "mixed" else table().schema.space
    draw = (RandomConfigurations(space, seed).next for seed in range(rounds))
    return Measured([each(count, next(draw)) for _ in range(rounds)])


def choosing_seeds(count: int, rounds: int) -> Measured:
    """Microseconds a trial."""
    configurations = table().schema.space.samples(0, count=min(count, 5000))
    started = cycle([table().trainings(configuration) for configuration in configurations])
    choose = TrainingSeeds(1, None).choose
    return Measured([each(count, lambda: choose(next(started))) for _ in range(rounds)])


def each(count: int, action: Callable[[], object]) -> float:
    """Microseconds of the processor that one of so many calls takes."""

    def repeat() -> None:
        for _ in range(count):
            action()

    return cpu_seconds(repeat) / count * 1e6
