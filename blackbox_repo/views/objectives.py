"""Views with renamed objectives or another target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array, LearningCurve
from blackbox_repo.space import Configuration
from blackbox_repo.views.base import View


def rename_objectives(blackbox: Blackbox, names: Mapping[str, str]) -> Blackbox:
    """The objectives under new names: ``{old: new}``; the others keep theirs.

    Raises:
        UnknownName: An old name is no objective.
        InvalidSpace: A new name is taken.
    """
    for old in names:
        blackbox.schema.objective(old)
    return _Renamed(blackbox, names)


def with_target(blackbox: Blackbox, objective: str) -> Blackbox:
    """The same blackbox with another objective to optimize.

    Raises:
        UnknownName: There is no such objective.
        InvalidSpace: It has no goal.
    """
    return View(blackbox, blackbox.schema.with_target(objective), f"with_target({objective})")


class _Renamed(View):
    def __init__(self, inner: Blackbox, names: Mapping[str, str]) -> None:
        schema = inner.schema
        self._names = {o.name: names.get(o.name, o.name) for o in schema.objectives}
        renamed = replace(
            schema,
            objectives=tuple(replace(o, name=self._names[o.name]) for o in schema.objectives),
            target=self._names[schema.target],
            time=None if schema.time is None else self._names[schema.time],
        )
        self._old = {new: old for old, new in self._names.items()}
        super().__init__(inner, renamed, f"rename_objectives({dict(sorted(names.items()))!a})")

    def values(self, objective: str) -> Array:
        self.schema.objective(objective)
        return self.inner.values(self._old[objective])

    def view_curve(self, curve: LearningCurve, configuration: Configuration) -> LearningCurve:
        return curve.renamed(self.schema, self._names)
