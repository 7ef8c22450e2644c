"""Golden traces: what a scheduler did in a run as a small text, and where another run departs from it.

A golden trace has a head (what was run, and the digest of the whole trace) and one line for each start of a
job, each decision to stop or pause, and each end of a job that was no decision. Reports after which a trial
went on are left out, as the digest covers them. So a diff of two golden traces shows what the scheduler did
differently; if only the digests differ, the scheduler gave the same answers and something else has changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any

import msgspec
import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError
from blackbox_repo.space import Configuration, configuration_text
from simulator.kernel.segments import Code
from simulator.results.run import TOLD, Run
from simulator.versions import NUMBERS

FORMAT = "# golden trace 2: what a scheduler suggested and decided; see docs/ci.md of blackbox-repo"
BEFORE, _MOST_REPORTS = 3, 6
_HEAD = (
    *("blackbox", "blackbox_digest", "scheduler", "seed", "workers", "stop", "conditions", "version"),
    "numbers",
)
_NUMBER = r"\d{1,30}(\.\d+)?(e[+-]?\d{1,3})?"
_DECISION = rf"(stop|pause) \d{{1,9}} at {_NUMBER}"
_STEP = re.compile(rf"{_NUMBER} ({_DECISION}|(?!stop |pause )[a-z-]+ \d{{1,9}}( .*)?)")
_BEGINS = ("start", "resume", "again")
_DECIDED = ("stopped", "interrupted", "preempted")


class _Head(msgspec.Struct):
    """The keys that every head has; there may be more."""

    blackbox: str
    scheduler: str
    seed: int
    workers: int
    stop: dict[str, Any]
    conditions: dict[str, Any]
    version: str
    numbers: int
    digest: str


@dataclass(frozen=True)
class Golden:
    """A golden trace.

    Args:
        head: What was run, and ``"digest"``, the digest of the whole trace.
        lines: What the scheduler did, ordered by time.
    """

    head: Mapping[str, Any]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, run: Run) -> Golden:
        """The golden trace of a run.

        Args:
            run: The run.
        """
        result = f"{len(run.trial_columns['trial'])} trials, {len(run.records)} events, {run.reason}"
        head = {**_head_of(run), "result": result, "digest": run.digest}
        return cls(head, tuple(step.text for step in _steps(run)))

    @classmethod
    def parse(cls, text: str) -> Golden:
        """The golden trace of a text.

        Args:
            text: The content of a file with a golden trace.

        Raises:
            FormatError: It is no golden trace, or several of them, as after a merge.
        """
        first, *lines = text.split("\n")
        if first != FORMAT:
            if first.startswith(FORMAT[:15]):
                raise FormatError(f"it is of another format: {first[2:40]!r}, not {FORMAT[2:16]!r}")
            raise FormatError(f"it begins with {first[:80]!r}, but a golden trace begins with {FORMAT!r}")
        head: dict[str, Any] = {}
        steps = []
        for number, line in enumerate(lines, 2):
            if line.startswith("# "):
                key, _, value = line[2:].partition(": ")
                if key in head:
                    raise FormatError(f"line {number} says the {key} for the second time")
                head[key] = typed_json.parse(value, f"line {number}, in the head of the golden trace,")
            elif _STEP.fullmatch(line):
                steps.append(line)
            elif line:
                raise FormatError(f"line {number} is {line[:80]!r}, which is no step of a scheduler")
        checksum = head.pop("sha256", None)
        typed_json.convert(head, _Head, "the head of the golden trace")
        golden = cls(head, tuple(steps))
        if checksum != golden.sha256 or text != golden.text:
            raise FormatError("it is damaged or was edited: its lines do not have the sha256 that it says")
        return golden

    @property
    def text(self) -> str:
        """The content of its file."""
        head = [*self._head_lines(), f'# sha256: "{self.sha256}"']
        return "\n".join([FORMAT, *head, *self.lines, ""])

    @property
    def sha256(self) -> str:
        """The SHA-256 of all lines but the one with this hash."""
        return sha256("\n".join([*self._head_lines(), *self.lines]).encode()).hexdigest()

    def _head_lines(self) -> list[str]:
        return [f"# {key}: {json.dumps(value)}" for key, value in self.head.items()]

    def departure(self, run: Run) -> str | None:
        """Where a run departs from this trace, as text; ``None`` if it is the same run.

        The text has the first step that differs, the three steps before it, and the reports that the
        scheduler knew.

        Args:
            run: The run that is compared.
        """
        where = self._departure(run)
        if where is None or self.head["numbers"] == NUMBERS:
            return where
        return (
            f"it was made under version {self.head['numbers']} of the numbers (blackbox-repo "
            f"{self.head['version']}), and this is version {NUMBERS}, so what follows need not be the "
            f"scheduler's doing: write it anew with the scheduler as it was\n{where}"
        )

    def _departure(self, run: Run) -> str | None:
        now = [step.text for step in _steps(run)]
        pairs = enumerate(zip(self.lines, now, strict=False))
        shorter = min(len(self.lines), len(now))
        same = next((k for k, (then, here) in pairs if then != here), shorter)
        if same == len(self.lines) == len(now):
            return None if run.digest == self.head["digest"] else self._other_change(run)
        golden = self.lines[same] if same < len(self.lines) else "nothing more"
        instead = _continued(run, golden) or (now[same] if same < len(now) else f"nothing more: {_end(run)}")
        where = f"{same} steps are alike, then" if same else "from the first step"
        lines = [
            f"{where} (time in simulated seconds):",
            *(f"    both  {line}" for line in now[max(same - BEFORE, 0) : same]),
            f"  golden  {golden}",
            f"     now  {instead}",
        ]
        return "\n".join([*lines, *_known_reports(run, golden, instead)])

    def _other_change(self, run: Run) -> str:
        """The text for a run in which the scheduler did the same, but whose digest differs."""
        now = _head_of(run)
        changed = [
            f"{key} was {json.dumps(self.head.get(key))} and is {json.dumps(now[key])}"
            for key in _HEAD
            if self.head.get(key) != now.get(key) and key != "scheduler"
        ]
        why = "; ".join(changed) or "points of the curves, or when the scheduler was asked for work"
        return (
            f"the scheduler did the same {len(self.lines)} steps at the same times, but the digest of the "
            f"whole trace differs, so something else has changed: {why}"
        )


def _head_of(run: Run) -> dict[str, Any]:
    return {key: run.header[key] for key in _HEAD if key in run.header}


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
    for index in np.flatnonzero(np.isin(reports["decision"], (Code.STOP, Code.PAUSE))):
        time, trial = reports["time"][index].item(), reports["trial"][index].item()
        what = Code(int(reports["decision"][index])).name.lower()
        yield _Step(time, 0, trial, f"{time!r} {what} {trial} at {reports['fidelity'][index].item()!r}")


def _jobs(run: Run) -> Iterator[_Step]:
    """Lines for the start of each job, and for its end unless a decision was the reason."""
    columns, paused = run.segment_columns, _paused_segments(run)
    names = ("trial", "segment", "worker", "busy_from", "ended", "until", "outcome")
    before = ""
    for trial, segment, worker, begins, ended, until, outcome in zip(
        *(columns[name] for name in names), strict=True
    ):
        how = "start" if not segment else "again" if before == "preempted" else "resume"
        before = outcome
        what = f"{how} {trial} worker {worker}"
        what += "" if until is None else f" until {until!r}"
        what += "" if segment else _first_configuration(run, trial)
        yield _Step(begins, 2, trial, f"{begins!r} {what}")
        if outcome not in _DECIDED and (trial, segment) not in paused:
            yield _Step(ended, 1, trial, f"{ended!r} {outcome} {trial}")


def _first_configuration(run: Run, trial: int) -> str:
    source = run.trial_columns["checkpoint_of"][trial]
    return f"{'' if source is None else f' from {source}'} {format_configuration(run.configuration(trial))}"


def _paused_segments(run: Run) -> set[tuple[int, int]]:
    """The segments that the scheduler decided to pause."""
    reports = run.report_columns
    chosen = reports["decision"] == Code.PAUSE
    return set(zip(reports["trial"][chosen].tolist(), reports["segment"][chosen].tolist(), strict=True))


def format_configuration(configuration: Configuration) -> str:
    """A configuration with three digits, for people, and a hash of the exact values.

    Args:
        configuration: Hyperparameter -> value.
    """
    values = [
        f"{name}={format(value, '.3g') if isinstance(value, float) else value}"
        for name, value in configuration.items()
    ]
    exact = blake2b(configuration_text(configuration).encode(), digest_size=3).hexdigest()
    text = " ".join([*values, f"#{exact}"])
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _continued(run: Run, golden: str) -> str | None:
    """That the trial went on, if the golden step stops or pauses it at a report of this run."""
    time, what, trial, *rest = [*golden.split(" "), "", "", ""]
    if what not in ("stop", "pause"):
        return None
    reports = run.report_columns
    found = (reports["trial"] == int(trial)) & (reports["time"] == float(time))
    codes = reports["decision"][found & (reports["fidelity"] == float(rest[1]))]
    if len(codes) != 1 or int(codes[0]) in (Code.STOP, Code.PAUSE):
        return None
    return f"{time} {Code(int(codes[0])).name.lower().replace('_', '-')} {trial} at {rest[1]}"


def _end(run: Run) -> str:
    return f"the run ends at {run.seconds!r} ({run.reason})"


def _known_reports(run: Run, *steps: str) -> Iterator[str]:
    """The reports that had arrived by the latest of the steps: of their trials, or before a new job all.

    Of many reports only the last ones are given.
    """
    happened = [step.split(" ") for step in steps if not step.startswith("nothing")]
    reports, schema = run.report_columns, run.schema
    until = max(float(time) for time, *_ in happened)
    known = (reports["time"] <= until) & np.isin(reports["decision"], TOLD)
    trials = dict.fromkeys(int(trial) for _, what, trial, *_ in happened if what not in _BEGINS)
    for trial in trials:
        values = _points(run, known & (reports["trial"] == trial), ("fidelity",))
        if values:
            what = f"{schema.target} by {schema.fidelity.name}, to be {_goal(run)}"
            yield f"    told  of trial {trial} ({what}) {values}"
    if not trials and known.any():
        what = f"{schema.target} by trial and {schema.fidelity.name}, to be {_goal(run)}"
        yield f"    told  lately ({what}) {_points(run, known, ('trial', 'fidelity'))}"


def _points(run: Run, chosen: Any, by: tuple[str, ...]) -> str:
    """The last of some reports: the columns ``by``, and the target."""
    columns = [run.report_columns[name][chosen].tolist() for name in (*by, run.schema.target)]
    points = [f"{' '.join(map(repr, about))}: {value!r}" for *about, value in zip(*columns, strict=True)]
    return ", ".join(["...", *points[-_MOST_REPORTS:]] if len(points) > _MOST_REPORTS else points)


def _goal(run: Run) -> str:
    return "large" if run.schema.objective(run.schema.target).goal == "max" else "small"
