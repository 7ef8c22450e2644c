"""Small faults in a Python source: one changed operator, number, name or lost statement at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
TWINS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "busy_from": "start",
    "start": "busy_from",
    "first": "last",
    "last": "first",
    "next": "awaited",
    "awaited": "wake",
    "wake": "next",
    "base": "first",
    "number": "trial",
    "heard": "number",
    "PAUSED": "STOPPED",
    "STOPPED": "FAILED",
    "COMPLETED": "FAILED",
}
"""Names that are easily taken for each other."""


@dataclass(frozen=True)
class Mutant:
    """A source with one fault.

    Args:
        before: The statement as it was, on one line.
        after: The statement with the fault.
        source: The whole module.
    """

    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every module that differs from this one by one small fault; texts, types and docstrings stay."""
    tree = ast.parse(source)
    for statement in _statements(tree):
        before = _line(statement)
        for change in _changes(statement):
            after = _line(statement)
            if after != before:
                yield Mutant(before, after, ast.unparse(tree))
            change()


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements inside of functions, apart from docstrings."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in function.body:
                yield from (n for n in ast.walk(node) if isinstance(n, ast.stmt) and _may_be_wrong(n))


def _may_be_wrong(node: ast.stmt) -> bool:
    """Not so what only says something, as docstrings do; functions have statements of their own."""
    said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    others = ast.FunctionDef | ast.ClassDef | ast.Assert | ast.Raise | ast.Import | ast.ImportFrom | ast.Pass
    return not said and not isinstance(node, others)


class _Undo:
    """Puts back what was changed."""

    def __init__(self, node: ast.AST, field: str, value: object) -> None:
        self._node, self._field, self._value = node, field, value

    def __call__(self) -> None:
        setattr(self._node, self._field, self._value)


def _changes(statement: ast.stmt) -> Iterator[_Undo]:
    """Makes one change after the other, and gives what takes it back."""
    for node in _own(statement):
        for field, value in _faults(node):
            yield _changed(node, field, value)
    if isinstance(statement, ast.Expr | ast.AugAssign):
        yield _changed_to_nothing(statement)


def _changed(node: ast.AST, field: str, value: object) -> _Undo:
    undo = _Undo(node, field, copy.copy(getattr(node, field)))
    setattr(node, field, value)
    return undo


def _changed_to_nothing(statement: ast.Expr | ast.AugAssign) -> _Undo:
    """A lost statement: what it computes is not used, or nothing is added."""
    if isinstance(statement, ast.Expr):
        return _changed(statement, "value", ast.Constant(None))
    return _changed(statement, "value", ast.Constant(0))


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """The expressions of a statement itself, not those of the statements in it."""
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        yield node
        children = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        todo += [child for child in children if not isinstance(child, ast.JoinedStr | ast.arguments)]


def _faults(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What may be wrong in a node: its field, and the wrong value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "value", not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "value", node.value + 1
    elif isinstance(node, ast.Attribute) and node.attr in TWINS:
        yield "attr", TWINS[node.attr]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in TWINS:
        yield "id", TWINS[node.id]
    else:
        yield from _logical_faults(node)


def _logical_faults(node: ast.AST) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if type(op) in OPPOSITES:
                yield "ops", [*node.ops[:place], OPPOSITES[type(op)](), *node.ops[place + 1 :]]
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPPOSITES:
        yield "op", OPPOSITES[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.UnaryOp):
        yield "test", ast.UnaryOp(ast.Not(), node.test)


def _line(statement: ast.stmt) -> str:
    """A statement as one line; of one with a body, its head."""
    return ast.unparse(statement).splitlines()[0]
