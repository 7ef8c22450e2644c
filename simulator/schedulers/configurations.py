"""Random configurations, one after the other; the k-th one is a function of the seed and k."""

from __future__ import annotations

from collections import deque

from blackbox_repo.domains import Value
from blackbox_repo.space import Space


class RandomConfigurations:
    """Draws from a space; schedulers with the same seed start the same configurations in the same order.

    Args:
        space: What to draw from.
        seed: Of the draws.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed
        self._drawn = 0
        self._ahead: deque[dict[str, Value]] = deque()

    def next(self) -> dict[str, Value]:
        """The next configuration."""
        self.upcoming(1)
        return self._ahead.popleft()

    def upcoming(self, count: int) -> list[dict[str, Value]]:
        """The configurations that the next calls of :meth:`next` will give."""
        while len(self._ahead) < count:
            self._ahead.append(self._space.sample(self._seed, "random search", self._drawn))
            self._drawn += 1
        return [self._ahead[k] for k in range(count)]
