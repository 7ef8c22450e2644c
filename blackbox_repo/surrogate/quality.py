"""How well a surrogate predicts configurations of its table that it was not fitted to, in short."""

from __future__ import annotations

from dataclasses import dataclass

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.report import cross_validate, make_report


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
    """Five-fold cross-validation of :func:`~blackbox_repo.views.fitted.with_surrogate`.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What the model needs is not installed.
    """
    fitting = Fitting.of(blackbox, model, seed=seed)
    fit = fitting.prepared()[0]
    predictions = cross_validate(
        fitting.data(), lambda data: fit(data, fitting.schema, seed, {}, lambda step: None), seed=seed
    )
    found = make_report(fitting.schema, predictions).objectives
    return [Quality(name, each.r2[-1], each.spearman[-1]) for name, each in found.items()]
