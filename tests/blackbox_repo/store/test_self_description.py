from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from blackbox_repo import describe, list_blackboxes, load_blackbox
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.store.self_description import readme
from blackbox_repo.store.storage import rewrite
from tests.blackbox_repo import malicious


def head(text: str) -> dict[str, object]:
    """The block of YAML at the beginning of a card."""
    _, block, _ = text.split("---\n", 2)
    return dict(yaml.safe_load(block))


def test_a_file_says_what_it_is_and_its_columns_what_they_mean(tmp_path: Path) -> None:
    schema = pq.read_schema(malicious.blackbox(tmp_path) / "a.parquet")
    said = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert json.loads(said.pop("fidelity")) == {"name": "epoch", "values": [1, 2, 3]}
    assert said == {
        "blackbox": "mine",
        "version": "1",
        "task": "a",
        "license": "CC0-1.0",
        "time": "elapsed_time",
    }
    columns = {name: schema.field(name).metadata for name in ("score", "elapsed_time", "split", "kind")}
    assert columns == {
        "score": {b"goal": b"max"},
        "elapsed_time": {b"unit": b"s"},
        "split": {b"encoding": b"json"},
        "kind": None,
    }


def test_the_card_names_every_task_as_a_configuration(tmp_path: Path) -> None:
    card = (malicious.blackbox(tmp_path) / "README.md").read_text()
    assert head(card) == {
        "license": "cc0-1.0",
        "pretty_name": "Mine",
        "configs": [{"config_name": "a", "data_files": "a.parquet"}],
    }


@pytest.mark.parametrize("name", list_blackboxes())
def test_the_cards_of_the_embedded_blackboxes_are_proper(name: str) -> None:
    manifest = describe(name)
    configurations = head(readme(manifest))["configs"]
    assert isinstance(configurations, list)
    if manifest.network is None:
        assert [entry["config_name"] for entry in configurations] == list(manifest.tasks)
        assert [entry["data_files"] for entry in configurations] == [t.file for t in manifest.tasks.values()]
    else:
        assert configurations == [{"config_name": "network", "data_files": "network.parquet"}]


def test_text_from_outside_stays_text() -> None:
    title = '"]\n---\n# gotcha <b>`x`</b> @somebody'
    card = readme(replace(describe("nasbench-nlp"), title=title, citation=title))
    assert head(card)["pretty_name"] == title
    assert [line for line in card.splitlines() if line.startswith("#")] == ["# nasbench-nlp"]
    assert card.count("\n---\n") == 1


@pytest.mark.parametrize("name", ["nasbench-macro", "yahpo-iaml_glmnet"])
def test_a_blackbox_written_anew_means_the_same(tmp_path: Path, name: str) -> None:
    source = load_blackbox(name)
    folder = tmp_path / name
    folder.mkdir()
    for file in source.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    made = rewrite(folder)
    assert made == read_manifest(folder)
    assert {task: box.digest() for task, box in load_blackbox(folder).items()} == {
        task: box.digest() for task, box in source.items()
    }
    assert made.tasks.keys() == source.manifest.tasks.keys()
    for task, entry in made.tasks.items():
        before = source.manifest.tasks[task]
        assert replace(entry, sha256="", bytes=0) == replace(before, sha256="", bytes=0)
