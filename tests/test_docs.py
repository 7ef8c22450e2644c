"""The pages of the documentation agree with the code, with the tests and with each other."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
PACKAGES = ("blackbox_repo", "conversion_scripts", "simulator")
RULE = r"(?<![A-Za-z0-9])T(\d{1,2}[ab]?)(?![A-Za-z0-9])"
FOLDERS = r"\.ci|benchmarks|blackbox_repo|conversion_scripts|data_cache|docs|examples|simulator|tests"
PATH = rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*\w"
NAME = r"(?<![\w/.-])(?:blackbox_repo|conversion_scripts|simulator)(?:\.\w+)+"
EXAMPLE = ROOT / "examples" / "ci_for_a_scheduler"
NOT_THERE = {
    "conversion_scripts/recipes/digits.py",  # what a reader of add-a-blackbox.md makes
    *("simulator/plots", "simulator/report", "simulator/study"),  # names that are reserved
    "blackbox_repo.blackboxes",  # a group of entry points
}


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rules() -> list[str]:
    text = (ROOT / "docs" / "time.md").read_text(encoding="utf-8")
    return re.findall(r"^\*\*T(\d+[ab]?)\.\*\*", text, re.MULTILINE)


def quoted_rules() -> Iterator[tuple[Path, str]]:
    for folder in (*PACKAGES, "tests", "benchmarks", "examples"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for number in re.findall(RULE, file.read_text(encoding="utf-8")):
                yield file.relative_to(ROOT), number


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_what_follows_from_the_code_is_up_to_date(name: str) -> None:
    wanted, found = GENERATOR.page(name), (ROOT / name).read_text(encoding="utf-8")
    assert GENERATOR.comparable(found) == GENERATOR.comparable(wanted), "run: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name} links to {target}"


def resolve(name: str) -> object:
    """What a dotted name stands for: a module, or something in one."""
    try:
        return pkgutil.resolve_name(name)
    except (AttributeError, ImportError):
        return None


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda path: path.name
)
def test_every_path_and_name_of_the_code_that_a_page_mentions_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    paths, names = set(re.findall(PATH, text)) - NOT_THERE, set(re.findall(NAME, text)) - NOT_THERE
    assert sorted(path for path in paths if not ((ROOT / path).exists() or (EXAMPLE / path).exists())) == []
    assert sorted(name for name in names if resolve(name) is None) == []


def test_the_rules_of_time_are_T1_to_T23_in_order() -> None:
    plain = [rule for rule in rules() if rule.isdigit()]
    assert plain == [str(number) for number in range(1, 24)]
    assert [rule for rule in rules() if not rule.isdigit()] == ["6a", "6b", "9a", "9b"]


def test_every_rule_that_code_or_tests_quote_exists() -> None:
    known = set(rules())
    assert [(str(file), rule) for file, rule in quoted_rules() if rule not in known] == []
