"""The recipes by name: those in the files of ``recipes/``, and the user's own as ``py:module:attribute``."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.plugins import import_by_user
from conversion_scripts import recipes
from conversion_scripts.recipe import Recipe


@cache
def all_recipes() -> Mapping[str, Recipe]:
    """The project's recipes by name, in alphabetical order; each file of ``recipes/`` lists its own."""
    files = (found.name for found in pkgutil.iter_modules(recipes.__path__) if not found.ispkg)
    modules = [import_module(f"{recipes.__name__}.{file}") for file in files]
    by_name = {recipe.name: recipe for module in modules for recipe in module.RECIPES}
    return MappingProxyType(dict(sorted(by_name.items())))


def load_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Args:
        name: One of ``all_recipes``, or ``py:module:attribute`` for one of the user's, whose module is found
            on the Python path or in the current folder.

    Raises:
        UnknownName: No recipe has this name.
        InvalidOption: The module or attribute cannot be imported, or is not a recipe.
    """
    if name.startswith("py:"):
        return _import_recipe(name)
    try:
        return all_recipes()[name]
    except KeyError:
        raise UnknownName("recipe", name, all_recipes(), "your own recipe is py:module:attribute") from None


def _import_recipe(name: str) -> Recipe:
    found = import_by_user(name, f"the recipe {name!r}")
    if not isinstance(found, Recipe):
        raise InvalidOption(f"{name!r} is not a Recipe of conversion_scripts.recipe: {found!r}")
    return found
