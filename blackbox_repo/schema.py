"""Schemas: the space, the fidelity and the objectives of a blackbox, and which objective is the time."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any, Literal, get_args

from blackbox_repo import typed_json
from blackbox_repo.errors import InvalidOption, InvalidSpace, UnknownFidelity, UnknownName
from blackbox_repo.space import Space

Goal = Literal["min", "max", "none"]
Provenance = Literal["measured", "interpolated", "surrogate", "modelled"]
FidelityKind = Literal["incremental", "independent"]
SAME = 1e-12
"""Fidelities that differ by so much of themselves are one: what arithmetic with floats makes of a number."""
RESERVED = ("seed", "status")
# the columns of a run's results beside the objectives, which a test compares with those of a run
RESULT_COLUMNS = ("time", "trial", "segment", "segments", "fidelity", "decision", "started", "ended")
CONSTANT_COLUMNS = ("checkpoint_of", "off_table")  # beside the constant ones alone, as are config.NAME


@dataclass(frozen=True)
class Objective:
    """A recorded quantity.

    Args:
        name: Its name in curves, results and columns.
        goal: ``"min"`` or ``"max"``; ``"none"`` for what is only recorded.
        unit: ``"s"``, ``"%"``, ``"ms"``, ...; empty for a pure number.
        description: What it is and on which split, in a few words.
        constant: Whether it has one value for the whole training run instead of one at each fidelity.
        cumulative: Whether it adds up along the fidelity, as elapsed time does.
        provenance: Whether it was measured, interpolated, predicted by a surrogate, or modelled: computed by
            a rule of the user.
        known_range: The smallest and the largest value that the source reports for this task, for scaling;
            values of other configurations may lie outside.
    """

    name: str
    goal: Goal
    unit: str = ""
    description: str = ""
    constant: bool = False
    cumulative: bool = False
    provenance: Provenance = "measured"
    known_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check_word("goal", self.goal, get_args(Goal))
        _check_word("provenance", self.provenance, get_args(Provenance))
        if self.known_range is not None:
            object.__setattr__(self, "known_range", _check_range(self.name, self.known_range))

    def loss(self, value: float, *, nan: float = math.inf) -> float:
        """``value`` as a number to be minimized: negated for goal ``"max"``, and ``nan`` in place of NaN."""
        value = float(value)  # minus an unsigned number is a large one
        if math.isnan(value):
            return nan
        return -value if self.goal == "max" else value


@dataclass(frozen=True)
class Fidelity:
    """The resource axis of the curves.

    Args:
        name: ``"epoch"``, ``"train_fraction"``, ...
        values: All its values, strictly ascending.
        unit: The unit, if the name does not say it.
        kind: ``"incremental"`` if one training passes through all values (epochs), ``"independent"`` if each
            value is a training of its own (a fraction of the data).
    """

    name: str
    values: tuple[int | float, ...]
    unit: str = ""
    kind: FidelityKind = "incremental"

    def __post_init__(self) -> None:
        _check_word("kind", self.kind, get_args(FidelityKind))
        values = tuple(int(v) if float(v).is_integer() else float(v) for v in self.values)
        ascending = all(a < b for a, b in zip(values, values[1:], strict=False))
        if not values or not ascending or not 0 <= values[0] <= values[-1] < math.inf:
            raise InvalidSpace(
                f"the values of fidelity {self.name!r} must ascend strictly from 0 or above: {values!r}"
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "_index", {value: index for index, value in enumerate(values)})

    def index(self, value: float) -> int:
        """The position of a fidelity among ``values``; it must agree with one of them to 12 digits.

        So ``0.1 * 3``, which is 0.30000000000000004, is 0.3.

        Raises:
            UnknownFidelity: It is not one of them.
        """
        positions: dict[float, int] = self.__dict__["_index"]
        try:
            known = positions.get(value)
            if known is not None:
                return known
            position = self.index_at_or_above(value)
            if position is not None and math.isclose(self.values[position], value, rel_tol=SAME):
                return position
        except TypeError:
            pass
        raise UnknownFidelity(f"{self.name}={value!r} is not in {self.describe()}")

    def index_at_or_above(self, wanted: float | Fraction) -> int | None:
        """The position of the smallest value at or above a number; ``None`` where all are below it.

        A value that agrees with the number to 12 digits counts as equal.
        """
        position = bisect_left(self.values, wanted)
        above = self.values[position] if position < len(self.values) else math.inf
        below = self.values[position - 1] if position else -math.inf
        if above != wanted and wanted - below <= min(SAME * below, above - wanted):
            return position - 1
        return position if above < math.inf else None

    def describe(self) -> str:
        """The values in a few words: ``1..50``, ``0..10000 in steps of 200``, or the list."""
        first, last, steps = (
            self.values[0],
            self.values[-1],
            {b - a for a, b in zip(self.values, self.values[1:], strict=False)},
        )
        if len(self.values) > 2 and len(steps) == 1:
            step = steps.pop()
            return f"{first}..{last}" + (f" in steps of {step}" if step != 1 else "")
        return ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Schema:
    """What a scheduler may know about a blackbox before the first trial.

    Args:
        space: The search space.
        fidelity: The resource axis.
        objectives: The recorded quantities, in order.
        target: The name of the objective that a scheduler optimizes by default.
        time: The name of the objective that is the elapsed training seconds; ``None`` if none is recorded.

    Raises:
        InvalidSpace: Two things have the same name, a name is reserved, the target has no goal, or the time
            is not cumulative.
    """

    space: Space
    fidelity: Fidelity
    objectives: tuple[Objective, ...]
    target: str
    time: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "objectives", tuple(self.objectives))
        names = [*RESERVED, self.fidelity.name, *(o.name for o in self.objectives), *self.space.domains]
        times = Counter(names)
        for name in names:
            _check_name(name)
            if times[name] > 1:
                raise InvalidSpace(f"the name {name!r} is taken already; choose another one")
        for objective in self.objectives:
            if _is_taken(objective):
                raise InvalidSpace(
                    f"an objective cannot be called {objective.name!r}: the results of a run have a "
                    f"column of that name. Rename it; the time of a training is 'elapsed_time'"
                )
        if self.objective(self.target).goal == "none":
            raise InvalidSpace(f"the target {self.target!r} has no goal; it needs 'min' or 'max'")
        if self.time is not None and not self.objective(self.time).cumulative:
            raise InvalidSpace(f"the time {self.time!r} must be cumulative: seconds since training began")

    @property
    def curve_names(self) -> list[str]:
        """The objectives with a value at each fidelity, in order."""
        return [objective.name for objective in self.objectives if not objective.constant]

    @property
    def constant_names(self) -> list[str]:
        """The objectives with one value for the whole training run, in order."""
        return [objective.name for objective in self.objectives if objective.constant]

    def objective(self, name: str) -> Objective:
        """The objective of that name.

        Raises:
            UnknownName: There is none.
        """
        for objective in self.objectives:
            if objective.name == name:
                return objective
        raise UnknownName("objective", name, [objective.name for objective in self.objectives])

    def with_target(self, name: str) -> Schema:
        """The same schema with another objective to optimize.

        Raises:
            UnknownName: There is no such objective.
            InvalidSpace: It has no goal.
        """
        return replace(self, target=name)

    def with_objectives(self, names: Sequence[str]) -> Schema:
        """The same schema with some of its objectives, in their own order.

        The target and the time stay if they are among them; otherwise the first one with a goal is the
        target, and there is no time. If all of them are constant, the time, or else the first curve, comes
        along, because only points say how long a run was.

        Raises:
            UnknownName: There is no such objective.
            InvalidOption: None of them has a goal.
        """
        goals = [name for name in names if self.objective(name).goal != "none"]
        if not goals:
            known = [objective.name for objective in self.objectives if objective.goal != "none"]
            raise InvalidOption(
                f"none of the objectives {list(names)!r} has a goal; name one of {known!r}, too"
            )
        curves = [*([] if self.time is None else [self.time]), *self.curve_names]
        kept = {*names, *([] if set(names) & set(curves) else curves[:1])}
        return replace(
            self,
            objectives=tuple(objective for objective in self.objectives if objective.name in kept),
            target=self.target if self.target in names else goals[0],
            time=self.time if self.time in kept else None,
        )

    def with_ranges(self, ranges: Mapping[str, tuple[float, float]]) -> Schema:
        """The same schema with the known ranges of one task: objective -> smallest and largest value."""
        known = [replace(o, known_range=ranges.get(o.name, o.known_range)) for o in self.objectives]
        return replace(self, objectives=tuple(known))

    def meaning(self) -> str:
        """A text for digests, which leaves out known ranges as they do not change what values mean."""
        objectives = tuple(replace(objective, known_range=None) for objective in self.objectives)
        return json.dumps(replace(self, objectives=objectives).to_json(), sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of docs/format.md; :meth:`from_json` gives back an equal schema."""
        return {
            "space": self.space.to_json(),
            "fidelity": {
                "name": self.fidelity.name,
                "unit": self.fidelity.unit,
                "kind": self.fidelity.kind,
                "values": list(self.fidelity.values),
            },
            "objectives": [_objective_to_json(objective) for objective in self.objectives],
            "target": self.target,
            "time": self.time,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "the schema") -> Schema:
        """The schema that :meth:`to_json` wrote.

        Args:
            data: The JSON object.
            where: A name of the object for messages.

        Raises:
            FormatError: The object is malformed.
            InvalidSpace: The schema contradicts itself.
        """
        read = typed_json.convert(data, _SchemaJson, where)
        space = Space.from_json(read.space, f"{where}: space")
        return cls(space, read.fidelity, read.objectives, read.target, read.time)


@dataclass(frozen=True)
class _SchemaJson:
    space: dict[str, Any]
    fidelity: Fidelity
    objectives: tuple[Objective, ...]
    target: str
    time: str | None


def _objective_to_json(objective: Objective) -> dict[str, Any]:
    return {name: value for name, value in asdict(objective).items() if value is not None}


def _is_taken(objective: Objective) -> bool:
    """Whether a run's results have a column of that name beside the objective's."""
    beside_constants = objective.name in CONSTANT_COLUMNS or objective.name.startswith("config.")
    return objective.name in RESULT_COLUMNS or (objective.constant and beside_constants)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isprintable() or name != name.strip() or not name:
        raise InvalidSpace(f"the name {name!a} must be printable text without spaces at its ends")


def _check_range(name: str, known: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in known)
    except (TypeError, ValueError, OverflowError):
        low = high = math.nan
    if not -math.inf < low <= high < math.inf:
        raise InvalidSpace(
            f"the known range {known!r} of {name!r} must be the smallest and the largest value, both finite; "
            f"leave it out where they are not known"
        )
    return low, high


def _check_word(what: str, word: str, allowed: tuple[str, ...]) -> None:
    if word not in allowed:
        raise InvalidSpace(f"the {what} {word!r} must be one of {', '.join(map(repr, allowed))}")
