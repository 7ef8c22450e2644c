"""Tests of schedulers: assertions for pytest, and a contract as a test class.

This is the only part of the simulator that uses pytest; everything is imported when it is first used. The
plugin that pytest loads is ``blackbox_repo.pytest_plugin``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from blackbox_repo import deprecated as _deprecated

if TYPE_CHECKING:
    from simulator.testing.assertions import (
        assert_contract,
        assert_deterministic,
        assert_not_worse,
        assert_same_trace,
        assert_speed,
    )
    from simulator.testing.contract import CONDITIONS, SchedulerContract
    from simulator.testing.problems import PROBLEMS

_MODULES = {
    "CONDITIONS": "contract",
    "PROBLEMS": "problems",
    "SchedulerContract": "contract",
    "assert_contract": "assertions",
    "assert_deterministic": "assertions",
    "assert_not_worse": "assertions",
    "assert_same_trace": "assertions",
    "assert_speed": "assertions",
}

__all__ = [
    "CONDITIONS",
    "PROBLEMS",
    "SchedulerContract",
    "assert_contract",
    "assert_deterministic",
    "assert_not_worse",
    "assert_same_trace",
    "assert_speed",
]

if not TYPE_CHECKING:  # type checkers shall know the names above and no others

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            return _deprecated.attribute(__name__, name)
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
