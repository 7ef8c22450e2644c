"""Non-dominated sorting that is updated with every point, and crowding distances."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort

import numpy as np

from blackbox_repo.curve import Array

Point = tuple[float, ...]
"""The losses of a point, all to be minimized."""


class ParetoFronts:
    """Points in fronts: each is dominated by a point of the front before its own, and by none of its own.

    A point dominates another if it is nowhere worse and somewhere better. For two losses, adding a point
    takes time in proportion to the square root of the number of points, more or less.
    """

    def __init__(self) -> None:
        self._fronts: list[list[Point]] = []  # each in lexicographic order
        self._sizes = array("q")  # of the fronts
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def insert(self, point: Point) -> int:
        """Add a point and return the index of its front, from 0."""
        self._count += 1
        low, high = 0, len(self._fronts)
        while low < high:  # a point that is dominated in a front is dominated in all fronts before it
            middle = (low + high) // 2
            low, high = (middle + 1, high) if _is_dominated(point, self._fronts[middle]) else (low, middle)
        self._push([point], low)
        return low

    def _push(self, points: list[Point], index: int) -> None:
        """Put points into a front; the points that they dominate there go into the next one, and so on."""
        while index < len(self._fronts):
            front = self._fronts[index]
            pushed_out: list[Point] = []
            for point in points:
                pushed_out += _take_dominated(point, front)
            if not front:  # the whole front is pushed out, so every front behind it moves by one
                self._fronts[index] = points
                self._fronts.insert(index + 1, sorted(pushed_out))
                self._sizes[index] = len(points)
                self._sizes.insert(index + 1, len(pushed_out))
                return
            for point in points:
                insort(front, point)
            self._sizes[index] = len(front)
            if not pushed_out:
                return
            points, index = sorted(pushed_out), index + 1
        self._fronts.append(points)
        self._sizes.append(len(points))

    def rank(self, point: Point, front: int, enough: int) -> int:
        """How many points are better than the latest one: those of better fronts, then the less crowded.

        Args:
            point: The latest point.
            front: The index of its front.
            enough: From this number on, the exact rank does not matter.
        """
        if front >= enough:  # there is a point or more in each front
            return front
        better = int(np.frombuffer(self._sizes, dtype=np.int64)[:front].sum())
        own = self._fronts[front]
        if better >= enough or better + len(own) <= enough:
            return better
        distances = crowding_distances(own)
        return better + int((distances > distances[own.index(point)]).sum())


def _is_dominated(point: Point, front: list[Point]) -> bool:
    """Whether a point of a front dominates another; it comes before it in lexicographic order."""
    for index in range(bisect_left(front, point) - 1, -1, -1):
        if all(a <= b for a, b in zip(front[index], point, strict=True)):
            return True
        if len(point) == 2:  # of all points before it, the last one has the smallest second loss
            return False
    return False


def _take_dominated(point: Point, front: list[Point]) -> list[Point]:
    """Take the points out of a front that a point dominates; they come after it in lexicographic order."""
    first = bisect_left(front, point)
    if len(point) == 2:  # they are neighbours in the front
        last = first
        while last < len(front) and front[last][1] >= point[1] and front[last] != point:
            last += 1
        taken = front[first:last]
        del front[first:last]
        return taken
    kept: list[Point] = []
    taken = []
    for other in front[first:]:
        worse = other != point and all(a <= b for a, b in zip(point, other, strict=True))
        (taken if worse else kept).append(other)
    front[first:] = kept
    return taken


def crowding_distances(front: list[Point]) -> Array:
    """How far apart the neighbours of each point are in each loss (NSGA-II, Deb et al., 2002, III-B).

    The differences are divided by the range of the loss over the front and added up. A point at an end of a
    range has an infinite distance.
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
