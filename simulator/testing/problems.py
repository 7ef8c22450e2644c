"""Small blackboxes with everything that schedulers have trouble with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from blackbox_repo import keyed_random
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve, Status
from blackbox_repo.domains import Categorical, Float, Integer, Ordinal
from blackbox_repo.schema import Fidelity, FidelityKind, Goal, Objective, Schema
from blackbox_repo.space import Condition, Configuration, Space, configuration_text

CONDITIONAL = Space(
    {
        "optimizer": Categorical(("sgd", "adam")),
        "rate": Float(1e-4, 1.0, log=True),
        "momentum": Float(0.0, 0.99),
        "layers": Integer(1, 4),
        "batch": Ordinal((16, 32, 64)),
    },
    {"momentum": (Condition("optimizer", ("sgd",)),)},
)
ROWS: list[dict[str, Any]] = [{"x": keyed_random.unit("row", k, "x"), "kind": "ab"[k % 2]} for k in range(12)]
SCATTERED = Space({"x": Float(0.0, 1.0), "kind": Categorical(("a", "b"))}, candidates=ROWS)
TINY = Space({"a": Integer(0, 2), "b": Categorical(("p", "q"))})


def schema_of(
    space: Space, epochs: int = 9, kind: FidelityKind = "incremental", goal: Goal = "min"
) -> Schema:
    """A schema with the target ``score``, a size that is minimized too, and a time.

    Args:
        space: The search space.
        epochs: The number of fidelities.
        kind: The kind of the fidelity.
        goal: The goal of the score.
    """
    return Schema(
        space,
        Fidelity("epoch", tuple(range(1, epochs + 1)), kind=kind),
        (
            Objective("score", goal),
            Objective("size", "min"),
            Objective("elapsed_time", "none", "s", cumulative=True),
        ),
        target="score",
        time="elapsed_time",
    )


class Rough(Blackbox):
    """Curves with noise, ties and NaN, that may end early, with or without a failure.

    Args:
        schema: A schema of :func:`schema_of`.
        smooth: Whether the curves have none of that.
    """

    name = "rough"

    def __init__(self, schema: Schema, *, smooth: bool = False) -> None:
        self.schema, self.smooth = schema, smooth

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        """A curve that depends on the configuration only; an epoch takes 1, 2 or 3 seconds."""
        text = configuration_text(self.schema.space.check(configuration))
        epochs, status = len(self.schema.fidelity.values), "ok"
        level = keyed_random.integer(5, "level", text)
        if not self.smooth and keyed_random.integer(3, "short", text) == 0:
            epochs = keyed_random.integer(epochs + 1, "length", text)
            status = ("ok", "diverged", "crashed")[keyed_random.integer(3, "status", text)]
        scores = [
            math.nan
            if not self.smooth and keyed_random.integer(12, "nan", text, epoch) == 0
            else level
            + (0 if self.smooth else keyed_random.integer(3, "noise", text, epoch)) / 2
            + 1 / (epoch + 1)
            for epoch in range(epochs)
        ]
        pace = 1 + keyed_random.integer(3, "pace", text)
        values: Mapping[str, Any] = {
            "score": scores,
            "size": [keyed_random.integer(4, "size", text)] * epochs,
            "elapsed_time": [pace * (epoch + 1) for epoch in range(epochs)],
        }
        known: Status = status  # type: ignore[assignment]
        return LearningCurve.of(self.schema, values, status=known, seed=seed or 0)

    def digest(self) -> str:
        """One digest for all, as the schema is part of a run's header too."""
        return "rough"


PROBLEMS: dict[str, Callable[[], Blackbox]] = {
    "conditional": lambda: Rough(schema_of(CONDITIONAL)),
    "maximized": lambda: Rough(schema_of(CONDITIONAL, goal="max")),
    "scattered": lambda: Rough(schema_of(SCATTERED)),
    "tiny": lambda: Rough(schema_of(TINY)),
    "smooth": lambda: Rough(schema_of(CONDITIONAL, epochs=27), smooth=True),
    "one epoch": lambda: Rough(schema_of(CONDITIONAL, epochs=1)),
    "independent": lambda: Rough(schema_of(CONDITIONAL, kind="independent")),
}
"""Name -> function that makes the blackbox."""
