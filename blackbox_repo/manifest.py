"""The manifest of a blackbox: what its files hold, where they come from, and what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.domains import Value
from blackbox_repo.errors import FormatError, UnknownName
from blackbox_repo.schema import Schema

FORMAT = 1
MANIFEST_FILE = "manifest.json"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_DEVICE = re.compile(r"CON|PRN|AUX|NUL|(COM|LPT)[0-9]", re.IGNORECASE)
_LONGEST_NAME = 200  # of a file system's 255, as suffixes and hidden names come to it


@dataclass(frozen=True)
class Source:
    """One raw file that the conversion read: where it is published, and the SHA-256 of its content."""

    file: str
    sha256: str
    bytes: int
    repository: str = ""
    path: str = ""
    commit: str = ""
    url: str = ""


@dataclass(frozen=True)
class Defect:
    """Something that is odd in the source, and the rule by which the conversion treats it."""

    what: str
    rule: str


@dataclass(frozen=True)
class Best:
    """The best known value of an objective, and where it was found."""

    value: float
    configuration: Mapping[str, Value]
    seed: int
    fidelity: float


@dataclass(frozen=True)
class Task:
    """One data set of a benchmark family.

    Args:
        file: The parquet file, beside the manifest; network tasks may share one.
        sha256: Of the file's bytes.
        bytes: Size of the file.
        rows: Training runs in the table; 0 for a network.
        configurations: Different configurations in the table; 0 for a network.
        title: What the data set is called where its name is a number.
        code: The task's code in a network's embedding.
        best: Objective -> its best value in the table.
        ranges: Objective -> the smallest and the largest value that the source knows of this task.
        target: The objective that is tuned on this task; empty for that of the blackbox.
    """

    file: str
    sha256: str
    bytes: int
    rows: int = 0
    configurations: int = 0
    title: str = ""
    code: int | None = None
    best: Mapping[str, Best] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    target: str = ""


@dataclass(frozen=True)
class Default:
    """How the blackbox is tuned unless somebody says otherwise: workers, and simulated seconds."""

    workers: int = 4
    seconds: float | None = None


@dataclass(frozen=True)
class Manifest:
    """Everything about a blackbox but its numbers; the layout on disk is in docs/format.md."""

    name: str
    version: str
    title: str
    license: str
    citation: str
    homepage: str
    recipe: str
    schema: Schema
    tasks: Mapping[str, Task]
    sources: tuple[Source, ...] = ()
    card: tuple[Defect, ...] = ()
    default: Default = Default()
    labels: tuple[str, ...] = ()
    network: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_plain_name("blackbox name", self.name)
        check_task_names(self.tasks)
        for task in self.tasks.values():
            check_plain_name("file name", task.file)

    def task(self, name: str) -> Task:
        """The entry of a task.

        Raises:
            UnknownName: There is no such task.
        """
        if name not in self.tasks:
            raise UnknownName(f"task of {self.name!r}", name, self.tasks)
        return self.tasks[name]

    def schema_of(self, name: str) -> Schema:
        """What the numbers of a task mean: the schema with its ranges and its target.

        Raises:
            UnknownName: There is no such task.
        """
        task = self.task(name)
        schema = self.schema.with_ranges(task.ranges)
        return schema.with_target(task.target) if task.target else schema

    def to_json(self) -> dict[str, Any]:
        """The JSON object of docs/format.md."""
        schema = self.schema.to_json()
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "title": self.title,
            "license": self.license,
            "citation": self.citation,
            "homepage": self.homepage,
            "recipe": self.recipe,
            "sources": [{k: v for k, v in asdict(source).items() if v != ""} for source in self.sources],
            "card": [asdict(defect) for defect in self.card],
            "default": {"objective": schema.pop("target"), **asdict(self.default)},
            **schema,
            "labels": list(self.labels),
            "network": self.network,
            "tasks": {name: _task_to_json(task) for name, task in self.tasks.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str) -> Manifest:
        """The manifest that :meth:`to_json` wrote.

        Args:
            data: The JSON object.
            where: The file's name, for messages.

        Raises:
            FormatError: The format is newer than this code, or a field is missing or malformed.
        """
        version = data.get("format") if isinstance(data, Mapping) else None
        if not isinstance(version, int):
            raise FormatError(f"{where} is no manifest: it has no integer 'format'")
        if version > FORMAT:
            raise FormatError(
                f"{where} has format {version}, but this version of blackbox-repo reads up to {FORMAT}; "
                f"upgrade with: pip install --upgrade blackbox-repo"
            )
        try:
            return cls._from_fields(data)
        except KeyError as err:
            raise FormatError(f"{where} lacks the field {err.args[0]!r}") from err
        except (TypeError, ValueError, AttributeError) as err:
            raise FormatError(f"{where} is malformed: {err}") from err

    @classmethod
    def _from_fields(cls, data: Mapping[str, Any]) -> Manifest:
        default = dict(data["default"])
        schema = Schema.from_json({**data, "target": default.pop("objective")})
        tasks = {name: _task_from_json(task) for name, task in data["tasks"].items()}
        if not tasks:
            raise ValueError("it has no tasks; a blackbox has one at least")
        texts = ("name", "version", "title", "license", "citation", "homepage", "recipe")
        return cls(
            **{text: str(data[text]) for text in texts},
            schema=schema,
            tasks=tasks,
            sources=tuple(Source(**source) for source in data["sources"]),
            card=tuple(Defect(**defect) for defect in data["card"]),
            default=Default(**default),
            labels=tuple(data["labels"]),
            network=data["network"],
        )


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a folder.

    Raises:
        FormatError: There is none, it is not JSON, or :meth:`Manifest.from_json` refuses it.
    """
    path = folder / MANIFEST_FILE
    try:
        data = typed_json.parse(typed_json.read_regular(path), path)
    except FileNotFoundError as err:
        raise FormatError(f"{folder} holds no {MANIFEST_FILE}: it is not a blackbox") from err
    except (OSError, ValueError) as err:
        raise FormatError(f"{path} cannot be read: {err}") from err
    return Manifest.from_json(data, str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest as JSON that people can read."""
    text = json.dumps(manifest.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def check_plain_name(what: str, name: str) -> None:
    """Refuse names that could leave their folder or hide in it, and those that some systems cannot store.

    Raises:
        FormatError: The name is not letters, digits and ``. _ + -``, starting with a letter or digit; it ends
            with a dot, is longer than 200 characters, or is one of Windows' devices, such as ``nul.txt``.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise FormatError(
            f"the {what} {name!a} must be letters, digits, '.', '_', '+' and '-' only, and begin with one of "
            f"the former two"
        )
    if len(name) > _LONGEST_NAME:
        raise FormatError(f"the {what} {name[:20]}... must have at most {_LONGEST_NAME} characters")
    if name.endswith(".") or _DEVICE.fullmatch(name.partition(".")[0]):
        raise FormatError(
            f"the {what} {name!r} cannot be stored on Windows: rename it so that it neither ends with a dot "
            f"nor is CON, PRN, AUX, NUL, COM1 or LPT1 up to its first dot"
        )


def check_task_names(names: Iterable[str]) -> None:
    """Refuse names of tasks that are not plain, or differ by upper and lower case alone.

    Raises:
        FormatError: :func:`check_plain_name` refuses one, or some systems take two of them for the same.
    """
    known: dict[str, str] = {}
    for name in names:
        check_plain_name("task name", name)
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise FormatError(
                f"the task names {other!r} and {name!r} are the same file on systems that do not tell upper "
                f"from lower case; rename one of them"
            )


def _task_to_json(task: Task) -> dict[str, Any]:
    return {name: value for name, value in asdict(task).items() if name not in ("ranges", "target") or value}


def _task_from_json(data: Mapping[str, Any]) -> Task:
    best = {name: Best(**entry) for name, entry in data["best"].items()}
    ranges = {name: (low, high) for name, (low, high) in data.get("ranges", {}).items()}
    return Task(**{**data, "best": best, "ranges": ranges})


__all__ = [
    "FORMAT",
    "Best",
    "Default",
    "Defect",
    "Manifest",
    "Source",
    "Task",
    "read_manifest",
    "write_manifest",
]
