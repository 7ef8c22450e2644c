"""Download one file from any source of bytes. It is continued where it ended, and checked in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from blackbox_repo.store.atomic_directory import name_full_disk
from blackbox_repo.transfer.hashes import hash_file
from blackbox_repo.transfer.retry import (
    DEFAULT_POLICY,
    Failure,
    RetryPolicy,
    WrongContent,
    WrongPart,
    keep_trying,
)
from blackbox_repo.transfer.source import Answer, ByteSource

Report: TypeAlias = Callable[[int, int], None]
"""Called with the number of bytes that are there, and the number in the end, which is 0 if it is unknown."""
LARGEST = 1 << 37  # bytes of the largest file of unknown size that is downloaded
_MOST_RESTARTS = 2


@dataclass(frozen=True)
class Expected:
    """What is known of a file before it comes.

    Args:
        sha256: Its SHA-256; empty if it is not known.
        size: Its size in bytes; 0 if it is not known.
        check: What shows that a file of unknown hash is another one, in words such as ``is empty``; empty if
            nothing does.
    """

    sha256: str = ""
    size: int = 0
    check: Callable[[Path], str] = lambda path: ""

    def find_problem(self, path: Path) -> str:
        """What shows that a file is another one; empty if nothing does."""
        if not self.sha256:
            return self.check(path)
        found, _ = hash_file(path)
        return "" if found == self.sha256 else f"has the sha256 {found}, expected {self.sha256}"


def download(
    source: ByteSource,
    part: Path,
    expected: Expected,
    *,
    retry: RetryPolicy = DEFAULT_POLICY,
    report: Report = lambda done, total: None,
) -> None:
    """Download what ``part`` lacks of a file, and check it.

    Args:
        source: Where the file is.
        part: Its beginning, if this file exists, and all of it in the end. The caller excludes other writers.
            Without a hash it must be a part of this source's file.
        expected: What the file is checked against.
        retry: How often and how long the source is asked.
        report: Called while bytes come.

    Raises:
        Failure: The source does not give the file, or gives another one. ``part`` is kept if it may be the
            beginning of the right one.
        OSError: ``part`` cannot be written; the error names it.
    """
    task = _Download(source, part, expected, report)
    keep_trying(task.attempt, retry, task.received)


class _Download:
    """Brings one file into ``part``, with as many attempts as this takes."""

    def __init__(self, source: ByteSource, part: Path, expected: Expected, report: Report) -> None:
        self._source, self._part, self._expected, self._report = source, part, expected, report
        self._furthest = self._restarts = 0
        self._validator = ""  # how the source names the version of the file that ``part`` begins

    def attempt(self) -> None:
        before = self._size()
        if not before or before != self._expected.size:
            self._continue(before)
        self._verify(resumed=before > 0)

    def received(self) -> int:
        """The largest number of bytes that were there since the last restart."""
        self._furthest = max(self._furthest, self._size())
        return self._furthest

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _continue(self, there: int) -> None:
        start = there if self._expected.sha256 or self._validator else 0
        try:
            with self._source.open(start, validator=self._validator) as answer:
                self._validator = answer.validator
                self._receive(answer)
        except WrongPart as err:
            if not self._is_complete():
                raise WrongContent(str(err), transient=self._discard()) from err

    def _is_complete(self) -> bool:
        known = bool(self._expected.sha256)
        return known and self._part.exists() and not self._expected.find_problem(self._part)

    def _receive(self, answer: Answer) -> None:
        size, done = self._expected.size or answer.total, answer.start
        if answer.total not in (0, size):
            raise WrongContent(f"the file there has {answer.total} bytes, expected {size}")
        most = size or LARGEST
        with name_full_disk(self._part), self._part.open("ab" if done else "wb") as stream:
            self._report(done, size)
            for piece in answer.pieces:
                done += len(piece)
                if done > most:
                    raise WrongContent(f"sends more than the {most} bytes that the file should have")
                stream.write(piece)
                self._report(done, size)
        if done < size:
            raise Failure(f"was cut off after {done} of {size} bytes", transient=True)

    def _verify(self, *, resumed: bool) -> None:
        problem = self._expected.find_problem(self._part)
        if problem:
            again = self._discard() and resumed  # its beginning may have come from another file
            raise WrongContent(f"the file there {problem}; it was not kept", transient=again)

    def _discard(self) -> bool:
        """Delete what is there; whether to begin again, which is not done for ever."""
        self._part.unlink(missing_ok=True)
        self._furthest, self._restarts = 0, self._restarts + 1
        return self._restarts <= _MOST_RESTARTS
