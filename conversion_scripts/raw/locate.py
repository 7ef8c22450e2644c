"""Where a raw file lies: under its whole name, or, where a folder further down was given, the end of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

_ARCHIVE = re.compile(r"\.(zip|tgz|tar(\.[a-z0-9]+)?)$")


def short_names(files: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Name -> its ends without leading folders, longest first, but for those which mean two files.

    ``yahpo/lcbench/model.onnx`` -> ``lcbench/model.onnx``, ``model.onnx``.

    Args:
        files: File -> all the names that it may have.
    """
    ends = {name: _ends(name) for names in files.values() for name in names}
    taken = Counter(end for names in files.values() for end in {end for name in names for end in ends[name]})
    return {name: tuple(end for end in own if taken[end] == 1) for name, own in ends.items()}


def located(root: Path, names: Iterable[str]) -> Path | None:
    """The first of these that is there: as a file, gzipped, or as a folder with files."""
    for path in (root / name for name in names):
        for candidate in (path, path.with_name(f"{path.name}.gz")):
            if candidate.is_file() or (
                candidate.is_dir() and any(part.is_file() for part in candidate.iterdir())
            ):
                return candidate
    return None


def unpacked_name(archive: str) -> str:
    """What an archive is called where it lies unpacked."""
    return _ARCHIVE.sub("", archive)


def located_unpacked(root: Path, archive: str, members: Sequence[str]) -> dict[str, Path]:
    """Member -> its file, of an archive unpacked in its place or further up; empty unless all are there."""
    beside = PurePosixPath(archive).parent
    paths = {}
    for member in members:
        name = str(beside / member)
        path = located(root, (name, *_ends(name)))
        if path is None or path.is_dir() or path.name != PurePosixPath(member).name:
            return {}
        paths[member] = path
    return paths


def _ends(name: str) -> list[str]:
    parts = PurePosixPath(name).parts
    return ["/".join(parts[start:]) for start in range(1, len(parts))]
