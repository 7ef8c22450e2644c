"""A contract's run in a fresh Python, with another hash seed and a clock that jumps."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_JUMPING = """
import itertools, time
ticks = itertools.count(2_000_000_000, 1000)
time.time = lambda: float(next(ticks))
time.perf_counter = time.process_time = time.time
time.time_ns = lambda: next(ticks) * 10**9
time.perf_counter_ns = time.process_time_ns = time.time_ns
"""
_MAIN = "import sys; from simulator.testing.subprocess_run import main; main(*sys.argv[1:])"


def can_be_imported(target: object) -> bool:
    """Whether another process finds a class or function by its name."""
    return (inspect.isclass(target) or inspect.isfunction(target)) and "<" not in target.__qualname__


def digest_elsewhere(target: Any, problem: str, *, hash_seed: str, jumping: bool) -> str:
    """The digest of a contract's run of a problem in another process.

    Args:
        target: A contract's class, or a scheduler's factory; one that :func:`can_be_imported`.
        problem: One of its problems.
        hash_seed: PYTHONHASHSEED there.
        jumping: Whether each look at a clock finds it 1,000 s later.

    Raises:
        AssertionError: It fails there.
    """
    folders = os.pathsep.join(path or os.curdir for path in sys.path)
    environment = {**os.environ, "PYTHONPATH": folders, "PYTHONHASHSEED": hash_seed}
    where = [target.__module__, inspect.getfile(target), target.__qualname__, problem]
    done = subprocess.run(  # noqa: S603  this Python, and code of ours
        [sys.executable, "-c", (_JUMPING if jumping else "") + _MAIN, *where],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"the run fails in a fresh process: {done.stderr[-2000:]}"
    return done.stdout.split()[-1]


def main(module: str, file: str, name: str, problem: str) -> None:
    """Print the digest; this is what the other process does."""
    found: Any = _loaded(module, Path(file))
    for part in name.split("."):
        found = getattr(found, part)
    from simulator.testing.contract import SchedulerContract, contract_of

    is_contract = isinstance(found, type) and issubclass(found, SchedulerContract)
    contract = found() if is_contract else contract_of(found)
    sys.stdout.write(f"\n{contract.run(problem).digest}\n")


def _loaded(module: str, file: Path) -> object:
    try:
        found = importlib.import_module(module)
        if found.__file__ is not None and Path(found.__file__) == file:
            return found
    except ImportError:
        pass  # tests need not be importable by name
    spec = importlib.util.spec_from_file_location(module, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    return loaded
