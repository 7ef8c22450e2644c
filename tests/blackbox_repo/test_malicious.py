from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blackbox_repo import describe, load_blackbox, verify
from blackbox_repo.errors import BlackboxRepoError
from tests.blackbox_repo import malicious

EMBEDDED = ("nasbench-nlp", "yahpo-iaml_glmnet")


def as_numbers(values: Any) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def said(rows: list[dict[str, Any]]) -> dict[Any, Any]:
    """What the rows of an Arrow table mean: (configuration, seed) -> objective -> values."""
    space, epochs = malicious.SPACE, len(malicious.SCHEMA.fidelity.values)
    found = {}
    for row in rows:
        given = {name: row[name] for name in space.domains if row[name] is not None}
        if "split" in given:
            given["split"] = json.loads(given["split"])
        values = {}
        for objective in malicious.SCHEMA.objectives:
            value = row[objective.name]
            if not objective.constant and not isinstance(value, list):
                value = [value * epoch / epochs for epoch in (1, 2, 3)]
            values[objective.name] = as_numbers([value] if objective.constant else value)
        found[space.key(given), int(row["seed"])] = values
    assert len(found) == len(rows)
    return found


def asked(folder: Path) -> dict[Any, Any]:
    """The same, asked of the blackbox."""
    blackbox = load_blackbox(folder)["a"]
    found = {}
    for configuration in blackbox.configurations():
        for seed in blackbox.seeds(configuration):
            curve = blackbox.curve(configuration, seed=seed)
            found[blackbox.schema.space.key(configuration), seed] = {
                objective.name: [curve.constant(objective.name)]
                if objective.constant
                else curve[objective.name].tolist()
                for objective in blackbox.schema.objectives
            }
            assert len({len(curve[o.name]) for o in blackbox.schema.objectives}) == 1
    return found


def one_line(err: BlackboxRepoError) -> int:
    """One that is refused, in one line."""
    return "\n" not in str(err)


def check_tables(folder: Path, step: int) -> tuple[int, int]:
    """How many tables were made, and how many of them refused; each of the others means what it says."""
    original = pq.ParquetFile(folder / "a.parquet").read(use_threads=False)
    made = refused = 0
    for name, change in list(malicious.table_changes(folder).items())[::step]:
        table = malicious.write_changed(folder, change, original)
        if table is None:
            continue
        made += 1
        try:
            found = asked(folder)
        except BlackboxRepoError as err:
            refused += one_line(err)
            continue
        expected = said(table.to_pylist())
        assert repr(sorted(found.items(), key=repr)) == repr(sorted(expected.items(), key=repr)), name
    return made, refused


def test_a_table_that_was_tampered_with_is_refused_or_means_what_it_says(tmp_path: Path) -> None:
    made, refused = check_tables(malicious.blackbox(tmp_path), step=7)
    assert made > 100
    assert refused > made / 2


@pytest.mark.slow
def test_no_table_that_was_tampered_with_has_a_wrong_value_or_a_traceback(tmp_path: Path) -> None:
    made, refused = check_tables(malicious.blackbox(tmp_path), step=1)
    assert made > 921
    assert refused > made / 2


def check_manifests(folder: Path, source: str, step: int, offset: int) -> tuple[int, int]:
    """How many manifests were made of that of a blackbox, and how many of them refused."""
    original = json.loads((Path(load_blackbox(source).folder) / "manifest.json").read_text())
    original["tasks"] = dict(list(original["tasks"].items())[:2])
    for file in {task["file"] for task in original["tasks"].values()}:
        (folder / file).write_bytes((load_blackbox(source).folder / file).read_bytes())
    made = refused = 0
    for number, (name, data) in enumerate(malicious.manifest_changes(original)):
        if number % step != offset:
            continue
        made += 1
        malicious.write_json(folder, data)
        try:
            describe(folder).to_json()
            loaded = load_blackbox(folder)
            for blackbox in loaded.values():
                configuration = blackbox.schema.space.sample("malicious")
                curve = blackbox.curve(configuration)
                for objective in blackbox.schema.objectives:
                    curve.head(objective.name, 1)
            verify(folder)
        except BlackboxRepoError as err:
            refused += one_line(err)
        except Exception as err:
            raise AssertionError(name) from err
    return made, refused


@pytest.mark.parametrize("source", EMBEDDED)
def test_a_manifest_that_was_tampered_with_is_refused_or_read(tmp_path: Path, source: str) -> None:
    made, refused = check_manifests(tmp_path, source, step=41, offset=3)
    assert made > 40
    assert refused > made / 3


@pytest.mark.slow
@pytest.mark.parametrize("source", EMBEDDED)
def test_no_manifest_that_was_tampered_with_ends_in_a_traceback(tmp_path: Path, source: str) -> None:
    made, refused = check_manifests(tmp_path, source, step=1, offset=0)
    assert made > 2500
    assert refused > made / 3
