"""What a scheduler answered, written down as a run goes, and how a run that was cut off goes on (T20).

A log is a text file of JSON lines: what is run, then each suggestion and each decision in the order in which
they were made. All else follows from them and the curves. A run goes on by being made anew: the scheduler is
told the same, what it answers must be what the log says, and after the log's last line both go on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from blackbox_repo.errors import FormatError, InvalidOption
from simulator.errors import SchedulerError
from simulator.scheduler import Decision, Report, Resume, Scheduler, Start, Suggestion, Trial

FORMAT = 1


class Log:
    """The log of one run, open for writing; use it as a context.

    Args:
        path: The file.
        header: What is run, as JSON.
        resume: Go on with the run whose log the file is; else there must be no such file.

    Raises:
        InvalidOption: The file exists and must not, or the other way round, or it is the log of another run.
        FormatError: It is no log.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._line = 1
        first = _text({"log": FORMAT, **header})
        if not resume and path.exists():
            raise InvalidOption(f"{path} exists already; go on with that run (resume) or choose another file")
        known = _complete_lines(path) if resume else []
        if known:
            _check_header(path, known[0], first)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._known: Iterator[str] = iter(known[1:])
        self._file: TextIO = path.open("r+" if resume else "x", encoding="utf-8", newline="\n", buffering=1)
        self._file.truncate(sum(len(line.encode()) + 1 for line in known))
        self._file.seek(0, os.SEEK_END)
        if not known:
            self._file.write(f"{first}\n")

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, scheduler: Scheduler, answer: list[Any]) -> None:
        """Write an answer down, or compare it with what the log says already.

        Raises:
            SchedulerError: The log says that it answered something else.
        """
        text = _text(answer)
        self._line += 1
        known = next(self._known, None)
        if known is None:
            self._file.write(f"{text}\n")
        elif known != text:
            raise SchedulerError(
                f"{type(scheduler).__name__} cannot go on with the run in {self.path}: its answer in line "
                f"{self._line} was {known}, but now it is {text}; it is not deterministic, or has changed"
            )


class Logged:
    """A scheduler whose answers are written to a log."""

    def __init__(self, scheduler: Scheduler, log: Log) -> None:
        self.__wrapped__ = scheduler
        self._log = log

    def suggest(self) -> Suggestion:
        """What the scheduler suggests; that it suggests nothing is not worth a line."""
        suggestion = self.__wrapped__.suggest()
        if isinstance(suggestion, Start):
            configuration = dict(suggestion.configuration)
            self._add("start", configuration, suggestion.until, suggestion.checkpoint_of)
        elif isinstance(suggestion, Resume):
            self._add("resume", suggestion.trial, suggestion.until)
        return suggestion

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the scheduler decides."""
        decision = self.__wrapped__.on_report(trial, report)
        if isinstance(decision, Decision):
            self._add("report", trial.number, report.fidelity, decision.action, decision.until)
        return decision

    def on_end(self, trial: Trial) -> None:
        """Has no answer."""
        self.__wrapped__.on_end(trial)

    def _add(self, *answer: Any) -> None:
        self._log.add(self.__wrapped__, list(answer))


def _text(value: Any) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """The Python value of a numpy scalar; of anything else that JSON cannot say, its text."""
    return value.item() if hasattr(value, "item") else repr(value)


def _complete_lines(path: Path) -> list[str]:
    """The lines of a log but for a last one that was cut off."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InvalidOption(f"there is no log {path} of a run to go on with") from None
    try:
        *lines, _ = content.decode(errors="replace").split("\n")
        for line in lines:
            json.loads(line)
    except ValueError as err:
        raise FormatError(f"{path} is no log of a run, or damaged: {err}") from err
    return lines


def _check_header(path: Path, found: str, expected: str) -> None:
    was, is_now = json.loads(found), json.loads(expected)
    if not isinstance(was, dict) or "log" not in was:
        raise FormatError(f"{path} is no log of a run")
    for key in is_now:
        if was.get(key) != is_now[key]:
            raise InvalidOption(
                f"{path} is the log of another run: its {key} is {was.get(key)!r}, but here it is "
                f"{is_now[key]!r}"
            )
