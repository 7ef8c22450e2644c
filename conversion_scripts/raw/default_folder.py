"""Where raw files are downloaded to unless the user names a folder."""

from __future__ import annotations

import os
from pathlib import Path

from blackbox_repo.store.cache_folder import FOLDER_VARIABLE, folder


def default_folder(recipe: str) -> Path:
    """A folder among what was downloaded in the user's cache, or ``raw`` here if there is no cache.

    The project's recipes share a folder, as several read the same files. Those of another module have one of
    their own, as files of the same name may differ.

    Args:
        recipe: The name of one of the project's recipes, or ``py:module:attribute``.

    Raises:
        InvalidOption: ``BLACKBOX_CACHE`` is no absolute path.
    """
    found = folder()
    if found is None:
        return Path("raw")
    downloads = (found if os.environ.get(FOLDER_VARIABLE) else found.parent) / "downloads"
    module = recipe.split(":")[1] if recipe.startswith("py:") else ""
    return downloads / "raw-py" / module if module else downloads / "raw"
