"""A finished run: its columns, its digest, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Objective
from blackbox_repo.space import Configuration
from blackbox_repo.text.plain_text import printable
from simulator.clock import to_seconds
from simulator.kernel.events import Kind
from simulator.kernel.segments import Code
from simulator.results.record import RunRecord
from simulator.settings.decision_time import Recorded

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 120
TOLD = (Code.CONTINUE, Code.PAUSE, Code.STOP)


@dataclass(frozen=True)
class Best:
    """The best value that was reported in a run.

    Args:
        objective: The name of the objective.
        value: The best value, in the objective's unit.
        trial: The number of the trial.
        configuration: What it trained.
        fidelity: Where on its curve.
        time: Simulated seconds at which the report arrived.
    """

    objective: str
    value: float
    trial: int
    configuration: Configuration
    fidelity: float
    time: float


@dataclass(frozen=True)
class Incumbent:
    """Each report that was better than all before it: equally long arrays, times ascending (seconds)."""

    time: Array
    value: Array
    trial: Array
    fidelity: Array


class Run(RunRecord):
    """A finished run. Nothing that it hands out can be changed; two runs are equal if their digests are.

    Its fields and columns are those of :class:`simulator.results.record.RunRecord`.
    """

    def __repr__(self) -> str:
        told = int(np.isin(self.report_columns["decision"], TOLD).sum())
        header = self.header
        scheduler = printable(header["scheduler"])
        shown = scheduler if len(scheduler) <= _SHOWN else f"{scheduler[: _SHOWN - 3]}..."
        return (
            f"<Run of {shown} on {header['blackbox']!r} with {header['workers']} workers, seed "
            f"{header['seed']}:\n {len(self.trial_columns['trial'])} trials and {told} reports in "
            f"{self.seconds:.9g} simulated seconds, ended by {self.reason!r};\n {self._found()}; digest "
            f"{self.digest[:12]}>"
        )

    def _found(self) -> str:
        constant = self.schema.objective(self.schema.target).constant
        best = None if constant else self.best()
        if best is None:
            return f"no best {self.schema.target}"
        where = f"{self.schema.fidelity.name} {best.fidelity} of trial {best.trial}"
        return f"best {best.objective} {best.value:.6g} at {where}"

    def trials(self) -> pa.Table:
        """One row a trial: number, ``config.<hyperparameter>``, seed, status, times, and so on.

        ``checkpoint_of`` is the trial with whose checkpoint it began; objectives that are constant along the
        curve stand here too. A hyperparameter whose values are of several kinds, or whole numbers of more
        than 64 bits, is a column of JSON texts (docs/format.md); :meth:`configuration` has the values.
        """
        from simulator.results.run_tables import trials_table

        return trials_table(self)

    def segments(self) -> pa.Table:
        """One row a job: trial, segment, worker, times (s), outcome; what a Gantt chart shows.

        ``until`` is the fidelity after which it was to end by itself, if its scheduler had said so; its curve
        may have ended before.
        The worker was busy from ``busy_from`` to ``ended`` and trained from ``started``, which is null if the
        run ended before.
        """
        from simulator.results.run_tables import segments_table

        return segments_table(self)

    def reports(self) -> pa.Table:
        """One row a point: time (s), trial, segment, fidelity, objectives, decision; in order of arrival."""
        from simulator.results.run_tables import reports_table

        return reports_table(self)

    def calls(self) -> pa.Table:
        """One row a call of the scheduler: what about, when (s) it arrived, was taken and answered, and how.

        Empty unless ``conditions`` had a decision time or polling (T12, T13). ``suggest`` has the trial and
        segment that came of it, if any. What the scheduler was thinking about when the run ended comes last:
        ``answered`` is when its answer would have come, which is null.
        """
        from simulator.results.run_tables import calls_table

        return calls_table(self)

    def incumbent(self, objective: str | None = None) -> Incumbent:
        """The reports that improved on all before, by default in the target.

        Raises:
            UnknownName: There is no such objective.
            InvalidOption: The objective has no goal, or is constant along the curve.
        """
        chosen = self._with_goal(objective)
        told = np.isin(self.report_columns["decision"], TOLD)
        values = self.report_columns[chosen.name][told].astype(np.float64)
        losses = np.where(np.isnan(values), np.inf, -values if chosen.goal == "max" else values)
        before = np.minimum.accumulate(np.concatenate([[np.inf], losses]))[:-1]
        better = losses < before
        columns = {name: self.report_columns[name][told][better] for name in ("time", "trial", "fidelity")}
        return Incumbent(value=values[better], **columns)

    def best(self, objective: str | None = None, *, by: float | None = None) -> Best | None:
        """The best report, by default in the target, at any time; ``None`` if there was none.

        Args:
            objective: Another objective than the target.
            by: Only reports up to this simulated second.

        Raises:
            UnknownName: There is no such objective.
            InvalidOption: The objective has no goal, or is constant along the curve.
        """
        incumbent = self.incumbent(objective)
        known = len(incumbent.time) if by is None else int((incumbent.time <= by).sum())
        if not known:
            return None
        trial = int(incumbent.trial[known - 1])
        return Best(
            objective=self._with_goal(objective).name,
            value=float(incumbent.value[known - 1]),
            trial=trial,
            configuration=self.configuration(trial),
            fidelity=incumbent.fidelity[known - 1].item(),
            time=float(incumbent.time[known - 1]),
        )

    def decision_times(self) -> Recorded:
        """How long the scheduler took for each answer, to be used in another run (T12).

        Raises:
            InvalidOption: The run had no decision time.
        """
        calls = self.call_columns
        if not calls["call"]:
            raise InvalidOption("the run has no decision times: conditions.decision_time was 0 in it")
        taken, answered = calls["taken"], calls["answered"]
        return Recorded(tuple(after - before for before, after in zip(taken, answered, strict=True)))

    def statistics(self) -> dict[str, float]:
        """Rates between 0 and 1 that tell how well the schedulers' suggestions and the workers were used.

        ``duplicates``: trials with a configuration that was started before. ``off_table``: trials whose curve
        is another configuration's that stands in for theirs. ``idle``: time of the workers, but for those
        away, without a job.
        """
        trials = len(self.trial_columns["trial"])
        different = {tuple(self.configuration(trial).items()) for trial in range(trials)}
        present = self.seconds * self.header["workers"] - self._seconds_away()
        busy = float(np.sum(np.subtract(self.segment_columns["ended"], self.segment_columns["busy_from"])))
        return {
            "duplicates": 1 - len(different) / trials if trials else 0.0,
            "off_table": sum(self.trial_columns["off_table"]) / trials if trials else 0.0,
            "idle": max(1 - busy / present, 0.0) if present > 0 else 0.0,
        }

    def _seconds_away(self) -> float:
        times = self.records["time"]
        lost, joined = (times[self.records["kind"] == kind] for kind in (Kind.LOST, Kind.JOINED))
        back = int(joined.sum()) + (len(lost) - len(joined)) * self.end
        return to_seconds(back - int(lost.sum()))

    def save(self, folder: str | Path, check: Callable[[Path], object] | None = None) -> None:
        """Write the run to a new folder: JSON and parquet files; it appears complete or not at all.

        Args:
            folder: Where.
            check: Called with a folder that exists; raises if it must not be replaced. By default only an
                empty one may be, and one that holds this very run.

        Raises:
            InvalidOption: The folder must not be replaced.
            AlreadyLocked: Another process is writing it.
        """
        from simulator.results.saved_run import save

        save(self, Path(folder), check)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a run that :meth:`save` wrote.

        Raises:
            FormatError: The folder holds no run, one of another format, or one that contradicts itself.
            IntegrityError: A file is not the one that was saved.
        """
        from simulator.results.saved_run import load

        return load(Path(folder), cls)

    def _with_goal(self, name: str | None) -> Objective:
        objective = self.schema.objective(name or self.schema.target)
        if objective.goal == "none" or objective.constant:
            raise InvalidOption(
                f"the objective {objective.name!r} cannot be best: it has no goal or is constant in a trial"
            )
        return objective
