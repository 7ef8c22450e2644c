"""What the command line says, turned into values; every refusal names the option."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from blackbox_repo import views
from blackbox_repo.benchmark import BENCHMARKS, load_benchmark
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.repository import list_blackboxes, load_blackbox
from simulator.results.run import Run
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import recorded
from simulator.settings.delays import Delays
from simulator.settings.distributions import Exponential, LogNormal, Uniform
from simulator.settings.failures import Failures
from simulator.settings.stopping import Cost, Stop, Threshold

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_GROUPS = ("scheduler", "delays", "failures", "conditions", "stop")
_DISTRIBUTIONS: Mapping[str, type[Uniform | Exponential | LogNormal]] = {
    "uniform": Uniform,
    "exponential": Exponential,
    "lognormal": LogNormal,
}
_CALL = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True)
class Problem:
    """What is tuned: a blackbox, what it is called, and how it is tuned by default."""

    blackbox: Blackbox
    name: str
    task: str
    workers: int
    seconds: float | None
    evaluations: int | None = None


def find_problem(name: str, time_model: str | None) -> Problem:
    """The problem of a benchmark's name, or of ``BLACKBOX[/TASK]``.

    Raises:
        UnknownName: There is no such benchmark, blackbox or task.
        InvalidOption: The blackbox has several tasks and none is chosen, or a malformed time model.
    """
    if name in BENCHMARKS:
        benchmark = load_benchmark(name)
        blackbox = benchmark.load(None if time_model is None else seconds_per_unit(time_model))
        return Problem(
            blackbox,
            benchmark.blackbox,
            benchmark.task,
            benchmark.workers,
            benchmark.seconds,
            benchmark.evaluations,
        )
    loaded, task = _loaded(name)
    blackbox = loaded[task]
    if time_model is not None:
        blackbox = views.with_time_model(blackbox, seconds_per_unit(time_model))
    default = loaded.manifest.default
    return Problem(blackbox, loaded.manifest.name, task, default.workers, default.seconds)


def _loaded(name: str) -> tuple[Any, str]:
    known = list_blackboxes()
    folder, _, task = name.rpartition("/")
    if folder and (folder in known or Path(folder, "manifest.json").is_file()):
        loaded = load_blackbox(folder)
        loaded.manifest.task(task)
        return loaded, task
    if name not in known and not Path(name, "manifest.json").is_file():
        raise UnknownName("blackbox or benchmark", name, [*known, *BENCHMARKS], "see bb-repo list")
    loaded = load_blackbox(name)
    if len(loaded) > 1:
        raise InvalidOption(
            f"{name!r} has {len(loaded)} tasks; choose one as {name}/TASK: {', '.join(loaded)}"
        )
    return loaded, next(iter(loaded))


def seconds_per_unit(text: str) -> float:
    """The seconds of ``constant:SECONDS``.

    Raises:
        InvalidOption: Another form, or not a number above 0.
    """
    kind, _, number = text.partition(":")
    try:
        seconds = float(number)
    except ValueError:
        seconds = -1.0
    if kind != "constant" or not 0 < seconds < float("inf"):
        raise InvalidOption(
            f"--time-model is {text!r}, but must be constant:SECONDS, above 0, for one unit of fidelity"
        )
    return seconds


def duration(text: str, option: str = "--time") -> float:
    """Seconds from ``7200``, ``2h``, ``90m``, ``1h30m`` or ``1.5d``.

    Raises:
        InvalidOption: Another form, or not above 0; the message names the option.
    """
    try:
        seconds = float(text)
    except ValueError:
        if not _DURATION.fullmatch(text):
            raise InvalidOption(
                f"{option} is {text!r}, but must be seconds or a duration such as 90m, 2h or 1h30m"
            ) from None
        parts = re.findall(r"([\d.]+)([smhd])", text)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < seconds < float("inf"):
        raise InvalidOption(f"{option} is {text!r}, but must be above 0")
    return seconds


def check_count(option: str, count: int | None) -> None:
    """Refuse a count below 1.

    Raises:
        InvalidOption: With the option's name.
    """
    if count is not None and count < 1:
        raise InvalidOption(f"{option} is {count}, but must be 1 or more")


def grouped_settings(assignments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``["scheduler.eta=3", "delays.report=0.05"]`` as group -> name -> value.

    Values are read as JSON where they are JSON, else as text.

    Raises:
        InvalidOption: An assignment of another form, or two of one name.
        UnknownName: A group that does not exist.
    """
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        group, dot, name = key.partition(".")
        if not (equals and dot and name):
            raise InvalidOption(f"--set is {assignment!r}, but must be GROUP.NAME=VALUE: scheduler.eta=3")
        if group not in groups:
            raise UnknownName("--set group", group, _GROUPS)
        if name in groups[group]:
            raise InvalidOption(
                f"--set {key} is given twice, as {groups[group][name]!r} and {_value(text)!r}"
            )
        groups[group][name] = _value(text)
    return groups


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def make_conditions(
    delays: Mapping[str, Any], failures: Mapping[str, Any], others: Mapping[str, Any]
) -> Conditions:
    """The conditions of ``--set delays.NAME=VALUE``, ``failures.NAME=VALUE`` and ``conditions.NAME=VALUE``.

    Raises:
        UnknownName: A delay, failure, condition or distribution that does not exist.
        InvalidOption: A value outside its range.
    """
    groups = (("delay", delays, Delays), ("failure", failures, Failures), ("condition", others, Conditions))
    for what, given, kind in groups:
        known = [field.name for field in fields(kind) if field.name not in ("delays", "failures")]
        for name in given:
            if name not in known:
                raise UnknownName(what, name, known)
    values: dict[str, Any] = {}
    for name, value in others.items():
        values[name] = tuple(value) if isinstance(value, list) else _drawn(value)
    if str(values.get("decision_time", "")).startswith("recorded:"):
        values["decision_time"] = recorded(Run.load(values["decision_time"].removeprefix("recorded:")))
    return Conditions(
        Delays(**{name: _drawn(value) for name, value in delays.items()}),
        failures=Failures(**{name: _drawn(value) for name, value in failures.items()}),
        **values,
    )


def _drawn(value: Any) -> Any:
    """The distribution of a text like ``uniform(0.1, 2)``; any other value as it is."""
    called = _CALL.fullmatch(value) if isinstance(value, str) else None
    if called is None:
        return value
    if called[1] not in _DISTRIBUTIONS:
        raise UnknownName("distribution", called[1], _DISTRIBUTIONS)
    try:
        return _DISTRIBUTIONS[called[1]](*(float(part) for part in called[2].split(",")))
    except (TypeError, ValueError) as err:
        if isinstance(err, InvalidOption):
            raise
        fields_of = ", ".join(field.name for field in fields(_DISTRIBUTIONS[called[1]]))
        raise InvalidOption(f"{value!r} must be written {called[1]}({fields_of}), with numbers") from err


def make_stop(time: float | None, trials: int | None, settings: Mapping[str, Any]) -> Stop:
    """The limits of ``--time``, ``--trials`` and ``--set stop.NAME=VALUE``.

    There ``stop.cost`` is in busy worker-seconds, and ``stop.threshold`` a value of the target.

    Raises:
        UnknownName: A limit that does not exist.
        InvalidOption: A value outside its range.
    """
    known = ("trials_completed", "trials_finished", "reports", "cost", "threshold", "drain")
    for name in settings:
        if name not in known:
            raise UnknownName("limit", name, known)
    limits = dict(settings)
    if "cost" in limits:
        limits["cost"] = Cost(limits["cost"])
    if "threshold" in limits:
        limits["threshold"] = Threshold(limits["threshold"])
    if not isinstance(limits.get("drain", False), bool):
        raise InvalidOption(f"stop.drain is {limits['drain']!r}, but must be true or false")
    return Stop(time=time, trials_started=trials, **limits)
