"""The manifest of a blackbox: what its files hold, where they come from, and their known defects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec

from blackbox_repo import typed_json
from blackbox_repo.domains import Value
from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError, UnknownName
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.schema import RESERVED, Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.names import check_names, check_plain_name
from blackbox_repo.store.parts import Count, Parts, Sha256, Size
from blackbox_repo.store.surrogate_entry import MANIFEST_FORMAT, SurrogateEntry, check_entry_format

FORMAT = 1
_TEXTS = ("name", "version", "title", "license", "citation", "homepage", "recipe")
_PARTS = ("tasks", "sources", "card", "labels", "network", "surrogate")
MANIFEST_FILE, CHECKSUM_FILE = "manifest.json", "manifest.sha256"
_Range: TypeAlias = tuple[int | float, int | float]


@dataclass(frozen=True)
class SourceFile:
    """A raw file that the conversion read: where it is published, and the SHA-256 of its content."""

    file: str
    sha256: Sha256
    bytes: Count
    repository: str = ""
    path: str = ""
    commit: str = ""
    url: str = ""


@dataclass(frozen=True)
class Defect:
    """Something odd in the source, and the rule by which the conversion treats it."""

    what: str
    rule: str


@dataclass(frozen=True)
class BestKnown:
    """The best known value of an objective, and where it was found."""

    value: int | float
    configuration: Mapping[str, Value]
    seed: int
    fidelity: int | float


@dataclass(frozen=True)
class Task:
    """One data set of a benchmark family.

    Args:
        file: The name of the parquet file, which lies beside the manifest; network tasks may share one.
        sha256: The SHA-256 of the file, in hexadecimal digits.
        bytes: The size of the file.
        rows: The number of training runs in the table; 0 for a network.
        configurations: The number of different configurations in the table; 0 for a network.
        title: The name of the data set where the task's name is a number.
        code: The task's code in a network's embedding.
        best: Objective -> its best value in the table.
        ranges: Objective -> the smallest and the largest value that the source knows of this task.
        target: The objective that is tuned on this task; empty for that of the blackbox.
        parts: The sizes and hashes by which one objective is read; ``None`` for networks and old manifests.
    """

    file: str
    sha256: Sha256
    bytes: Size
    rows: Count = 0
    configurations: Count = 0
    title: str = ""
    code: Count | None = None
    best: Mapping[str, BestKnown] = field(default_factory=dict)
    ranges: Mapping[str, _Range] = field(default_factory=dict)
    target: str = ""
    parts: Parts | None = None


@dataclass(frozen=True)
class TuningDefaults:
    """The number of workers and the simulated seconds with which a blackbox is tuned by default."""

    workers: Annotated[int, msgspec.Meta(ge=1)] = 4
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None


@dataclass(frozen=True)
class Manifest:
    """The description of a blackbox; docs/format.md has its layout on disk."""

    name: str
    version: str
    title: str
    license: str
    citation: str
    homepage: str
    recipe: str
    schema: Schema
    tasks: Mapping[str, Task]
    sources: tuple[SourceFile, ...] = ()
    card: tuple[Defect, ...] = ()
    default: TuningDefaults = TuningDefaults()
    labels: tuple[str, ...] = ()
    network: Mapping[str, Any] | None = None
    surrogate: SurrogateEntry | None = None

    def __post_init__(self) -> None:
        check_plain_name("blackbox name", self.name)
        check_names("task name", self.tasks)
        check_names("file name", [task.file for task in self.tasks.values()])
        for text in _TEXTS[1:]:
            if not isinstance(value := getattr(self, text), str):
                raise FormatError(f"the {text} of {self.name!r} is {value!r}, but must be text")

    def task(self, name: str) -> Task:
        """The entry of a task.

        Raises:
            UnknownName: There is no such task.
        """
        if name not in self.tasks:
            raise UnknownName(f"task of {self.name!r}", name, self.tasks)
        return self.tasks[name]

    def schema_of(self, name: str) -> Schema:
        """The schema of a task, with its own ranges and target.

        Raises:
            UnknownName: There is no such task.
        """
        task = self.task(name)
        schema = self.schema.with_ranges(task.ranges)
        return schema.with_target(task.target) if task.target else schema

    def fitted(self) -> SurrogateEntry:
        """What it says of fitted surrogates.

        Raises:
            FormatError: It is a manifest of something else.
        """
        if self.surrogate is None:
            raise FormatError(f"{self.name!r} has no fitted surrogates, and no key 'surrogate'")
        return self.surrogate

    def to_json(self) -> dict[str, Any]:
        """The JSON object of docs/format.md."""
        schema = self.schema.to_json()
        surrogate = {} if self.surrogate is None else {"surrogate": self.surrogate.to_json()}
        return {
            "format": MANIFEST_FORMAT if surrogate else FORMAT,
            **{text: getattr(self, text) for text in _TEXTS},
            "sources": [{k: v for k, v in asdict(source).items() if v != ""} for source in self.sources],
            "card": [asdict(defect) for defect in self.card],
            "default": {"objective": schema.pop("target"), **asdict(self.default)},
            **schema,
            "labels": list(self.labels),
            "network": self.network,
            **surrogate,
            "tasks": {name: _task_to_json(task) for name, task in self.tasks.items()},
        }

    def to_text(self) -> str:
        """The content of ``manifest.json``.

        Raises:
            FormatError: The manifest contradicts itself, or holds a value that JSON cannot.
        """
        self.check()
        try:
            text = json.dumps(
                self.to_json(), indent=1, ensure_ascii=False, allow_nan=False, default=_built_in
            )
            text.encode()
        except (TypeError, ValueError) as err:
            raise FormatError(f"the manifest of {self.name!r} cannot be written: {err}") from err
        return f"{text}\n"

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> Manifest:
        """The manifest that :meth:`to_json` wrote.

        Args:
            data: The JSON object.
            where: The file's name, for messages.

        Raises:
            FormatError: The format is newer than this code, or a field is missing or malformed.
        """
        typed_json.check_format(data, MANIFEST_FORMAT, where)
        check_entry_format(data, where)
        if not data.get("tasks", True) and isinstance(data["tasks"], dict):
            raise FormatError(f"{where} is malformed: it has no tasks; a blackbox has at least one")
        try:
            manifest = cls._of(typed_json.convert(data, _ManifestJson, where), where)
            manifest.check()
        except FormatError:
            raise
        except BlackboxRepoError as err:
            raise FormatError(f"{where} is malformed: {err}") from err
        return manifest

    @classmethod
    def _of(cls, read: _ManifestJson, where: str) -> Manifest:
        space = Space.from_json(read.space, f"{where}: space")
        schema = Schema(space, read.fidelity, read.objectives, read.default.objective, read.time)
        default = TuningDefaults(read.default.workers, read.default.seconds)
        shared = {name: getattr(read, name) for name in (*_TEXTS, *_PARTS)}
        return cls(**shared, schema=schema, default=default)

    def check(self) -> None:
        """Check that tasks, their ranges and best values, and labels agree with the schema.

        Raises:
            BlackboxRepoError: Something does not agree.
        """
        taken = {*RESERVED, self.schema.fidelity.name, *self.schema.space.domains}
        taken |= {objective.name for objective in self.schema.objectives}
        for label in self.labels:
            if label in taken:
                raise FormatError(f"the label {label!r} is taken already")
            taken.add(label)
        self._check_files()
        if self.surrogate is not None:
            self.surrogate.check(self.tasks, [*self.labels, *(self.network or ())])
        for name, task in self.tasks.items():
            self.schema_of(name)
            self._check_parts(name, task)
            for objective in {**task.best, **task.ranges}:
                self.schema.objective(objective)
            for best in task.best.values():
                self.schema.space.check(best.configuration)
                self.schema.fidelity.index(best.fidelity)

    def _check_files(self) -> None:
        known: dict[str, Task] = {}
        for task in self.tasks.values():
            other = known.setdefault(task.file, task)
            if (other.sha256, other.bytes) != (task.sha256, task.bytes):
                raise FormatError(
                    f"the file {task.file!r} is listed with {other.bytes} bytes and the sha256 "
                    f"{other.sha256}, and with {task.bytes} bytes and the sha256 {task.sha256}; a file has "
                    f"one content"
                )

    def _check_parts(self, name: str, task: Task) -> None:
        if task.parts is None:
            return
        if self.network is not None or self.surrogate is not None:
            raise FormatError(f"the task {name!r} has parts, but a surrogate is read as a whole")
        try:
            task.parts.check(task.bytes, [objective.name for objective in self.schema.objectives])
        except FormatError as err:
            raise FormatError(f"the task {name!r} has wrong parts: {err}") from err


@dataclass(frozen=True, kw_only=True)
class _DefaultJson(TuningDefaults):
    objective: str


@dataclass(frozen=True)
class _ManifestJson:
    """The file, key by key; docs/format.md says what each means."""

    format: int
    name: str
    version: str
    title: str
    license: str
    citation: str
    homepage: str
    recipe: str
    sources: tuple[SourceFile, ...]
    card: tuple[Defect, ...]
    default: _DefaultJson
    space: dict[str, Any]
    fidelity: Fidelity
    objectives: tuple[Objective, ...]
    time: str | None
    labels: tuple[str, ...]
    network: dict[str, Any] | None
    tasks: dict[str, Task]
    surrogate: SurrogateEntry | None = None


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a folder.

    Raises:
        FormatError, IntegrityError: As :func:`read_manifest_file`.
    """
    return read_manifest_file(folder)[1]


def read_manifest_file(folder: Path) -> tuple[bytes, Manifest]:
    """The file of the manifest in a folder, and what it says; the file is read once.

    Raises:
        FormatError: There is no manifest, it is not JSON, or :meth:`Manifest.from_json` refuses it.
        IntegrityError: Its SHA-256 differs from the one that lies beside it.
    """
    path = folder / MANIFEST_FILE
    try:
        content = typed_json.read_regular(path)
        manifest = parse_manifest(content, str(path))
    except FileNotFoundError as err:
        raise FormatError(f"{folder} holds no {MANIFEST_FILE}: it is not a blackbox") from err
    except OSError as err:
        raise FormatError(f"{path} cannot be read: {err}") from err
    _check_sum(folder, content)
    return content, manifest


def parse_manifest(content: bytes, where: str) -> Manifest:
    """The manifest in the content of a ``manifest.json``.

    Args:
        content: The file.
        where: Its path or address, for messages.

    Raises:
        FormatError: It is not JSON, or :meth:`Manifest.from_json` refuses it.
    """
    return Manifest.from_json(typed_json.parse(content, where), where)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest as indented JSON, and its SHA-256 for ``sha256sum --check``."""
    content = manifest.to_text().encode()
    where = f"the manifest of {manifest.name!r}"
    Manifest.from_json(typed_json.parse(content, where), where)  # or it could never be read
    (folder / MANIFEST_FILE).write_bytes(content)
    write_checksum(folder)


def write_checksum(folder: Path) -> None:
    """Write the SHA-256 of the manifest of a folder beside it."""
    digest = sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest()
    (folder / CHECKSUM_FILE).write_bytes(f"{digest}  {MANIFEST_FILE}\n".encode())


def _check_sum(folder: Path, content: bytes) -> None:
    path = folder / CHECKSUM_FILE
    if not path.exists():
        return
    try:
        expected = typed_json.read_regular(path, 1000).split()[:1]
    except OSError as err:
        raise FormatError(f"{path} cannot be read: {err}") from err
    found = sha256(content).hexdigest()
    if expected != [found.encode()]:
        raise IntegrityError(
            f"{folder / MANIFEST_FILE} does not match {CHECKSUM_FILE} beside it: its sha256 is "
            f"{found}. Restore it; if it was changed on purpose, write the checksum again with "
            f"sha256sum {MANIFEST_FILE} > {CHECKSUM_FILE}"
        )


def _built_in(value: object) -> object:
    """A numpy scalar as the equal built-in value."""
    if plain(value) is value:
        raise TypeError(f"{value!r} is no text, number or bool")
    return plain(value)


def _task_to_json(task: Task) -> dict[str, Any]:
    left_out = [name for name in ("ranges", "target", "parts") if not getattr(task, name)]
    return {name: value for name, value in asdict(task).items() if name not in left_out}


__all__ = [
    "FORMAT",
    "BestKnown",
    "Defect",
    "Manifest",
    "SourceFile",
    "Task",
    "TuningDefaults",
    "read_manifest",
    "write_manifest",
]
