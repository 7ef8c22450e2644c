"""HPO-B from files in the official layout: hpob_handler.py of machinelearningnuremberg/HPO-B, lines 44 to 77.

The archive has ``hpob-data/meta-{train,validation,test}-dataset.json``: search space -> data set -> ``X``, a
list of vectors, and ``y``, a list of lists of one number. The names of the vectors' entries are in
``hpob-data/meta-dataset-descriptors.json`` of the repository. The values here are made up.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from blackbox_repo.repository import load_blackbox
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.table import TabularBlackbox
from conversion_scripts.build import build
from conversion_scripts.recipe import Recipe
from conversion_scripts.recipes.hpob import ARCHIVE, DESCRIPTORS, SPACES, SPLITS
from conversion_scripts.registry import all_recipes, load_recipe

# of the space 4796 as in the official file; its entries are minsplit, minbucket and cp, in this order
NAMES = ["minsplit", "minbucket", "cp"]
DATA: dict[str, dict[str, Any]] = {
    "train": {
        "4796": {
            "3": {"X": [[0.0, 0.5, 1.0], [0.25, 0.1, 0.3], [0.0, 0.5, 1.0]], "y": [[0.9], [0.8], [0.7]]},
            "31": {"X": [[0.1, 0.2, 0.3]], "y": [[0.65]]},
        },
        "5860": {"3": {"X": [[0.1, 0.2]], "y": [[0.5]]}},
    },
    "validation": {
        "4796": {"37": {"X": [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], "y": [[0.55], [0.45]]}},
        "5860": {"31": {"X": [[0.3, 0.4]], "y": [[0.25]]}},
    },
    "test": {
        "4796": {"3549": {"X": [[0.3, 0.3, 0.3]], "y": [[1.0]]}},
        "5860": {"3493": {"X": [[0.5, 0.6]], "y": [[0.75]]}},
    },
}
SPLIT_OF = {"3": "train", "31": "train", "37": "validation", "3549": "test"}


def write(folder: Path, data: dict[str, dict[str, Any]]) -> Path:
    """A raw folder in the official layout, with the other members that the official archive has."""
    (folder / "hpob").mkdir(parents=True)
    with zipfile.ZipFile(folder / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hpob-data/", "")
        archive.writestr("hpob-data/bo-initializations.json", json.dumps({"4796": {"3549": {"test0": [0]}}}))
        archive.writestr("hpob-data/meta-train-dataset-augmented.json", json.dumps(data["train"]))
        for split in ("test", "train", "validation"):
            archive.writestr(f"hpob-data/meta-{split}-dataset.json", json.dumps(data[split]))
    order = {"4796": {"variables_order": NAMES}, "5860": {"variables_order": ["alpha", "lambda"]}}
    (folder / DESCRIPTORS).write_text(json.dumps(order))
    return folder


def unhashed(name: str) -> Recipe:
    """The recipe without the hash and size of the official file, which the made-up one has not."""
    recipe = load_recipe(name)
    return replace(recipe, files=tuple(replace(file, sha256="", size=0) for file in recipe.files))


@pytest.fixture
def made(tmp_path: Path) -> Manifest:
    return build(unhashed("hpob-4796"), write(tmp_path / "raw", DATA), tmp_path / "out")


def table(folder: Path, task: str) -> TabularBlackbox:
    found = load_blackbox(folder / "out" / "hpob-4796")[task]
    assert isinstance(found, TabularBlackbox)
    return found


def test_every_value_is_that_of_the_source(made: Manifest, tmp_path: Path) -> None:
    assert list(made.tasks) == list(SPLIT_OF)
    for task, split in SPLIT_OF.items():
        source, found = DATA[split]["4796"][task], table(tmp_path, task)
        seeds: dict[tuple[float, ...], int] = {}
        for vector, (accuracy,) in zip(source["X"], source["y"], strict=True):
            seed = seeds[tuple(vector)] = seeds.get(tuple(vector), -1) + 1
            configuration = dict(zip(NAMES, vector, strict=True))
            assert found.curve(configuration, seed=seed)["accuracy"].tolist() == [accuracy]
        assert sum(len(found.seeds(c)) for c in found.configurations()) == len(source["X"])
        assert made.tasks[task].title == f"task {task} of OpenML, of the meta-{split} split"


def test_a_vector_that_occurs_twice_has_two_seeds(made: Manifest, tmp_path: Path) -> None:
    assert made.tasks["3"].configurations == 2
    three = table(tmp_path, "3")
    twice = {"minsplit": 0.0, "minbucket": 0.5, "cp": 1.0}
    assert three.seeds(twice) == (0, 1)
    assert [three.curve(twice, seed=seed)["accuracy"][0] for seed in (0, 1)] == [0.9, 0.7]
    assert three.label("index") == [0, 1]  # of each configuration's first row


def test_there_is_no_time(made: Manifest) -> None:
    assert made.schema.time is None
    assert [objective.name for objective in made.schema.objectives] == ["accuracy"]


def test_ranges_are_those_of_the_vectors_where_they_leave_0_to_1(tmp_path: Path) -> None:
    data = json.loads(json.dumps(DATA))
    data["test"]["4796"]["3549"]["X"] = [[-0.5, 60.0, 0.5]]
    schema = build(unhashed("hpob-4796"), write(tmp_path / "raw", data), tmp_path / "out").schema
    ends = [(domain.lower, domain.upper) for domain in schema.space.domains.values()]  # type: ignore[union-attr]
    assert ends == [(-0.5, 1.0), (0.0, 60.0), (0.0, 1.0)]


def test_the_archive_may_be_unpacked(made: Manifest, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "raw" / ARCHIVE) as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "raw" / DESCRIPTORS).rename(tmp_path / "unpacked" / Path(DESCRIPTORS).name)
    found = build(load_recipe("hpob-4796"), tmp_path / "unpacked", tmp_path / "out")
    assert found.tasks == made.tasks
    assert [source.file for source in found.sources] == [DESCRIPTORS, "hpob/hpob-data"]


def test_vectors_that_do_not_fit_their_names_are_refused(tmp_path: Path) -> None:
    data = json.loads(json.dumps(DATA))
    data["test"]["4796"]["3549"]["X"] = [[0.1, 0.2]]
    with pytest.raises(
        FormatError, match=r"4796/3549 has X of shape \(1, 2\) and y of shape \(1, 1\), but X"
    ):
        build(unhashed("hpob-4796"), write(tmp_path / "raw", data), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["test"]["4796"]["3549"].pop("y"), r"4796/3549 has no 'X' and 'y' that .*KeyError"),
        (
            lambda data: data["test"]["4796"]["3549"].update(X=[[0.1, 0.2, 0.3], [0.1]]),
            r"4796/3549 has no 'X' and 'y' that are lists of lists of numbers: ValueError",
        ),
        (
            lambda data: [data[split].pop("4796") for split in SPLITS],
            r"hpob-data\.zip has no data set of the space '4796'",
        ),
    ],
)
def test_what_is_no_data_set_is_reported(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    data = json.loads(json.dumps(DATA))
    change(data)
    with pytest.raises(FormatError, match=message):
        build(unhashed("hpob-4796"), write(tmp_path / "raw", data), tmp_path / "out")


@pytest.mark.parametrize("descriptors", ["{}", "[]", '{"4796": {}}', "null"])
def test_descriptors_without_the_space_are_reported(tmp_path: Path, descriptors: str) -> None:
    raw = write(tmp_path / "raw", DATA)
    (raw / DESCRIPTORS).write_text(descriptors)
    with pytest.raises(
        FormatError,
        match=r"^hpob/meta-dataset-descriptors\.json has no 'variables_order' of the space '4796'",
    ):
        build(unhashed("hpob-4796"), raw, tmp_path / "out")


def test_there_is_a_recipe_for_each_space_of_the_official_test_split() -> None:
    # hpob-data/meta-test-tasks-per-space.json of the same repository
    spaces = ["4796", "5527", "5636", "5859", "5860", "5889", "5891", "5906", "5965", "5970", "5971", "6766"]
    spaces += ["6767", "6794", "7607", "7609"]
    assert [name for name in all_recipes() if name.startswith("hpob-")] == [
        f"hpob-{space}" for space in spaces
    ]
    assert list(SPACES) == spaces
    assert SPLITS == ("train", "validation", "test")


@pytest.mark.filterwarnings("ignore")
def test_syne_tune_reads_the_same_from_these_files(
    made: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its space 4796 has the same three entries; hpob_import.py, load_data() and convert_dataset().

    It takes no vector that occurs twice.
    """
    theirs = pytest.importorskip(
        "syne_tune.blackbox_repository.conversion_scripts.scripts.hpob_import", exc_type=ImportError
    )
    with zipfile.ZipFile(tmp_path / "raw" / ARCHIVE) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "raw" / ARCHIVE).rename(tmp_path / "hpob-data.zip")
    monkeypatch.setattr(theirs, "repository_path", tmp_path)
    merged = theirs.merge_multiple_dicts(*theirs.load_data())
    for task in ("31", "37", "3549"):
        converted = theirs.convert_dataset(theirs.SEARCH_SPACE_4796, merged["4796"][task])
        found = table(tmp_path, task)
        theirs_by_vector: dict[tuple[float, ...], list[float]] = {}
        rows = zip(converted.hyperparameters[NAMES].to_numpy(), converted.objectives_evaluations, strict=True)
        for vector, evaluation in rows:
            theirs_by_vector.setdefault(tuple(map(float, vector)), []).append(float(evaluation[0, 0, 0]))
        ours = {
            tuple(float(c[name]) for name in NAMES): [
                float(found.curve(c, seed=seed)["accuracy"][0]) for seed in found.seeds(c)
            ]
            for c in found.configurations()
        }
        assert ours == theirs_by_vector
        assert np.ndim(converted.objectives_evaluations) == 4
