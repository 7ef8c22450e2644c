"""Grid search: every configuration of the grid once, each trained to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blackbox_repo.errors import InvalidOption, TooEntangled
from blackbox_repo.numeric.scalars import flag, whole
from blackbox_repo.permutation import Permutation
from blackbox_repo.space import Configuration
from simulator.scheduler import Decision, Report, Start, Trial, continue_until
from simulator.scheduler_settings import check_initial
from simulator.schedulers.base import ReferenceScheduler


@dataclass(repr=False, eq=False, kw_only=True)
class GridSearch(ReferenceScheduler):
    """Starts each configuration of the grid, then nothing; the grid is computed one configuration at a time.

    Args:
        schema: What the blackbox records.
        seed: The seed of the order, if it is shuffled.
        points: How many values of a float, from end to end of its domain, 2 or more. An integer gets so many
            at most.
        shuffle: Whether the order is random; by default the last hyperparameter changes fastest.
        repeat: The number of trials of each configuration, one after the other.
        initial: Configurations to try first, perhaps in part; the grid leaves them out.

    Raises:
        InvalidOption: A setting is outside its range, ``initial`` has a configuration that is not in the
            space, or the conditions of the space are too entangled for its grid to be counted.
    """

    points: int = 3
    shuffle: bool = False
    repeat: int = 1
    initial: Sequence[Configuration] = ()

    def __post_init__(self) -> None:
        space = self.schema.space
        self.seed, self.points = whole("seed", self.seed), whole("points", self.points, 2)
        self.shuffle = flag("shuffle", self.shuffle)
        repeat = whole("repeat", self.repeat, 1)
        self.initial = check_initial(space, self.initial)
        try:
            self._grid = space.grid(self.points)
        except TooEntangled as err:
            raise InvalidOption(f"there is no grid search of this space: {err}") from err
        self._order = Permutation(self._grid.size, self.seed, "grid") if self.shuffle else None
        self._remaining = self._starts(repeat)
        self._to_the_end = continue_until(self.schema.fidelity.values[-1])

    def suggest(self) -> Start | None:
        """The next configuration of the grid, or nothing more."""
        return next(self._remaining, None)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stop a trial."""
        return self._to_the_end

    def on_end(self, trial: Trial) -> None:
        """Do nothing: grid search does not learn."""

    def _starts(self, repeat: int) -> Iterator[Start]:
        for configuration in self._configurations():
            for _ in range(repeat):
                yield Start(dict(configuration))

    def _configurations(self) -> Iterator[Configuration]:
        yield from self.initial
        identity = self.schema.space.identity
        initial = set(map(identity, self.initial))
        for index in range(self._grid.size):
            configuration = self._grid[index if self._order is None else self._order[index]]
            if not initial or identity(configuration) not in initial:
                yield configuration
