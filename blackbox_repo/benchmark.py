"""Benchmarks: tuning problems, each a task of a blackbox with objective, workers and budget."""

from __future__ import annotations

from dataclasses import dataclass

from blackbox_repo import views
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import NotConverted, UnknownName
from blackbox_repo.repository import LoadedBlackbox, list_blackboxes, load_blackbox
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.text.humanize import format_duration
from blackbox_repo.yahpo_suites import PROBLEMS, SuiteProblem


@dataclass(frozen=True)
class Benchmark:
    """A tuning problem: a task of a blackbox, and how it is tuned.

    Args:
        name: Its name on the command line and in ``load_benchmark``.
        title: A description in a few words.
        blackbox: Name of the blackbox.
        task: Name of the task.
        objective: Name of the objective that is optimized; ``None`` for the task's own target.
        workers: Number of trials that train at the same time.
        seconds: The budget in simulated seconds; ``None`` if it is a number of trainings or not limited.
        max_fidelity: Curves are cut after this fidelity; ``None`` for whole curves.
        seconds_per_unit: Seconds that a unit of fidelity takes, where the source records no time.
        further: Names of objectives that are optimized too by multi-objective schedulers.
        evaluations: The budget as a number of whole trainings, where the source gives it so.
    """

    name: str
    title: str
    blackbox: str
    task: str
    objective: str | None
    workers: int
    seconds: float | None
    max_fidelity: float | None = None
    seconds_per_unit: float | None = None
    further: tuple[str, ...] = ()
    evaluations: int | None = None

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of all objectives that are optimized; none if that is the task's own target alone."""
        return () if self.objective is None else (self.objective, *self.further)

    @property
    def budget(self) -> str:
        """The budget in words."""
        return format_duration(self.seconds) if self.seconds is not None else f"{self.evaluations} trainings"

    def load(self, seconds_per_unit: float | None = None, source: Source = DEFAULT) -> Blackbox:
        """The task with the benchmark's time model, largest fidelity and objective.

        Args:
            seconds_per_unit: Replaces the benchmark's own time model, in seconds per unit of fidelity.
            source: Where the blackbox may come from.

        Raises:
            UnknownName: No root has the blackbox, or it does not have the task.
        """
        return self.view_of(self.load_task(source), seconds_per_unit)

    def load_task(self, source: Source = DEFAULT) -> Blackbox:
        """The task as it is stored.

        Args:
            source: Where the blackbox may come from.

        Raises:
            UnknownName: As :meth:`load`.
        """
        return self._load_blackbox(source)[self.task]

    def view_of(self, blackbox: Blackbox, seconds_per_unit: float | None = None) -> Blackbox:
        """What :meth:`load` makes of the task.

        Args:
            blackbox: The task as it was loaded.
            seconds_per_unit: Replaces the benchmark's own time model, in seconds per unit of fidelity.
        """
        seconds_per_unit = seconds_per_unit or self.seconds_per_unit
        if seconds_per_unit is not None:
            blackbox = views.with_time_model(blackbox, seconds_per_unit)
        if self.max_fidelity is not None:
            blackbox = views.up_to(blackbox, self.max_fidelity)
        return blackbox if self.objective is None else views.with_target(blackbox, self.objective)

    def _load_blackbox(self, source: Source) -> LoadedBlackbox:
        try:
            return load_blackbox(self.blackbox, source=source)
        except UnknownName as err:
            kind = f"blackbox of the benchmark {self.name!r}:"
            if isinstance(err, NotConverted):
                raise NotConverted(self.blackbox, err.remedy, kind) from err
            raise UnknownName(kind, self.blackbox, err.known, err.remedy) from err


def load_benchmark(name: str) -> Benchmark:
    """A tuning problem by its name; its ``load()`` gives the blackbox.

    Raises:
        UnknownName: There is no such benchmark.
    """
    if name not in BENCHMARKS:
        raise UnknownName("benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]


def available_benchmarks() -> list[Benchmark]:
    """Those whose blackbox can be loaded."""
    known = set(list_blackboxes())
    return [benchmark for benchmark in BENCHMARKS.values() if benchmark.blackbox in known]


def _of_suite(problem: SuiteProblem) -> Benchmark:
    """A problem of YAHPO Gym's suites: one training at a time, as its publishers run them."""
    kind = "single-objective" if problem.suite == "so" else "multi-objective"
    return Benchmark(
        problem.name,
        f"YAHPO Gym's {kind} suite: {problem.scenario}, {problem.task}",
        f"yahpo-{problem.scenario}",
        problem.task,
        problem.objectives[0],
        workers=1,
        seconds=None,
        further=problem.objectives[1:],
        evaluations=problem.evaluations,
    )


def _lcbench(task: str, hours: float) -> Benchmark:
    title = f"LCBench (YAHPO surrogate), OpenML task {task}"
    return Benchmark(
        f"lcbench-{task}", title, "yahpo-lcbench", task, "val_accuracy", 4, hours * 3600, max_fidelity=50
    )


def _nasbench201(name: str, task: str, objective: str, days: float) -> Benchmark:
    title = f"NAS-Bench-201 on {task}, final epoch"
    return Benchmark(name, title, "nasbench201-final", task, objective, 4, days * 86400)


_ALL = (
    _lcbench("3945", 2),
    _lcbench("7593", 12),
    _lcbench("167200", 2),
    _lcbench("189862", 1),
    _nasbench201("nasbench201-cifar10", "cifar10-valid", "valid_error", 2),
    _nasbench201("nasbench201-cifar100", "cifar100", "valid_error", 4),
    _nasbench201("nasbench201-imagenet16", "ImageNet16-120", "valid_error", 12),
    Benchmark(
        "nasbench-nlp",
        "recurrent cells on WikiText-2, 50-epoch curves",
        "nasbench-nlp",
        "wikitext-2",
        "valid_loss",
        8,
        7 * 86400,
    ),
    Benchmark(
        "taskset-rnn",
        "Adam with 8 hyperparameters on a ReLU RNN, a quarter of the curves diverge; 0.1 s a step",
        "taskset",
        "imdb_patch32_IRNN64_relu_last_bs128",
        "valid_loss",
        4,
        12 * 3600,
        seconds_per_unit=0.1,
    ),
    Benchmark(
        "taskset-lstm",
        "Adam with 8 hyperparameters on an LSTM, 0.2 s a step",
        "taskset",
        "imdb_patch128_LSTM128_bs64",
        "valid_loss",
        4,
        24 * 3600,
        seconds_per_unit=0.2,
    ),
    Benchmark(
        "deepar-electricity",
        "DeepAR forecasting, whole evaluations",
        "icml-deepar",
        "electricity",
        "crps",
        4,
        4 * 86400,
    ),
    Benchmark(
        "xgboost-a6a",
        "XGBoost, whole evaluations, 10 s each",
        "icml-xgboost",
        "a6a",
        "error",
        4,
        1800,
        seconds_per_unit=10.0,
    ),
    Benchmark(
        "fcnet-protein",
        "two-layer network, final epoch",
        "fcnet-final",
        "protein_structure",
        "valid_mse",
        4,
        6 * 3600,
    ),
    Benchmark(
        "nasbench-macro-cifar10",
        "8-layer macro search space, an hour a training",
        "nasbench-macro",
        "cifar10",
        "test_accuracy",
        8,
        4 * 86400,
        seconds_per_unit=3600.0,
    ),
    *map(_of_suite, PROBLEMS),
)

BENCHMARKS = {benchmark.name: benchmark for benchmark in _ALL}
