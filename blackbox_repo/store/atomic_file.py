"""Files that are written completely or not at all, whenever their writer or the machine stops."""

from __future__ import annotations

import shutil
import stat
from contextlib import suppress
from pathlib import Path

from blackbox_repo.store.atomic_directory import name_full_disk, sync_to_disk
from blackbox_repo.store.lock import remove_abandoned


def write(target: Path, content: bytes) -> None:
    """Write a file, for a caller that has locked it with :func:`~blackbox_repo.store.lock.exclusive`.

    The content is in ``.NAME.partial`` until it is complete.

    Raises:
        OSError: It cannot be written.
    """
    partial = _partial(target)
    try:
        remove_irregular(partial)
        with name_full_disk(target):
            partial.unlink(missing_ok=True)  # which may be a hard link
            with partial.open("xb") as file:
                file.write(content)
            sync_to_disk(partial)
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    sync_to_disk(target.parent)


def remove_irregular(path: Path) -> None:
    """Remove what is no regular file where one is to be written: a link, a folder, a pipe, a device."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            shutil.rmtree(path)
        elif not stat.S_ISREG(mode):
            path.unlink()


def tidy_up(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder: locks, and what :func:`write` had begun."""
    remove_abandoned(folder, lambda target: _partial(target).unlink(missing_ok=True))


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")
