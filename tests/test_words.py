"""The language of docstrings, messages and pages: the terms of the field, in sentences that have a subject.

The spelling is codespell's part (``[tool.codespell]`` in pyproject.toml, run by ``.ci/run``).
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
FOLDERS = ("benchmarks", "blackbox_repo", "conversion_scripts", "examples", "simulator", "tests")


class Rule(NamedTuple):
    """What is not written here, and what is written instead."""

    refused: str
    instead: str


PEOPLE = "anybody|anyone|authors?|callers?|maintainers?|people|person|readers?|somebody|those|users?"
RULES = {
    "subject": Rule(
        r"(?:(?:^|(?<=\. ))(?:Who|Whose|Whom)|(?<=[:;] )[Ww]ho(?:se|m)?)\b[^.?]*(?:[.;]|$)",
        "a sentence that begins with Who or Whose and is no question lacks a subject: name the thing "
        "(a trial that has failed is replaced)",
    ),
    "who": Rule(
        rf"(?i)\b(?!(?:{PEOPLE})\b)\w+,? who\b",
        "who is for people (users who, somebody who): write that or which, and name the thing",
    ),
    "nobody": Rule(
        r"(?i)\b(?:nobody|everybody|whoever|whomever)\b",
        "name the thing: no scheduler, no worker, every trial, the caller that",
    ),
    "door": Rule(
        r"(?i)\bdoors?\b",
        "a private picture: say when input is checked, or that no new trial may start",
    ),
    "circumstances": Rule(r"(?i)\bcircumstances?\b", "the term is conditions (docs/architecture.md)"),
    "way": Rule(r"\b(?:makes?|gives?|gave|making|giving) way\b", "say what happens: is replaced, ends"),
    "vain": Rule(r"\bin vain\b", "say what did not happen"),
    "through": Rule(r"\b(?:is|are|be|been) through\b", "is over, has finished, has nothing left to do"),
    "were": Rule(r"(?:, |\b)(?:be it|be they|were it)\b", "whether it is; if it were"),
    "parameter": Rule(
        r"^ *[a-z]\w*: Of\b.*",
        "say what the parameter is and does, not only what it belongs to",
    ),
}

NOT_YET: dict[str, tuple[str, ...]] = {}
"""Folder or page -> rules that it does not keep yet."""


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """The paragraphs and items of a text with the number of their first line, code left out."""
    text = re.sub(r"```.*?```", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"(`+)[^`]*\1", "`code`", text)
    found: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if found and (not line.strip() or re.match(r" *(?:[-*|#]|\d+\.|\w+:) ?", line)):
            yield number - len(found), " ".join(map(str.strip, found))
            found = []
        if line.strip():
            found.append(line)


def texts_of(file: Path) -> Iterator[tuple[int, str]]:
    """The docstrings, messages and comments of a module, or the page, each with its first line."""
    content = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        yield 1, content
        return
    yield from docstrings(content) if is_test(file) else strings(content)
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


def docstrings(content: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(content)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text


def strings(content: str) -> Iterator[tuple[int, str]]:
    """Docstrings and messages: every text of several words."""
    for node in ast.walk(ast.parse(content)):
        match node:
            case ast.Constant(value=str(text)) if " " in text:
                yield node.lineno, text


def is_test(file: Path) -> bool:
    return file.relative_to(ROOT).parts[0] == "tests"


def breaches(paragraph: str) -> Iterator[tuple[str, str]]:
    """The rules that a paragraph does not keep, each with the words and the advice."""
    for name, rule in RULES.items():
        for found in re.finditer(rule.refused, paragraph):
            yield name, f"{found[0]!r}: {rule.instead}"


def breaches_of(file: Path) -> Iterator[tuple[str, str]]:
    """The same of a whole file, each with its place."""
    for first, text in texts_of(file):
        for number, paragraph in paragraphs(text):
            for name, message in breaches(paragraph):
                yield name, f"{file.relative_to(ROOT).as_posix()}:{first + number - 1}: {message}"


def folder_of(file: Path) -> str:
    """The page, or the first two folders of a module."""
    parts = file.relative_to(ROOT).parts
    return "/".join(parts if file.suffix == ".md" else parts[:-1][:2])


FILES: dict[str, list[Path]] = {}
for file in [*PAGES, *(file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")))]:
    FILES.setdefault(folder_of(file), []).append(file)


@pytest.mark.parametrize("place", FILES)
def test_documentation_is_plain_english(place: str) -> None:
    found = [breach for file in FILES[place] for breach in breaches_of(file)]
    assert [message for rule, message in found if rule not in NOT_YET.get(place, ())] == []


def test_no_place_is_excused_from_a_rule_that_it_keeps() -> None:
    kept = {
        place: sorted(set(rules) - {rule for file in FILES[place] for rule, _ in breaches_of(file)})
        for place, rules in NOT_YET.items()
    }
    assert {place: rules for place, rules in kept.items() if rules} == {}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("Who is through keeps its place.", ["subject", "through"]),
        ("It is done. Whose curve has ended cannot be resumed.", ["subject"]),
        ("Who decides?", []),
        ("  observers: Who looks on.", ["subject"]),
        ("A trial who failed.", ["who"]),
        ("A user who asks.", []),
        ("Nobody waits.", ["nobody"]),
        ("It is refused, be it large or small.", ["were"]),
        ("A trial that is through.", ["through"]),
        ("Checked at the door.", ["door"]),
        ("  schema: Of the blackbox.", ["parameter"]),
        ("  schema: What the blackbox records.", []),
        ("`Nobody` and ```the door``` are code.", []),
    ],
)
def test_the_rules_refuse_what_they_are_for(text: str, broken: list[str]) -> None:
    assert [name for _, paragraph in paragraphs(text) for name, _ in breaches(paragraph)] == broken
