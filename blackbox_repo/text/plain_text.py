"""Text from outside, such as names, titles and reprs, made harmless for terminals, Markdown and HTML."""

from __future__ import annotations

import re
from html import escape

_BACKTICKS = re.compile("`+")


def printable(text: object, *, keep: str = "") -> str:
    r"""The text on one line, with every character that is not seen as itself written as its escape.

    Those are control characters and with them line ends and terminal escape codes, characters that turn the
    direction of writing or have no width, spaces but the plain one, lone surrogates, and what Unicode has
    not assigned: ``\x1b``, ``\n``, ``\u202e``. Rich markup is left as it is: print it as a
    :class:`rich.text.Text`, or to a console of :func:`blackbox_repo.text.console.terminal`, which reads none.

    Args:
        text: Anything; its ``str``.
        keep: Characters that stay as they are, such as ``"\n"`` in a block of several lines.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return ascii(character)[1:-1]


def html_text(text: object) -> str:
    """The text for HTML, between tags or in a quoted attribute."""
    return escape(printable(text, keep="\n"))


def markdown_code(text: object, *, in_table: bool = False) -> str:
    """The text as a code span of Markdown, in which no mention, link, heading or tag is read.

    Args:
        text: Anything; its ``str``.
        in_table: For a cell of a table, which a bar would end even within code: it is escaped too.
    """
    code = printable(text) or " "
    if in_table:
        code = code.replace("|", r"\x7c")
    fence = "`" * (_longest_run(code) + 1)
    padding = " " if code[0] in "` " or code[-1] in "` " else ""
    return f"{fence}{padding}{code}{padding}{fence}"


def markdown_block(text: object) -> str:
    """The text as a fenced block of Markdown; its line ends stay."""
    block = printable(text, keep="\n")
    fence = "`" * max(_longest_run(block) + 1, 3)
    return f"{fence}text\n{block}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
