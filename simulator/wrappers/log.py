"""The log of a scheduler's answers, from which a run that was cut off continues (T20).

A log is a text file of JSON lines: what is run, then each suggestion and each decision in the order in which
they were made. All else follows from them and the curves. A run goes on by being made anew: the scheduler is
told the same, what it answers must be what the log says, and after the log's last line both go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.store.atomic_directory import name_full_disk, sync_to_disk
from blackbox_repo.store.lock import exclusive
from simulator.errors import SchedulerError, SimulationError
from simulator.scheduler import Decision, Report, Resume, Scheduler, Start, Suggestion, Trial
from simulator.wrappers.base import Wrapper

_Scalar = str | int | float | bool | None
_Part = _Scalar | dict[str, _Scalar]

FORMAT = 1
SYNCED_EVERY = 1.0
"""Real seconds: what a crash of the machine, not only of the process, may take from the end of a log."""


class Log:
    """The log of one run, open for writing, which no other process may do meanwhile; use it as a context.

    Args:
        path: The file.
        header: What is run, as JSON.
        resume: Go on with the run whose log the file is; else there must be no such file.

    Raises:
        InvalidOption: The file exists and must not, or the other way round, or it is the log of another run.
        FormatError: It is no log.
        AlreadyLocked: Another process is writing it.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._line, self._synced = 1, time.monotonic()
        first = _text({"log": FORMAT, **header})
        with ExitStack() as stack:
            stack.enter_context(exclusive(path))
            if not resume and path.exists():
                raise InvalidOption(
                    f"{path} exists already; go on with that run (resume) or choose another file"
                )
            known = _complete_lines(path) if resume else []
            if known:
                _check_header(path, known[0], first)
            self._known: Iterator[str] = iter(known[1:])
            self._file = stack.enter_context(path.open("r+b" if resume else "xb", buffering=0))
            self._file.truncate(sum(len(line) + 1 for line in known))
            self._file.seek(0, 2)
            if not known:
                self._write(first)
            sync_to_disk(path)
            sync_to_disk(path.parent)
            self._open = stack.pop_all()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        with self._open, name_full_disk(self.path):
            sync_to_disk(self.path)

    def add(self, scheduler: Scheduler, answer: list[Any]) -> None:
        """Write an answer down, or compare it with what the log says already.

        Raises:
            SchedulerError: The log says that it answered something else.
            SimulationError: The log cannot be written.
        """
        text = _text(answer)
        self._line += 1
        known = next(self._known, None)
        if known is None:
            self._append(text)
        elif known != text:
            raise SchedulerError(
                f"{type(scheduler).__name__} cannot go on with the run in {self.path}: its answer in line "
                f"{self._line} was {known}, but now it is {text}; it is not deterministic, or has changed"
            )

    def _append(self, text: str) -> None:
        try:
            self._write(text)
            if time.monotonic() - self._synced >= SYNCED_EVERY:
                sync_to_disk(self.path)
                self._synced = time.monotonic()
        except OSError as err:
            raise SimulationError(
                f"the log {self.path} cannot be written: {err.strerror}; mend that, and go on with the run"
            ) from err

    def _write(self, text: str) -> None:
        with name_full_disk(self.path):
            rest = memoryview(f"{text}\n".encode())
            while rest:
                rest = rest[self._file.write(rest) :]


class Logged(Wrapper):
    """A scheduler whose answers are written to a log."""

    def __init__(self, scheduler: Scheduler, log: Log) -> None:
        super().__init__(scheduler)
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
        content = typed_json.read_regular(path)
    except FileNotFoundError:
        raise InvalidOption(f"there is no log {path} of a run to go on with") from None
    *lines, _ = content.rstrip(b"\0").split(b"\n")  # a crash of the machine may leave zeros at the end
    try:
        for number, line in enumerate(lines, 1):
            kind: Any = list[_Part] if number > 1 else dict[str, Any]
            typed_json.decode(line, kind, f"line {number}")
        return [line.decode("ascii") for line in lines]
    except (FormatError, UnicodeDecodeError) as err:
        raise FormatError(f"{path} is no log of a run, or damaged: {err}") from err


def _check_header(path: Path, found: str, expected: str) -> None:
    was, is_now = json.loads(found), json.loads(expected)
    if "log" not in was:
        raise FormatError(f"{path} is no log of a run")
    for key in dict.fromkeys([*is_now, *was]):
        if was.get(key) != is_now.get(key):
            raise InvalidOption(
                f"{path} is the log of another run: its {key} is {was.get(key)!r}, but here it is "
                f"{is_now.get(key)!r}"
            )
