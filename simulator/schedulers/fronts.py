"""Non-dominated sorting that is kept up to date while points come in, and who is first within a front."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort

import numpy as np

from blackbox_repo.curve import Array

Point = tuple[float, ...]
"""The losses of a point, all to be small."""


class Fronts:
    """Points in fronts: each is dominated by one of the front before its own, and by none of its own.

    A point dominates another if it is nowhere worse and somewhere better. Adding one takes, for two losses,
    about the square root of the number of points.
    """

    def __init__(self) -> None:
        self._fronts: list[list[Point]] = []  # each in lexicographic order
        self._sizes = array("q")  # of the fronts
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def insert(self, point: Point) -> int:
        """Add a point; the number of its front, from 0."""
        self._count += 1
        low, high = 0, len(self._fronts)
        while low < high:  # whoever is dominated in a front is so in all before it
            middle = (low + high) // 2
            low, high = (middle + 1, high) if _dominated(point, self._fronts[middle]) else (low, middle)
        self._push([point], low)
        return low

    def _push(self, points: list[Point], number: int) -> None:
        """Put points into a front; what they dominate there goes into the next one, and so on."""
        while number < len(self._fronts):
            front = self._fronts[number]
            pushed_out: list[Point] = []
            for point in points:
                pushed_out += _take_dominated(point, front)
            if not front:  # all of it makes way: so does every front behind it, in one piece
                self._fronts[number] = points
                self._fronts.insert(number + 1, sorted(pushed_out))
                self._sizes[number] = len(points)
                self._sizes.insert(number + 1, len(pushed_out))
                return
            for point in points:
                insort(front, point)
            self._sizes[number] = len(front)
            if not pushed_out:
                return
            points, number = sorted(pushed_out), number + 1
        self._fronts.append(points)
        self._sizes.append(len(points))

    def place(self, point: Point, front: int, enough: int) -> int:
        """How many points come before the latest of a front: those of better fronts, then the less crowded.

        Args:
            point: The latest point.
            front: The number of its front.
            enough: With so many or more before it, the exact number does not matter.
        """
        if front >= enough:  # there is a point or more in each front
            return front
        before = int(np.frombuffer(self._sizes, dtype=np.int64)[:front].sum())
        own = self._fronts[front]
        if before >= enough or before + len(own) <= enough:
            return before
        lonely = crowding_distances(own)
        return before + int((lonely > lonely[own.index(point)]).sum())


def _dominated(point: Point, front: list[Point]) -> bool:
    """Whether one of a front dominates a point; who does comes before it."""
    for index in range(bisect_left(front, point) - 1, -1, -1):
        if all(a <= b for a, b in zip(front[index], point, strict=True)):
            return True
        if len(point) == 2:  # the last one before it has the smallest second loss
            return False
    return False


def _take_dominated(point: Point, front: list[Point]) -> list[Point]:
    """Take out of a front whom a point dominates; they come after it."""
    first = bisect_left(front, point)
    if len(point) == 2:  # they lie side by side
        last = first
        while last < len(front) and front[last][1] >= point[1] and front[last] != point:
            last += 1
        taken = front[first:last]
        del front[first:last]
        return taken
    kept: list[Point] = []
    others: list[Point] = []
    for other in front[first:]:
        worse = other != point and all(a <= b for a, b in zip(point, other, strict=True))
        (others if worse else kept).append(other)
    front[first:] = kept
    return others


def crowding_distances(front: list[Point]) -> Array:
    """For each point how far its neighbours in each loss are apart (Deb et al., NSGA-II, 2002).

    The differences are divided by the whole front's and added up; who is at an end has an infinite distance.
    """
    distances = np.zeros(len(front))
    for losses in np.array(front).T:
        order = np.argsort(losses, kind="stable")
        ranked = losses[order]
        distances[order[[0, -1]]] = math.inf
        with np.errstate(invalid="ignore", over="ignore"):  # infinite losses, or nearly so
            span = ranked[-1] - ranked[0]
        if 0 < span < math.inf:
            distances[order[1:-1]] += (ranked[2:] - ranked[:-2]) / span
    return distances
