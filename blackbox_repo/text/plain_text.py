"""Makes text from outside, such as names, titles and reprs, harmless in terminals, Markdown and HTML."""

from __future__ import annotations

import re
from html import escape

from blackbox_repo.printable import printable

_BACKTICKS = re.compile("`+")


def html_text(text: object) -> str:
    """The text for HTML, between tags or in a quoted attribute.

    Args:
        text: Anything; its ``str`` is used.
    """
    return escape(printable(text, keep="\n"))


def markdown_code(text: object, *, in_table: bool = False) -> str:
    """The text as a code span of Markdown, in which mentions, links, headings and tags have no effect.

    Args:
        text: Anything; its ``str`` is used.
        in_table: Whether to escape ``|`` too, which ends a cell of a table even within code.
    """
    code = printable(text) or " "
    if in_table:
        code = code.replace("|", r"\x7c")
    fence = "`" * (_longest_run(code) + 1)
    padding = " " if code[0] in "` " or code[-1] in "` " else ""
    return f"{fence}{padding}{code}{padding}{fence}"


def markdown_block(text: object) -> str:
    """The text as a fenced block of Markdown; its line ends are kept.

    Args:
        text: Anything; its ``str`` is used.
    """
    block = printable(text, keep="\n")
    fence = "`" * max(_longest_run(block) + 1, 3)
    return f"{fence}text\n{block}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


__all__ = ["html_text", "markdown_block", "markdown_code", "printable"]
