"""Meaning: configurations and their learning curves, where they come from, whether they are intact.

May import ``data_cache`` (in ``roots.py``); nothing else of ours.
"""

from blackbox_repo.benchmark import Benchmark, load_benchmark
from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.curve import LearningCurve
from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.errors import (
    BlackboxRepoError,
    ConfigurationNotInTable,
    FormatError,
    IntegrityError,
    InvalidConfiguration,
    InvalidOption,
    InvalidSpace,
    NotTabulated,
    UnknownFidelity,
    UnknownName,
    UnknownSeed,
)
from blackbox_repo.manifest import Manifest
from blackbox_repo.repository import describe, list_blackboxes, load_blackbox, verify
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

__version__ = "0.1.0"

__all__ = [
    "Benchmark",
    "Blackbox",
    "BlackboxRepoError",
    "Categorical",
    "Coded",
    "Condition",
    "ConfigurationNotInTable",
    "Constant",
    "Fidelity",
    "Float",
    "FormatError",
    "Integer",
    "IntegrityError",
    "InvalidConfiguration",
    "InvalidOption",
    "InvalidSpace",
    "LearningCurve",
    "Manifest",
    "NotTabulated",
    "Objective",
    "Ordinal",
    "Schema",
    "Space",
    "Table",
    "TabularBlackbox",
    "UnknownFidelity",
    "UnknownName",
    "UnknownSeed",
    "describe",
    "from_function",
    "list_blackboxes",
    "load_benchmark",
    "load_blackbox",
    "verify",
]
