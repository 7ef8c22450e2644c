"""The interface between benchmarks and simulator: a configuration goes in, a learning curve comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.errors import NotTabulated, UnknownSeed
from blackbox_repo.keyed_random import number_of
from blackbox_repo.space import Configuration, configuration_text

if TYPE_CHECKING:
    from blackbox_repo.schema import Schema

_TABULATE = "bb-repo tabulate (in Python blackbox_repo.tabulate.tabulate) makes a table of some of them"


class Trainings:
    """The training runs that a blackbox has of one configuration, which was looked up before.

    Args:
        blackbox: Where they come from.
        configuration: In canonical form, as ``configuration`` returns it; it must not be changed.
    """

    __slots__ = ("blackbox", "configuration")

    def __init__(self, blackbox: Blackbox, configuration: Configuration) -> None:
        self.blackbox, self.configuration = blackbox, configuration

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs, ascending."""
        return self.blackbox.seeds(self.configuration)

    @property
    def number(self) -> int:
        """The configuration as a part of the key of a draw: ``number_of`` its ``configuration_text``."""
        return number_of(configuration_text(self.configuration))

    def curve(self, seed: int | None = None) -> LearningCurve:
        """The learning curve of one run, as :meth:`Blackbox.curve` gives it."""
        return self.blackbox.curve(self.configuration, seed=seed)


class Blackbox(ABC):
    """A benchmark task. Implement :meth:`curve`, set ``schema``, and everything else follows.

    Attributes:
        schema: The space, the fidelity and the objectives.
        name: The name in messages and results, such as ``"nasbench201-final/cifar100"``.
        batch: How many curves to request together with :meth:`curves` for speed; 1 if that is no faster.
    """

    schema: Schema
    name: str = "blackbox"
    batch: int = 1

    @abstractmethod
    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        """The learning curve of one training run.

        Args:
            configuration: Hyperparameter name -> value; it is not changed.
            seed: One of :meth:`seeds`; ``None`` for the first of them.

        Raises:
            InvalidConfiguration: The space refuses the configuration.
            ConfigurationNotInTable: The table does not hold it.
            UnknownSeed: The table does not hold it with this seed.
        """

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        """The seeds with which a configuration was trained, ascending."""
        return (0,)

    def trainings(self, configuration: Configuration) -> Trainings:
        """The training runs of a configuration: for callers who want its canonical form, seeds and a curve.

        Raises:
            InvalidConfiguration: The space refuses the configuration.
            ConfigurationNotInTable: The table does not hold it; some blackboxes raise this only when they are
                asked for seeds or a curve.
        """
        return Trainings(self, self.schema.space.check(configuration))

    def holds(self, configuration: Configuration) -> bool:
        """Whether the curve is that of this configuration, and not of a similar one or predicted."""
        del configuration
        return True

    def curves(
        self, configurations: Sequence[Configuration], *, seed: int | None = None
    ) -> list[LearningCurve]:
        """The curves of many configurations, computed together where that is faster."""
        return [self.curve(configuration, seed=seed) for configuration in configurations]

    def evaluate(
        self,
        configuration: Configuration,
        fidelity: float | None = None,
        *,
        seed: int | None = None,
        objectives: Iterable[str] | None = None,
    ) -> dict[str, float]:
        """Objectives of a configuration at one fidelity.

        Args:
            configuration: Hyperparameter name -> value.
            fidelity: One of the schema's, by default the largest.
            seed: One of :meth:`seeds`; ``None`` for the first of them.
            objectives: Which ones, by default all; see :meth:`LearningCurve.at`.

        Raises:
            UnknownFidelity: There is no such fidelity, or the training ended before it.
            UnknownName: There is no such objective.
        """
        wanted = self.schema.fidelity.values[-1] if fidelity is None else fidelity
        return self.curve(configuration, seed=seed).at(wanted, objectives)

    def configurations(self) -> Sequence[Configuration]:
        """All tabulated configurations, in the order of the first axis of :meth:`values`.

        Raises:
            NotTabulated: The blackbox has no list; any configuration of its space can be queried.
        """
        raise NotTabulated(
            f"{self.name!r} lists no configurations: any one of its space can be asked; {_TABULATE}"
        )

    def values(self, objective: str) -> Array:
        """One objective of the whole table as ``(configuration, seed, fidelity)``.

        The seeds of each configuration ascend; the value is NaN where a seed or a point is missing.

        Raises:
            UnknownName: There is no such objective.
            NotTabulated: As in :meth:`configurations`.
        """
        self.schema.objective(objective)
        raise NotTabulated(
            f"{self.name!r} has no table: any configuration of its space can be asked; {_TABULATE}"
        )

    def to_pandas(self) -> Any:
        """The whole table as a DataFrame, one row for each configuration, seed and fidelity.

        Raises:
            NotTabulated: As in :meth:`configurations`.
        """
        from blackbox_repo.frame import table_to_pandas

        return table_to_pandas(self)

    def digest(self) -> str:
        """SHA-256 of the decoded content, or ``""`` where the content is code."""
        return ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class _FunctionBlackbox(Blackbox):
    def __init__(
        self, schema: Schema, function: Callable[..., Mapping[str, Any]], name: str, seeds: tuple[int, ...]
    ) -> None:
        self.schema, self.name = schema, name
        self._function, self._seeds = function, seeds

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        checked = self.schema.space.check(configuration)
        seed = self._seeds[0] if seed is None else seed
        if seed not in self._seeds:
            raise UnknownSeed(f"{self.name!r} has the seeds {self._seeds}, not {seed!r}")
        return LearningCurve.of(self.schema, self._function(checked, seed), seed=seed)

    def seeds(self, configuration: Configuration) -> tuple[int, ...]:
        return self._seeds


def from_function(
    schema: Schema,
    function: Callable[[dict[str, Any], int], Mapping[str, Any]],
    *,
    name: str = "function",
    seeds: tuple[int, ...] = (0,),
) -> Blackbox:
    """A blackbox that computes its curves.

    Args:
        schema: Describes what the function returns.
        function: ``(configuration, seed)`` -> objective name -> a sequence over the fidelity (a number where
            the objective is constant). It must be a function of its arguments alone.
        name: The name of the blackbox in messages and results.
        seeds: The training seeds of every configuration.

    Example:
        >>> box = from_function(schema, lambda c, seed: {"loss": [c["x"] / e for e in (1, 2, 3)],
        ...                                              "elapsed_time": [60, 120, 180]})
    """
    return _FunctionBlackbox(schema, function, name, seeds)
