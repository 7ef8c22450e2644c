"""How a blackbox that was just written is loaded, for the commands that write one."""

from __future__ import annotations

from pathlib import Path

from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots import PATH_VARIABLE, locate


def explain_loading(folder: Path) -> str:
    """How a blackbox is loaded, and why its name alone does not do, where that is so.

    Args:
        folder: The folder of the blackbox.
    """
    name, path = folder.name, str(folder)
    found = _find(name)
    if found is None:
        return f"load_blackbox({path!r}) loads it; with {PATH_VARIABLE}={folder.parent} its name alone does"
    if found.samefile(folder):
        return f"load_blackbox({name!r}) loads it"
    return f"load_blackbox({path!r}) loads it; its name alone is that of {found}, which is found first"


def _find(name: str) -> Path | None:
    try:
        return locate(name)
    except BlackboxRepoError:
        return None
