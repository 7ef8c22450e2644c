"""Judging a fitting before anybody relies on it: cross-validation, and how repeated trainings differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.schema import Objective
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.metrics import seed_spread
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.report import (
    Predictions,
    Report,
    check_learnable,
    check_rank,
    cross_validate,
    draw_folds,
    make_report,
    spread_places,
)
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.surrogate.training_data import TrainingData

_SPREAD = 400  # configurations of which all seeds are compared


@dataclass(frozen=True)
class Judgement:
    """How good a surrogate is.

    Args:
        report: The figures.
        predictions: What they are made of.
    """

    report: Report
    predictions: Predictions


def judge(fitting: Fitting, *, min_rank: float | None = None, say: Say = lambda step: None) -> Judgement:
    """Cross-validate what :meth:`Fitting.fit` would fit; see :mod:`blackbox_repo.surrogate.report`.

    With separate seeds, or noise, the figures are those of the mean over the seeds. A further surrogate,
    fitted without the first fold, says how far its seeds lie apart there.

    Args:
        fitting: What would be fitted.
        min_rank: The least rank correlation of the target that is accepted.
        say: Called with what is done now.

    Raises:
        InvalidOption: Nothing can be learnt from the table; or the rank correlation is below ``min_rank``.
    """
    name = f"the surrogate {fitting.model!r} of {fitting.blackbox.name!r}"
    data = fitting.data()
    check_learnable(data, repr(fitting.blackbox.name))
    predictions = cross_validate(data, partial(_fit, fitting), seed=fitting.seed, report=say)
    report = make_report(fitting.schema, predictions)
    if min_rank is not None:
        check_rank(report, min_rank, name)
    fold = data.numbers[draw_folds(len(data), fitting.seed)[0]]
    return Judgement(_with_spreads(report, fitting, fold.tolist(), say), predictions)


def _fit(fitting: Fitting, known: TrainingData) -> SurrogateBlackbox:
    """A model of some examples, with its values as users get them: the last bits of sums do not count."""
    fit = fitting.prepared()[0]
    model = fit(known, fitting.schema, fitting.seed, lambda step: None)
    return SurrogateBlackbox(fitting.schema, {0: model}, SurrogateInfo(str(fitting.model)))


def _with_spreads(report: Report, fitting: Fitting, fold: Sequence[int], say: Say) -> Report:
    """The report with how far the seeds lie apart, in the table and as they are predicted."""
    every = fitting.blackbox.configurations()
    asked = [every[number] for number in fold[:_SPREAD]]
    if all(len(fitting.blackbox.seeds(each)) < 2 for each in asked):
        return report
    table = _spreads(fitting.blackbox, asked, fitting.schema.objectives)
    predicted: dict[str, tuple[float | None, ...]] = {}
    if fitting.options.noise or fitting.options.seeds == "separate":
        say("comparing seeds")
        surrogate = replace(fitting, left_out=frozenset(fold)).fit()
        predicted = _spreads(surrogate, asked, fitting.schema.objectives)
    objectives = {
        name: replace(each, seeds=table[name], predicted_seeds=predicted.get(name, ()))
        for name, each in report.objectives.items()
    }
    return replace(report, objectives=objectives)


def _spreads(
    blackbox: Blackbox, asked: Sequence[Configuration], objectives: Sequence[Objective]
) -> dict[str, tuple[float | None, ...]]:
    """Objective -> the standard deviation over the seeds, at the fidelities of a report."""
    curves = [[blackbox.curve(each, seed=seed) for seed in blackbox.seeds(each)] for each in asked]
    places = spread_places(len(blackbox.schema.fidelity.values))
    most = max(map(len, curves))

    def at(name: str, place: int) -> Array:
        values = np.full((len(curves), most), np.nan)
        for row, of_one in zip(values, curves, strict=True):
            for column, curve in enumerate(of_one):
                row[column] = curve[name][place] if place < len(curve) else np.nan
        return values

    def constants(name: str) -> Array:
        rows = [[curve.constant(name) for curve in of_one] for of_one in curves]
        return np.array([[*row, *[np.nan] * (most - len(row))] for row in rows])

    return {
        o.name: (seed_spread(constants(o.name)),)
        if o.constant
        else tuple(seed_spread(at(o.name, place)) for place in places)
        for o in objectives
    }


# --- the short form that this report replaces ---------------------------------------------------------------


@dataclass(frozen=True)
class Quality:
    """How well one objective is predicted at the last fidelity.

    Args:
        objective: Its name.
        r2: The coefficient of determination: 1 is exact, 0 as good as the mean.
        rank_correlation: Spearman's rank correlation. Both are ``None`` where all values are equal.
    """

    objective: str
    r2: float | None
    rank_correlation: float | None


def surrogate_quality(blackbox: Blackbox, model: str = "knn", *, seed: int = 0) -> list[Quality]:
    """The figures of :func:`judge` at the last fidelity alone; it goes in the next release.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What the model needs is not installed, or nothing can be learnt.
    """
    found = judge(Fitting.of(blackbox, model, seed=seed)).report.objectives
    return [Quality(name, each.r2[-1], each.spearman[-1]) for name, each in found.items()]
