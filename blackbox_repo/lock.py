"""One process at a time: a lock that ends with the process that holds it, even if that is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blackbox_repo.errors import BlackboxRepoError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class Occupied(BlackboxRepoError):
    """Another process is writing the same file or folder."""


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Be the only one to write a file or folder, which need not exist yet.

    The lock is on ``.NAME.lock`` beside it, which is removed in the end, as are folders that were made for it
    and stayed empty.

    Raises:
        Occupied: Another process is at it.
    """
    new = [folder for folder in target.parents if not folder.exists()]
    path = target.with_name(f".{target.name}.lock")
    handle = _held(path, target)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        os.close(handle)
        with suppress(OSError):
            for folder in new:
                folder.rmdir()


def _held(path: Path, target: Path) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _locks(handle):
            holder = os.read(handle, 20).decode(errors="replace")
            os.close(handle)
            raise Occupied(
                f"{target} is being written by another process ({holder or 'just begun'}); "
                f"wait until it has ended, or write to another folder"
            )
        if _is(handle, path):
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
    return True


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
