"""What surrogates learn from as plain arrays, for models of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.space import Space
from blackbox_repo.surrogate.training_data import TrainingData


class TrainingNames(NamedTuple):
    """What the rows and columns of training data are.

    Args:
        features: The columns of ``X``: ``lr``, ``optimizer=adam``, ``optimizer=sgd``, ...
        outputs: The columns of ``y`` as (objective, fidelity); the fidelity of a constant objective is
            ``None``.
        examples: The rows of both: indices of ``blackbox.configurations()``.
    """

    features: tuple[str, ...]
    outputs: tuple[tuple[str, float | None], ...]
    examples: tuple[int, ...]


def training_data(
    blackbox: Blackbox,
    *,
    space: Space | None = None,
    objectives: Sequence[str] | None = None,
    frame: bool = False,
) -> tuple[Any, Any, TrainingNames]:
    """What a surrogate learns from, as arrays for a model of one's own: ``X, y, names``.

    Each configuration of the table that has a run with a point is one example. ``X`` is float64 of the shape
    (example, feature): numbers as positions in [0, 1] between the ends of their domain, in log scale if that
    is; a feature for each category; -2 where a hyperparameter is inactive
    (:class:`~blackbox_repo.surrogate.encoding.Encoding`). ``y`` is float64 of the shape (example, output):
    the curves of all objectives side by side, in the units of the schema, as means over the seeds. Curves
    that end early go on with their last value and cumulative ones at their mean rate; where a run diverged or
    crashed, the worst value of the table at that fidelity counts. ``y`` is NaN where no run has a value.

    Args:
        blackbox: A table.
        space: Another space that holds the configurations of the table, such as
            ``blackbox.schema.space.continuous()``; by default that of the table.
        objectives: Which objectives, in the order of the schema; by default all.
        frame: Whether ``X`` and ``y`` are DataFrames of pandas, with the columns and the index that ``names``
            says.

    Raises:
        NotTabulated: The blackbox has no table.
        InvalidOption: The space lacks a configuration of the table.
        UnknownName: There is no such objective.
        ImportError: ``frame`` is asked for, and pandas is not installed.

    Example:
        >>> X, y, names = training_data(load_blackbox("icml-deepar")["electricity"], objectives=["crps"])
        >>> X.shape, y.shape, names.outputs
        ((222, 6), (222, 1), (('crps', 1),))
    """
    schema = blackbox.schema
    wanted = schema.objectives if objectives is None else [schema.objective(name) for name in objectives]
    chosen = [objective for objective in schema.objectives if objective in wanted]
    data = TrainingData.of(blackbox, replace(schema, space=space or schema.space))
    outputs = [
        (objective.name, fidelity)
        for objective in chosen
        for fidelity in ((None,) if objective.constant else schema.fidelity.values)
    ]
    y = np.concatenate([data.points[objective.name] for objective in chosen], axis=1)
    names = TrainingNames(data.encoding.names, tuple(outputs), tuple(data.numbers.tolist()))
    return (*_frames(data.rows, y, names), names) if frame else (data.rows, y, names)


def _frames(rows: Array, outputs: Array, names: TrainingNames) -> tuple[Any, Any]:
    try:
        import pandas as pd
    except ImportError as err:
        raise ImportError(
            "training_data(frame=True) needs pandas: install it with pip install 'blackbox-repo[pandas]'"
        ) from err
    index = pd.Index(names.examples, name="example")
    columns = pd.MultiIndex.from_tuples(names.outputs, names=["objective", "fidelity"])
    return pd.DataFrame(rows, index, list(names.features)), pd.DataFrame(outputs, index, columns)
