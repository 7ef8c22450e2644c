"""How a blackbox that was just written is loaded, for the commands that write one."""

from __future__ import annotations

from pathlib import Path

from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots.find import search
from blackbox_repo.roots.settings import ROOTS_VARIABLE


def explain_loading(folder: Path) -> str:
    """How a blackbox is loaded, and why its name alone does not do, where that is so.

    Args:
        folder: The folder of the blackbox.
    """
    name, path = folder.name, str(folder)
    try:
        found = search(name)
    except BlackboxRepoError:  # as of a root that does not answer
        found = None
    if found is None:
        return f"load_blackbox({path!r}) loads it; with {ROOTS_VARIABLE}={folder.parent} its name alone does"
    if found.folder is not None and found.folder.samefile(folder):
        return f"load_blackbox({name!r}) loads it"
    where = found.folder or f"the root {found.origin}"
    return f"load_blackbox({path!r}) loads it; its name alone is that of {where}, which is found first"
