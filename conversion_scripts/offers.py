"""Recipes as ``blackbox_repo.recipes`` finds them, which a package offers by an entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from blackbox_repo.errors import InvalidOption
from blackbox_repo.recipes import OfferedRecipe
from blackbox_repo.surrogate.models import prepare
from blackbox_repo.text.progress import ProgressReporter
from conversion_scripts.build import build, check_target
from conversion_scripts.raw import RawFile
from conversion_scripts.raw.default_folder import default_folder
from conversion_scripts.raw.download import can_download, download, source_url
from conversion_scripts.raw.raw_file import total_size
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import all_recipes

_EXTRA = {"h5py", "onnx"}
"""What the extra ``convert`` installs."""


class RecipeOffers:
    """Recipes that a package offers by an entry point of the group ``blackbox_repo.recipes``.

    Args:
        recipes: For each recipe how ``bb-convert`` is told to take it, as ``py:module:attribute``.

    Raises:
        InvalidOption: Two recipes have the same name.

    Example:
        >>> OFFERS = RecipeOffers({"py:lab_recipes:DIGITS": DIGITS})
    """

    def __init__(self, recipes: Mapping[str, Recipe]) -> None:
        self._recipes = {recipe.name: (argument, recipe) for argument, recipe in recipes.items()}
        if len(self._recipes) < len(recipes):
            names = [recipe.name for recipe in recipes.values()]
            double = next(name for name in names if names.count(name) > 1)
            raise InvalidOption(
                f"two of the recipes {', '.join(recipes)} make the blackbox {double!r}; rename one"
            )

    def recipes(self) -> Iterable[OfferedRecipe]:
        """What is known of each before it is carried out."""
        return [_describe(argument, recipe) for argument, recipe in self._recipes.values()]

    def convert(self, name: str, out: Path, report: ProgressReporter, *, offline: bool = False) -> Path:
        """Make a blackbox from raw files in the default folder, which are downloaded where they are missing.

        Args:
            name: The name of one of the recipes.
            out: The folder in which the folder of the blackbox is written.
            report: Told the steps and the bytes.
            offline: Download nothing.

        Returns:
            The folder of the blackbox.

        Raises:
            InvalidOption: A package that the recipe needs is not installed, or raw files are missing.
            BlackboxRepoError: As :func:`conversion_scripts.raw.download.download` and
                :func:`conversion_scripts.build.build`.
        """
        argument, recipe = self._recipes[name]
        raw = default_folder(argument)
        check_ready(recipe, out)
        if not offline:
            fetch_raw_files(recipe, raw, report)
        command = f"bb-convert {argument}"
        build(recipe, raw, out, command=command, report=report.step, watch=report.amount)
        return out / recipe.name


def check_ready(recipe: Recipe, out: Path, model: str | None = None) -> None:
    """Refuse what cannot be converted or written, before anything is downloaded or read.

    Args:
        recipe: The recipe to carry out.
        out: The folder in which the folder of the blackbox is to be written.
        model: The surrogate that is fitted then, if there is to be one.

    Raises:
        UnknownName: There is no such model.
        InvalidOption: A package that the recipe or the model needs is not installed.
        BlackboxRepoError: As :func:`conversion_scripts.build.check_target`.
    """
    if missing := _find_missing(recipe):
        raise InvalidOption(
            f"the recipe {recipe.name!r} needs {' and '.join(missing)}: {_installing(missing)}"
        )
    if model is not None:
        prepare(model, {})
    check_target(out / recipe.name)


def fetch_raw_files(recipe: Recipe, raw: Path, report: ProgressReporter) -> None:
    """Download the raw files of a recipe that a folder lacks.

    Args:
        recipe: The recipe.
        raw: The folder of raw files.
        report: Told the steps and the bytes.

    Raises:
        BlackboxRepoError: As :func:`conversion_scripts.raw.download.download`.
    """
    report.step("downloading")
    download(recipe.files, raw, report=lambda file, done, total: report.amount(file.name, done, total))


def _find_missing(recipe: Recipe) -> list[str]:
    from importlib.util import find_spec

    return [package for package in recipe.needs if find_spec(package) is None]


def _installing(packages: Sequence[str]) -> str:
    """The command that installs these packages, if there are any."""
    if {*packages} <= _EXTRA:
        return "pip install 'blackbox-repo[convert]'" if packages else ""
    return f"pip install {' '.join(packages)}"


def _describe(argument: str, recipe: Recipe) -> OfferedRecipe:
    size, size_is = total_size(recipe.files)
    by_hand = [file for file in recipe.files if not can_download(file)]
    options = [
        *(["--download"] if len(by_hand) < len(recipe.files) else []),
        *(["--raw FOLDER"] if by_hand else []),
    ]
    return OfferedRecipe(
        name=recipe.name,
        command=" ".join(["bb-convert", argument, *options]),
        size=size,
        size_is=size_is,
        by_hand=tuple(map(_describe_source, by_hand)),
        can_download=len(by_hand) < len(recipe.files),
        missing=_installing(_find_missing(recipe)),
        other_names=recipe.other_names,
    )


def _describe_source(file: RawFile) -> str:
    return f"{file.name!r} from {source_url(file) or 'its publisher'}"


OFFERS = RecipeOffers(all_recipes())
"""Those of the project."""
