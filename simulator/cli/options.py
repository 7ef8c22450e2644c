"""Texts of the command line parsed into values; every error names the option."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Any

import typer

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator.results.run import Run
from simulator.settings.conditions import Conditions
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
Roots = Annotated[
    list[str] | None,
    typer.Option(
        "--root",
        metavar="ROOT",
        help="Look for the blackbox in this root only; may be repeated (see bb-repo config).",
    ),
]


def parse_duration(text: str, option: str = "--time") -> float:
    """The seconds of ``7200``, ``2h``, ``90m``, ``1h30m`` or ``1.5d``.

    Args:
        text: What was typed.
        option: Where it was typed, for the error.

    Raises:
        InvalidOption: It has another form, or is not above 0.
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
    """Check that a count is at least 1.

    Args:
        option: Where it was typed, for the error.
        count: What was typed; ``None`` if the option was left out.

    Raises:
        InvalidOption: It is below 1.
    """
    if count is not None and count < 1:
        raise InvalidOption(f"{option} is {count}, but must be 1 or more")


def group_settings(assignments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``["scheduler.eta=3", "delays.report=0.05"]`` as a mapping: group -> name -> value.

    Args:
        assignments: The values of ``--set``. What is assigned is read as JSON where it is JSON, else as text.

    Raises:
        InvalidOption: An assignment has another form, or a name is given twice.
        UnknownName: There is no such group.
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
                f"--set {key} is given twice, as {groups[group][name]!r} and {_parse_value(text)!r}"
            )
        groups[group][name] = _parse_value(text)
    return groups


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def make_conditions(
    delays: Mapping[str, Any], failures: Mapping[str, Any], others: Mapping[str, Any]
) -> Conditions:
    """The conditions of ``--set delays.NAME=VALUE``, ``failures.NAME=VALUE`` and ``conditions.NAME=VALUE``.

    Args:
        delays: Name -> value, as of :func:`group_settings`.
        failures: Name -> value.
        others: Name -> value.

    Raises:
        UnknownName: There is no such delay, failure, condition or distribution.
        InvalidOption: A value is outside its range.
    """
    groups = (("delay", delays, Delays), ("failure", failures, Failures), ("condition", others, Conditions))
    for what, given, kind in groups:
        known = [field.name for field in fields(kind) if field.name not in ("delays", "failures")]
        for name in given:
            if name not in known:
                raise UnknownName(what, name, known)
    values: dict[str, Any] = {}
    for name, value in others.items():
        values[name] = tuple(value) if isinstance(value, list) else _parse_distribution(value)
    if str(values.get("decision_time", "")).startswith("recorded:"):
        values["decision_time"] = Run.load(values["decision_time"].removeprefix("recorded:")).decision_times()
    return Conditions(
        Delays(**{name: _parse_distribution(value) for name, value in delays.items()}),
        failures=Failures(**{name: _parse_distribution(value) for name, value in failures.items()}),
        **values,
    )


def _parse_distribution(value: Any) -> Any:
    """The distribution of a text such as ``uniform(0.1, 2)``; any other value is returned as it is."""
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

    Args:
        time: Simulated seconds, or ``None`` for no limit.
        trials: Number of trials that are started, or ``None`` for no limit.
        settings: Name -> value, as of :func:`group_settings`; ``cost`` is in busy worker-seconds,
            ``threshold`` a value of the target.

    Raises:
        UnknownName: There is no such limit.
        InvalidOption: A value is outside its range.
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
