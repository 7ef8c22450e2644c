"""A recipe: the name of a blackbox, the raw files that it is made of, and the function that converts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blackbox_repo import deprecated
from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Schema
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.table import Table
from conversion_scripts.bounds import Bounds
from conversion_scripts.expected_size import ExpectedSize
from conversion_scripts.raw import RawFile, RawFolder


@dataclass(frozen=True)
class NetworkWeights:
    """A surrogate network that predicts all tasks; they differ in their code only.

    Args:
        arrays: The float32 weights by name.
        spec: Everything else that the evaluation of the network needs, as JSON (``Manifest.network``).
        codes: The code of each task in the network's embedding; ``None`` for the only task of a network
            without such an embedding.
    """

    arrays: Mapping[str, Array]
    spec: Mapping[str, Any]
    codes: Mapping[str, int | None]


@dataclass(frozen=True)
class Conversion:
    """What a recipe makes of its raw files: either tables or a network.

    Args:
        schema: What the numbers mean, in all tasks alike.
        tables: The training runs of each task; a :class:`LazyTables` where all of them together would fill
            the memory.
        network: The surrogate network, where there are no tables.
        titles: The title of a task's data set, where the name of the task does not say it.
        ranges: For each task and objective the smallest and the largest value, where the source gives them.
        targets: The objective that is tuned on a task, where that is not the schema's target.
    """

    schema: Schema
    tables: Mapping[str, Table] = field(default_factory=dict)
    network: NetworkWeights | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


@deprecated.arguments
@dataclass(frozen=True)
class Recipe:
    """How one blackbox is made. All of it is data, except ``convert``.

    Args:
        name: The name of the blackbox and of its folder.
        title: One line that describes the blackbox.
        license: The SPDX identifier of the data's licence.
        citation: Authors, title, venue and year of the paper to cite.
        homepage: The address at which the source is published.
        version: The version of the blackbox, which changes whenever a number in it does.
        files: The raw files; all of them are needed.
        card: What is odd in the source, each with the rule by which it is treated; at least one entry.
        convert: A function of the raw files alone: it reads no clock, no random numbers and no other input.
        default: The workers and the budget of a simulated run unless the user gives others.
        labels: The columns of the tables that are neither hyperparameters nor objectives.
        nan_allowed: The objectives in which the card allows NaN.
        bounds: The values that an objective can have at all; a table with others is refused.
        expected_size: The size of the complete source; a blackbox made of less says so.
        needs: The packages beyond those of every installation that ``convert`` imports.
        other_names: Other names by which users may look for the blackbox, apart from case and punctuation.

    Raises:
        FormatError: The name would lead out of its folder, or the card is empty.
    """

    name: str
    title: str
    license: str
    citation: str
    homepage: str
    version: str
    files: tuple[RawFile, ...]
    card: tuple[Defect, ...]
    convert: Callable[[RawFolder], Conversion]
    default: TuningDefaults = field(default_factory=TuningDefaults)
    labels: tuple[str, ...] = ()
    nan_allowed: tuple[str, ...] = ()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    expected_size: ExpectedSize = field(default_factory=ExpectedSize)
    needs: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_plain_name("blackbox name", self.name)
        if not self.card:
            raise FormatError(
                f"the recipe {self.name!r} has an empty card: give a Defect(what, rule) for all that is odd, "
                f"left out or supposed; if nothing is, say how the runs were made"
            )
