"""Makes text from outside, such as names, titles and reprs, harmless in terminals, Markdown and HTML."""

from __future__ import annotations

import re
from html import escape

_BACKTICKS = re.compile("`+")


def printable(text: object, *, keep: str = "") -> str:
    r"""The text on one line, in which every character that is not printable is replaced by its escape.

    Such characters are control characters (line ends and terminal escape codes among them), characters that
    change the direction of writing or have no width, spaces other than the plain one, lone surrogates, and
    code points that Unicode has not assigned: ``\x1b``, ``\n``, ``\u202e``. Rich markup is not changed: print
    it as a :class:`rich.text.Text`, or on a :class:`blackbox_repo.text.terminal.Terminal`, which ignores it.

    Args:
        text: Anything; its ``str`` is used.
        keep: Characters that are not replaced, such as ``"\n"`` in a block of several lines.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in text)


def _escape(character: str) -> str:
    return ascii(character)[1:-1]


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
