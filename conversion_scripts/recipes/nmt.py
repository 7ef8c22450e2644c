"""Transformers for machine translation: all their final results (NMTHPO), and learning curves (NMTLC).

Zhang and Duh, TACL 2020 and AMTA 2024; https://github.com/Este1le/hpo_nmt
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from blackbox_repo.domains import Categorical, Ordinal
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import ABOVE_0, COUNT, PERCENT, Bounds
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.recipe import Conversion, Recipe
from conversion_scripts.replicates import replicates

REPOSITORY = "Este1le/hpo_nmt"
PAIRS = ("zh-en", "ru-en", "ja-en", "en-ja", "sw-en", "so-en")
# file below datasets/ -> its SHA-256 and size
RESULTS = {
    "en-ja.evals": ("1385c842ae3f6a7f3ee8b5cb554f81f707a4f7502f7806e048bc46c36a3157d5", 7_659),
    "en-ja.hyps": ("cdfd7c8c1bf3e3eac16bca04ad9b1f5c5755e2a5170a06edc3d074ae2a481798", 6_117),
    "ja-en.evals": ("6e3cb9be3d2cc097fe1fcbe8e5b15c933a5195684ec5a86e0a57ae921de24866", 6_902),
    "ja-en.hyps": ("df4a452ceabb9134f4c469778d14de2f6333e92b175cce21d9f9ade194beead6", 5_457),
    "ru-en.evals": ("1ddeb9a42d8dad6340d83ba427d375e66f1b2c030360877b6963180ee559f3ab", 7_886),
    "ru-en.hyps": ("0a96d2b1f10e4a22721cc81befa7b2cf875b761da23ced4c0ac0085be29fbd76", 6_413),
    "so-en.evals": ("4e95d872c15a0af35a1b7672ae979c794c9022ee1b53c821d7a8b646dd023bb7", 26_486),
    "so-en.hyps": ("0564b44e795d22b6a8f660bd6672e210fa544b0cacf03b913cbec50d95e93d7e", 21_637),
    "sw-en.evals": ("a2be8d462a621948afe782e2ad398a8832c98c26d8ca5992357af9278e0f1d4f", 34_211),
    "sw-en.hyps": ("e2642bc6f6ed6afe060e13fe699fa2dcd569f5311ee72eea55db87e37f25b725", 27_451),
    "zh-en.evals": ("4b09d2f5f593f8ff70de7ccf2e7990584282a2fb204142c31dec2d2e506983f2", 5_314),
    "zh-en.hyps": ("4ce4f95cf0ccf0beb6ff36b19be2ba98070bb05c7dfc49cb44f882314a2dfd73", 4_311),
}
CURVES_FILE = "nmt/lc_datasets/nmtlc.pkl"

# in the order of the columns of *.hyps and *.evals, which have no header; the README of the source names them
FINAL_SPACE = Space(
    {
        "bpe_symbols": Ordinal((1000, 2000, 4000, 8000, 10000, 16000, 30000, 32000, 50000)),
        "num_layers": Ordinal((1, 2, 4, 6)),
        "num_embed": Ordinal((256, 512, 1024)),
        "feed_forward_num_hidden": Ordinal((1024, 2048)),
        "attention_heads": Ordinal((8, 16)),
        "initial_lr": Ordinal((0.0003, 0.0006, 0.001)),
    }
)
FINAL_SCHEMA = Schema(
    space=FINAL_SPACE,
    fidelity=Fidelity("evaluation", (1,)),
    objectives=(
        Objective("dev_bleu", "max", "BLEU", "on the development set, after the whole training"),
        Objective("dev_gpu_time", "min", "s", "to translate the development set"),
        Objective("dev_perplexity", "min", "", "on the development set"),
        Objective("num_updates", "none", "", "steps of the training"),
        Objective("gpu_memory", "min", "MB", "of the translation"),
        Objective("num_params", "min", "", "number of weights"),
    ),
    target="dev_bleu",
)
CURVE_SCHEMA = Schema(
    space=Space(
        {
            "base_model": Categorical(("scratch", "bloomz", "xglm")),
            "initial_lr": Ordinal((2e-05, 0.0001, 0.0002, 0.0003, 0.0006, 0.001)),
            "model_size": Ordinal((256, 512, 1024, 2048, 2560)),
            "ff_num_hidden": Ordinal((1024, 2048, 4096, 8192, 10240)),
            "num_layers": Ordinal((1, 2, 4, 6, 24, 30, 48)),
            "batch_size": Ordinal((16, 32, 64, 4096)),
            "bpe": Ordinal((1, 2, 4, 8, 10, 16, 30, 32, 50, 250880, 256008)),
            "r": Ordinal((0, 2, 16, 64)),
        }
    ),
    fidelity=Fidelity("checkpoint", tuple(range(1, 570))),
    objectives=(
        Objective("perplexity", "min", "", "on the development set"),
        Objective("bleu", "max", "BLEU", "on the development set; of fine-tuned models only"),
    ),
    target="perplexity",
)


def _convert_final(raw: RawFolder) -> Conversion:
    tables = {}
    for pair in PAIRS:
        hyperparameters, results = (_columns(raw, f"{pair}.{kind}") for kind in ("hyps", "evals"))
        points = dict(zip((o.name for o in FINAL_SCHEMA.objectives), results, strict=True))
        points["gpu_memory"] = [value or float("nan") for value in points["gpu_memory"]]
        columns = zip(FINAL_SPACE.domains.items(), hyperparameters, strict=True)
        runs = len(hyperparameters[0])
        tables[pair] = Table(
            hyperparameters={name: Coded.of(map(domain.check, column)) for (name, domain), column in columns},
            seeds=np.zeros(runs, dtype=np.int64),
            points={name: np.array(values) for name, values in points.items()},
            lengths=np.ones(runs, dtype=np.int64),
        )
    return Conversion(FINAL_SCHEMA, tables)


def _columns(raw: RawFolder, file: str) -> list[list[float]]:
    lines = raw.bytes(f"nmt/datasets/{file}").decode().splitlines()
    return [list(map(float, column)) for column in zip(*(line.split("\t") for line in lines), strict=True)]


def _convert_curves(raw: RawFolder) -> Conversion:
    tasks: dict[str, list[dict[str, Any]]] = {}
    for record in raw.pickle(CURVES_FILE):
        tasks.setdefault(record["dataset_name"], []).append(record)
    titles = {
        task: f"{records[0]['src']} to {records[0]['trg']}, {records[0]['hyperparams']['dataset_size']:,} "
        f"sentence pairs, at most {records[0]['max_len']} checkpoints"
        for task, records in tasks.items()
    }
    return Conversion(
        CURVE_SCHEMA, {task: _curves(records) for task, records in tasks.items()}, titles=titles
    )


def _curves(records: list[dict[str, Any]]) -> Table:
    names = list(CURVE_SCHEMA.space.domains)
    settings = [{"base_model": record["basemodel"], **record["hyperparams"]} for record in records]
    order, seeds = replicates(tuple(setting[name] for name in names) for setting in settings)
    perplexities = [records[row]["perplexity_curve"] for row in order]
    missing = [[float("nan")] * len(curve) for curve in perplexities]
    bleus = [records[row].get("bleu_curve", nothing) for row, nothing in zip(order, missing, strict=True)]
    return Table(
        hyperparameters={name: Coded.of(settings[row][name] for row in order) for name in names},
        seeds=seeds,
        points={
            "perplexity": np.array(list(chain.from_iterable(perplexities))),
            "bleu": np.array(list(chain.from_iterable(bleus))),
        },
        lengths=np.array(list(map(len, perplexities))),
    )


def _file(name: str, path: str, sha256: str, size: int) -> RawFile:
    return github(name, REPOSITORY, "7bd0a402b332a6fdea8bdfeabb0271afa5c5be1f", path, sha256, size)


NO_TIME = Defect(
    "there is no training time in the source",
    "no elapsed time, so a simulation needs a time model of its own",
)
FINAL = Recipe(
    name="nmt-hpo",
    title="NMTHPO: 118 to 767 transformers for each of six language pairs, after training",
    license="MIT",
    citation=(
        "Xuan Zhang and Kevin Duh. Reproducible and Efficient Benchmarks for Hyperparameter Optimization of "
        "Neural Machine Translation Systems. Transactions of the Association for Computational Linguistics, "
        "8, 2020."
    ),
    homepage=f"https://github.com/{REPOSITORY}",
    version="1.1",
    files=tuple(_file(f"nmt/datasets/{name}", f"datasets/{name}", *RESULTS[name]) for name in RESULTS),
    card=(
        Defect(
            "the files have no header, and write whole numbers as 512.0",
            "columns as the README of the source names them; whole numbers are integers",
        ),
        Defect(
            "a gpu_memory of 0, in 35 of 1,983 models, means that it is not known, as the README says",
            "NaN",
        ),
        Defect(
            "dev_gpu_time is the time to translate the development set, not that of the training",
            "an objective, not the elapsed time",
        ),
        NO_TIME,
        Defect(
            "the language pairs were tuned in different ranges: bpe_symbols of 1,000 to 32,000 and up to 6 "
            "layers for sw-en and so-en, 10,000, 30,000 or 50,000 and 2 or 4 layers for the others",
            "one space, their union; what a pair has is in its table, and nothing else is drawn",
        ),
        Defect(
            "scaled hyperparameters and Pareto fronts are given besides",
            "left out: they follow from the values",
        ),
        Defect(
            "num_params of zh-en does not depend on bpe_symbols: with 10,000, 30,000 and 50,000 of them it "
            "is that of a vocabulary of 28,244 (in the other pairs it follows the vocabulary)",
            "kept",
        ),
        Defect("the README speaks of 2,245 models; the files hold 1,983", "those of the files"),
    ),
    convert=_convert_final,
    default=TuningDefaults(workers=4),
    nan_allowed=("gpu_memory",),
    bounds={
        "dev_bleu": PERCENT,
        "dev_perplexity": Bounds(1.0),
        **dict.fromkeys(("dev_gpu_time", "gpu_memory"), ABOVE_0),
        **dict.fromkeys(("num_updates", "num_params"), COUNT),
    },
)
CURVES = Recipe(
    name="nmt-curves",
    title="NMTLC: 2,483 learning curves of transformers on eight corpora, 2 to 569 checkpoints",
    license="MIT",
    citation=(
        "Xuan Zhang and Kevin Duh. Best Practices of Successive Halving on Neural Machine Translation and "
        "Large Language Models. Proceedings of the 16th Conference of the Association for Machine "
        "Translation in the Americas (AMTA), 2024."
    ),
    homepage=f"https://github.com/{REPOSITORY}",
    version="1.0",
    files=(
        _file(
            CURVES_FILE,
            "lc_datasets/nmtlc.pkl",
            "42ecab6a7f3c93c7697714cf1082318274e232e04d79bf4400bfc55d6a766eca",
            1_454_767,
        ),
    ),
    card=(
        Defect(
            "curves have 2 to 569 points, one a checkpoint, and end where the training did",
            "ragged: each curve keeps its length; checkpoints are numbered from 1",
        ),
        Defect(
            "the number of attention heads, 8 or 16, is not in the source, so most configurations occur "
            "twice, some up to six times; 24 of 1,392 have the same curve twice",
            "seeds 0, 1, 2, ... in the order of the source",
        ),
        Defect(
            "models trained from scratch (base_model scratch) have no BLEU curve",
            "their bleu is NaN at every checkpoint",
        ),
        Defect(
            "some curves jump back to their beginning, as if two trainings were joined",
            "kept as they are",
        ),
        Defect("perplexities reach 7e14: some trainings diverged without a NaN", "kept; no status"),
        Defect(
            "bpe is in thousands for base_model scratch, and the size of the vocabulary for the others",
            "values as in the source",
        ),
        Defect(
            "the size of the corpus and the largest number of checkpoints are given with every curve",
            "they are in the task's title",
        ),
        Defect("the best perplexity and BLEU of each curve are given besides", "left out: they follow"),
        Defect("the README speaks of nine corpora; de-en is not in the file", "eight tasks"),
        NO_TIME,
    ),
    convert=_convert_curves,
    default=TuningDefaults(workers=4),
    nan_allowed=("bleu",),
    bounds={"perplexity": Bounds(1.0), "bleu": PERCENT},
)
RECIPES = (CURVES, FINAL)
