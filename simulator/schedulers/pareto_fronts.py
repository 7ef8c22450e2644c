"""Non-dominated sorting that is updated with every point, and crowding distances."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from operator import le

import numpy as np

from blackbox_repo.curve import Array

Point = tuple[float, ...]
"""The losses of a point, all to be minimized."""


class ParetoFronts:
    """Points in fronts: each is dominated by a point of the front before its own, and by none of its own.

    A point dominates another if it is nowhere worse and somewhere better. For two losses that are
    independent, adding a point takes time in proportion to the number of fronts, about the square root of the
    number of points.
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
            pushed_out = _exchange(points, front)
            self._sizes[index] = len(front)
            index += 1
            if not pushed_out:
                return
            if len(front) == len(points):  # the whole front was pushed out: those behind it move by one
                self._fronts.insert(index, pushed_out)
                self._sizes.insert(index, len(pushed_out))
                return
            points = pushed_out
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
    before = bisect_left(front, point)
    if len(point) == 2:  # of the points before it, the last one has the smallest second loss
        return before > 0 and front[before - 1][1] <= point[1]
    return any(_dominates(front[index], point) for index in range(before - 1, -1, -1))


def _dominates(one: Point, other: Point) -> bool:
    return all(map(le, one, other)) and one != other


def _exchange(points: list[Point], front: list[Point]) -> list[Point]:
    """Put points into a front and take out the points that they dominate; all are in lexicographic order.

    The points do not dominate one another. They are a single one, or the points that were pushed out of the
    front before.
    """
    first = bisect_left(front, points[0])
    if len(points[0]) == 2:  # the dominated points lie side by side, because the points did so
        last, (_, lowest) = first, points[-1]
        while last < len(front) and front[last][1] >= lowest and front[last] != points[-1]:
            last += 1
        taken, front[first:last] = front[first:last], points
        return taken
    kept: list[Point] = []
    taken = []
    for other in front[first:]:
        (taken if any(_dominates(point, other) for point in points) else kept).append(other)
    front[first:] = sorted(kept + points)
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
