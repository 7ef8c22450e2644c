"""HPO-B: evaluations of 16 OpenML flows on dozens of data sets; each flow is a blackbox.

Pineda Arango et al., NeurIPS Datasets and Benchmarks 2021; https://github.com/machinelearningnuremberg/HPO-B
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.curve import Array
from blackbox_repo.domains import Float
from blackbox_repo.errors import FormatError
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.bounds import FRACTION
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.readers.json_stream import inner_objects
from conversion_scripts.recipe import Conversion, Recipe
from conversion_scripts.replicates import replicates

REPOSITORY = "machinelearningnuremberg/HPO-B"
ARCHIVE = "hpob/hpob-data.zip"
DESCRIPTORS = "hpob/meta-dataset-descriptors.json"
SPLITS = ("train", "validation", "test")
MEMBER = "hpob-data/meta-{}-dataset.json"
# OpenML flow -> the learner that it tunes
SPACES = {
    "4796": "rpart with preprocessing",
    "5527": "svm",
    "5636": "rpart",
    "5859": "rpart",
    "5860": "glmnet",
    "5889": "ranger",
    "5891": "svm",
    "5906": "xgboost",
    "5965": "ranger",
    "5970": "glmnet",
    "5971": "xgboost",
    "6766": "glmnet",
    "6767": "xgboost",
    "6794": "ranger",
    "7607": "ranger",
    "7609": "ranger",
}


def _convert(space: str, raw: RawFolder) -> Conversion:
    names = _names(space, raw.json(DESCRIPTORS))
    vectors: dict[str, Array] = {}
    accuracies: dict[str, Array] = {}
    titles = {}
    for split in SPLITS:
        member = MEMBER.format(split)
        with raw.member(ARCHIVE, member) as stream:
            for (flow, task), evaluations in inner_objects(stream, member, 2):
                if flow == space:
                    vectors[task], accuracies[task] = _read(f"{space}/{task}", evaluations, len(names))
                    titles[task] = f"task {task} of OpenML, of the meta-{split} split"
    if not vectors:
        raise FormatError(f"{ARCHIVE} has no data set of the space {space!r}")
    schema = _schema(names, list(vectors.values()))
    tables = {task: _table(names, vectors[task], accuracies[task]) for task in vectors}
    return Conversion(schema, tables, titles=titles)


def _names(space: str, descriptors: Any) -> list[str]:
    try:
        return [str(name) for name in descriptors[space]["variables_order"]]
    except (KeyError, TypeError) as err:
        raise FormatError(f"{DESCRIPTORS} has no 'variables_order' of the space {space!r}") from err


def _read(where: str, evaluations: dict[str, Any], width: int) -> tuple[Array, Array]:
    try:
        vectors, accuracies = (np.array(evaluations[name], dtype=np.float64) for name in ("X", "y"))
    except (KeyError, TypeError, ValueError) as err:
        raise FormatError(f"{where} has no 'X' and 'y' that are lists of lists of numbers: {err!r}") from err
    if vectors.shape != (len(vectors), width) or accuracies.shape != (len(vectors), 1):
        raise FormatError(
            f"{where} has X of shape {vectors.shape} and y of shape {accuracies.shape}, but X must have the "
            f"{width} columns that {DESCRIPTORS} names, and y one row for each of X"
        )
    return vectors, accuracies[:, 0]


def _schema(names: list[str], vectors: list[Array]) -> Schema:
    """The schema, in which a range is [0, 1] unless the data exceed it."""
    lowest = np.min([part.min(axis=0) for part in vectors], axis=0, initial=0.0).tolist()
    highest = np.max([part.max(axis=0) for part in vectors], axis=0, initial=1.0).tolist()
    return Schema(
        space=Space({name: Float(*ends) for name, *ends in zip(names, lowest, highest, strict=True)}),
        fidelity=Fidelity("evaluation", (1,)),
        objectives=(Objective("accuracy", "max", "", "as the runs on OpenML report it"),),
        target="accuracy",
    )


def _table(names: list[str], vectors: Array, accuracies: Array) -> Table:
    order, seeds = replicates(vector.tobytes() for vector in vectors)
    columns = zip(names, vectors[order].T, strict=True)
    return Table(
        hyperparameters={name: Coded.of_array(column) for name, column in columns},
        seeds=seeds,
        points={"accuracy": accuracies[order]},
        lengths=np.ones(len(order), dtype=np.int64),
        labels={"index": Coded(tuple(range(len(order))), order.astype(np.int32))},
    )


CARD = (
    Defect("there is no time in the source", "no elapsed time: a simulation needs a time model of its own"),
    Defect(
        "there are results of whole trainings only, without curves or seeds",
        "one fidelity, evaluation 1",
    ),
    Defect(
        "the source names no seeds",
        "0; where a vector occurs again in a data set, 1, 2, ... in the order of the source",
    ),
    Defect(
        "configurations are vectors: hyperparameters scaled to [0, 1], some after a logarithm, missing ones "
        "0 beside an indicator NAME.na, choices as indicators NAME.ohe._VALUE",
        "the vectors as they are, each entry a hyperparameter of that name with the range [0, 1], or wider "
        "where the data leave it; nothing is drawn but the vectors of the source",
    ),
    Defect(
        "names and order of the entries are in another file than the vectors",
        "variables_order of meta-dataset-descriptors.json",
    ),
    Defect(
        "the published runs begin at five sets of five given vectors (bo-initializations.json), which are "
        "numbers of rows",
        "left out; the label index is the number of the row",
    ),
    Defect(
        "the data sets are split for meta-learning, and rarer flows are in an augmented training set",
        "a data set's split is in its title; the 160 other flows are left out",
    ),
)


def _make_recipe(space: str) -> Recipe:
    return Recipe(
        name=f"hpob-{space}",
        title=f"HPO-B, OpenML flow {space}: {SPACES[space]}",
        license="MIT",
        citation=(
            "Sebastian Pineda Arango, Hadi S. Jomaa, Martin Wistuba and Josif Grabocka. HPO-B: A Large-Scale "
            "Reproducible Benchmark for Black-Box HPO based on OpenML. Advances in Neural Information "
            "Processing Systems (NeurIPS), Track on Datasets and Benchmarks, 2021."
        ),
        homepage=f"https://github.com/{REPOSITORY}",
        version="1.0",
        files=FILES,
        card=CARD,
        convert=partial(_convert, space),
        default=TuningDefaults(workers=4),
        labels=("index",),
        bounds={"accuracy": FRACTION},
    )


FILES = (
    RawFile(
        ARCHIVE,
        "sebastianpinedaar/hpo-data",
        "hpob-data.zip",
        "6b9b6f54aeaad010760bba8f16ca0f070adcd63c",
        "https://media.githubusercontent.com/media/sebastianpinedaar/hpo-data/"
        "6b9b6f54aeaad010760bba8f16ca0f070adcd63c/hpob-data.zip",
        "ab1c439e50ffea3d8a3f1e0ad7ee7f03cd3c12df05576de84ad7c3b58fbf3358",
        261_011_374,
        ("https://rewind.tf.uni-freiburg.de/index.php/s/xdrJQPCTNi2zbfL/download/hpob-data.zip",),
        members=tuple(map(MEMBER.format, SPLITS)),
    ),
    github(
        DESCRIPTORS,
        REPOSITORY,
        "ed249724e00a9dfcff95def987f27874ee2febef",
        "hpob-data/meta-dataset-descriptors.json",
        "",  # the commit identifies the file
    ),
)
RECIPES = tuple(map(_make_recipe, SPACES))
