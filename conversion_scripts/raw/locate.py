"""Where raw files lie: under their whole names, or under the ends of these.

The ends are enough where the user gave a folder further down. A file may also lie there compressed with
gzip, and an archive unpacked.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from blackbox_repo.errors import InvalidOption
from conversion_scripts.raw.raw_file import RawFile

_ARCHIVE = re.compile(r"\.(zip|tgz|tar(\.[a-z0-9]+)?)$")


@dataclass(frozen=True)
class LocatedFile:
    """A raw file that is there.

    Args:
        file: Which of its variants it is.
        path: Where it lies: a file, plain or compressed with gzip, or a folder.
        parts: The files in a folder by their names. For an archive that lies there unpacked, these are the
            names in the archive.
    """

    file: RawFile
    path: Path
    parts: Mapping[str, Path] = field(default_factory=dict)


def locate_files(root: Path, files: Collection[RawFile]) -> dict[str, LocatedFile]:
    """The files that are there, by their names in the recipe.

    Args:
        root: The raw folder, or one of the files, beside which the others are looked for.
        files: The files of a recipe.

    Raises:
        InvalidOption: ``root`` is a file, but none of these.
    """
    found = _locate_in(root, files, "")
    if found or not (given := _name_of_given(root, files)):
        return found
    return _locate_in(root.parent, files, given)


def _locate_in(root: Path, files: Collection[RawFile], preferred: str) -> dict[str, LocatedFile]:
    """The files below a folder; a whole name goes before the end of one."""
    variants = {file.name: _select_variants(file, preferred) for file in files}
    short = short_names({name: [variant.name for variant in some] for name, some in variants.items()})
    located = {}
    for name, some in variants.items():
        whole = (_locate_variant(root, variant, [variant.name]) for variant in some)
        ends = (_locate_variant(root, variant, short[variant.name]) for variant in some)
        found = next(filter(None, itertools.chain(whole, ends)), None)
        if found is not None:
            located[name] = found
    return located


def _name_of_given(root: Path, files: Iterable[RawFile]) -> str:
    """The base name of the raw file that the user gave instead of its folder; empty if it is a folder."""
    variants = [variant for file in files for variant in file.variants]
    names = dict.fromkeys(name for variant in variants for name in _base_names(variant))
    given = next((name for name in names if root.name in (name, f"{name}.gz")), "")
    if root.is_file() and not given:
        raise InvalidOption(
            f"{str(root)!r} is none of the raw files that are needed; they are called "
            f"{', '.join(map(repr, names))}"
        )
    return given


def _select_variants(file: RawFile, preferred: str) -> list[RawFile]:
    """The variants of a file, or the one among them that the user pointed at."""
    return [variant for variant in file.variants if preferred in _base_names(variant)] or list(file.variants)


def _base_names(file: RawFile) -> list[str]:
    return [PurePosixPath(name).name for name in (file.name, *file.members)]


def _locate_variant(root: Path, file: RawFile, names: Iterable[str]) -> LocatedFile | None:
    path = locate_path(root, names)
    if path is not None and path.is_dir():
        return LocatedFile(file, path, {part.name: part for part in sorted(path.iterdir()) if part.is_file()})
    if path is not None:
        return LocatedFile(file, path)
    paths = locate_members(root, file.name, file.members)
    if not paths:
        return None
    unpacked = RawFile(unpacked_name(file.name), file.repository, file.path, file.commit)
    return LocatedFile(unpacked, next(iter(paths.values())).parent, paths)


def short_names(files: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """For each name its ends without leading folders, longest first, except those that two files share.

    ``yahpo/lcbench/model.onnx`` -> ``lcbench/model.onnx``, ``model.onnx``.

    Args:
        files: All the names that each file may have.
    """
    ends = {name: _ends(name) for names in files.values() for name in names}
    taken = Counter(end for names in files.values() for end in {end for name in names for end in ends[name]})
    return {name: tuple(end for end in own if taken[end] == 1) for name, own in ends.items()}


def locate_path(root: Path, names: Iterable[str]) -> Path | None:
    """The path of the first name that is there: a file, plain or gzipped, or a folder with files."""
    for path in (root / name for name in names):
        for candidate in (path, path.with_name(f"{path.name}.gz")):
            if candidate.is_file() or (
                candidate.is_dir() and any(part.is_file() for part in candidate.iterdir())
            ):
                return candidate
    return None


def unpacked_name(archive: str) -> str:
    """The name of an archive's content where it lies unpacked."""
    return _ARCHIVE.sub("", archive)


def locate_members(root: Path, archive: str, members: Sequence[str]) -> dict[str, Path]:
    """The files of an archive that was unpacked where it lies or further up; none unless all are there."""
    beside = PurePosixPath(archive).parent
    paths = {}
    for member in members:
        name = str(beside / member)
        path = locate_path(root, (name, *_ends(name)))
        if path is None or path.is_dir() or path.name != PurePosixPath(member).name:
            return {}
        paths[member] = path
    return paths


def _ends(name: str) -> list[str]:
    parts = PurePosixPath(name).parts
    return ["/".join(parts[start:]) for start in range(1, len(parts))]
