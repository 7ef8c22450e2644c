"""The progress of a run in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

from blackbox_repo.schema import Schema
from blackbox_repo.text.humanize import in_words
from blackbox_repo.text.plain_text import printable
from simulator.callbacks import Callback
from simulator.kernel.run_state import RunState
from simulator.settings.stopping import Stop

INSTANTS_BETWEEN_UPDATES = 64
_WIDE = 70  # columns of the terminal


class ProgressBar(Callback):
    """A line on stderr with simulated time, trials and jobs, gone when the run is over."""

    hears_reports = False

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._instants = 0
        self._progress: Progress | None = None

    def on_start(self, schema: Schema, workers: int, stop: Stop) -> None:
        """Show the line."""
        del workers
        self._timed = stop.time is not None
        self._progress = Progress(*self._columns(), console=self._console, transient=True)
        self._task = self._progress.add_task(
            "run", total=stop.time, time="0 s", trials=0, target=printable(schema.target), best="-"
        )
        self._progress.start()

    def _columns(self) -> list[ProgressColumn]:
        """What the line shows: less where the terminal is narrow."""
        time = TextColumn("simulated {task.fields[time]}", markup=False)
        trials = "{task.fields[trials]:,} trials, best {task.fields[target]} {task.fields[best]}"
        if self._console.width >= _WIDE:
            return [time, BarColumn(), TextColumn(trials, markup=False)]
        short = "{task.fields[time]}: {task.fields[trials]:,} trials, best {task.fields[best]}"
        return [TextColumn(short, markup=False)]

    def on_instant(self, state: RunState) -> None:
        """Bring the line up to date now and then."""
        self._instants += 1
        if self._progress is None or self._instants % INSTANTS_BETWEEN_UPDATES:
            return
        self._progress.update(
            self._task,
            completed=state.time if self._timed else None,
            time=in_words(state.time),
            trials=state.trials_started,
            best="-" if state.best is None else f"{state.best:.6g}",
        )

    def close(self) -> None:
        """Take the line away, however the run ended."""
        if self._progress is not None:
            self._progress.stop()
