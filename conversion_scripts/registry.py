"""The recipes by name, and the user's as ``py:module:attribute``; each is imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

from blackbox_repo.errors import InvalidOption, UnknownName
from conversion_scripts.recipe import Recipe

# name -> module:attribute, which is a recipe or a mapping that has the name
RECIPES = {
    "fcnet": "conversion_scripts.recipes.fcnet:CURVES",
    "fcnet-final": "conversion_scripts.recipes.fcnet:FINAL",
    "hpob-4796": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5527": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5636": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5859": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5860": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5889": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5891": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5906": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5965": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5970": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-5971": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-6766": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-6767": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-6794": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-7607": "conversion_scripts.recipes.hpob:RECIPES",
    "hpob-7609": "conversion_scripts.recipes.hpob:RECIPES",
    "hpobench-mlp": "conversion_scripts.recipes.hpobench_mlp:MLP",
    "icml-deepar": "conversion_scripts.recipes.icml2020:DEEPAR",
    "icml-xgboost": "conversion_scripts.recipes.icml2020:XGBOOST",
    "lcbench": "conversion_scripts.recipes.lcbench:LCBENCH",
    "nasbench-graph": "conversion_scripts.recipes.nas_bench_graph:GRAPH",
    "nasbench-macro": "conversion_scripts.recipes.nasbench_macro:MACRO",
    "nasbench-nlp": "conversion_scripts.recipes.nas_bench_nlp:NLP",
    "nasbench201": "conversion_scripts.recipes.nats_bench:RECIPES",
    "nasbench201-final": "conversion_scripts.recipes.nasbench201:FINAL",
    "nasbench201-hp12": "conversion_scripts.recipes.nats_bench:RECIPES",
    "nats-sss": "conversion_scripts.recipes.nats_bench:RECIPES",
    "nats-sss-hp12": "conversion_scripts.recipes.nats_bench:RECIPES",
    "nmt-curves": "conversion_scripts.recipes.nmt:CURVES",
    "nmt-hpo": "conversion_scripts.recipes.nmt:FINAL",
    "pd1": "conversion_scripts.recipes.pd1:PD1",
    "tabrepo-lightgbm": "conversion_scripts.recipes.tabrepo_lightgbm:LIGHTGBM",
    "taskset": "conversion_scripts.recipes.taskset:RECIPES",
    "taskset-imdb": "conversion_scripts.recipes.taskset:RECIPES",
    "yahpo-iaml_glmnet": "conversion_scripts.recipes.yahpo_iaml:RECIPES",
    "yahpo-iaml_ranger": "conversion_scripts.recipes.yahpo_iaml:RECIPES",
    "yahpo-iaml_rpart": "conversion_scripts.recipes.yahpo_iaml:RECIPES",
    "yahpo-iaml_super": "conversion_scripts.recipes.yahpo_iaml:RECIPES",
    "yahpo-iaml_xgboost": "conversion_scripts.recipes.yahpo_iaml:RECIPES",
    "yahpo-lcbench": "conversion_scripts.recipes.yahpo_lcbench:LCBENCH",
    "yahpo-nb301": "conversion_scripts.recipes.yahpo_nb301:NB301",
    "yahpo-rbv2_aknn": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_glmnet": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_ranger": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_rpart": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_super": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_svm": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
    "yahpo-rbv2_xgboost": "conversion_scripts.recipes.yahpo_rbv2:RECIPES",
}


def load_recipe(name: str) -> Recipe:
    """A recipe.

    Args:
        name: One of ``RECIPES``, or ``py:module:attribute`` for one of the user's, found on the Python path
            or in the current folder.

    Raises:
        UnknownName: There is none of that name.
        InvalidOption: What cannot be imported, or is no recipe.
    """
    if name.startswith("py:"):
        if "" not in sys.path:
            sys.path.insert(0, "")  # a console script does not look into the current folder by itself
        return _recipe(name.removeprefix("py:"), name)
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES, "your own recipe is py:module:attribute")
    return _recipe(RECIPES[name], name)


def _recipe(target: str, name: str) -> Recipe:
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise InvalidOption(f"the recipe {name!r} must be written py:module:attribute")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as err:
        raise InvalidOption(f"the recipe {name!r} cannot be imported: {err}") from err
    if isinstance(found, Mapping):
        found = found.get(name, found)
    if not isinstance(found, Recipe):
        raise InvalidOption(f"{name!r} is no Recipe of conversion_scripts.recipe: {found!r}")
    return found
