"""Folders that appear complete or not at all."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo.lock import alone

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def appearing(folder: Path, check_replaced: Callable[[Path], object]) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its place when all went well, and is gone if not.

    Args:
        folder: What shall appear.
        check_replaced: Called with ``folder`` before it is replaced, if it exists; raises if it must not be.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    partial.chmod(0o755)
    outdated = partial.with_name(f"{partial.name}.old")
    try:
        with full_disk_named(folder):
            yield partial
        if folder.exists():
            check_replaced(folder)
            folder.rename(outdated)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(outdated, ignore_errors=True)
        elif outdated.exists():  # interrupted between the two renames
            outdated.rename(folder)


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

    What a killed predecessor left is removed, and what would be replaced is looked at.

    Args:
        folder: What shall appear.
        check_replaced: As that of :func:`appearing`.

    Raises:
        Occupied: Another process is at it.
    """
    with alone(folder):
        _tidy_up(folder)
        if folder.exists():
            check_replaced(folder)
        yield


def _tidy_up(folder: Path) -> None:
    """Remove what a killed :func:`appearing` left beside ``folder``; put back what it was to replace."""
    left = re.compile(rf"\.{re.escape(folder.name)}\.[a-z0-9_]{{8}}(\.old)?")
    for path in sorted(folder.parent.iterdir()):
        if left.fullmatch(path.name):
            if path.suffix == ".old" and not folder.exists():
                path.rename(folder)
            else:
                shutil.rmtree(path)
