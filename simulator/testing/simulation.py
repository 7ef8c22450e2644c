"""The simulation of a test, from the keywords of the marker ``simulation``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName
from simulator.problem import Setup, find_problem, parse_time_model
from simulator.settings.stopping import Stop

DEFAULT = "lcbench-167200"
WORKERS, TRIALS = 4, 50


def make_setup(settings: Mapping[str, Any]) -> Setup:
    """What the keywords of the marker ``simulation`` say.

    Args:
        settings: Arguments of :class:`~simulator.problem.Setup`, where ``blackbox`` may be the name of a
            benchmark or ``BLACKBOX/TASK`` too; and ``time_model``, ``"constant:SECONDS"``.

    Raises:
        UnknownName: There is no such keyword, blackbox, task or benchmark.
        InvalidOption: A time model is given for a blackbox that is an object.
    """
    known = [*(field.name for field in fields(Setup)), "time_model"]
    for name in settings:
        if name not in known:
            raise UnknownName("setting of a simulation", name, known)
    chosen = {"workers": WORKERS, "stop": Stop(trials_started=TRIALS), **settings}
    blackbox, time_model = chosen.pop("blackbox", DEFAULT), chosen.pop("time_model", None)
    if isinstance(blackbox, str):
        seconds_per_unit = None if time_model is None else parse_time_model(time_model, "time_model")
        _, blackbox = find_problem(blackbox, seconds_per_unit)
    elif time_model is not None:
        raise InvalidOption(
            "time_model goes with the name of a blackbox; wrap the object itself: views.with_time_model"
        )
    return Setup(blackbox, **chosen)
