"""Random configurations, one after the other, as the seed orders them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from blackbox_repo.domains import Value
from blackbox_repo.numeric.scalars import flag, whole
from blackbox_repo.sampling import Sampler
from blackbox_repo.space import Configuration, Space
from simulator.scheduler import Start
from simulator.schedulers.settings import check_initial


class RandomConfigurations:
    """Draws from a space; schedulers with the same seed start the same configurations in the same order.

    From a finite space each configuration comes once, and nothing after the last one.

    Args:
        space: What to draw from.
        seed: Of the draws.
        initial: Configurations that come before the first draw, perhaps in part (:meth:`Space.completed`).
        duplicates: Draw each by itself from a finite space, too, without end.
        repeat: How often each comes, one time after the other.

    ``seed`` is it as an int, for the other draws of a scheduler.

    Raises:
        InvalidOption: ``initial`` has something that is not in the space, or another setting is none.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        initial: Sequence[Configuration] = (),
        *,
        duplicates: bool = False,
        repeat: int = 1,
    ) -> None:
        self.seed, duplicates = whole("seed", seed), flag("duplicates", duplicates)
        self._repeat = whole("repeat", repeat, 1)
        self.initial = check_initial(space, initial)
        self._sampler = Sampler(space, self.seed, "random search", duplicates=duplicates, known=self.initial)
        self._ahead: deque[dict[str, Value]] = deque()
        self._extend(self.initial)

    def next(self) -> dict[str, Value] | None:
        """The next configuration; ``None`` if there are no more."""
        self._look_ahead(1)
        return self._ahead.popleft() if self._ahead else None

    def start(self) -> Start | None:
        """A new trial of the next configuration; ``None`` if there are no more."""
        configuration = self.next()
        return None if configuration is None else Start(configuration)

    def upcoming(self, count: int) -> list[dict[str, Value]]:
        """The configurations that the next calls of :meth:`next` will give, fewer if there are no more."""
        self._look_ahead(count)
        return [self._ahead[k] for k in range(min(count, len(self._ahead)))]

    def _look_ahead(self, count: int) -> None:
        if len(self._ahead) < count:
            self._extend(self._sampler.take(-(-(count - len(self._ahead)) // self._repeat)))

    def _extend(self, configurations: Sequence[dict[str, Value]]) -> None:
        for configuration in configurations:
            self._ahead.append(configuration)
            self._ahead.extend(dict(configuration) for _ in range(self._repeat - 1))
