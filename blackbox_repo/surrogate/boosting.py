"""Boosting trees with xgboost, and flattening them.

Settings have xgboost's own names. Defaults differ where the tables of the embedded blackboxes are predicted
better: more, smaller steps of deeper trees, each on a part of the examples and features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.rounding import round_significant
from blackbox_repo.numeric.scalars import number, whole
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.boosted import Boosted, Booster
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.outputs import Outputs, centre_and_unit
from blackbox_repo.surrogate.settings import check_names, choice
from blackbox_repo.surrogate.training_curves import limits
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.surrogate.trees import Trees

_DIGITS = 10
_COARSE = 32  # bins of a feature where many outputs are learnt together, which takes long and needs no more
_SEEDS = 1 << 31


@dataclass(frozen=True)
class BoosterSettings:
    """The settings of xgboost by its own names.

    Args:
        n_estimators: The number of trees of each booster.
        learning_rate: What the leaves of each tree are multiplied by.
        max_depth: How deep trees may be; 0 for no limit.
        max_leaves: How many leaves they may have; 0 for no limit.
        grow_policy: ``"depthwise"`` or ``"lossguide"``: which node is split first.
        min_child_weight: The fewest examples in a leaf.
        gamma: By how much a split must reduce the loss.
        max_delta_step: The largest value of a leaf; 0 for no limit.
        subsample: The share of examples that each tree learns from.
        colsample_bytree: The share of features of each tree.
        colsample_bylevel: The share of those at each depth.
        colsample_bynode: The share of those at each node.
        reg_lambda: The weight of the squares of the values of leaves in the loss.
        reg_alpha: The weight of their sizes.
        max_bin: The number of bins of a feature between which trees split; 32 at most where they predict
            several outputs.
        num_parallel_tree: The number of trees of each step.
    """

    n_estimators: int = 100
    learning_rate: float = 0.1
    max_depth: int = 8
    max_leaves: int = 0
    grow_policy: str = "depthwise"
    min_child_weight: float = 1.0
    gamma: float = 0.0
    max_delta_step: float = 0.0
    subsample: float = 0.8
    colsample_bytree: float = 1.0
    colsample_bylevel: float = 1.0
    colsample_bynode: float = 0.7
    reg_lambda: float = 1.0
    reg_alpha: float = 0.0
    max_bin: int = 256
    num_parallel_tree: int = 1

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> BoosterSettings:
        """Checked settings by name.

        Raises:
            UnknownName: There is no such setting.
            InvalidOption: One is out of range.
        """
        check_names("xgboost", settings, cls.__dataclass_fields__)
        given = asdict(cls(**settings))
        checked: dict[str, Any] = {name: whole(name, given[name], *_WHOLE[name]) for name in _WHOLE}
        checked |= {name: number(name, given[name], 0.0) for name in _WEIGHTS}
        checked |= {name: number(name, given[name], 0.0, 1.0, above=0.0) for name in _SHARES}
        policy = choice("grow_policy", given["grow_policy"], ("depthwise", "lossguide"))
        return cls(**checked, grow_policy=policy)


_WHOLE = {
    "n_estimators": (1, 10_000),
    "max_depth": (0, 30),
    "max_leaves": (0, 1 << 20),
    "max_bin": (2, 1 << 16),
    "num_parallel_tree": (1, 1000),
}
_WEIGHTS = ("min_child_weight", "gamma", "max_delta_step", "reg_lambda", "reg_alpha")
_SHARES = ("learning_rate", "subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")


def boost(data: TrainingData, schema: Schema, seed: int, settings: BoosterSettings, say: Say) -> Boosted:
    """Boosted trees for these examples.

    Args:
        data: The examples.
        schema: What their points mean.
        seed: What is drawn while boosting.
        settings: The settings.
        say: Called with what is done now.

    Raises:
        InvalidOption: xgboost refuses the settings.
    """
    outputs = Outputs.of(schema, data.points)
    learnt = outputs.rows(data.points)
    ends = data.points[schema.target][:, -1:]
    extreme = _extreme(schema, ends)
    wanted, usual = {"target": (data.rows, learnt[:, :1])}, (0.0, 1.0)
    if extreme.any():
        usual = centre_and_unit(ends[~extreme, 0])
        scaled = round_significant((ends[~extreme] - usual[0]) / usual[1], _DIGITS)
        wanted |= {
            "usual": (data.rows[~extreme], scaled),
            "extreme": (data.rows, extreme[:, np.newaxis].astype(np.float64)),
        }
    if learnt.shape[1] > 1:
        wanted["others"] = (data.rows, learnt[:, 1:])
    boosters, trees = [], []
    for name, (rows, goals) in wanted.items():
        say(f"boosting trees for {name}")
        flat, values = flatten(train(rows, goals, seed, settings))
        boosters.append(Booster(name, len(flat), values))
        trees.append(flat)
    return Boosted(_joined(trees), boosters, usual, outputs)


def _extreme(schema: Schema, ends: Array) -> Array:
    """Which examples are extreme at the last fidelity, as diverged trainings are."""
    least, most = limits(schema.objective(schema.target), ends)
    known = np.nan_to_num(ends[:, 0], nan=np.clip(0.0, least[0], most[0]))
    return np.asarray((known < least[0]) | (known > most[0]))


def train(rows: Array, goals: Array, seed: int, settings: BoosterSettings) -> Any:
    """A booster of xgboost, on one thread, as the number of threads might reach the last bits.

    Args:
        rows: The encoded configurations ``(example, feature)``.
        goals: What is predicted of them ``(example, output)``, with a mean near 0.
        seed: What is drawn.
        settings: The settings.

    Raises:
        InvalidOption: xgboost refuses the settings.
    """
    import xgboost

    several = goals.shape[1] > 1
    given = asdict(settings)
    rounds = given.pop("n_estimators")
    fixed = {
        "objective": "reg:squarederror",
        "tree_method": "hist",
        "base_score": 0.0,
        "nthread": 1,
        "seed": seed % _SEEDS,
        "verbosity": 0,
    }
    if several:
        fixed |= {"multi_strategy": "multi_output_tree", "max_bin": min(settings.max_bin, _COARSE)}
    try:
        matrix = xgboost.DMatrix(rows.astype(np.float32), label=goals if several else goals[:, 0], nthread=1)
        return xgboost.train({**given, **fixed}, matrix, rounds)
    except xgboost.core.XGBoostError as err:
        reason = str(err).strip().splitlines()[0]
        raise InvalidOption(f"xgboost refuses the settings {given!r} of the surrogate: {reason}") from err


def flatten(booster: Any) -> tuple[Trees, Array]:
    """The trees of a booster of xgboost, and the values of their leaves ``(leaf, output)``, float32."""
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    flat = [_flatten_tree(tree) for tree in model["trees"]]
    return _joined([tree for tree, _ in flat]), np.concatenate([values for _, values in flat])


def _flatten_tree(tree: Mapping[str, Any]) -> tuple[Trees, Array]:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    order = np.array(_depth_first(left.tolist(), right.tolist()))
    place = np.zeros(len(left), dtype=np.intp)
    place[order] = np.arange(len(order))
    leaf = left[order] < 0
    conditions = _float32(tree["split_conditions"])[order]
    trees = Trees(
        np.zeros(1, dtype=np.intp),
        np.where(leaf, 0, np.array(tree["split_indices"])[order]),
        # xgboost sends what is less than a condition to the left
        np.where(leaf, np.float32(0), np.nextafter(conditions, np.float32(-np.inf))),
        np.where(leaf, np.arange(len(order)), place[right[order]]),
    )
    return trees, _leaf_values(tree, order[leaf])


def _depth_first(left: list[int], right: list[int]) -> list[int]:
    """The nodes of a tree, each before its left child, and that side before the right one."""
    found, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        found.append(node)
        if left[node] >= 0:
            waiting += [right[node], left[node]]
    return found


def _leaf_values(tree: Mapping[str, Any], leaves: Array) -> Array:
    width = max(int(tree["tree_param"]["size_leaf_vector"]), 1)
    if width == 1:
        return np.asarray(_float32(tree["split_conditions"])[leaves, np.newaxis])
    if "leaf_weights" in tree:  # from xgboost 3.2 on; the right child of a leaf is its number there
        numbers = np.array(tree["right_children"])[leaves]
        return np.asarray(_float32(tree["leaf_weights"]).reshape(-1, width)[numbers])
    of_nodes = _float32(tree["base_weights"]).reshape(-1, width)
    return np.asarray(of_nodes[leaves])


def _float32(numbers: list[float]) -> Array:
    return np.array(numbers, dtype=np.float64).astype(np.float32)


def _joined(parts: list[Trees]) -> Trees:
    """Trees end to end."""
    sizes = [len(part.feature) for part in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    return Trees(
        np.concatenate([part.roots + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part.feature for part in parts]),
        np.concatenate([part.threshold for part in parts]),
        np.concatenate([part.right + start for part, start in zip(parts, starts, strict=True)]),
    )
