"""How well a surrogate predicts configurations that it was not fitted to.

Every configuration that is predicted is left out of the data that predict it: the examples are dealt into
:data:`FOLDS` folds, and those of each are predicted by a model that is fitted to all others. The truth is
what the surrogate learns from: the mean over the seeds of a configuration, with bad runs as bad values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from blackbox_repo.permutation import Permutation
from blackbox_repo.schema import Objective, Schema
from blackbox_repo.surrogate import metrics
from blackbox_repo.surrogate.training_data import TrainingData

FOLDS = 5
MOST_PREDICTED = 2000
MOST_FIDELITIES = 12
_FEW = 20
"""Fewer examples may be fitted whatever they are: it costs nothing."""


class Predictor(Protocol):
    """What predicts encoded configurations; every curve model does."""

    def predict(self, rows: Array) -> Mapping[str, Array]:
        """Objective -> its values ``(row, fidelity)``, or ``(row, 1)`` for a constant one."""


@dataclass(frozen=True)
class Predictions:
    """What was predicted of configurations that were left out, beside their true values.

    Args:
        examples: How many examples there were, of which some or all were predicted.
        true: Objective -> its true values ``(configuration, fidelity)``, or ``(configuration, 1)``.
        predicted: The same, predicted.
    """

    examples: int
    true: Mapping[str, Array]
    predicted: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.true.values())))


@dataclass(frozen=True)
class ObjectiveReport:
    """How well one objective is predicted, at each fidelity of the report; constant ones have one entry.

    Args:
        r2: The coefficient of determination: 1 for exact predictions, 0 for predictions like the mean.
        spearman: Spearman's rank correlation.
        kendall: Kendall's tau-b.
        mae: The mean absolute error, in the unit of the objective.
        top: The share of the best configurations by truth at the last fidelity that are among the best by
            prediction; ``None`` for an objective without a goal.
        seeds: The standard deviation over the seeds of a configuration in the table; its median over the
            configurations.
        predicted_seeds: The standard deviation over the seeds of the surrogate.

    Each of the first four is ``None`` where all true values are equal, the last two where no configuration
    has two seeds.
    """

    r2: tuple[float | None, ...]
    spearman: tuple[float | None, ...]
    kendall: tuple[float | None, ...]
    mae: tuple[float | None, ...]
    top: float | None = None
    seeds: tuple[float | None, ...] = ()
    predicted_seeds: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class SchedulerAgreement:
    """Whether schedulers rank on a surrogate as they do on its table.

    Args:
        configurations: How many configurations both had as candidates, all left out of the fit.
        runs: How many runs of each scheduler there were on either.
        different: How many schedulers had different regrets; those that had the same in all runs count once.
        table: Scheduler -> its mean regret on the table.
        surrogate: Scheduler -> its mean regret on the surrogate.
        spearman: The rank correlation of the two, over the schedulers that differ.
        kendall: Kendall's tau-b of the two.
        halves: Kendall's tau-b of one half of the table's runs and the other: what noise leaves possible.
    """

    configurations: int
    runs: int
    different: int
    table: dict[str, float]
    surrogate: dict[str, float]
    spearman: float
    kendall: float
    halves: float

    def __post_init__(self) -> None:
        if not self.table or self.table.keys() != self.surrogate.keys():
            raise InvalidOption(
                "the schedulers of a report must be the same on the table and on the surrogate"
            )


@dataclass(frozen=True)
class Report:
    """The quality of a surrogate of one task, as ``bb-repo surrogate`` prints it and manifests keep it.

    Figures have 4 significant digits.

    Args:
        target: The objective that counts.
        configurations: How many configurations were predicted.
        examples: How many there were to learn from and to predict.
        top: How many count as the best: 1 %, but at least 10, or a tenth of fewer than 100.
        fidelities: Where the figures of objectives are taken, the first and the last among them.
        objectives: Objective -> how well it is predicted.
        time: At each fidelity the 5, 25, 50, 75 and 95 % quantiles of predicted / true elapsed time; none
            without elapsed time.
        schedulers: Whether schedulers rank alike; ``None`` where that was not measured.
    """

    target: str
    configurations: int
    examples: int
    top: int
    fidelities: tuple[int | float, ...]
    objectives: dict[str, ObjectiveReport]
    time: tuple[tuple[float, ...], ...] = ()
    schedulers: SchedulerAgreement | None = None

    def __post_init__(self) -> None:
        if self.target not in self.objectives:
            raise InvalidOption(f"the target {self.target!r} must be among the objectives of the report")
        lengths = {1, len(self.fidelities)}
        for name, each in self.objectives.items():
            figures = (each.r2, each.spearman, each.kendall, each.mae)
            found = {
                *map(len, figures),
                *(len(spread) for spread in (each.seeds, each.predicted_seeds) if spread),
            }
            if len(found) != 1 or not found <= lengths:
                raise InvalidOption(
                    f"{name!r} must have a figure for each of {len(self.fidelities)} fidelities"
                )
        quantiles = {len(each) for each in self.time} - {0, len(metrics.QUANTILES)}
        if len(self.time) not in {0, len(self.fidelities)} or quantiles:
            raise InvalidOption(
                f"the report must have {len(metrics.QUANTILES)} quantiles of time for each of "
                f"{len(self.fidelities)} fidelities, or none"
            )

    @property
    def rank(self) -> float | None:
        """Spearman's rank correlation of the target at the last fidelity."""
        return self.objectives[self.target].spearman[-1]

    @property
    def r2(self) -> float | None:
        """The coefficient of determination of the target at the last fidelity."""
        return self.objectives[self.target].r2[-1]

    def to_json(self) -> dict[str, Any]:
        """The report as dicts, lists and scalars."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any, where: str) -> Report:
        """The report of parsed JSON.

        Args:
            data: What :meth:`to_json` gave.
            where: The file and the place in it, for messages.

        Raises:
            FormatError: It is no such report.
        """
        return typed_json.convert(data, cls, where)


# --- making it ----------------------------------------------------------------------------------------------


def cross_validate(
    data: TrainingData,
    fit: Callable[[TrainingData], Predictor],
    *,
    seed: int = 0,
    report: Callable[[str], object] = lambda step: None,
) -> Predictions:
    """Predict configurations by models that are fitted without them.

    Of more than 2,000 configurations 2,000 are drawn and predicted; every fold learns from all the rest.

    Args:
        data: At least two examples.
        fit: Fits a model to training data.
        seed: What the folds are drawn from.
        report: Called with a short text before each fold.

    Raises:
        InvalidOption: There are too few examples to leave one out.
    """
    if len(data) < 2:
        raise InvalidOption(
            f"a surrogate is judged by configurations that it was not fitted to, so there must be 2 or more, "
            f"but there are {len(data)}"
        )
    folds = draw_folds(len(data), seed)
    found = []
    for number, fold in enumerate(folds, 1):
        report(f"fold {number} of {len(folds)}")
        known = data.take(np.setdiff1d(np.arange(len(data)), fold))
        found.append(fit(known).predict(data.rows[fold]))
    tested = np.concatenate(folds)
    return Predictions(
        len(data),
        {name: values[tested] for name, values in data.points.items()},
        {name: np.concatenate([each[name] for each in found]) for name in data.points},
    )


def draw_folds(examples: int, seed: int) -> list[Array]:
    """The indices of the examples of each fold; of fewer examples than folds each is a fold."""
    drawn = Permutation(examples, seed, "surrogate").block(0, examples)[:MOST_PREDICTED]
    dealt = [sorted(drawn[fold::FOLDS]) for fold in range(min(FOLDS, examples))]
    return [np.array(fold, dtype=np.intp) for fold in dealt]


def make_report(schema: Schema, predictions: Predictions) -> Report:
    """The figures of predictions.

    Args:
        schema: What the objectives mean.
        predictions: What :func:`cross_validate` found.
    """
    values = schema.fidelity.values
    places = spread_places(len(values))
    return Report(
        target=schema.target,
        configurations=len(predictions),
        examples=predictions.examples,
        top=metrics.top_count(len(predictions)),
        fidelities=tuple(values[place] for place in places),
        objectives={o.name: _judge(predictions, o, places) for o in schema.objectives},
        time=() if schema.time is None else _calibrate(predictions, schema.time, places),
    )


def spread_places(count: int) -> list[int]:
    """At most 12 places of ``count`` that lie evenly, the first and the last among them."""
    if count <= MOST_FIDELITIES:
        return list(range(count))
    return [place * (count - 1) // (MOST_FIDELITIES - 1) for place in range(MOST_FIDELITIES)]


def _judge(predictions: Predictions, objective: Objective, places: Sequence[int]) -> ObjectiveReport:
    columns = _columns(predictions, objective.name, places)

    def each(measure: Callable[[Array, Array], float]) -> tuple[float | None, ...]:
        return tuple(_measured(measure, *pair) for pair in columns)

    return ObjectiveReport(
        r2=each(metrics.r2),
        spearman=each(metrics.spearman),
        kendall=each(metrics.kendall),
        mae=each(metrics.mean_absolute_error),
        top=None if objective.goal == "none" else _measured(_overlap(objective), *columns[-1]),
    )


def _columns(predictions: Predictions, name: str, places: Sequence[int]) -> list[tuple[Array, Array]]:
    """The true and the predicted values at each place, where both are known."""
    true, predicted = predictions.true[name], predictions.predicted[name]
    pairs = [(true[:, place], predicted[:, place]) for place in (places if true.shape[1] > 1 else [0])]
    known = [np.isfinite(there) & np.isfinite(here) for there, here in pairs]
    return [(there[both], here[both]) for (there, here), both in zip(pairs, known, strict=True)]


def _measured(measure: Callable[[Array, Array], float], true: Array, predicted: Array) -> float | None:
    return measure(true, predicted) if len(true) and np.ptp(true) else None


def _overlap(objective: Objective) -> Callable[[Array, Array], float]:
    sign = -1 if objective.goal == "max" else 1
    return lambda true, predicted: metrics.top_overlap(sign * true, sign * predicted)


def _calibrate(predictions: Predictions, time: str, places: Sequence[int]) -> tuple[tuple[float, ...], ...]:
    return tuple(metrics.ratio_quantiles(*pair) for pair in _columns(predictions, time, places))


# --- refusing -----------------------------------------------------------------------------------------------


def check_rank(report: Report, least: float, what: str) -> None:
    """Refuse a surrogate that ranks configurations worse than wanted.

    Args:
        report: Its report.
        least: The least of Spearman's rank correlation of the target at the last fidelity, from -1 to 1.
        what: What messages call the surrogate.

    Raises:
        InvalidOption: It is worse, or all true values are equal.
    """
    if not -1 <= least <= 1:
        raise InvalidOption(f"min_rank={least!r} must be a rank correlation, from -1 to 1")
    if report.rank is None:
        raise InvalidOption(
            f"min_rank={least} refuses {what}: all values of {report.target!r} are equal at the last "
            f"fidelity, so nothing is ranked; leave min_rank out"
        )
    if report.rank < least:
        raise InvalidOption(
            f"min_rank={least} refuses {what}: held-out configurations have the rank correlation "
            f"{report.rank} and R2 {report.r2} of {report.target!r}; choose another model, or a smaller "
            f"min_rank"
        )


def check_learnable(data: TrainingData, what: str) -> None:
    """Refuse data of which no model can say anything of a configuration that is left out, whatever it costs.

    A category that one configuration alone has says nothing of others. Where configurations differ in
    nothing else, as architectures that are known by their names do, all that are left out look alike.

    Args:
        data: The training data.
        what: What messages call the table.

    Raises:
        InvalidOption: It is so.
    """
    if len(data) < _FEW:
        return
    shared = (data.rows == data.rows[0]).sum(axis=0)
    differing = np.flatnonzero(shared < len(data))
    lone = [_is_lone(data.rows[:, feature]) for feature in differing.tolist()]
    if len(lone) >= len(data) - 1 and all(lone):
        raise InvalidOption(
            f"no surrogate can learn {what}: its {len(data)} configurations differ only in categories that "
            f"each has alone, so nothing is known of one that is left out (R2 and rank correlation would be "
            "0 or less); use the table as it is, or its nearest row: views.nearest(...), --off-table nearest"
        )


def _is_lone(column: Array) -> bool:
    """Whether one example alone differs from all others."""
    smallest = int((column == column.min()).sum())
    return smallest in {1, len(column) - 1} and len(np.unique(column)) == 2
