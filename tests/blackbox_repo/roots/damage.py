"""Does harm to files, one bit or all of it, and puts them back."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo import keyed_random
from blackbox_repo.errors import BlackboxRepoError

LONGEST = 60  # seconds, after which something hangs


def flips(path: Path, count: int) -> Iterator[int]:
    """Positions of bits, drawn for this file and spread over it."""
    bits = path.stat().st_size * 8
    for part in range(count):
        start, stop = bits * part // count, bits * (part + 1) // count
        yield start + keyed_random.integer(max(stop - start, 1), "flip", path.name, part)


@contextmanager
def restored(path: Path) -> Iterator[os.stat_result]:
    """A file that may be damaged within this; it, its mode and its time are as before in the end."""
    content, before = path.read_bytes(), path.stat()
    try:
        yield before
    finally:
        remove(path)
        path.write_bytes(content)
        path.chmod(before.st_mode)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    """One bit of a file is changed, as by a failing disk: nothing else shows it."""
    with restored(path) as before:
        content = bytearray(path.read_bytes())
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        yield


@contextmanager
def replaced(path: Path, make: Callable[[Path, bytes], object]) -> Iterator[None]:
    """Something else in the place of a file."""
    with restored(path):
        content = path.read_bytes()
        path.unlink()
        make(path, content)
        yield


INSTEAD: dict[str, Callable[[Path, bytes], object]] = {
    "nothing": lambda path, content: None,
    "an empty file": lambda path, content: path.touch(),
    "its first half": lambda path, content: path.write_bytes(content[: len(content) // 2]),
    "one byte more": lambda path, content: path.write_bytes(content + b"\n"),
    "a folder": lambda path, content: path.mkdir(),
    "a folder with a file": lambda path, content: (path.mkdir(), (path / "x").touch()),
    "a link to nothing": lambda path, content: path.symlink_to("/nothing"),
    "a link to itself": lambda path, content: path.symlink_to(path),
    "an endless device": lambda path, content: path.symlink_to("/dev/zero"),
    "a pipe": lambda path, content: os.mkfifo(path),
}


def remove(path: Path) -> None:
    """Remove a file, or what is there in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Hangs(BaseException):
    """Something took too long; no ``Exception``, so that nothing catches it."""


@contextmanager
def no_hanging() -> Iterator[None]:
    """Raise :class:`Hangs` if this takes long."""

    def give_up(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(act: Callable[[], object]) -> tuple[object, Exception | None]:
    """What it returns, or the error of this project or the system that it raises."""
    with no_hanging():
        try:
            return act(), None
        except (BlackboxRepoError, OSError) as err:
            return None, err
