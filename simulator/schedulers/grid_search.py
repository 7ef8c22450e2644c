"""Grid search: every configuration of the grid once, in its order, each trained to its end."""

from __future__ import annotations

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from simulator.scheduler import Decision, Report, Start, Trial, continue_until


class GridSearch:
    """Starts the configurations of the grid one by one, then nothing.

    Args:
        schema: Of the blackbox.
        seed: Not used; every scheduler of ours is made from a schema and a seed.
        points: To how many values a continuous hyperparameter is cut, from end to end; finite ones keep all
            of their values, integers at most so many.

    Raises:
        InvalidOption: Fewer than two points.
    """

    def __init__(self, schema: Schema, seed: int = 0, *, points: int = 3) -> None:
        del seed
        if isinstance(points, bool) or not isinstance(points, int) or points < 2:
            raise InvalidOption(f"points is {points!r}, but must be a whole number, 2 or more")
        self._points = points
        self._grid = iter(schema.space.grid(points))
        self._last = schema.fidelity.values[-1]

    def __repr__(self) -> str:
        return f"GridSearch(points={self._points})"

    def suggest(self) -> Start | None:
        """The next configuration of the grid, or nothing more."""
        configuration = next(self._grid, None)
        return None if configuration is None else Start(configuration)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Never stops."""
        return continue_until(self._last)

    def on_end(self, trial: Trial) -> None:
        """Learns nothing."""
