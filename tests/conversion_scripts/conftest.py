from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.table import Coded, Table
from conversion_scripts.raw import RawFile, RawFolder
from conversion_scripts.recipe import Conversion, Recipe
from tests.blackbox_repo.transfer.host import Host, serving

RAW = {"x": [1, 2], "loss": [[0.5, 0.25], [0.75, 0.125]]}


@pytest.fixture
def schema() -> Schema:
    return Schema(
        space=Space({"x": Integer(1, 3)}),
        fidelity=Fidelity("epoch", (1, 2)),
        objectives=(Objective("loss", "min"), Objective("elapsed_time", "min", "s", cumulative=True)),
        target="loss",
        time="elapsed_time",
    )


@pytest.fixture
def table() -> Table:
    return Table(
        hyperparameters={"x": Coded((1, 2), np.array([0, 0, 1], dtype=np.int32))},
        seeds=np.array([0, 1, 0]),
        points={
            "loss": np.array([0.5, 0.25, 0.6, 0.2, 0.75]),
            "elapsed_time": np.array([1.0, 2.0, 1.0, 2.0, 3.0]),
        },
        lengths=np.array([2, 2, 1]),
    )


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "runs.json").write_text(json.dumps(RAW))
    return folder


@pytest.fixture
def recipe(schema: Schema) -> Recipe:
    """A recipe of two runs of two epochs, out of ``runs.json``."""

    def convert(raw: RawFolder) -> Conversion:
        runs = raw.json("runs.json")
        made = Table(
            hyperparameters={"x": Coded.of(runs["x"])},
            seeds=np.zeros(2, dtype=np.int64),
            points={"loss": np.array(runs["loss"]).ravel(), "elapsed_time": np.array([1.0, 2.0, 1.0, 3.0])},
            lengths=np.array([2, 2]),
        )
        return Conversion(schema, {"digits": made}, titles={"digits": "The digits"})

    file = RawFile(
        "runs.json",
        "someone/runs",
        "data/runs.json",
        "0123456789abcdef",
        sha256=hashlib.sha256(json.dumps(RAW).encode()).hexdigest(),
    )
    return Recipe(
        name="tiny",
        title="Two runs",
        license="MIT",
        citation="Somebody, somewhere, 2020.",
        homepage="https://example.org",
        version="1.0",
        files=(file,),
        card=(Defect("it is tiny", "nothing is done about it"),),
        convert=convert,
        default=TuningDefaults(workers=2, seconds=10.0),
    )


@pytest.fixture
def changed(recipe: Recipe) -> Callable[..., Recipe]:
    """The recipe with its tables changed by a function."""

    def change(tables: Callable[[Conversion], Any]) -> Recipe:
        def convert(raw: RawFolder) -> Conversion:
            conversion = recipe.convert(raw)
            return replace(conversion, tables=tables(conversion))

        return replace(recipe, convert=convert)

    return change


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host of raw files; nothing else can be reached."""
    monkeypatch.setenv("no_proxy", "*")
    with serving() as host:
        yield host
