"""A recipe: what a blackbox is called, which raw files it is made of, and the function that converts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blackbox_repo.curve import Array
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Schema
from blackbox_repo.store.manifest import Defect, TuningDefaults, check_plain_name
from blackbox_repo.table import Table
from conversion_scripts.bounds import Bounds
from conversion_scripts.completeness import Whole
from conversion_scripts.raw.folder import RawFile, RawFolder


@dataclass(frozen=True)
class NetworkWeights:
    """A surrogate network whose tasks differ by a code only.

    Args:
        arrays: Name -> float32 weights.
        spec: Everything else that its evaluation needs, as JSON (``Manifest.network``).
        codes: Task -> its code in the network's embedding; ``None`` for the only task of one without.
    """

    arrays: Mapping[str, Array]
    spec: Mapping[str, Any]
    codes: Mapping[str, int | None]


@dataclass(frozen=True)
class Conversion:
    """What a recipe makes of its raw files: either tables, or a network.

    Args:
        schema: What the numbers mean; the same for all tasks.
        tables: Task -> its training runs; a :class:`LazyTables` where they would fill the memory together.
        network: The surrogate, where there are no tables.
        titles: Task -> what the data set is called, where its name does not say it.
        ranges: Task -> objective -> the smallest and the largest value, where the source gives them.
        targets: Task -> the objective that is tuned on it, where that is not the schema's target.
    """

    schema: Schema
    tables: Mapping[str, Table] = field(default_factory=dict)
    network: NetworkWeights | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How one blackbox is made; data, but for ``convert``.

    Args:
        name: Of the blackbox, and of its folder.
        title: One line.
        license: SPDX identifier of the data's licence.
        citation: Authors, title, venue and year of the paper to cite.
        homepage: Where the source is published.
        version: Of the blackbox; changes whenever a number in it does.
        files: The raw files, all of which are needed.
        card: What is odd in the source, each with the rule by which it is treated; one at least.
        convert: A function of the raw files alone: no clock, no chance, no other input.
        default: How the blackbox is tuned unless somebody says otherwise (its objective is the target).
        labels: Columns of the tables that are neither hyperparameters nor objectives.
        nan_allowed: Objectives in which the card allows NaN.
        bounds: Objective -> between which values it can lie at all; a table with others is refused.
        whole: What the complete source has; a conversion of less says so.

    Raises:
        FormatError: The name could leave its folder, or the card is empty.
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
    whole: Whole = field(default_factory=Whole)

    def __post_init__(self) -> None:
        check_plain_name("blackbox name", self.name)
        if not self.card:
            raise FormatError(
                f"the recipe {self.name!r} has an empty card: give a Defect(what, rule) for all that is odd, "
                f"left out or supposed; if nothing is, say how the runs were made"
            )
