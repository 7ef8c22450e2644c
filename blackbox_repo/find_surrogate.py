"""The surrogate of a table: a stored one, else one that was fitted on this machine, else it is fitted now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import PinMismatch, UnknownName
from blackbox_repo.roots.fetch import load_task
from blackbox_repo.roots.find import locate
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.store.surrogate_cache import fit_once
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.models import MODELS
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox


def find_surrogate(
    blackbox: Blackbox,
    model: str = "forest",
    *,
    source: Source = DEFAULT,
    say: Say = lambda step: None,
) -> SurrogateBlackbox:
    """The surrogate of a table, which is fitted only if there is none.

    A stored one (``Source(surrogate=model)``) is used if it was fitted to a table of this digest, with
    whatever settings. Else one with the defaults is looked for in the user's cache, and else it is fitted,
    and kept there for other processes.

    Args:
        blackbox: A table, as :func:`blackbox_repo.load_blackbox` gives it.
        model: The name of a model.
        source: Where a stored one is looked for.
        say: Called with what is done, if it is fitted.

    Raises:
        UnknownName: There is no such model.
        NotTabulated: The blackbox has no table.
        IntegrityError: The stored one is damaged, or was fitted to another table.
        InvalidOption: What the model needs to be fitted is not installed.
    """
    if model not in MODELS:
        raise UnknownName("surrogate", model, MODELS)
    stored = _find_stored(blackbox, replace(source, surrogate=model))
    return fit_once(Fitting.of(blackbox, model), say) if stored is None else stored


def _find_stored(blackbox: Blackbox, source: Source) -> SurrogateBlackbox | None:
    """The stored surrogate of a table that was loaded by its name; ``None`` if there is none of it."""
    name, _, task = blackbox.name.rpartition("/")
    if not name or "|" in name:
        return None
    with suppress(UnknownName, PinMismatch):
        holding = locate(name, source)
        if task in holding.manifest.tasks:
            found = load_task(holding, task, None)
            assert isinstance(found, SurrogateBlackbox)
            return found if found.info.table == blackbox.digest() else None
    return None
