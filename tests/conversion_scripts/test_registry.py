"""The recipes by name."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from blackbox_repo.errors import InvalidOption, UnknownName
from conversion_scripts import recipes
from conversion_scripts.recipes import shared
from conversion_scripts.recipes.lcbench import LCBENCH
from conversion_scripts.registry import all_recipes, load_recipe

FILES = [found.name for found in pkgutil.iter_modules(recipes.__path__) if not found.ispkg]


def listed(file: str) -> list[str]:
    return [recipe.name for recipe in import_module(f"conversion_scripts.recipes.{file}").RECIPES]


@pytest.mark.parametrize("name", all_recipes())
def test_a_recipe_lies_in_the_file_whose_name_its_own_begins_with(name: str) -> None:
    word = name.replace("-", "_")
    file = max((file for file in FILES if word.startswith(file)), key=len)
    assert name in listed(file)


def test_no_two_recipes_have_the_same_name() -> None:
    names = [name for file in FILES for name in listed(file)]
    assert len(names) == 50
    assert sorted(names) == list(all_recipes())


def test_what_recipes_share_is_no_recipe() -> None:
    for found in pkgutil.iter_modules(shared.__path__):
        assert not hasattr(import_module(f"{shared.__name__}.{found.name}"), "RECIPES")


def test_a_recipe_is_found_by_its_name_or_by_its_module_and_attribute() -> None:
    assert load_recipe("lcbench") is LCBENCH
    assert load_recipe("py:conversion_scripts.recipes.lcbench:LCBENCH") is LCBENCH


def test_an_unknown_recipe_is_refused_with_those_of_similar_names() -> None:
    with pytest.raises(UnknownName, match="unknown recipe 'lcbenhc'; did you mean 'lcbench'"):
        load_recipe("lcbenhc")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("py:conversion_scripts", "must be written py:module:attribute"),
        ("py:no_such_module:X", "cannot be imported: No module named 'no_such_module'"),
        ("py:conversion_scripts.recipes.lcbench:X", "cannot be imported: .* no attribute 'X'"),
        ("py:conversion_scripts.recipes.lcbench:RECIPES", "is not a Recipe of conversion_scripts.recipe"),
    ],
)
def test_what_is_no_recipe_is_refused(name: str, problem: str) -> None:
    with pytest.raises(InvalidOption, match=problem):
        load_recipe(name)
