"""What the subprocess of :mod:`simulator.testing.subprocess_run` runs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from simulator.testing.contract import SchedulerContract, contract_of


def main(module: str, file: str, name: str, problem: str) -> None:
    """Print the digest of a contract's run.

    Args:
        module: The module of a contract's class or of a scheduler's factory.
        file: The module's file, in case it cannot be imported by its name.
        name: The qualified name of the class or factory.
        problem: Name of one of the contract's problems.
    """
    found: Any = _load(module, Path(file))
    for part in name.split("."):
        found = getattr(found, part)
    is_contract = isinstance(found, type) and issubclass(found, SchedulerContract)
    contract = found() if is_contract else contract_of(found)
    sys.stdout.write(f"\n{contract.run(problem).digest}\n")


def _load(module: str, file: Path) -> object:
    try:
        found = importlib.import_module(module)
        if found.__file__ is not None and Path(found.__file__) == file:
            return found
    except ImportError:
        pass  # modules of tests need not be importable by name
    spec = importlib.util.spec_from_file_location(module, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    return loaded
