"""What a scheduler did in a run, as a small text to be kept, and where another run departs from it.

A golden trace has a head (what was run, and the digest of the whole trace) and one line for each job that was
given, each decision to stop or pause, and each job's end that nobody decided. Reports on which a trial simply
went on are left out: the digest covers them. So a diff of two goldens shows what the scheduler did
differently; and if only the digests differ, the scheduler answered alike and something else has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from blackbox_repo.errors import FormatError
from blackbox_repo.space import Configuration, configuration_text
from simulator.run import TOLD, Run
from simulator.segments import Code

FORMAT = "# golden trace 1: what a scheduler suggested and decided; see docs/ci.md of blackbox-repo"
BEFORE, _TOLD_AT_MOST = 3, 6
_HEAD = ("blackbox", "blackbox_digest", "scheduler", "seed", "workers", "stop", "conditions", "version")
_DECIDED = ("stopped", "interrupted", "preempted")


@dataclass(frozen=True)
class Golden:
    """A golden trace.

    Args:
        head: What was run, and ``"digest"`` of its whole trace.
        lines: What the scheduler did, in the order of time.
    """

    head: Mapping[str, Any]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, run: Run) -> Golden:
        """The golden trace of a run."""
        head = {key: run.header[key] for key in _HEAD if key in run.header}
        head["result"] = f"{len(run.trial_columns['trial'])} trials, {len(run.records)} events, {run.reason}"
        return cls({**head, "digest": run.digest}, tuple(step.text for step in _steps(run)))

    @classmethod
    def parse(cls, text: str) -> Golden:
        """The golden trace that a text says.

        Raises:
            FormatError: It says none.
        """
        first, *lines = text.splitlines() or [""]
        if first != FORMAT:
            raise FormatError(f"it begins with {first[:80]!r}, but a golden trace begins with {FORMAT!r}")
        try:
            pairs = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
            head = {key: json.loads(value) for key, _, value in pairs}
        except ValueError as err:
            raise FormatError(f"the head of the golden trace is damaged: {err}") from err
        if "digest" not in head:
            raise FormatError("the head of the golden trace has no digest")
        return cls(head, tuple(line for line in lines if line and not line.startswith("#")))

    @property
    def text(self) -> str:
        """To be kept in a file."""
        head = [f"# {key}: {json.dumps(value)}" for key, value in self.head.items()]
        return "\n".join([FORMAT, *head, *self.lines, ""])

    def departure(self, run: Run) -> str | None:
        """Where a run departs from this trace, in words, or ``None``: their digests are equal.

        It names the first step that differs, the three before it, and what the scheduler had been told of the
        trials concerned.
        """
        if run.digest == self.head["digest"]:
            return None
        steps = list(_steps(run))
        now = [step.text for step in steps]
        pairs = zip(self.lines, now, strict=False)
        same = next(
            (k for k, (then, here) in enumerate(pairs) if then != here), min(len(self.lines), len(now))
        )
        if same == len(self.lines) == len(now):
            return self._elsewhere(run)
        shown = [f"    both  {line}" for line in now[max(same - BEFORE, 0) : same]]
        golden = self.lines[same] if same < len(self.lines) else "nothing more"
        instead = _went_on(run, golden) or (now[same] if same < len(now) else f"nothing more: {_end(run)}")
        where = f"{same} steps are alike, then" if same else "from the first step"
        lines = [
            f"{where} (time in simulated seconds):",
            *shown,
            f"  golden  {golden}",
            f"     now  {instead}",
        ]
        told = [
            line for trial in _trials_in(golden, instead) for line in _told(run, trial, _time_of(instead))
        ]
        return "\n".join([*lines, *told])

    def _elsewhere(self, run: Run) -> str:
        """All that the scheduler did is alike, but the digests differ."""
        now = Golden.of(run).head
        changed = [
            f"{key} was {json.dumps(self.head.get(key))} and is {json.dumps(now[key])}"
            for key in _HEAD
            if self.head.get(key) != now.get(key) and key != "scheduler"
        ]
        why = "; ".join(changed) or "points of the curves, or who was asked when"
        return (
            f"the scheduler did the same {len(self.lines)} steps at the same times, but the digest of the "
            f"whole trace differs, so something else has changed: {why}"
        )


@dataclass(frozen=True, order=True)
class _Step:
    time: float
    rank: int
    trial: int
    text: str


def _steps(run: Run) -> list[_Step]:
    return sorted([*_decisions(run), *_jobs(run)])


def _decisions(run: Run) -> Iterator[_Step]:
    reports = run.report_columns
    for index in np.flatnonzero(np.isin(reports["code"], (Code.STOP, Code.PAUSE))):
        time, trial = reports["time"][index].item(), reports["trial"][index].item()
        what = Code(int(reports["code"][index])).name.lower()
        yield _Step(time, 0, trial, f"{time!r} {what} {trial} at {reports['fidelity'][index].item()!r}")


def _jobs(run: Run) -> Iterator[_Step]:
    """A job begins with a line, and ends with one unless that follows from a decision."""
    columns = run.segment_columns
    paused = _paused(run)
    names = ("trial", "segment", "worker", "busy_from", "ended", "outcome")
    for trial, segment, worker, begins, ended, outcome in zip(*(columns[n] for n in names), strict=True):
        what = f"resume {trial} worker {worker}"
        if segment == 0:
            what = f"start {trial} worker {worker} {_short(run.configuration(trial))}"
        yield _Step(begins, 2, trial, f"{begins!r} {what}")
        if outcome not in _DECIDED and (trial, segment) not in paused:
            yield _Step(ended, 1, trial, f"{ended!r} {outcome} {trial}")


def _paused(run: Run) -> set[tuple[int, int]]:
    """The segments that the scheduler decided to pause."""
    reports = run.report_columns
    chosen = reports["code"] == Code.PAUSE
    return set(zip(reports["trial"][chosen].tolist(), reports["segment"][chosen].tolist(), strict=True))


def _short(configuration: Configuration) -> str:
    """Values to three digits, for people, and a hash of the exact ones."""
    values = [
        f"{name}={format(value, '.3g') if isinstance(value, float) else value}"
        for name, value in configuration.items()
    ]
    exact = blake2b(configuration_text(configuration).encode(), digest_size=3).hexdigest()
    return " ".join([*values, f"#{exact}"]).replace("\n", "\\n")


def _went_on(run: Run, golden: str) -> str | None:
    """If the golden step is a decision on a report that is there now too: that the trial went on."""
    time, what, trial, *rest = [*golden.split(" "), "", "", ""]
    if what not in ("stop", "pause"):
        return None
    reports = run.report_columns
    found = (reports["trial"] == int(trial)) & (reports["time"] == float(time))
    codes = reports["code"][found & (reports["fidelity"] == float(rest[1]))]
    if len(codes) != 1 or int(codes[0]) in (Code.STOP, Code.PAUSE):
        return None
    return f"{time} {Code(int(codes[0])).name.lower().replace('_', ' ')} {trial} at {rest[1]}"


def _end(run: Run) -> str:
    return f"the run ends at {run.seconds!r} ({run.reason})"


def _time_of(step: str) -> float:
    first = step.partition(" ")[0]
    return float("inf") if first == "nothing" else float(first)


def _trials_in(*steps: str) -> list[int]:
    found = [int(step.split(" ")[2]) for step in steps if not step.startswith("nothing")]
    return list(dict.fromkeys(found))


def _told(run: Run, trial: int, time: float) -> Iterator[str]:
    """What the scheduler had been told of a trial by then: the last few reports, if any."""
    reports, schema = run.report_columns, run.schema
    mine = (reports["trial"] == trial) & (reports["time"] <= time) & np.isin(reports["code"], TOLD)
    if not mine.any():
        return
    values = zip(reports["fidelity"][mine].tolist(), reports[schema.target][mine].tolist(), strict=True)
    points = [f"{fidelity!r}: {value!r}" for fidelity, value in values]
    shown = ["...", *points[-_TOLD_AT_MOST:]] if len(points) > _TOLD_AT_MOST else points
    what = f"{schema.target} by {schema.fidelity.name}, to be {_goal(run)}"
    yield f"    told  of trial {trial} ({what}) {', '.join(shown)}"


def _goal(run: Run) -> str:
    return "large" if run.schema.objective(run.schema.target).goal == "max" else "small"
