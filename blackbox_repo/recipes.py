"""Recipes, by which blackboxes that no root has are made; installed packages offer them as entry points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from blackbox_repo.errors import InvalidOption, NotConverted, UnknownName, comparable
from blackbox_repo.plugins import Plugin, find_plugins, load_plugin
from blackbox_repo.store.lock import exclusive
from blackbox_repo.store.manifest import MANIFEST_FILE
from blackbox_repo.store.names import check_plain_name
from blackbox_repo.text.humanize import format_bytes
from blackbox_repo.text.plain_text import printable
from blackbox_repo.user_folder import folder_for_new

if TYPE_CHECKING:
    from blackbox_repo.text.progress import ProgressReporter

GROUP = "blackbox_repo.recipes"
"""Entry points of this group have an object with the methods of :class:`RecipeBook` as value."""
_LONGEST = 86_400.0  # seconds that a process waits for another one that makes the same blackbox
_SHOWN = 4  # names or files that a message lists


@dataclass(frozen=True)
class OfferedRecipe:
    """What is known of a recipe before it is carried out.

    Args:
        name: The name of the blackbox that it makes.
        command: The command line that makes the blackbox and downloads its raw files, where that is possible.
        size: The size of the raw files in bytes; 0 if it is not known.
        size_is: How sure that is; ``"at least"`` if the size of some files is not known.
        by_hand: For each raw file that no program can download, its name and where it is published, as in
            ``"'runs.csv' from its publisher"``. They belong into the folder that ``command`` calls FOLDER.
        can_download: Whether some files can be downloaded.
        missing: How to install what the recipe needs and is not installed; empty if nothing is.
        other_names: Other names by which users may look for the blackbox.

    Raises:
        FormatError: The name would lead out of its folder.
    """

    name: str
    command: str
    size: int = 0
    size_is: Literal["exact", "about", "at least"] = "exact"
    by_hand: tuple[str, ...] = ()
    can_download: bool = True
    missing: str = ""
    other_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_plain_name("recipe name", self.name)


class RecipeBook(Protocol):
    """The recipes that a package offers."""

    def recipes(self) -> Iterable[OfferedRecipe]:
        """All of them, each with its own name."""

    def convert(self, name: str, out: Path, report: ProgressReporter, *, offline: bool) -> Path:
        """Make the blackbox of this name, which appears complete or not at all.

        Args:
            name: The name of one of the recipes.
            out: The folder in which the folder of the blackbox is written.
            report: Told the steps and the bytes.
            offline: Download nothing; raw files that are not there yet are missing.

        Returns:
            The folder of the blackbox.

        Raises:
            BlackboxRepoError: A raw file is missing, or is another one; the message says what to do.
        """


class _Offer(NamedTuple):
    """A recipe, and where it is from."""

    recipe: OfferedRecipe
    book: RecipeBook
    plugin: Plugin


def make_unknown_blackbox(name: str, known: Sequence[str], remedy: str = "") -> UnknownName:
    """The error of a name that no root has: how a recipe makes it, or which names are similar.

    This imports all recipes, which takes 0.2 seconds.

    Args:
        name: The name that was given.
        known: The names that the roots have.
        remedy: What else to do, in a clause.
    """
    offers, problems = _find_offers()
    if how := _describe(name, offers):
        at_hand = [each for each in known if comparable(name) in comparable(each)]
        loads = f"what can be loaded at once: {_join(list(map(repr, at_hand)), 'or')}" if at_hand else ""
        return NotConverted(name, "; ".join(filter(None, (how, loads, remedy))))
    called = [offer.recipe.name for offer in offers if _is_called(offer.recipe, name)]
    if {*called} - {*known}:
        return NotConverted(name, f"it is called {_join(list(map(repr, called)), 'or')} here")
    names = dict.fromkeys((*known, *(offer.recipe.name for offer in offers)))
    return UnknownName("blackbox", name, names, "; ".join(filter(None, (remedy, *problems))))


def describe_recipe(name: str) -> str | None:
    """How a recipe makes a blackbox that no root has, in a sentence; ``None`` if there is no such recipe.

    Args:
        name: The name of the blackbox.
    """
    return _describe(name, _find_offers()[0])


def convert_by_recipe(name: str, report: ProgressReporter | None = None, *, offline: bool = False) -> Path:
    """Make a blackbox by the recipe of its name in the user's own folder, and download its raw files for it.

    A blackbox that is there already is left as it is. If other processes want it at the same time, one of
    them makes it.

    Args:
        name: The name of the blackbox.
        report: Told the steps and the bytes.
        offline: Download nothing.

    Returns:
        The folder of the blackbox.

    Raises:
        UnknownName: There is no such recipe.
        InvalidOption: Several packages have one, or the user has no folder.
        BlackboxRepoError: A raw file is missing, or is another one, or cannot be converted.
    """
    offers, problems = _find_offers()
    found = _select(name, offers)
    if not found:
        raise UnknownName("recipe", name, [offer.recipe.name for offer in offers], "; ".join(problems))
    if len(found) > 1:
        raise InvalidOption(f"the blackbox {name!r} cannot be made: {_describe_dispute(found)}")
    if report is None:
        from blackbox_repo.text.progress import LineReporter  # imports rich

        report = LineReporter(name)  # which prints nothing by itself
    out = folder_for_new()
    report.step("waiting for another process")
    with exclusive(out / name, timeout=_LONGEST):
        if (out / name / MANIFEST_FILE).is_file():
            return out / name
        return found[0].book.convert(name, out, report, offline=offline)


def _find_offers() -> tuple[list[_Offer], list[str]]:
    """All recipes in the order of their packages, and a clause for each package whose recipes are broken."""
    offers: list[_Offer] = []
    problems = []
    for plugin in find_plugins(GROUP):
        try:
            offers += _offers_of(plugin)
        except InvalidOption as err:
            problems.append(printable(err))
    return offers, problems


def _offers_of(plugin: Plugin) -> list[_Offer]:
    book = load_plugin("collection of recipes", [plugin])
    try:
        recipes = list(book.recipes())
    except Exception as err:  # whatever the package raises
        raise InvalidOption(
            f"the collection of recipes {plugin} cannot be read: {type(err).__name__}: {err}"
        ) from err
    if strange := [recipe for recipe in recipes if not isinstance(recipe, OfferedRecipe)]:
        raise InvalidOption(
            f"the collection of recipes {plugin} has {strange[0]!r}, which is no OfferedRecipe"
        )
    return [_Offer(recipe, book, plugin) for recipe in recipes]


def _select(name: str, offers: Iterable[_Offer]) -> list[_Offer]:
    return [offer for offer in offers if offer.recipe.name == name]


def _describe(name: str, offers: Iterable[_Offer]) -> str | None:
    found = _select(name, offers)
    if len(found) > 1:
        return f"no root has it, and {_describe_dispute(found)}"
    return f"no root has it, but a recipe makes it: {_describe_making(found[0].recipe)}" if found else None


def _describe_making(recipe: OfferedRecipe) -> str:
    said = f"{printable(recipe.command)} (raw files: {_describe_files(recipe)})"
    if not recipe.by_hand:
        said += (
            f", or bb-repo fetch {recipe.name} --convert, "
            f"or load_blackbox({recipe.name!r}, source=Source(convert=True))"
        )
    else:
        said += f"; first get {_join(list(map(printable, recipe.by_hand)), 'and')}, and put it below FOLDER"
    return f"{said}; before that {printable(recipe.missing)}" if recipe.missing else said


def _describe_files(recipe: OfferedRecipe) -> str:
    prefix = "" if recipe.size_is == "exact" else f"{recipe.size_is} "
    size = f"{prefix}{format_bytes(recipe.size)}" if recipe.size else "of unknown size"
    if not recipe.by_hand:
        return f"{size}, all can be downloaded"
    return f"{size}, {'some' if recipe.can_download else 'none'} can be downloaded"


def _describe_dispute(offers: Sequence[_Offer]) -> str:
    packages = " and ".join(f"{offer.plugin.distribution} {offer.plugin.version}" for offer in offers)
    return f"{packages} all have a recipe of that name; uninstall all but one of them"


def _is_called(recipe: OfferedRecipe, name: str) -> bool:
    return comparable(name) in map(comparable, (recipe.name, *recipe.other_names))


def _join(texts: Sequence[str], word: str) -> str:
    """The texts with a word between each two; of many only the first."""
    more = [f"{len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return f" {word} ".join([*texts[:_SHOWN], *more])
