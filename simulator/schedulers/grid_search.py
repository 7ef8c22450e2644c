"""Grid search: every configuration of the grid once, each trained to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blackbox_repo import draw
from blackbox_repo.domains import Value
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration, configuration_text
from simulator.scheduler import Decision, Report, Start, Trial, continue_until
from simulator.schedulers.settings import check_initial, check_whole, shown


class GridSearch:
    """Starts the configurations of the grid one by one, then nothing.

    Args:
        schema: Of the blackbox.
        seed: Of the order, if it is shuffled.
        points: How many values of a float, from end to end, and of an integer at most.
        shuffle: Whether the order is drawn; else the last hyperparameter turns fastest.
        initial: Configurations to try first; the grid leaves them out.

    Raises:
        InvalidOption: Fewer than two points, or ``initial`` has something that is not in the space.
    """

    def __init__(
        self,
        schema: Schema,
        seed: int = 0,
        *,
        points: int = 3,
        shuffle: bool = False,
        initial: Sequence[Configuration] = (),
    ) -> None:
        check_whole("points", points, 2)
        if not isinstance(shuffle, bool):
            raise InvalidOption(f"shuffle is {shuffle!r}, but must be true or false")
        first = check_initial(schema.space, initial)
        self._shown = shown("GridSearch", seed=seed, points=points, shuffle=shuffle, initial=first)
        grid = schema.space.grid(points)
        if shuffle:
            places = [draw.unit(seed, "grid", index) for index in range(len(grid))]
            grid = [grid[index] for index in sorted(range(len(grid)), key=places.__getitem__)]
        self._grid = _each_once(first, grid)
        self._last = schema.fidelity.values[-1]

    def __repr__(self) -> str:
        return self._shown

    def suggest(self) -> Start | None:
        """The next configuration of the grid, or nothing more."""
        configuration = next(self._grid, None)
        return None if configuration is None else Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return continue_until(self._last)

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""


def _each_once(first: list[dict[str, Value]], grid: list[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    known = {configuration_text(configuration): configuration for configuration in first}
    yield from known.values()
    yield from (c for c in grid if not known or configuration_text(c) not in known)
