"""How a surrogate is fitted, apart from the settings of its model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import is_bool, whole

Seeds = Literal["merged", "separate"]
MAX_SAMPLES = 10_000


@dataclass(frozen=True)
class FitOptions:
    """How a surrogate is fitted.

    Args:
        seeds: ``"merged"``: one model of the mean over the seeds of each configuration, which has the seed 0.
            ``"separate"``: a model for each seed of the table.
        noise: Whether repeated trainings differ as those of the table do: the seeds of the table are kept,
            and each adds its own residual to the prediction.
        objectives: Which objectives are predicted; by default all.
        max_samples: At most so many configurations are learnt from, drawn with the seed of the fit. It bounds
            the memory that fitting takes; ``None`` for all.

    Raises:
        InvalidOption: One of them is wrong, or ``noise`` is asked for with separate seeds.
    """

    seeds: Seeds = "merged"
    noise: bool = False
    objectives: Sequence[str] | None = None
    max_samples: int | None = MAX_SAMPLES

    def __post_init__(self) -> None:
        if not isinstance(self.seeds, str) or self.seeds not in get_args(Seeds):
            raise InvalidOption(f"seeds is {self.seeds!r}, but must be 'merged' or 'separate'")
        if not is_bool(self.noise):
            raise InvalidOption(f"noise is {self.noise!r}, but must be True or False")
        object.__setattr__(self, "noise", bool(self.noise))
        if self.noise and self.seeds == "separate":
            raise InvalidOption("noise is drawn around the mean over the seeds; take seeds='merged' with it")
        if self.objectives is not None:
            object.__setattr__(self, "objectives", _names(self.objectives))
        if self.max_samples is not None:
            object.__setattr__(self, "max_samples", whole("max_samples", self.max_samples, 1))

    def unusual(self) -> dict[str, object]:
        """The options that are not the defaults, by name."""
        usual = FitOptions()
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in found.items() if value != getattr(usual, name)}


def _names(given: object) -> tuple[str, ...]:
    """The names of objectives that are given; numpy's strings become the equal built-in ones."""
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise InvalidOption(f"objectives is {given!r}, but must be a list of names, or None for all")
    return tuple(map(str, names))
