"""The progress of a run in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn

from blackbox_repo.schema import Schema
from blackbox_repo.text.humanize import format_duration
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.progress import make_bar, text_column
from simulator.callbacks import Callback
from simulator.run_state import RunState
from simulator.settings.stopping import Stop

INSTANTS_BETWEEN_UPDATES = 64
_WIDE = 70  # columns of the terminal


class ProgressBar(Callback):
    """A line on stderr with simulated time, trials and best value; it disappears when the run is over.

    Args:
        console: Another place than stderr.
    """

    hears_reports = False

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._instants = 0
        self._progress: Progress | None = None

    def on_start(self, schema: Schema, workers: int, stop: Stop) -> None:
        """Show the line."""
        del workers
        self._has_time_limit = stop.time is not None
        self._progress = make_bar(*self._columns(), console=self._console)
        self._task = self._progress.add_task(
            "run", total=stop.time, time="0 s", trials=0, target=printable(schema.target), best="-"
        )
        self._progress.start()

    def _columns(self) -> list[ProgressColumn]:
        """What the line shows: less where the terminal is narrow."""
        if self._console.width < _WIDE:
            return [
                text_column("{task.fields[time]}: {task.fields[trials]:,} trials, best {task.fields[best]}")
            ]
        trials = "{task.fields[trials]:,} trials, best {task.fields[target]} {task.fields[best]}"
        return [text_column("simulated {task.fields[time]}"), BarColumn(), text_column(trials)]

    def on_instant(self, state: RunState) -> None:
        """Update the line at every 64th instant."""
        self._instants += 1
        if self._progress is None or self._instants % INSTANTS_BETWEEN_UPDATES:
            return
        self._progress.update(
            self._task,
            completed=state.time if self._has_time_limit else None,
            time=format_duration(state.time),
            trials=state.trials_started,
            best="-" if state.best is None else f"{state.best:.6g}",
        )

    def close(self) -> None:
        """Remove the line, however the run ended."""
        if self._progress is not None:
            self._progress.stop()
