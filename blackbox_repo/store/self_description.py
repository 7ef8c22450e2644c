"""Descriptions inside the files of a blackbox, for readers without this project: metadata and a README."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from blackbox_repo.schema import Fidelity, Schema
from blackbox_repo.text.plain_text import markdown_code

if TYPE_CHECKING:
    from blackbox_repo.store.manifest import Manifest

README_FILE = "README.md"
_FEW = 10
_NETWORK = (
    "`network.parquet` holds the weights of a surrogate network, an array a row; `manifest.json` says how it "
    "is evaluated."
)
_SURROGATE = (
    "A file holds the surrogate of a table, fitted by this project: each column is an array, in one row; "
    "`manifest.json` says of which table, and how the arrays are evaluated."
)
# the licences that the Hugging Face Hub has a word for, of those that our sources have
_HUB_LICENSES = {
    "Apache-2.0": "apache-2.0",
    "BSD-3-Clause": "bsd-3-clause",
    "CC-BY-4.0": "cc-by-4.0",
    "CC0-1.0": "cc0-1.0",
    "MIT": "mit",
}


def file_metadata(manifest: Manifest, task: str) -> dict[str, str]:
    """The key-value metadata of a task's parquet file."""
    schema = manifest.schema
    said = {
        "blackbox": manifest.name,
        "version": manifest.version,
        "task": task,
        "license": manifest.license,
        "fidelity": json.dumps(_axis(schema.fidelity), separators=(",", ":")),
        "time": schema.time or "",
    }
    return {key: value for key, value in said.items() if value}


def _axis(fidelity: Fidelity) -> dict[str, object]:
    """The name and values of a fidelity; of many at equal steps the first, the last and the step."""
    values = fidelity.values
    steps = {b - a for a, b in zip(values, values[1:], strict=False)}
    if len(values) > _FEW and len(steps) == 1:
        return {"name": fidelity.name, "first": values[0], "last": values[-1], "step": steps.pop()}
    return {"name": fidelity.name, "values": list(values)}


def field_metadata(schema: Schema) -> dict[str, dict[str, str]]:
    """Objective -> the metadata of its column: goal and unit, if it has them."""
    said = {o.name: {"goal": o.goal.replace("none", ""), "unit": o.unit} for o in schema.objectives}
    return {name: {key: value for key, value in pairs.items() if value} for name, pairs in said.items()}


def readme(manifest: Manifest) -> str:
    """A card by which ``datasets.load_dataset`` takes every file for a configuration of its own.

    The block at its head is YAML, of which JSON is a part.
    """
    known = _HUB_LICENSES.get(manifest.license)
    licence = {"license": known} if known else {"license": "other", "license_name": manifest.license}
    head = {**licence, "pretty_name": manifest.title, "configs": _configurations(manifest)}
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    facts = {"title": manifest.title, "license": manifest.license, "source": manifest.homepage}
    facts |= {"citation": manifest.citation}
    told = [f"- {name}: {markdown_code(text)}" for name, text in facts.items() if text]
    return "\n".join(["---", *lines, "---", "", f"# {manifest.name}", "", _meaning(manifest), "", *told, ""])


def _meaning(manifest: Manifest) -> str:
    if manifest.network is not None:
        return _NETWORK
    return _table(manifest.schema) if manifest.surrogate is None else _SURROGATE


def _table(schema: Schema) -> str:
    points = f"{markdown_code(schema.fidelity.name)} {schema.fidelity.describe()}"
    return (
        f"Every configuration of this data set is a task, and a row one training run. A list holds its "
        f"points at {points}; a plain number instead is the last point of a curve that is proportional to "
        f"it. `manifest.json` says the rest."
    )


def _configurations(manifest: Manifest) -> list[Mapping[str, str]]:
    if manifest.network is not None:
        (file,) = {task.file for task in manifest.tasks.values()}
        return [{"config_name": "network", "data_files": file}]
    return [{"config_name": name, "data_files": task.file} for name, task in manifest.tasks.items()]
