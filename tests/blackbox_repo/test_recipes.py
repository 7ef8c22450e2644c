"""Recipes that packages offer: real metadata of distributions in a folder of the path."""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path

import pytest

from blackbox_repo.errors import BlackboxRepoError, InvalidOption, NotConverted, UnknownName
from blackbox_repo.recipes import (
    OfferedRecipe,
    convert_by_recipe,
    describe_recipe,
    make_unknown_blackbox,
)
from blackbox_repo.text.progress import LineReporter

EMBEDDED = ("nasbench-macro", "nasbench201-final", "yahpo-lcbench")
BOOK = """
from pathlib import Path
from blackbox_repo.recipes import OfferedRecipe


class Book:
    def recipes(self):
        return [OfferedRecipe(NAME, "make-it", 1_500_000, OPTIONS)]

    def convert(self, name, out, report, *, offline):
        report.step(f"making {name}")
        report.amount("runs.csv", 1, 2)
        (out / name).mkdir(parents=True)
        (out / name / "offline").write_text(str(offline))
        return out / name


BOOK = Book()
"""


def book(name: str, options: str = "") -> str:
    return BOOK.replace("NAME", repr(name)).replace(", OPTIONS", f", {options}" if options else "")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which Python finds packages and their distributions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def offer(site: Path, package: str, code: str, entry: str = "") -> None:
    """As pip leaves a distribution whose module offers recipes; it is imported anew."""
    module = package.replace("-", "_")
    sys.modules.pop(module, None)
    (site / f"{module}.py").write_text(code)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[blackbox_repo.recipes]\nall = {entry or module}:BOOK\n")


def said(name: str) -> str:
    return str(make_unknown_blackbox(name, EMBEDDED))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            "",
            "make-it (raw files: 1.5 MB, all can be downloaded), or bb-repo fetch lab-digits --convert, or",
        ),
        ("'at least'", "make-it (raw files: at least 1.5 MB, all can be downloaded), or"),
        ("missing='pip install lab[all]'", "Source(convert=True)); before that pip install lab[all]"),
        (
            "by_hand=(\"'a.csv' from us\", \"'b.csv' from them\")",
            "some can be downloaded); first get 'a.csv' from us and 'b.csv' from them, and put it below",
        ),
        ("by_hand=tuple('abcdef')", "; first get a and b and c and d and 2 more, and put it below FOLDER"),
        ("by_hand=('a',), can_download=False", "(raw files: 1.5 MB, none can be downloaded); first get a, "),
    ],
)
def test_a_name_that_a_recipe_makes_is_answered_with_how(site: Path, options: str, sentence: str) -> None:
    offer(site, "lab-recipes", book("lab-digits", options))
    error = make_unknown_blackbox("lab-digits", EMBEDDED)
    assert isinstance(error, NotConverted)
    assert str(error).startswith(
        "unknown blackbox 'lab-digits': no root has it, but a recipe makes it: make-it ("
    )
    assert sentence in str(error)
    assert str(error) == f"unknown blackbox 'lab-digits': {describe_recipe('lab-digits')}"


def test_the_error_crosses_processes(site: Path) -> None:
    offer(site, "lab-recipes", book("lab-digits"))
    error = make_unknown_blackbox("lab-digits", EMBEDDED)
    again = copy.copy(error)
    assert (type(again), str(again), again.name) == (NotConverted, str(error), "lab-digits")


def test_other_spellings_and_other_names_lead_to_the_name_here(site: Path) -> None:
    offer(site, "lab-recipes", book("lab-digits", "other_names=('MNIST-like 2',)"))
    for name in ("Lab_Digits", "labdigits", "mnist-like-2"):
        assert said(name) == f"unknown blackbox {name!r}: it is called 'lab-digits' here"
        assert describe_recipe(name) is None


def test_what_a_root_has_under_another_spelling_is_suggested_as_before(site: Path) -> None:
    offer(site, "lab-recipes", book("nasbench-macro"))
    error = make_unknown_blackbox("NASBench_Macro", EMBEDDED)
    assert type(error) is UnknownName
    assert str(error).startswith("unknown blackbox 'NASBench_Macro'; did you mean 'nasbench-macro'")


def test_a_misspelt_name_is_answered_with_recipes_too(site: Path) -> None:
    offer(site, "lab-recipes", book("lab-digits"))
    assert said("lab-digtis") == "unknown blackbox 'lab-digtis'; did you mean 'lab-digits'?"
    assert said("digits") == "unknown blackbox 'digits'; did you mean 'lab-digits'?"


def test_what_the_caller_knows_besides_is_kept() -> None:
    error = make_unknown_blackbox("qqq", EMBEDDED, "the package x is missing")
    assert str(error).endswith("more; the package x is missing")
    assert error.known[: len(EMBEDDED)] == EMBEDDED


def test_two_packages_with_a_recipe_of_one_name_are_both_named(site: Path) -> None:
    offer(site, "lab-recipes", book("lab-digits"))
    offer(site, "our-recipes", book("lab-digits"))
    dispute = (
        "lab-recipes 1.0 and our-recipes 1.0 all have a recipe of that name; uninstall all but one of them"
    )
    assert said("lab-digits") == f"unknown blackbox 'lab-digits': no root has it, and {dispute}"
    with pytest.raises(
        InvalidOption, match=f"the blackbox 'lab-digits' cannot be made: {re.escape(dispute)}"
    ):
        convert_by_recipe("lab-digits")


@pytest.mark.parametrize(
    ("code", "entry", "problem"),
    [
        ("raise RuntimeError('not\\x1b[31m today')", "", r"RuntimeError: not\x1b[31m today"),
        ("raise SystemExit(3)", "", "its module raised SystemExit(3)"),
        ("", "", "cannot be imported: module 'broken_recipes' has no attribute 'BOOK'"),
        ("", "no_such", "cannot be imported: No module named 'no_such'"),
        ("BOOK = 3", "", "cannot be read: AttributeError: 'int' object has no attribute 'recipes'"),
        (
            "class BOOK:\n    recipes = lambda: [1 / 0]",
            "",
            "cannot be read: ZeroDivisionError: division by zero",
        ),
        ("class BOOK:\n    recipes = lambda: ['x']", "", "has 'x', which is no OfferedRecipe"),
        (book("../x"), "", "cannot be read: FormatError: the recipe name '../x' "),
        (book("\x1b[31m"), "", r"cannot be read: FormatError: the recipe name '\x1b[31m' "),
    ],
)
def test_a_broken_package_hinders_no_other_and_is_named(
    site: Path, code: str, entry: str, problem: str
) -> None:
    offer(site, "broken-recipes", code, entry)
    offer(site, "lab-recipes", book("lab-digits"))
    assert "a recipe makes it: make-it" in said("lab-digits")
    message = said("qqq")
    assert "the collection of recipes 'all' of broken-recipes 1.0 " in message
    assert problem in message
    assert message.isprintable()
    with pytest.raises(UnknownName, match="broken-recipes"):
        convert_by_recipe("qqq")


def test_commands_of_packages_are_not_printed_raw(site: Path) -> None:
    offer(
        site, "lab-recipes", book("lab-digits", r"by_hand=('\x1b[2J',)").replace("make-it", r"\x1b]0;it\x07")
    )
    assert said("lab-digits").isprintable()
    assert r"makes it: \x1b]0;it\x07 (raw" in said("lab-digits")


@pytest.mark.parametrize("offline", [False, True])
def test_a_blackbox_is_made_in_the_users_own_folder(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    offer(site, "lab-recipes", book("lab-digits"))
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "mine"))
    report = LineReporter("fetch")
    made = convert_by_recipe("lab-digits", report, offline=offline)
    assert made == tmp_path / "mine" / "lab-digits"
    assert (made / "offline").read_text() == str(offline)
    assert report.line(0) == "fetch, 0.0 min: making lab-digits: runs.csv, 0 of 0 MB"


def test_no_package_is_asked_for_a_name_that_none_offers() -> None:
    with pytest.raises(UnknownName, match="unknown recipe 'lab-digits'"):
        convert_by_recipe("lab-digits")


def test_a_recipe_says_what_it_is() -> None:
    assert OfferedRecipe("x", "make x").size == 0
    assert issubclass(NotConverted, (UnknownName, BlackboxRepoError, LookupError))
