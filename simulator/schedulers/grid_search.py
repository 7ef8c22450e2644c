"""Grid search: every configuration of the grid once, each trained to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidOption, TooEntangled
from blackbox_repo.numeric.scalars import flag, whole
from blackbox_repo.permutation import Permutation
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.scheduler import Decision, Report, Start, Trial, continue_until
from simulator.schedulers.settings import check_initial, format_call


class GridSearch:
    """Starts the configurations of the grid one by one, then nothing; the grid is computed point by point.

    Args:
        schema: Of the blackbox.
        seed: Of the order, if it is shuffled.
        points: How many values of a float, from end to end, and of an integer at most.
        shuffle: Whether the order is drawn; else the last hyperparameter turns fastest.
        repeat: How many trials each configuration gets, one after the other.
        initial: Configurations to try first, perhaps in part; the grid leaves them out.

    Raises:
        InvalidOption: A setting outside its range, ``initial`` has something that is not in the space, or the
            conditions of the space are too entangled for its grid to be counted.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        points: int = 3,
        shuffle: bool = False,
        repeat: int = 1,
        initial: Sequence[Configuration] = (),
    ) -> None:
        seed, points, shuffle = whole("seed", seed), whole("points", points, 2), flag("shuffle", shuffle)
        self._space, self._repeat = schema.space, whole("repeat", repeat, 1)
        self._first = check_initial(schema.space, initial)
        self._shown = format_call(
            "GridSearch",
            seed=seed,
            points=points,
            shuffle=shuffle,
            repeat=() if repeat == 1 else repeat,
            initial=self._first,
        )
        try:
            self._grid = schema.space.grid(points)
        except TooEntangled as err:
            raise InvalidOption(f"there is no grid search of this space: {err}") from err
        self._order = Permutation(self._grid.size, seed, "grid") if shuffle else None
        self._left = self._configurations()
        self._last = schema.fidelity.values[-1]

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """The next configuration of the grid, or nothing more."""
        configuration = next(self._left, None)
        return None if configuration is None else Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return continue_until(self._last)

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""

    def _configurations(self) -> Iterator[dict[str, Value]]:
        for configuration in self._each_once():
            for _ in range(self._repeat):
                yield dict(configuration)

    def _each_once(self) -> Iterator[dict[str, Value]]:
        yield from self._first
        first = set(map(self._space.identity, self._first))
        for place in range(self._grid.size):
            configuration = self._grid[place if self._order is None else self._order[place]]
            if not first or self._space.identity(configuration) not in first:
                yield configuration
