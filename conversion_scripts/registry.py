"""The recipes that exist, by name; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from blackbox_repo.errors import UnknownName
from conversion_scripts.recipe import Recipe

RECIPES = {
    "fcnet-final": "conversion_scripts.fcnet:FINAL",
    "icml-deepar": "conversion_scripts.icml2020:DEEPAR",
    "icml-xgboost": "conversion_scripts.icml2020:XGBOOST",
    "nasbench-macro": "conversion_scripts.nasbench_macro:MACRO",
    "nasbench-nlp": "conversion_scripts.nas_bench_nlp:NLP",
    "nasbench201-final": "conversion_scripts.nasbench201:FINAL",
    "taskset": "conversion_scripts.taskset:TASKSET",
    "yahpo-lcbench": "conversion_scripts.yahpo:LCBENCH",
}


def load_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UnknownName: There is none.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    module, attribute = RECIPES[name].split(":")
    recipe = getattr(import_module(module), attribute)
    assert isinstance(recipe, Recipe)
    return recipe
