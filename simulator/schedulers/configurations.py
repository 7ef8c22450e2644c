"""Random configurations in an order that depends on the seed only."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from blackbox_repo.domains import Value
from blackbox_repo.numeric.scalars import flag, whole
from blackbox_repo.sampling import Sampler
from blackbox_repo.space import Configuration, Space
from simulator.scheduler import Start
from simulator.scheduler_settings import check_initial


class RandomConfigurations:
    """Draws configurations; all schedulers with the same seed start the same ones in the same order.

    A finite space gives each configuration once, and nothing after the last one.

    Args:
        space: The space to draw from.
        seed: The seed of the draws, any whole number.
        initial: Configurations that come before the first draw, perhaps in part (:meth:`Space.completed`).
        duplicates: Whether a finite space, too, is drawn from with replacement and without end.
        repeat: How many times each configuration comes, one after the other.

    Attributes:
        seed: The seed as an int.
        initial: The initial configurations, complete and each once.

    Raises:
        InvalidOption: ``initial`` has a configuration that is not in the space, or a setting is invalid.
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
        self._extend([dict(configuration) for configuration in self.initial])

    def next(self) -> dict[str, Value] | None:
        """The next configuration; ``None`` if there are no more."""
        if not self._ahead:
            self._draw(1)
        return self._ahead.popleft() if self._ahead else None

    def start(self) -> Start | None:
        """A new trial of the next configuration; ``None`` if there are no more."""
        configuration = self.next()
        return None if configuration is None else Start(configuration)

    def upcoming(self, count: int) -> list[dict[str, Value]]:
        """The configurations that the next calls of :meth:`next` will give, fewer if there are no more."""
        if len(self._ahead) < count:
            self._draw(count - len(self._ahead))
        return [self._ahead[k] for k in range(min(count, len(self._ahead)))]

    def _draw(self, count: int) -> None:
        """Draw at least so many configurations, counting their repetitions, unless there are no more."""
        self._extend(self._sampler.take(-(-count // self._repeat)))

    def _extend(self, configurations: Sequence[dict[str, Value]]) -> None:
        if self._repeat == 1:
            self._ahead.extend(configurations)
        else:
            self._ahead.extend(dict(each) for each in configurations for _ in range(self._repeat))
