"""The parts of a task's parquet file that can be fetched and verified on their own (docs/format.md)."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, TypeAlias

import msgspec

from blackbox_repo.errors import FormatError, IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""As many as a float can count one by one, so that no arithmetic with it overflows."""
Size: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]
"""The size of a file that is not empty."""
Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Range: TypeAlias = tuple[int, int]
"""The first byte, and the byte after the last."""
GAP = 1 << 14
"""Ranges with fewer bytes between them are read at once: another request takes longer than these bytes."""
LEAST_SAVING = 1 << 17
"""What parts must save beside the whole file, in bytes: their further requests take as long as these."""
MOST_SHARE = 0.8
"""The largest share of the file that parts may be together."""


@dataclass(frozen=True)
class Hashed:
    """The size and the SHA-256 of some bytes."""

    bytes: Count
    sha256: Sha256


@dataclass(frozen=True)
class Parts:
    """What the manifest says of the parts of a file.

    A part consists of column chunks, end to end in the order in which they lie in the file.

    Args:
        footer: The end of the file: its metadata, their length in 4 bytes, and ``PAR1``.
        rows: The columns that say what the rows are: hyperparameters, seed, status and labels.
        objectives: Objective -> its column.
    """

    footer: Hashed
    rows: Hashed
    objectives: Mapping[str, Hashed]

    def check(self, size: int, objectives: Iterable[str]) -> None:
        """Refuse parts that are together larger than the file, or of other objectives than these.

        Raises:
            FormatError: They do not agree.
        """
        found, wanted = sorted(self.objectives), sorted(objectives)
        if found != wanted:
            raise FormatError(
                f"there are parts of the objectives {found!r}, but the objectives are {wanted!r}"
            )
        total = sum(part.bytes for part in (self.footer, self.rows, *self.objectives.values()))
        if total > size:
            raise FormatError(f"the parts have {total} bytes, but the file has {size}")


@dataclass(frozen=True)
class Part:
    """A part of a file that is to be read.

    Args:
        name: What messages call it.
        ranges: Where it lies in the file, ascending.
        bytes: The size of all ranges together.
        sha256: The SHA-256 of all ranges end to end.
    """

    name: str
    ranges: tuple[Range, ...]
    bytes: int
    sha256: str


def hashed(content: bytes) -> Hashed:
    """The size and the SHA-256 of these bytes."""
    return Hashed(len(content), hashlib.sha256(content).hexdigest())


def check_part(part: Part, content: bytes, where: Path | str) -> bytes:
    """The content, if it is this part of the file that messages call ``where``.

    Raises:
        IntegrityError: Its SHA-256 is another one.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != part.sha256:
        raise IntegrityError(
            f"{where} is corrupted: the sha256 of {part.name} is {found}, but the manifest says "
            f"{part.sha256}; it was not used. Restore the file, or publish the blackbox again"
        )
    return content


def saves(parts: Parts, size: int, objectives: Iterable[str]) -> bool:
    """Whether reading these objectives alone moves so much less than the file's size that it is worth it."""
    moved = sum(p.bytes for p in (parts.footer, parts.rows, *(parts.objectives[name] for name in objectives)))
    return moved <= min(MOST_SHARE * size, size - LEAST_SAVING)


def footer_part(parts: Parts, size: int) -> Part:
    """The footer of a file of that size."""
    footer = parts.footer
    return Part("the footer", ((size - footer.bytes, size),), footer.bytes, footer.sha256)


def read_parts(
    parts: Sequence[Part], read: Callable[[Sequence[Range]], Iterable[bytes]], where: Path | str
) -> dict[Part, bytes]:
    """Parts of a file, verified.

    Args:
        parts: What to read.
        read: Called once, with ascending ranges that do not touch; gives the bytes of each. It may read them
            at the same time.
        where: What messages call the file.

    Raises:
        IntegrityError: A range has another size, or a part another SHA-256, than it should.
    """
    wanted = merged([found for part in parts for found in part.ranges], GAP)
    known = dict(zip(wanted, read(wanted), strict=True))
    for (start, stop), content in known.items():
        if len(content) != stop - start:
            raise IntegrityError(
                f"{where} is cut off: bytes {start} to {stop} were {len(content)} instead of {stop - start}; "
                f"restore the file, or publish the blackbox again"
            )
    return {part: check_part(part, b"".join(_cut(part.ranges, known)), where) for part in parts}


def merged(ranges: Iterable[Range], gap: int = 0) -> tuple[Range, ...]:
    """Ascending ranges that hold all of these, one for those with at most ``gap`` bytes between them."""
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if found and start <= found[-1][1] + gap:
            first, last = found.pop()
            found.append((first, max(last, stop)))
        else:
            found.append((start, stop))
    return tuple(found)


def _cut(ranges: Sequence[Range], known: Mapping[Range, bytes]) -> Iterator[bytes]:
    outer = list(known)  # ascending
    for start, stop in ranges:
        place = bisect(outer, start, key=itemgetter(0)) - 1
        first, _ = outer[place]
        yield known[outer[place]][start - first : stop - first]
