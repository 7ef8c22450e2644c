"""The cluster is the one owner of a run's state: what others write to it fails here."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from simulator import simulate
from simulator.kernel.cluster import Cluster
from simulator.kernel.segments import Segment, TrialState
from tests.simulator.worlds import Case, cases, examples

ROOT = Path(__file__).parents[3]
OWNERS = ("simulator.kernel.cluster", "simulator.kernel.segments")
STATE = (Cluster, Segment, TrialState)
NAMES = {"cluster", "job", "previous", "segment", "segments", "source", "trial", "trials"}
CHANGES = {
    "add",
    "append",
    "clear",
    "discard",
    "extend",
    "insert",
    "mark",
    "pop",
    "release",
    "remove",
    "sort",
}


@pytest.fixture(scope="module")
def owned() -> Iterator[None]:
    """Writing an attribute of the state raises, unless one of its owners does."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in STATE:
            plain = kind.__setattr__

            def write(self: Any, name: str, value: Any, plain: Any = plain) -> None:
                writer = sys._getframe(1).f_globals["__name__"]
                assert writer in OWNERS, f"{writer} writes {type(self).__name__}.{name}"
                plain(self, name, value)

            patch.setattr(kind, "__setattr__", write)
        yield


@pytest.mark.usefixtures("owned")
@given(cases())
@examples(150)
def test_nobody_else_writes_attributes_of_the_state(case: Case) -> None:
    simulate(
        case.world, case.scheduler(), workers=case.workers, stop=case.stop, conditions=case.conditions, seed=1
    )


@pytest.mark.usefixtures("owned")
def test_a_write_from_outside_fails() -> None:
    segment = object.__new__(Segment)
    with pytest.raises(AssertionError, match=r"test_owner writes Segment\.end"):
        segment.end = 3


def parts(node: ast.expr) -> Iterator[str]:
    """The names in a chain such as ``self.cluster.trials[0].status``, but for the last one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
        if isinstance(node, ast.Attribute):
            yield node.attr
    if isinstance(node, ast.Name):
        yield node.id


def writes(tree: ast.AST) -> Iterator[str]:
    """What is assigned to, deleted from or called to change something of the state."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES
        ):
            targets = [node.func]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript) and NAMES & set(parts(target)):
                yield ast.unparse(target)


def test_no_other_module_of_the_kernel_changes_lists_and_dicts_of_the_state() -> None:
    found = {
        path.name: list(writes(ast.parse(path.read_text("utf-8"))))
        for path in sorted((ROOT / "simulator" / "kernel").glob("*.py"))
        if f"simulator.kernel.{path.stem}" not in OWNERS
    }
    assert {name: places for name, places in found.items() if places} == {}
