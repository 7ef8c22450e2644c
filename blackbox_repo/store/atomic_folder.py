"""Folders that appear complete or not at all, whenever their writer or the machine stops."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo.store.lock import alone

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # of file systems and kinds of files that have none
_PATIENCE = 10.0  # seconds that a finished folder waits for another one of its name to be written


@contextmanager
def appearing(folder: Path, check_replaced: Callable[[Path], object]) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its place when all went well, and is gone if not.

    It is ``.NAME.partial`` while it is written. Then everything in it is synced to the disk, what it replaces
    becomes ``.NAME.old``, and it gets its name. What a killed writer leaves, :func:`recover` sorts out.

    Args:
        folder: What shall appear.
        check_replaced: Called with ``folder`` before it is replaced, if it exists; raises if it must not be.

    Raises:
        Occupied: Another process has been writing it for ten seconds.
    """
    with alone(folder, patience=_PATIENCE), full_disk_named(folder):
        place, partial, outdated = _settle(folder)
        try:
            partial.mkdir()
            yield partial
            for path in (*partial.rglob("*"), partial):
                on_disk(path)
            if folder.exists():
                check_replaced(folder)
                place.rename(outdated)
            partial.rename(place)
            on_disk(place.parent)
        finally:
            _settle(place)


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Say where the disk is full, if whoever writes there does not."""
    try:
        yield
    except OSError as err:
        if err.errno in _FULL and err.filename is None:
            err.filename = str(path)
        raise


@contextmanager
def reserved(folder: Path, check_replaced: Callable[[Path], object]) -> Iterator[None]:
    """Be the only one to write ``folder``, from before the work for it begins until it is there.

    What a killed predecessor left is sorted out, and what would be replaced is looked at. The thread that
    holds it may write the folder with :func:`appearing`.

    Args:
        folder: What shall appear.
        check_replaced: As that of :func:`appearing`.

    Raises:
        Occupied: Another process is at it.
    """
    with alone(folder):
        _settle(folder)
        if folder.exists():
            check_replaced(folder)
        yield


def recover(folder: Path) -> None:
    """Sort out what a killed :func:`appearing` left beside ``folder``, before somebody looks into it.

    Where it was about to replace the folder, the new one was complete and takes its place. Everything else is
    removed: it never was complete, or is outdated.

    Raises:
        Occupied: Another process is writing the folder.
    """
    nameless = not folder.resolve().name  # the root of all folders, which nobody replaces
    if not nameless and any(path.exists() for path in _places(folder)[1:]):
        with alone(folder):
            _settle(folder)


def on_disk(path: Path) -> None:
    """Wait until a file or folder is where even a crash of the machine leaves it."""
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


def _places(folder: Path) -> tuple[Path, Path, Path]:
    """Where a folder really is, where it is written, and where the one goes that it replaces."""
    place = folder.resolve()
    return place, place.with_name(f".{place.name}.partial"), place.with_name(f".{place.name}.old")


def _settle(folder: Path) -> tuple[Path, Path, Path]:
    """:func:`recover` for the one who is alone with the folder."""
    place, partial, outdated = _places(folder)
    if outdated.exists() and not place.exists():
        (partial if partial.exists() else outdated).rename(place)
        on_disk(place.parent)
    for left in (partial, outdated):
        shutil.rmtree(left, ignore_errors=True)
    return place, partial, outdated
