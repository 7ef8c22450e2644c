"""The folder of the user's cache: where it lies, and that only this user may write to it."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from pathlib import Path

from blackbox_repo.errors import CacheWarning, FolderNotPrivate, InvalidOption

FOLDER_VARIABLE = "BLACKBOX_CACHE"
_told: set[str] = set()
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def folder() -> Path | None:
    """The folder of decoded copies, or ``None`` if there is none.

    The environment variable ``BLACKBOX_CACHE`` names it; there is none if it is set to nothing.

    Raises:
        InvalidOption: The variable is no absolute path, which would be another folder for each program.
    """
    return _folder("tables")


def downloads_folder() -> Path | None:
    """The folder of what was downloaded, or ``None`` if there is none.

    It is ``downloads`` in the folder that ``BLACKBOX_CACHE`` names, and beside that of decoded copies else.

    Raises:
        InvalidOption: As in :func:`folder`.
    """
    return _folder_beside("downloads")


def surrogates_folder() -> Path | None:
    """The folder of surrogates that were fitted here, or ``None``: as :func:`downloads_folder`.

    Raises:
        InvalidOption: As in :func:`folder`.
    """
    return _folder_beside("surrogates")


def warn_unusable(where: Path, err: Exception, consequence: str) -> None:
    """Warn that a folder of the cache cannot be used; each reason is told once in a process.

    Args:
        where: The folder.
        err: Why not.
        consequence: What takes longer until that is mended.
    """
    reason = str(err)
    if isinstance(err, OSError):
        reason = (
            f"the cache folder {str(where)!r} cannot be written to ({err.strerror}); mend that, or name "
            f"another folder in {FOLDER_VARIABLE}"
        )
    if reason not in _told:
        _told.add(reason)
        message = CacheWarning(f"{reason}; until then, {consequence}")
        # in one line: no line of code is shown below it
        warnings.warn_explicit(message, CacheWarning, "blackbox_repo", 0)


def _folder_beside(name: str) -> Path | None:
    found = _folder(name)
    return found / name if found is not None and os.environ.get(FOLDER_VARIABLE) else found


def _folder(name: str) -> Path | None:
    named = os.environ.get(FOLDER_VARIABLE)
    if named is not None:
        if named and not Path(named).is_absolute():
            raise InvalidOption(f"{FOLDER_VARIABLE} is {named!r}, but must be an absolute path, or empty")
        return Path(named) if named else None
    import platformdirs  # takes 10 ms to import

    users = platformdirs.user_cache_path("blackbox-repo", appauthor=False)
    return users / name if users.is_absolute() else None  # a user without a home has none


def make_private(where: Path) -> None:
    """Create a folder that only this user can read and write, with its parents; one that exists is checked.

    Raises:
        FolderNotPrivate: As in :func:`check_private`.
        OSError: It cannot be created.
    """
    for missing in reversed([path for path in (where, *where.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    check_private(where)


def check_private(where: Path) -> None:
    """Refuse a folder of the cache to which others can write; on Windows none is refused.

    Raises:
        FolderNotPrivate: It belongs to another user, or its mode lets others write.
        OSError: There is no such folder.
    """
    found = where.stat()
    if not is_private(found):
        owner = f"belongs to the user number {found.st_uid}"
        problem = f"has the mode {stat.S_IMODE(found.st_mode):o}" if _is_mine(found) else owner
        raise FolderNotPrivate(
            f"the cache folder {str(where)!r} {problem}, but only you may write to it, as what lies there is "
            f"believed; chmod 700 it if it is yours, or name another folder in {FOLDER_VARIABLE}"
        )


def is_private(found: os.stat_result) -> bool:
    """Whether a file or folder in this state is this user's own, and no other user may write to it."""
    return sys.platform == "win32" or (_is_mine(found) and not found.st_mode & _OTHERS_WRITE)


def _is_mine(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.geteuid()
