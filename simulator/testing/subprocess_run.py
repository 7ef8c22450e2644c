"""Runs a contract in another process, with another hash seed and a clock that jumps."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from typing import Any

_JUMPING = """
import itertools, time
ticks = itertools.count(2_000_000_000, 1000)
time.time = lambda: float(next(ticks))
time.perf_counter = time.process_time = time.time
time.time_ns = lambda: next(ticks) * 10**9
time.perf_counter_ns = time.process_time_ns = time.time_ns
"""
_MAIN = "import sys; from simulator.testing.subprocess_main import main; main(*sys.argv[1:])"


def is_importable(target: object) -> bool:
    """Whether another process can import a class or function by its name.

    Args:
        target: Any object.
    """
    return (inspect.isclass(target) or inspect.isfunction(target)) and "<" not in target.__qualname__


def digest_in_subprocess(target: Any, problem: str, *, hash_seed: str, jumping: bool) -> str:
    """The digest of a contract's run in another process.

    Args:
        target: The class of a contract or the factory of a scheduler; it :func:`is_importable`.
        problem: Name of one of its problems.
        hash_seed: The value of PYTHONHASHSEED in that process.
        jumping: Whether the clocks of that process advance by 1,000 s at each reading.

    Raises:
        AssertionError: The run fails in that process.
    """
    folders = os.pathsep.join(path or os.curdir for path in sys.path)
    environment = {**os.environ, "PYTHONPATH": folders, "PYTHONHASHSEED": hash_seed}
    where = [target.__module__, inspect.getfile(target), target.__qualname__, problem]
    done = subprocess.run(  # noqa: S603  this Python runs code of ours
        [sys.executable, "-c", (_JUMPING if jumping else "") + _MAIN, *where],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"the run fails in another process: {done.stderr[-2000:]}"
    return done.stdout.split()[-1]
