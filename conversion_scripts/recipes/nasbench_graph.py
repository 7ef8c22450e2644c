"""NAS-Bench-Graph: graph neural networks of four layers on nine graphs.

Qin et al., NeurIPS 2022; https://github.com/THUMNLab/NAS-Bench-Graph
"""

from __future__ import annotations

from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Categorical
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, FRACTION
from conversion_scripts.raw import RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe

FILE = "nas_bench_graph/light/{}.bench"
# graph -> SHA-256 and size of its file
TASKS = {
    "cora": ("5e69b2f9bb08d8927d9ffd4921f8494a3cea349c9c3a461334cb9dc9e11701a8", 2_036_857),
    "citeseer": ("99c7f79b73372636305bf73fb32a58b63c57bd1871a152dd62ec72d984c8c50f", 2_036_857),
    "pubmed": ("10b4dcf6cfd3a24f6059f7d541a4a872960b4adac0b3dba26abed1bb9a3d904d", 2_036_857),
    "cs": ("71ae8469930517160b024f52db6000a4897f1aff5d765beb27bb60952ed5bd31", 2_036_857),
    "physics": ("1e309bafee0b832c8b84fa3c039c36992bc0a910238b128f26b7e9190d7f2aea", 2_036_857),
    "photo": ("5511b4dc3f63fa988792177227db7901290fb9b27fc6c02e3036b29e134ed6df", 2_036_857),
    "computers": ("fdb3dc0cf405d62322f0ab9614b2083c2a5e6576c2f43e4f2214be64bc62b1b3", 2_036_857),
    "arxiv": ("7ee21a7653297a806c0ed1be3efe6ecc06acc84e48e942da0bfde0e5d287debe", 2_036_857),
    "proteins": ("b9e7fb0902bda44fec32c948e5fde822fb22d38d674c52e43ace5197378f2d21", 245_616),
}
# the digits of an architecture's hash are the index of its links, then those of its layers' operations
LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
LAYERS = 4
SCHEMA = Schema(
    space=Space(
        {
            "link": Categorical(LINKS),
            **{f"op_{layer}": Categorical(OPERATIONS) for layer in range(1, LAYERS + 1)},
        }
    ),
    fidelity=Fidelity("evaluation", (1,)),
    objectives=(
        Objective("valid_performance", "max", "", "accuracy (proteins: ROC-AUC) on the validation nodes"),
        Objective("test_performance", "max", "", "as valid_performance, on the test nodes"),
        Objective("latency", "min", "s", "of one inference", constant=True),
        Objective("parameters", "min", "million", "number of weights", constant=True),
    ),
    target="valid_performance",
)
FIELDS = {
    "valid_performance": "valid_perf",
    "test_performance": "perf",
    "latency": "latency",
    "parameters": "para",
}


def _convert(raw: RawFolder) -> Conversion:
    return Conversion(SCHEMA, {task: _table(task, raw.pickle(FILE.format(task))) for task in TASKS})


def _table(task: str, records: dict[int, dict[str, Any]]) -> Table:
    hashes = sorted(records)
    columns = {
        name: np.array([records[key][field] for key in hashes], dtype=np.float64)
        for name, field in FIELDS.items()
    }
    link, *operations = _digits(task, np.array(hashes))
    return Table(
        hyperparameters={
            "link": Coded(LINKS, link),
            **{f"op_{i}": Coded(OPERATIONS, digits) for i, digits in enumerate(operations, start=1)},
        },
        seeds=np.zeros(len(hashes), dtype=np.int64),
        points={name: columns[name] for name in ("valid_performance", "test_performance")},
        lengths=np.ones(len(hashes), dtype=np.int64),
        constants={name: columns[name] for name in ("latency", "parameters")},
        labels={"hash": Coded.of(hashes)},
    )


def _digits(task: str, hashes: Array) -> list[Array]:
    digits = [(hashes // 10**place % 10).astype(np.int32) for place in range(LAYERS, -1, -1)]
    if hashes.min() < 0 or hashes.max() >= 10 ** (LAYERS + 1) or max(map(np.max, digits)) >= len(OPERATIONS):
        raise FormatError(f"{FILE.format(task)} has a key that is not the hash of an architecture")
    return digits


CARD = (
    Defect(
        "the source holds the mean over three seeds after the last epoch; the curves of each seed are "
        "published elsewhere, https://figshare.com/articles/dataset/NAS-bench-Graph/20070371",
        "one fidelity, evaluation 1, and one seed, 0",
    ),
    Defect("there is no training time in the source", "no elapsed time: a simulation needs a time model"),
    Defect(
        "of the 59,049 combinations only one of each set of equal graphs was trained, 26,206 in all, and "
        "for proteins only the 2,021 without gat, gin, cheb and graph",
        "no full grid; a combination that is not there must be brought to its standard form first, as "
        "valid_hash() of the official architecture.py does",
    ),
    Defect(
        "architectures are named by a hash; that of proteins is in base 10 like the others', although "
        "hash_arch() of the official architecture.py has a base 6 for it",
        "decoded in base 10; the label hash keeps it",
    ),
    Defect(
        "link is the four layers' inputs: 0 is the graph, 1 the first layer, and so on",
        "its digits as text",
    ),
)
GRAPH = Recipe(
    name="nasbench-graph",
    title="NAS-Bench-Graph: 26,206 graph neural networks on nine graphs",
    license="Apache-2.0",
    citation=(
        "Yijian Qin, Ziwei Zhang, Xin Wang, Zeyang Zhang and Wenwu Zhu. NAS-Bench-Graph: Benchmarking Graph "
        "Neural Architecture Search. Advances in Neural Information Processing Systems (NeurIPS), 2022."
    ),
    homepage="https://github.com/THUMNLab/NAS-Bench-Graph",
    version="1.0",
    files=tuple(
        github(
            FILE.format(task),
            "THUMNLab/NAS-Bench-Graph",
            "be42534b56f6aaab2c3d6145b10eda9cbde10193",
            f"nas-bench-graph/light/{task}.bench",
            *hash_and_size,
        )
        for task, hash_and_size in TASKS.items()
    ),
    card=CARD,
    convert=_convert,
    default=TuningDefaults(workers=4),
    labels=("hash",),
    bounds={
        **{f"{split}_performance": FRACTION for split in ("valid", "test")},
        **dict.fromkeys(("latency", "parameters"), ABOVE_0),
    },
)
RECIPES = (GRAPH,)
