"""A view that predicts configurations outside the table with a surrogate fitted to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidConfiguration, InvalidOption, UnknownSeed
from blackbox_repo.space import Configuration
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.views.base import View
from blackbox_repo.views.nearest import in_table


def with_surrogate(
    blackbox: Blackbox, surrogate: str | SurrogateBlackbox = "knn", *, seed: int = 0
) -> Blackbox:
    """A table that answers for any configuration of its space, with a prediction where it lacks one.

    The table answers for the configurations that it has, a surrogate for any other one. Samplers draw from
    the whole space, which is that of the surrogate.

    Args:
        blackbox: A table.
        surrogate: What :func:`~blackbox_repo.fit_surrogate` has fitted to it; or the name of a model, which
            is fitted with its defaults when it is first needed.
        seed: What is drawn while a model is fitted by its name.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model.
        InvalidOption: What it needs is not installed; or the surrogate was fitted to another table.
    """
    if isinstance(surrogate, SurrogateBlackbox):
        return _WithSurrogate(blackbox, surrogate)
    return _Fitted(blackbox, Fitting.of(blackbox, surrogate, seed=seed))


class _Combined(View):
    """The rows of a table, and the predictions of ``surrogate``, which a subclass sets."""

    surrogate: SurrogateBlackbox

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curves([configuration], seed=seed)[0]

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        known = [self.holds(configuration) for configuration in configurations]
        asked = [each for each, held in zip(configurations, known, strict=True) if not held]
        predicted = iter(self._predicted(asked, seed) if asked else ())
        return [
            super(_Combined, self).curve(each, seed=seed) if held else next(predicted).under(self.schema)
            for each, held in zip(configurations, known, strict=True)
        ]

    def _predicted(self, configurations: Sequence[Configuration], seed: int | None) -> list[LearningCurve]:
        known = self.surrogate.seeds(configurations[0])
        if seed is not None and seed not in known:
            seeds = f"the seed {known[0]} only" if len(known) == 1 else f"the seeds {known} only"
            raise UnknownSeed(
                f"{self.name!r} predicts {dict(configurations[0])!r} with {seeds}, not {seed!r}"
            )
        return self.surrogate.curves(configurations, seed=seed)

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        if self.holds(configuration):
            return super().seeds(configuration)
        return self.surrogate.seeds(configuration)

    def holds(self, configuration: Configuration) -> bool:
        if self._is_wider:
            configuration = self.schema.space.check(configuration)
            try:
                configuration = self.inner.schema.space.check(configuration)
            except InvalidConfiguration:  # it lies between the values of the table
                return False
        return in_table(self.inner, configuration)

    @cached_property
    def _is_wider(self) -> bool:
        """Whether the space of the surrogate is not that of the table."""
        return self.schema.space != self.inner.schema.space


class _WithSurrogate(_Combined):
    def __init__(self, inner: Blackbox, surrogate: SurrogateBlackbox) -> None:
        if surrogate.info.table != inner.digest():
            raise InvalidOption(
                f"{surrogate.name!r} was fitted to another table than {inner.name!r}: the digest of its "
                f"table is {surrogate.info.table or 'unknown'}, not {inner.digest()}; fit it again"
            )
        self.surrogate = surrogate
        described = f"with_surrogate({surrogate.info.model}, {surrogate.digest() or 'in memory'})"
        super().__init__(inner, surrogate.schema, described)

    def digest(self) -> str:
        return super().digest() if self.surrogate.digest() else ""


class _Fitted(_Combined):
    def __init__(self, inner: Blackbox, fitting: Fitting) -> None:
        self._fitting = fitting
        versions = "".join(f" of {name} {version}" for name, version in fitting.prepared()[1].items())
        seed = f", seed={fitting.seed}" if fitting.seed else ""
        described = f"with_surrogate({fitting.model}{versions}{seed})"
        super().__init__(inner, replace(inner.schema, space=fitting.space), described)

    @cached_property
    def surrogate(self) -> SurrogateBlackbox:  # type: ignore[override]
        return self._fitting.fit()
