"""What a manifest says of fitted surrogates: of which tables, how they were fitted, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.store.parts import Count, Sha256
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.report import Report

SURROGATES = "surrogates"
"""The folder in that of a blackbox which has its surrogates, each in a folder that is called as its model."""
FORMAT = 1
"""The newest format of specs and arrays that this code reads."""
MANIFEST_FORMAT = 2
"""The format of manifests with the key ``surrogate``: older readers say that they are to be upgraded."""


@dataclass(frozen=True)
class TableOrigin:
    """The blackbox whose tables were fitted."""

    blackbox: str
    version: str


@dataclass(frozen=True)
class FittedTask:
    """The surrogate of one table.

    Args:
        table: The digest of the table.
        sha256: The SHA-256 of the file of the table.
        rows: The number of configurations that the surrogate was fitted to.
        of: The number of configurations of the table.
        spec: How the arrays in the task's file are evaluated.
        quality: The report of how well configurations are predicted that the surrogate was not fitted to;
            ``None`` if it was not measured.
    """

    table: Sha256
    sha256: Sha256
    rows: Count
    of: Count
    spec: Mapping[str, Any]
    quality: Report | None = None


@dataclass(frozen=True)
class SurrogateEntry:
    """The key ``surrogate`` of a manifest.

    Args:
        format: The format of specs and arrays.
        model: The name of the model.
        of: The blackbox whose tables were fitted.
        seed: What the model was drawn from.
        settings: The settings of the model.
        options: The options of fitting.
        versions: Library -> the version that fitted the model.
        tasks: Task -> its surrogate.
    """

    format: int
    model: str
    of: TableOrigin
    seed: int
    settings: Mapping[str, Any]
    options: FitOptions
    versions: Mapping[str, str]
    tasks: Mapping[str, FittedTask]

    def to_json(self) -> dict[str, Any]:
        """The JSON object of docs/format.md."""
        return asdict(self)

    def info(self, task: str) -> SurrogateInfo:
        """What the surrogate of a task was fitted to, and how."""
        fitted = self.tasks[task]
        return SurrogateInfo(
            self.model,
            self.seed,
            self.settings,
            self.options,
            self.versions,
            fitted.table,
            fitted.rows,
            fitted.of,
            fitted.quality,
        )

    def check(self, tasks: Mapping[str, object], others: Sequence[str]) -> None:
        """Refuse an entry that has other tasks than its manifest, or names that are not plain.

        Args:
            tasks: The tasks of the manifest.
            others: The labels of the manifest, and the keys of its network.

        Raises:
            FormatError: It does.
        """
        if others:
            raise FormatError(f"fitted surrogates have neither labels nor a network, but there is {others!r}")
        check_plain_name("name of a model", self.model)
        check_plain_name("name of a blackbox", self.of.blackbox)
        if list(self.tasks) != list(tasks):
            raise FormatError(
                f"there are surrogates of {list(self.tasks)!r}, but the tasks are {list(tasks)!r}"
            )

    def check_tables(self, blackbox: str, tables: Mapping[str, str]) -> None:
        """Refuse surrogates of tables that have changed since they were fitted.

        Args:
            blackbox: The name of the blackbox whose tables are meant.
            tables: Task -> the SHA-256 of the file of its table.

        Raises:
            IntegrityError: They were fitted to another blackbox, or a table is another one.
        """
        which, remedy = f"the surrogate {self.model!r} of {blackbox!r}", self._remedy(blackbox)
        if self.of.blackbox != blackbox:
            raise IntegrityError(f"{which} was fitted to {self.of.blackbox!r}; it was not used. {remedy}")
        for task, fitted in self.tasks.items():
            if tables.get(task) != fitted.sha256:
                raise IntegrityError(
                    f"{which} was fitted to another table of the task {task!r}: that of version "
                    f"{self.of.version} with the sha256 {fitted.sha256}, but the table has "
                    f"{tables.get(task, 'been removed')}; it was not used. {remedy}"
                )

    def _remedy(self, blackbox: str) -> str:
        return f"Fit it again: bb-repo fit {blackbox} --model {self.model}"


def surrogate_name(blackbox: str, model: str) -> str:
    """The name of the surrogates of a blackbox, which are a blackbox of their own."""
    return f"{blackbox}.{model}"


def surrogate_folder(folder: Path, model: str) -> Path:
    """Where the surrogates lie of a blackbox that lies in ``folder``."""
    return folder / SURROGATES / model


def split_surrogate_name(name: str) -> tuple[str, str]:
    """The blackbox and the model that a name may be made of; both are empty if it cannot be."""
    blackbox, _, model = name.rpartition(".")
    return (blackbox, model) if blackbox and model else ("", "")


def check_entry_format(manifest: Mapping[str, Any], where: str) -> None:
    """Refuse a manifest whose surrogates have a newer format than this code reads.

    Raises:
        FormatError: They have; or the manifest is in format 1, which has none.
    """
    if manifest.get("surrogate") is None:
        return
    if manifest["format"] < MANIFEST_FORMAT:
        raise FormatError(
            f"{where} is malformed: it has surrogates, but format {manifest['format']}, which has none"
        )
    typed_json.check_format(manifest["surrogate"], FORMAT, f"{where}: surrogate")
