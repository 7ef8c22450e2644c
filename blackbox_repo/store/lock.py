"""Locks on files and folders, which end with the process that holds them, even if it is killed."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blackbox_repo.errors import AlreadyLocked

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # of file systems that have none


_mine: set[tuple[Path, int]] = set()
"""The locked files of this process, and the thread that holds each."""
_PAUSE = 0.05  # seconds between two looks at a lock that another process holds


@contextmanager
def exclusive(target: Path, timeout: float = 0.0) -> Iterator[None]:
    """Lock a file or folder for this thread; it need not exist yet.

    The lock is on ``.NAME.lock`` beside it, which is removed in the end, as are folders that were made for it
    and stayed empty. A thread that holds the lock may ask for it again. Where the file system has no locks,
    no other process is excluded.

    Args:
        target: The file or folder.
        timeout: How many seconds to wait for another holder.

    Raises:
        AlreadyLocked: Another process, or another thread of this one, holds the lock.
    """
    place = target.resolve()
    path = place.with_name(f".{place.name}.lock")
    mine = path, threading.get_ident()
    if mine in _mine:
        yield
        return
    new = [folder for folder in place.parents if not folder.exists()]
    handle = _held(path, target, timeout)
    _mine.add(mine)
    try:
        yield
    finally:
        _mine.remove(mine)
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        os.close(handle)
        with suppress(OSError):
            for folder in new:
                folder.rmdir()


def _held(path: Path, target: Path, timeout: float) -> int:
    last = time.monotonic() + timeout
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _locks(handle):
            holder = os.read(handle, 20).decode(errors="replace")
            os.close(handle)
            if time.monotonic() < last:
                time.sleep(_PAUSE)
                continue
            raise AlreadyLocked(
                f"{target} is being written by another process ({holder or 'just begun'}); "
                f"wait until it has ended, or write to another folder"
            )
        if _is(handle, path):
            with suppress(OSError):  # on a full disk the lock holds without a name
                os.ftruncate(handle, 0)
                os.write(handle, f"number {os.getpid()}".encode())
            return handle
        os.close(handle)  # its holder removed it between our two steps


def _locks(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
    except OSError as err:
        if err.errno not in _NO_LOCKS:
            raise
    return True


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
