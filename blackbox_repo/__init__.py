"""Meaning: configurations and their learning curves, where they come from, whether they are intact.

May import ``data_cache`` (in ``roots/packages.py``); nothing else of ours. What is offered here is imported
when it is first asked for, since every pytest of the environment imports this package
(``pytest_plugin.py``).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from blackbox_repo import deprecated as _deprecated

if TYPE_CHECKING:
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
        NotConverted,
        NotDownloaded,
        NotInRoot,
        NotTabulated,
        PinMismatch,
        RootUnavailable,
        UnknownFidelity,
        UnknownName,
        UnknownSeed,
        VersionExists,
    )
    from blackbox_repo.repository import describe, list_blackboxes, load_blackbox, verify
    from blackbox_repo.roots.publish import publish
    from blackbox_repo.roots.source import Source
    from blackbox_repo.schema import Fidelity, Objective, Schema
    from blackbox_repo.space import Condition, Space
    from blackbox_repo.store.manifest import Manifest
    from blackbox_repo.surrogate.arrays_to_fit import training_data
    from blackbox_repo.surrogate.fit import fit_surrogate
    from blackbox_repo.surrogate.options import FitOptions
    from blackbox_repo.table import Coded, Table, TabularBlackbox

__version__ = "0.1.0"

_MODULES = {
    "Benchmark": "benchmark",
    "Blackbox": "blackbox",
    "BlackboxRepoError": "errors",
    "Categorical": "domains",
    "Coded": "table",
    "Condition": "space",
    "ConfigurationNotInTable": "errors",
    "Constant": "domains",
    "Fidelity": "schema",
    "FitOptions": "surrogate.options",
    "Float": "domains",
    "FormatError": "errors",
    "Integer": "domains",
    "IntegrityError": "errors",
    "InvalidConfiguration": "errors",
    "InvalidOption": "errors",
    "InvalidSpace": "errors",
    "LearningCurve": "curve",
    "Manifest": "store.manifest",
    "NotConverted": "errors",
    "NotDownloaded": "errors",
    "NotInRoot": "errors",
    "NotTabulated": "errors",
    "Objective": "schema",
    "Ordinal": "domains",
    "PinMismatch": "errors",
    "RootUnavailable": "errors",
    "Schema": "schema",
    "Source": "roots.source",
    "Space": "space",
    "Table": "table",
    "TabularBlackbox": "table",
    "UnknownFidelity": "errors",
    "UnknownName": "errors",
    "UnknownSeed": "errors",
    "VersionExists": "errors",
    "describe": "repository",
    "fit_surrogate": "surrogate.fit",
    "from_function": "blackbox",
    "list_blackboxes": "repository",
    "load_benchmark": "benchmark",
    "load_blackbox": "repository",
    "publish": "roots.publish",
    "training_data": "surrogate.arrays_to_fit",
    "verify": "repository",
}

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
    "FitOptions",
    "Float",
    "FormatError",
    "Integer",
    "IntegrityError",
    "InvalidConfiguration",
    "InvalidOption",
    "InvalidSpace",
    "LearningCurve",
    "Manifest",
    "NotConverted",
    "NotDownloaded",
    "NotInRoot",
    "NotTabulated",
    "Objective",
    "Ordinal",
    "PinMismatch",
    "RootUnavailable",
    "Schema",
    "Source",
    "Space",
    "Table",
    "TabularBlackbox",
    "UnknownFidelity",
    "UnknownName",
    "UnknownSeed",
    "VersionExists",
    "describe",
    "fit_surrogate",
    "from_function",
    "list_blackboxes",
    "load_benchmark",
    "load_blackbox",
    "publish",
    "training_data",
    "verify",
]


_deprecated.install()

if not TYPE_CHECKING:  # type checkers shall know the names above and no others

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            return _deprecated.attribute(__name__, name)
        value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
