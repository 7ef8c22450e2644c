"""Where raw files are downloaded to unless the user names a folder."""

from __future__ import annotations

from pathlib import Path

from blackbox_repo.store.cache_folder import downloads_folder, make_private


def default_folder(recipe: str) -> Path:
    """The folder for a recipe among the user's downloads, which is made; ``raw`` here if there is no cache.

    The project's recipes share a folder, as several read the same files. Those of another module have one of
    their own, as files of the same name may differ.

    Args:
        recipe: The name of one of the project's recipes, or ``py:module:attribute``.

    Raises:
        InvalidOption: ``BLACKBOX_CACHE`` is no absolute path.
        FolderNotPrivate: Others can write to the folder.
    """
    downloads = downloads_folder()
    if downloads is None:
        return Path("raw")
    module = recipe.split(":")[1] if recipe.startswith("py:") else ""
    folder = downloads / "raw-py" / module if module else downloads / "raw"
    make_private(folder)
    return folder
