"""Text from outside reaches no terminal, Markdown or HTML raw."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.text.plain_text import html_text, markdown_block, markdown_code, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("runtime [s] and size [mb]", "runtime [s] and size [mb]"),
        ("Müller, 学習 🙂 é", "Müller, 学習 🙂 é"),
        ("\x1b]0;title\x07\x1b[31mred", r"\x1b]0;title\x07\x1b[31mred"),
        ("\x9b31mred", r"\x9b31mred"),
        ("over\rwritten\x08\x7f", r"over\rwritten\x08\x7f"),
        ("two\nlines\u2028three\x85four", r"two\nlines\u2028three\x85four"),
        ("exe\u202efdp.", r"exe\u202efdp."),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("no\xa0break", r"no\xa0break"),
        ("lone \ud800", r"lone \ud800"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("", ""),
        (3.5, "3.5"),
    ],
)
def test_what_is_not_seen_as_itself_is_escaped(text, shown):
    assert printable(text) == shown


def test_line_ends_stay_where_they_are_wanted():
    assert printable("one\ntwo\x1b", keep="\n") == "one\ntwo\\x1b"


@given(st.text(st.characters()))
def test_any_text_becomes_printable_and_can_be_encoded(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert printable(shown) == shown


def test_no_control_or_format_character_of_unicode_is_left_as_it_is():
    left = [c for c in map(chr, range(sys.maxunicode + 1)) if printable(c) == c and not c.isprintable()]
    assert left == []


def test_html_is_escaped_also_in_attributes():
    assert html_text("<img src='x'>&\"\x1b") == "&lt;img src=&#x27;x&#x27;&gt;&amp;&quot;\\x1b"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("ASHA(eta=3)", "`ASHA(eta=3)`"),
        ("x`\n\n# @octocat", r"``x`\n\n# @octocat``"),
        ("``", "``` `` ```"),
        ("`a ``b", "``` `a ``b ```"),
        (" padded ", "`  padded  `"),
        ("", "`   `"),
    ],
)
def test_no_text_leaves_its_code_span(text, span):
    assert markdown_code(text) == span


def test_no_text_leaves_its_cell():
    assert markdown_code(r"a|b\|c", in_table=True) == r"`a\x7cb\\x7cc`"


def test_no_text_leaves_its_block():
    assert markdown_block("one\n```\n# two\x1b") == "````text\none\n```\n# two\\x1b\n````"
