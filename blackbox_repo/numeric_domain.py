"""The numeric domain behind a list of numbers, such as the learning rates of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from blackbox_repo.domains import Float, Integer, Value
from blackbox_repo.errors import InvalidSpace
from blackbox_repo.numeric.elementary import log
from blackbox_repo.numeric.scalars import is_number

FEWEST = 3
"""Fewer values say nothing about the scale between them."""

_LENIENCY = 1.1


def numeric_domain(values: Sequence[Value]) -> Float | Integer | None:
    """The smallest numeric domain that holds the values; ``None`` if they are not all numbers.

    It reaches from the smallest value to the largest one, is an :class:`Integer` if all values are whole, and
    in log scale if they are :func:`geometric`. It is ``None`` too where the width is beyond the range of
    floats.
    """
    numbers = [value for value in values if is_number(value)]
    if not numbers or len(numbers) < len(values):
        return None
    kind: type[Float | Integer] = Integer if all(number == int(number) for number in numbers) else Float
    ends: Any = min(numbers), max(numbers)
    try:
        return kind(ends[0], ends[1], geometric(numbers))
    except (InvalidSpace, OverflowError):
        return None


def geometric(numbers: Sequence[int | float]) -> bool:
    """Whether log scale suits the numbers: they are about as evenly spaced in it as in linear scale, or more.

    How uneven sorted numbers are is the ratio of their largest step to the smallest one. That of 16, 32, 64
    is 2 in linear scale and 1 in log scale; that of 1, 2, 3 is 1 and 1.7; that of 0.0005, 0.001, 0.005, 0.01
    is 10 and 2.3. Log scale may be a tenth more uneven, since 0.0003, 0.0006, 0.001 is meant to be geometric
    (1.33 and 1.36). Below three numbers, below a factor of two between the ends, where the two scales hardly
    differ, and where a number is not positive the answer is no.
    """
    ascending = sorted(set(numbers))
    if len(ascending) < FEWEST or ascending[0] <= 0 or ascending[-1] < 2 * ascending[0]:
        return False
    in_log_scale = _unevenness([log(number) for number in ascending])
    return in_log_scale <= _LENIENCY * _unevenness(ascending)


def _unevenness(ascending: Sequence[int | float]) -> float:
    steps = [high - low for low, high in zip(ascending, ascending[1:], strict=False)]
    return max(steps) / min(steps) if min(steps) else math.inf
