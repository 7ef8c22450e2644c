"""Bugs as they happen: a few letters of our own schedulers changed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS = "simulator.schedulers"


@dataclass(frozen=True)
class Bug:
    """A bug.

    Args:
        what: In words.
        scheduler: Module and class that behave otherwise.
        module: Where it is planted.
        right: A text that stands there once.
        wrong: What stands there instead.
    """

    what: str
    scheduler: str
    module: str
    right: str
    wrong: str

    def planted(self) -> Any:
        """The scheduler's class with the bug; the real one stays as it is."""
        with _imported_anew():
            self._plant()
            return self.healthy()

    def healthy(self) -> Any:
        """The scheduler's class."""
        module, _, name = self.scheduler.partition(":")
        return getattr(importlib.import_module(f"{OURS}.{module}"), name)

    def _plant(self) -> None:
        spec = importlib.util.find_spec(f"{OURS}.{self.module}")
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).read_text("utf-8")
        assert source.count(self.right) == 1, f"{self.module} has {source.count(self.right)} x {self.right!r}"
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        changed = source.replace(self.right, self.wrong)
        exec(compile(changed, spec.origin, "exec"), module.__dict__)  # noqa: S102  our own source


@contextmanager
def _imported_anew() -> Iterator[None]:
    """Within this, our schedulers are not imported yet."""
    real = {name: module for name, module in sys.modules.items() if name.startswith(f"{OURS}.")}
    for name in real:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith(f"{OURS}.")]:
            del sys.modules[name]
        sys.modules.update(real)


_INSERTED_FIRST = """            rung.insert(loss)
            if not rung.admits(loss):
                return STOP
"""
_INSERTED_LAST = """            if len(rung) > 0 and not rung.admits(loss):
                return STOP
            rung.insert(loss)
"""
_SOURCE = "checkpoint_of=None if source is None else source.trial"

BUGS = (
    Bug("a tie is stopped", "asha:ASHA", "rungs", "and loss <= -", "and loss < -"),
    Bug("the quantile is upside down", "asha:ASHA", "rung_levels", "kind(ratio", "kind(1 - ratio"),
    Bug("the goal is mistaken", "asha:ASHA", "asha", "loss = objective_loss(", "loss = -objective_loss("),
    Bug("who is stopped leaves no trace", "asha:ASHA", "asha", _INSERTED_FIRST, _INSERTED_LAST),
    Bug("rungs lie too high", "asha:ASHA", "rung_levels", "at_or_above(wanted)", "at_or_above(wanted) + 1"),
    Bug("one trial too few", "hyperband:Hyperband", "hyperband", "ceil((rungs", "int((rungs"),
    Bug("the last bracket is left out", "hyperband:Hyperband", "hyperband", "s, -1, -1)", "s, 0, -1)"),
    Bug("one too many goes on", "hyperband:Hyperband", "synchronous", "_counts[0]]", "_counts[0] + 1]"),
    Bug("the worst go on", "hyperband:Hyperband", "synchronous", "(self._losses[n", "(-self._losses[n"),
    Bug("the worst are copied", "pbt:PBT", "pbt", "self._ranked[:quota]", "self._ranked[-quota:]"),
    Bug("copies begin anew", "pbt:PBT", "pbt", _SOURCE, "checkpoint_of=None"),
    Bug("the least quantile is nobody", "pbt:PBT", "pbt", "ceil(count", "int(count"),
    Bug("numbers only grow", "pbt:PBT", "neighbours", '*key, name, "up") == 1', '*key, name, "up") >= 0'),
)
