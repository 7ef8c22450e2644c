"""Random configurations, one after the other; the k-th one is a function of the seed and k."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from blackbox_repo.domains import Value
from blackbox_repo.space import Configuration, Space
from simulator.schedulers.settings import check_initial


class RandomConfigurations:
    """Draws from a space; schedulers with the same seed start the same configurations in the same order.

    Args:
        space: What to draw from.
        seed: Of the draws.
        initial: Configurations that come before the first draw.

    Raises:
        InvalidOption: ``initial`` has something that is not in the space.
    """

    def __init__(self, space: Space, seed: int, initial: Sequence[Configuration] = ()) -> None:
        self._space, self._seed = space, seed
        self.initial = check_initial(space, initial)
        self._drawn = 0
        self._ahead: deque[dict[str, Value]] = deque(self.initial)

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
