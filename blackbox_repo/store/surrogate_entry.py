"""What a manifest says of fitted surrogates: of which tables, how they were fitted, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.store.parts import Count, Sha256

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
    quality: Mapping[str, Any] | None = None


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
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    tasks: Mapping[str, FittedTask]

    def to_json(self) -> dict[str, Any]:
        """The JSON object of docs/format.md."""
        return asdict(self)

    def check(self, tasks: Mapping[str, object]) -> None:
        """Refuse an entry that has other tasks than its manifest, or names that are not plain.

        Raises:
            FormatError: It does.
        """
        check_plain_name("name of a model", self.model)
        check_plain_name("name of a blackbox", self.of.blackbox)
        if list(self.tasks) != list(tasks):
            raise FormatError(
                f"there are surrogates of {list(self.tasks)!r}, but the tasks are {list(tasks)!r}"
            )

    def check_table(self, task: str, sha256: str, name: str) -> None:
        """Refuse the surrogate of a table that has changed since it was fitted.

        Args:
            task: The name of the task.
            sha256: The SHA-256 of the file of the table.
            name: What messages call the surrogate.

        Raises:
            IntegrityError: It was fitted to another table.
        """
        fitted = self.tasks[task]
        if fitted.sha256 != sha256:
            raise IntegrityError(
                f"the surrogate {name!r} was fitted to another table of the task {task!r}: to the file with "
                f"the sha256 {fitted.sha256} of {self.of.blackbox!r} {self.of.version}, but the table is now "
                f"{sha256}; it was not used. Fit it again: bb-repo fit {self.of.blackbox} --model "
                f"{self.model}"
            )


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
