"""Locks on files and folders, which end with the process that holds them, even if it is killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from blackbox_repo.errors import AlreadyLocked

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # of file systems that have none
_AT_LEAST = 0.1  # seconds; the holder may have removed its lock file between two steps of ours
_AT_ONCE = -1.0  # instead of a number of seconds: without waiting for anybody
_PAUSE = 0.05  # seconds between two attempts


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
    place = Path(os.path.realpath(target))  # also of a link to itself
    path = place.with_name(f".{place.name}.lock")
    lock = _make_lock(path)
    if lock.is_locked:
        yield
        return
    new = [folder for folder in place.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    _acquire(lock, path, target, timeout)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        lock.release()
        with suppress(OSError):
            for folder in new:
                folder.rmdir()


def remove_abandoned(folder: Path, clean_up: Callable[[Path], object]) -> None:
    """Remove the lock files in a folder whose owners were killed.

    Args:
        folder: The folder; it need not exist. Where it cannot be written to, all files stay.
        clean_up: Called with the file or folder that an abandoned lock is on, while it is locked.
    """
    for path in folder.glob(".*.lock"):
        if _make_lock(path).is_locked:  # by this thread
            continue
        target = folder / path.name[1 : -len(".lock")]
        with suppress(AlreadyLocked, OSError), exclusive(target, timeout=_AT_ONCE):
            clean_up(target)


def _make_lock(path: Path) -> BaseFileLock:
    """The lock at a path, with a state for each thread; never a mere file, which would outlive its owner."""
    from filelock import FileLock  # takes 50 ms to import, and only writers need it

    return FileLock(path, is_singleton=True, fallback_to_soft=False)


def _acquire(lock: BaseFileLock, path: Path, target: Path, timeout: float) -> None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0 if timeout == _AT_ONCE else max(timeout, _AT_LEAST), poll_interval=_PAUSE)
    except Timeout as err:
        raise AlreadyLocked(
            f"{target} is being written by another process ({_holder(path)}); "
            f"wait until it has ended, or write to another folder"
        ) from err
    except OSError as err:
        if err.errno not in _NO_LOCKS:
            raise
    with suppress(OSError):  # on a full disk the lock holds without a number
        path.write_text(f"number {os.getpid()}")


def _holder(path: Path) -> str:
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        return file.read(20) or "just begun"
    return "just begun"
