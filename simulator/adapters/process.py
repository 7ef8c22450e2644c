"""A program in any language as a scheduler: JSON lines on its standard input and output.

docs/process-protocol.md specifies the lines.
"""

from __future__ import annotations

import bisect
import json
import math
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeGuard

from blackbox_repo import typed_json
from blackbox_repo.domains import Integer, Value
from blackbox_repo.errors import FormatError, InvalidOption, suggestion
from blackbox_repo.numeric.scalars import is_number, plain
from blackbox_repo.schema import Schema
from blackbox_repo.space import Space
from simulator.adapters.child import Child, ChildError
from simulator.errors import SchedulerError
from simulator.scheduler import Decision, Report, Resume, Start, Suggestion, Trial

PROTOCOL = 1
_LONGEST_TIMEOUT, _SHOWN = 1e6, 200
_EXACT = 2**53
_LOST_DIGITS = 1e-12
"""Relative: many languages write 15 digits of the 17 that tell two floats apart."""

_SUGGESTIONS = {
    "start": ("start", "until", "checkpoint_of"),
    "resume": ("resume", "until"),
    "nothing": ("nothing",),
}
_DECISIONS = {"continue": ("decision", "until"), "pause": ("decision",), "stop": ("decision",)}


class Process:
    """A factory of schedulers each of which is a process.

    The process is started by a run and ended with it, whatever happens; it is killed together with its
    children when it hangs, ends early, or answers anything but one line to one line.

    Args:
        command: What to run, in words as a shell would split it; there is no shell.
        timeout: Real seconds that an answer may take; no result depends on it.

    Raises:
        InvalidOption: An empty command, or one whose quotes do not match; a timeout that is no number above
            0. Of the factory: it cannot be started.
        SchedulerError: Of the factory: it does not answer the first line.
    """

    def __init__(self, command: str, *, timeout: float = 60.0) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as err:
            raise InvalidOption(f"the command {command!r} cannot be split into words: {err}") from err
        if not self._words:
            raise InvalidOption("the command of a process is missing; write process:COMMAND")
        if not is_number(plain(timeout)) or not 0 < timeout <= _LONGEST_TIMEOUT:
            raise InvalidOption(f"timeout is {timeout!r}, but must be a number of real seconds, above 0")
        self._timeout = timeout

    def __call__(self, schema: Schema, seed: int) -> ProcessScheduler:
        """A fresh process that knows the schema and the seed."""
        return ProcessScheduler(Child(self._words), shlex.join(self._words), self._timeout, schema, seed)


class ProcessScheduler:
    """Hands every call to a process and its answer back."""

    def __init__(self, child: Child, command: str, timeout: float, schema: Schema, seed: int) -> None:
        self._child, self._command, self._timeout = child, command, timeout
        self._description = f"Process(seed={seed}, command={command!r})"
        self._exact = _choices(schema.space)
        try:
            answer = self._ask(_first_question(schema, seed))
            self._check_keys(answer, ("name",))
            if not isinstance(answer.get("name", ""), str):
                self._refuse(answer, "must have text as its 'name'")
        except ChildError as err:
            raise SchedulerError(f"{self._description}, told to begin: {err}") from err
        if "name" in answer:
            self._description = f"Process(seed={seed}, command={command!r}, name={answer['name']!r})"

    def __repr__(self) -> str:
        return self._description

    def suggest(self) -> Suggestion:
        """What the process suggests."""
        answer = self._ask({"call": "suggest"})
        kinds = [kind for kind in _SUGGESTIONS if kind in answer]
        if len(kinds) != 1:
            self._refuse(answer, 'must be {"start": {...}}, {"resume": TRIAL} or {"nothing": true}')
        kind = kinds[0]
        self._check_keys(answer, _SUGGESTIONS[kind])
        if kind == "resume":
            return Resume(answer[kind], answer.get("until"))
        if kind == "nothing":
            if answer[kind] is not True:
                self._refuse(answer, 'must be {"nothing": true} where there is nothing to suggest')
            return None
        return Start(self._restore_digits(answer[kind]), answer.get("until"), answer.get("checkpoint_of"))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """What the process decides."""
        answer = self._ask({"call": "on_report", **_describe_trial(trial), **_describe_report(report)})
        action = answer.get("decision")
        if action not in ("continue", "pause", "stop"):
            self._refuse(answer, 'must be {"decision": "continue"}, or "pause" or "stop"')
        self._check_keys(answer, _DECISIONS[action])
        return Decision(action, answer.get("until"))

    def on_end(self, trial: Trial) -> None:
        """Tell the process that a trial has ended."""
        last = None if trial.last_report is None else _describe_report(trial.last_report)
        told = {"status": trial.status.value, "last_report": last}
        answer = self._ask({"call": "on_end", **_describe_trial(trial), **told})
        self._check_keys(answer, ())

    def close(self) -> None:
        """End the process.

        Raises:
            SchedulerError: It wrote more lines than it was asked.
        """
        try:
            self._child.close()
        except ChildError as err:
            raise SchedulerError(f"{self._description}, when the run was over: {err}") from err

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        line = self._child.ask(json.dumps(question, allow_nan=False).encode(), self._timeout)
        try:
            answer = typed_json.parse(line, "it")
        except FormatError as err:
            self._child.fail(f"answered {_shorten(line.decode(errors='replace'))}: {err}")
        if not isinstance(answer, dict):
            self._refuse(answer, "must be a JSON object")
        return answer

    def _restore_digits(self, configuration: Any) -> Any:
        """Restore the digits that the program has not written, where only certain numbers exist."""
        if not isinstance(configuration, dict):
            return configuration
        return {name: _nearest(self._exact.get(name, []), value) for name, value in configuration.items()}

    def _check_keys(self, answer: Mapping[str, Any], known: Sequence[str]) -> None:
        for key in answer:
            if key not in known:
                self._refuse(answer, f"must not have {key!r}{suggestion(key, known) if known else ''}")

    def _refuse(self, answer: object, rule: str) -> NoReturn:
        self._child.fail(f"answered {_shorten(json.dumps(answer))}, which {rule}")


def _first_question(schema: Schema, seed: int) -> dict[str, Any]:
    candidates = schema.space.candidates
    rows = None if candidates is None else [dict(configuration) for configuration in candidates]
    return {
        "call": "begin",
        "protocol": PROTOCOL,
        "seed": seed,
        "schema": schema.to_json(),
        "candidates": rows,
    }


def _choices(space: Space) -> dict[str, list[float]]:
    """The numbers that programs may not write in full, ascending, where a hyperparameter has no others.

    Those are the ones with a fraction, and the whole ones that a float does not hold exactly.
    """
    rows = space.candidates
    choices = {}
    for name, domain in space.domains.items():
        values: Iterable[Value] = () if isinstance(domain, Integer) else domain.values or ()
        if rows is not None:
            values = (row[name] for row in rows if name in row)
        choices[name] = sorted({value for value in values if _needs_digits(value)})
    return choices


def _needs_digits(value: object) -> TypeGuard[float]:
    if isinstance(value, float):
        return True
    return isinstance(value, int) and _EXACT < abs(value) < sys.float_info.max


def _nearest(choices: Sequence[float], value: Any) -> Any:
    if _needs_digits(value):
        position = bisect.bisect(choices, value)
        for choice in choices[max(position - 1, 0) : position + 1]:
            if math.isclose(choice, value, rel_tol=_LOST_DIGITS):
                return choice
    return value


def _describe_trial(trial: Trial) -> dict[str, Any]:
    return {"trial": trial.number, "configuration": dict(trial.configuration)}


def _describe_report(report: Report) -> dict[str, Any]:
    values = {name: _to_json(value) for name, value in report.values().items()}
    return {"fidelity": report.fidelity, "time": report.time, "values": values}


def _to_json(value: float) -> float | str:
    """A number; NaN and infinities, which JSON does not have, as texts."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
