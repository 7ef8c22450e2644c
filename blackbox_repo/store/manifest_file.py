"""The types of ``manifest.json``, and of a schema elsewhere, key by key; docs/format.md has their meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

_Scalar = bool | int | float | str
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """What has no other keys than these."""


class _Condition(_Strict):
    parent: str
    values: list[_Scalar]


class _Hyperparameter(_Strict, tag_field="type", kw_only=True):
    name: str
    active_where: list[_Condition] = []


class _Float(_Hyperparameter, tag="float"):
    lower: float
    upper: float
    log: bool


class _Integer(_Hyperparameter, tag="integer"):
    lower: int
    upper: int
    log: bool


class _Categorical(_Hyperparameter, tag="categorical"):
    values: list[_Scalar]


class _Ordinal(_Hyperparameter, tag="ordinal"):
    values: list[_Scalar]


class _Constant(_Hyperparameter, tag="constant"):
    value: _Scalar


class _Space(_Strict):
    hyperparameters: list[_Float | _Integer | _Categorical | _Ordinal | _Constant]


class _Fidelity(_Strict):
    name: str
    unit: str
    kind: Literal["incremental", "independent"]
    values: list[int | float]


class _Objective(_Strict):
    name: str
    goal: Literal["min", "max", "none"]
    unit: str = ""
    description: str = ""
    constant: bool = False
    cumulative: bool = False
    provenance: Literal["measured", "interpolated", "surrogate", "modelled"] = "measured"
    known_range: tuple[float, float] | None = None


class SchemaFile(_Strict):
    """A schema by itself, as in the header of a run."""

    space: _Space
    fidelity: _Fidelity
    objectives: list[_Objective]
    target: str
    time: str | None


class _Source(_Strict):
    file: str
    sha256: _Sha256
    bytes: _Count
    repository: str = ""
    path: str = ""
    commit: str = ""
    url: str = ""


class _Defect(_Strict):
    what: str
    rule: str


class _Best(_Strict):
    value: float
    configuration: dict[str, _Scalar]
    seed: int
    fidelity: float


class _Task(_Strict):
    file: str
    sha256: _Sha256
    bytes: _Count
    rows: _Count
    configurations: _Count
    title: str
    code: _Count | None
    best: dict[str, _Best]
    ranges: dict[str, tuple[float, float]] = {}
    target: str = ""


class _Default(_Strict):
    objective: str
    workers: Annotated[int, msgspec.Meta(ge=1)]
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None


class ManifestFile(_Strict):
    """The whole file."""

    format: int
    name: str
    version: str
    title: str
    license: str
    citation: str
    homepage: str
    recipe: str
    sources: list[_Source]
    card: list[_Defect]
    default: _Default
    space: _Space
    fidelity: _Fidelity
    objectives: list[_Objective]
    time: str | None
    labels: list[str]
    network: dict[str, Any] | None
    tasks: Annotated[dict[str, _Task], msgspec.Meta(min_length=1)]
