"""Folders that are written completely or not at all, whenever their writer or the machine stops."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo.store.lock import exclusive

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The numbers of the errors of a full disk."""
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # of file systems and kinds of files that have none
_TIMEOUT = 10.0  # seconds that a finished folder waits for another one of its name to be written


@contextmanager
def atomic_directory(folder: Path, check_replaced: Callable[[Path], object]) -> Iterator[Path]:
    """Yield an empty folder that becomes ``folder`` when the block ends, and is removed if the block raises.

    The folder is ``.NAME.partial`` while it is written. Then everything in it is synced to the disk, the
    folder that it replaces becomes ``.NAME.old``, and it gets its name. :func:`recover` cleans up after a
    writer that was killed.

    Args:
        folder: The folder to write.
        check_replaced: Called with ``folder`` before it is replaced, if it exists; raises an error to prevent
            that.

    Raises:
        AlreadyLocked: Another process has been writing it for ten seconds.
    """
    with exclusive(folder, timeout=_TIMEOUT), name_full_disk(folder):
        place, partial, outdated = _settle(folder)
        try:
            partial.mkdir()
            yield partial
            for path in (*partial.rglob("*"), partial):
                sync_to_disk(path)
            if folder.exists():
                check_replaced(folder)
                place.rename(outdated)
            partial.rename(place)
            sync_to_disk(place.parent)
        finally:
            _settle(place)


@contextmanager
def name_full_disk(path: Path) -> Iterator[None]:
    """Add the path to an error of a full disk that names no file."""
    try:
        yield
    except OSError as err:
        if err.errno in FULL and err.filename is None:
            err.filename = str(path)
        raise


@contextmanager
def reserve(folder: Path, check_replaced: Callable[[Path], object]) -> Iterator[None]:
    """Lock ``folder`` while its content is computed and written.

    First :func:`recover` is done and the folder that would be replaced is checked. The same thread may then
    write it with :func:`atomic_directory`.

    Args:
        folder: The folder to be written.
        check_replaced: As for :func:`atomic_directory`.

    Raises:
        AlreadyLocked: Another process is writing it.
    """
    with exclusive(folder):
        _settle(folder)
        if folder.exists():
            check_replaced(folder)
        yield


def recover(folder: Path) -> None:
    """Clean up beside ``folder`` after a writer of :func:`atomic_directory` that was killed.

    Call it before the folder is read. If the writer was killed while it replaced the folder, the new one is
    complete and gets its name; if there is no new one, the old one gets it back. All else is removed.

    Raises:
        AlreadyLocked: Another process is writing the folder.
    """
    nameless = not folder.resolve().name  # the root of the file system, which is never replaced
    if not nameless and any(path.exists() for path in _paths(folder)[1:]):
        with exclusive(folder):
            _settle(folder)


def is_moved_away(folder: Path) -> bool:
    """Whether a writer has moved the folder away and not yet put the new one there, or was killed then."""
    place, _, outdated = _paths(folder)
    return outdated.exists() and not place.exists()


def sync_to_disk(path: Path) -> None:
    """Write a file or folder through to the disk, so that it survives a crash of the machine."""
    if sys.platform == "win32" and path.is_dir():  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as err:
        if err.errno not in _NO_SYNC:
            raise
    finally:
        os.close(handle)


def _paths(folder: Path) -> tuple[Path, Path, Path]:
    """The real path of a folder, of the one that is being written, and of the one that is being replaced."""
    place = folder.resolve()
    return place, place.with_name(f".{place.name}.partial"), place.with_name(f".{place.name}.old")


def _settle(folder: Path) -> tuple[Path, Path, Path]:
    """As :func:`recover`, for a caller that holds the lock."""
    place, partial, outdated = _paths(folder)
    if outdated.exists() and not place.exists():
        (partial if partial.exists() else outdated).rename(place)
        sync_to_disk(place.parent)
    for left in (partial, outdated):
        shutil.rmtree(left, ignore_errors=True)
    return place, partial, outdated
