"""Schedulers of libraries keep to the same contract as ours."""

from __future__ import annotations

import pytest

from simulator.registry import scheduler_factory
from simulator.testing import PROBLEMS, SchedulerContract

pytest.importorskip("optuna")
PRUNED = {"pruner": "HyperbandPruner", "pruner_settings": {"max_resource": 9}}


class TestOptuna(SchedulerContract):
    make_scheduler = scheduler_factory("optuna:TPESampler", PRUNED)
    problems = {name: PROBLEMS[name] for name in ("conditional", "maximized")}  # noqa: RUF012  data
