"""The user's own folder of blackboxes, where those that are converted or tabulated on this machine lie."""

from __future__ import annotations

import os
from pathlib import Path

from blackbox_repo.errors import InvalidOption

HOME_VARIABLE = "BLACKBOX_HOME"


def user_folder() -> Path | None:
    """The folder whose subfolders are the user's own blackboxes, or ``None`` for a user without a home.

    The environment variable ``BLACKBOX_HOME`` names it; else it is ``blackbox-repo/blackboxes`` where the
    system keeps data of a user. It need not exist yet. What lies there was made on purpose and is nowhere
    else, unlike what lies in the cache.

    Raises:
        InvalidOption: The variable is no absolute path, which would be another folder for each program.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named is not None:
        if not Path(named).is_absolute():
            raise InvalidOption(f"{HOME_VARIABLE} is {named!r}, but must be an absolute path")
        return Path(named)
    import platformdirs  # takes 10 ms to import

    folder = platformdirs.user_data_path("blackbox-repo", appauthor=False) / "blackboxes"
    return folder if folder.is_absolute() else None


def folder_for_new() -> Path:
    """The folder in which a new blackbox is written unless the user names another one.

    Raises:
        InvalidOption: There is none, or as :func:`user_folder`.
    """
    folder = user_folder()
    if folder is None:
        raise InvalidOption(f"there is no home folder to write to; name a folder, or set {HOME_VARIABLE}")
    return folder
