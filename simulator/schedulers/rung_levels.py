"""Where the rungs of successive halving lie on the fidelity axis."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar

from blackbox_repo.errors import InvalidOption, UnknownFidelity
from blackbox_repo.numeric.scalars import number
from blackbox_repo.schema import Fidelity
from simulator.scheduler import CONTINUE, Decision, continue_until
from simulator.schedulers.exact_fractions import fraction, ratio

_Rung = TypeVar("_Rung")

MAX_POWERS = 10_000
"""How many powers of ``eta`` may lie below the largest fidelity: more are hardly any different from all."""


def compute_levels(
    fidelity: Fidelity, eta: float, r_min: float | None = None, rungs: Sequence[float] | None = None
) -> list[float]:
    """The fidelities up to which jobs train: the rungs in ascending order, then the largest fidelity.

    Args:
        fidelity: The fidelity axis of the blackbox.
        eta: The reduction factor, above 1: how much farther the next rung is.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs themselves, instead of ``r_min`` and the powers of ``eta``.

    Raises:
        InvalidOption: ``eta`` is not above 1; ``r_min`` is not above 0 or leaves no rung below the largest
            fidelity; ``rungs`` are not ascending fidelities between 0 and the largest; both are given.
    """
    if rungs is None:
        return [*compute_rungs(fidelity, r_min, eta), fidelity.values[-1]]
    if r_min is not None:
        raise InvalidOption(f"r_min is {r_min!r} and rungs is {rungs!r}, but only one of them may be given")
    number("eta", eta, above=1)
    return [*_check_rungs(fidelity, rungs), fidelity.values[-1]]


def _check_rungs(fidelity: Fidelity, rungs: object) -> list[float]:
    above = "above 0 and " if fidelity.values[0] == 0 else ""  # no other fidelity is a multiple of 0
    rule = f"fidelities of {fidelity.describe()} {above}below the largest, ascending"
    if isinstance(rungs, str) or not isinstance(rungs, Sequence) or not rungs:
        raise InvalidOption(f"rungs is {rungs!r}, but must be a list of {rule}")
    try:
        positions = [fidelity.index(rung) for rung in rungs]
    except UnknownFidelity as err:
        raise InvalidOption(f"rungs is {list(rungs)!r}, but must be {rule}: {err}") from err
    found = [fidelity.values[position] for position in positions]
    if found != sorted(set(found)) or not 0 < found[0] <= found[-1] < fidelity.values[-1]:
        raise InvalidOption(f"rungs is {list(rungs)!r}, but must be {rule}")
    return found


def compute_rungs(fidelity: Fidelity, r_min: float | None, eta: float) -> tuple[float, ...]:
    """The fidelities at which trials are compared: at or next above r_min * eta^j, all below the largest.

    The powers are calculated exactly (``exact_fractions.py``) from the decimals that ``r_min`` and ``eta``
    are written as. A fidelity that is the next one above several powers is one rung.

    Args:
        fidelity: The fidelity axis of the blackbox.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        eta: The reduction factor, above 1: how much farther the next rung is.

    Raises:
        InvalidOption: ``eta`` is not above 1, or ``r_min`` is not above 0 or so large that no rung is left.
    """
    number("eta", eta, above=1)
    if r_min is not None:
        number("r_min", r_min, above=0)
    positive = [value for value in fidelity.values if value > 0]
    if len(positive) < 2:
        return ()
    rungs = _at_or_next_above_powers(fidelity, fraction(positive[0] if r_min is None else r_min), eta)
    if not rungs:
        raise InvalidOption(
            f"r_min is {r_min!r}, but must leave a rung below the largest fidelity: at most "
            f"{fidelity.name}={positive[-2]} of {fidelity.describe()}"
        )
    return rungs


def _at_or_next_above_powers(fidelity: Fidelity, wanted: Fraction, eta: float) -> tuple[float, ...]:
    largest, factor, rungs = fidelity.values[-1], fraction(eta), dict[float, None]()
    if wanted < largest and math.log(largest) - math.log(wanted) > MAX_POWERS * math.log(eta):
        raise InvalidOption(
            f"eta is {eta!r}, but must be so far above 1 that there are at most {MAX_POWERS} of its powers "
            f"up to {fidelity.name}={largest}; rungs can be given one by one instead"
        )
    while wanted < largest:
        position = fidelity.index_at_or_above(wanted)
        assert position is not None
        if position < len(fidelity.values) - 1:
            rungs[fidelity.values[position]] = None
        wanted *= factor
    return tuple(rungs)


def make_rungs(
    fidelity: Fidelity, levels: Sequence[float], kind: Callable[[Fraction], _Rung]
) -> dict[int, _Rung]:
    """A rung at each level but the last, by the position of its fidelity.

    Args:
        fidelity: The fidelity axis of the blackbox.
        levels: The rungs in ascending order, then the largest fidelity.
        kind: Makes a rung from r_j / r_(j+1), which is the share of its trials that may continue.
    """
    pairs = zip(levels, levels[1:], strict=False)
    return {fidelity.index(low): kind(ratio(low, high)) for low, high in pairs}


def continue_to_levels(fidelity: Fidelity, levels: Sequence[float]) -> list[Decision]:
    """For each fidelity, by position, the decision to continue to the first of the levels above it.

    From the last level on, a trial continues to the end of its curve.
    """
    decisions = [*map(continue_until, levels), CONTINUE]
    return [decisions[bisect(levels, value)] for value in fidelity.values]
