"""Tables and facts in a terminal of any width; their text may come from outside."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from blackbox_repo.text.plain_text import printable

_READABLE, _SHORT = 20, 14  # width that text needs in a table, and beside its label, to be readable
_GAP, _INDENT, _ENDLESS = 2, 2, 10_000


class Terminal(Console):
    """A console that prints text as it is: without markup, emoji codes and highlighting.

    In a file or a pipe, lines are as long as they need to be, unless the variable COLUMNS gives a width.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _ENDLESS

    def on_broken_pipe(self) -> None:
        """Raise an error instead of ending the process, so that the command line can end it."""
        raise BrokenPipeError

    def show(self, lines: Iterable[str | Text]) -> None:
        """Print lines without breaking them, so that they can be copied."""
        for line in lines:
            self.print(plain(line), soft_wrap=True)

    def show_table(self, columns: Sequence[Column], rows: Iterable[Row], title: str = "") -> None:
        """Print a table; see :func:`table`.

        Args:
            columns: The first one names the row.
            rows: Cells, as many as there are columns.
            title: A title to print above it, after an empty line.
        """
        self.show(["", Text(title, "bold underline")] if title else [])
        self.show(table(self, columns, rows))

    def say(self, text: str, style: str = "") -> None:
        """Print a text; one that is longer than a line is broken between words."""
        self.show(wrap(self, plain(text, style), self.width))


def plain(cell: object, style: str = "") -> Text:
    """A cell as text in which no character controls the terminal.

    Args:
        cell: Anything; its ``str`` is made printable. A :class:`Text` is returned as it is.
        style: A style of rich: ``bold``, ``dim``, ``cyan``.
    """
    return cell if isinstance(cell, Text) else Text(printable(cell), style)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        heading: The text above it.
        right: Whether its cells are aligned to the right, as numbers are.
        wraps: Whether its cells may be broken into several lines if the terminal is narrow.
    """

    heading: str
    right: bool = False
    wraps: bool = False


Row = Sequence[object]


def table(
    terminal: Console, columns: Sequence[Column], rows: Iterable[Row], room: int | None = None
) -> list[Text]:
    """The lines of a table that fits the width of the terminal.

    If the columns do not fit side by side, those that wrap are put below each row. If the others do not fit
    either, each row becomes a title, which is its first cell, and a line for each further cell. A first cell
    that is a number has its heading before it.

    Args:
        terminal: Where the lines will be shown.
        columns: The first one names the row.
        rows: Cells, as many as there are columns.
        room: The width to use; by default that of the terminal.
    """
    cells = [[plain(cell) for cell in row] for row in rows]
    columns = [replace(column, heading=printable(column.heading)) for column in columns]
    room = room or terminal.width
    for layout in (_in_rows, _with_lines_below, _as_records):
        lines = layout(terminal, columns, cells, room)
        if lines:
            return lines
    return []


def facts(
    terminal: Console, pairs: Iterable[tuple[str, object]], room: int | None = None, indent: int = 0
) -> list[Text]:
    """A line for each label and its value, side by side, or one below the other if there is little room.

    Args:
        terminal: Where the lines will be shown.
        pairs: Labels and values; a value with an empty label belongs to the label before.
        room: The width to use; by default that of the terminal.
        indent: Number of spaces at the left.
    """
    texts = [(plain(label, "dim"), plain(value)) for label, value in pairs]
    room = (room or terminal.width) - indent
    label = max((cell_len(label.plain) for label, _ in texts), default=0)
    rest = room - label - _GAP
    needed = min(_SHORT, max((cell_len(value.plain) for _, value in texts), default=0))
    lines: list[Text] = []
    for name, value in texts:
        if rest >= needed:
            lines += _lines_of_row(terminal, [name, value], [label, rest])
        else:
            lines += wrap(terminal, name, room) if name.plain else []
            lines += _indent(wrap(terminal, value, max(room - _INDENT, 1)), _INDENT)
    return _indent(lines, indent)


def wrap(terminal: Console, text: Text, room: int) -> list[Text]:
    """The lines of a text that is broken between words; words that are longer than a line are broken too."""
    lines = list(text.wrap(terminal, room, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines or [Text()]


def _in_rows(terminal: Console, columns: Sequence[Column], rows: list[list[Text]], room: int) -> list[Text]:
    widths = _fit_widths(columns, rows, room)
    if not widths:
        return []
    headings = [Text(column.heading, "bold") for column in columns]
    return [line for row in (headings, *rows) for line in _lines_of_row(terminal, row, widths, columns)]


def _with_lines_below(
    terminal: Console, columns: Sequence[Column], rows: list[list[Text]], room: int
) -> list[Text]:
    short = [k for k, column in enumerate(columns) if not column.wraps]
    if short[:1] != [0]:  # the cell that names the row must stay in it
        return []
    cut = [[row[k] for k in short] for row in rows]
    lines = _in_rows(terminal, [columns[k] for k in short], cut, room)
    if not lines or len(short) < 2:
        return []
    below = [[row[k] for k in range(len(columns)) if k not in short and row[k].plain] for row in rows]
    shown = lines[:1]
    for line, cells in zip(lines[1:], below, strict=True):
        joined = Text(" " * _GAP, "dim").join(cells)
        joined.stylize("dim")
        shown += [line, *_indent(wrap(terminal, joined, room - _INDENT), _INDENT)]
    return shown


def _as_records(
    terminal: Console, columns: Sequence[Column], rows: list[list[Text]], room: int
) -> list[Text]:
    lines: list[Text] = []
    for first, *cells in rows:
        title = Text(f"{columns[0].heading} " if columns[0].right else "", "bold").append(first.plain)
        lines += wrap(terminal, title, room)
        named = [(c.heading, cell) for c, cell in zip(columns[1:], cells, strict=True) if cell.plain]
        lines += facts(terminal, named, room, indent=_INDENT)
    return lines


def _fit_widths(columns: Sequence[Column], rows: list[list[Text]], room: int) -> list[int]:
    """The widths of the columns; empty if a column that wraps would be too narrow to be read."""
    wanted = [
        max(cell_len(text) for text in (column.heading, *(row[k].plain for row in rows)))
        for k, column in enumerate(columns)
    ]
    widths = [
        min(width, max(_READABLE, cell_len(column.heading))) if column.wraps else width
        for column, width in zip(columns, wanted, strict=True)
    ]
    spare = room - _GAP * (len(columns) - 1) - sum(widths)
    if spare < 0:
        return []
    growing = sorted(range(len(columns)), key=lambda k: wanted[k] - widths[k])
    for already, k in enumerate(growing):
        more = min(wanted[k] - widths[k], spare // (len(growing) - already))
        widths[k] += more
        spare -= more
    return widths


def _lines_of_row(
    terminal: Console, cells: Sequence[Text], widths: Sequence[int], columns: Sequence[Column] = ()
) -> list[Text]:
    """Cells side by side, on as many lines as the longest cell needs."""
    broken = [wrap(terminal, cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for parts in zip_longest(*broken):
        line = Text()
        for part, width, column in zip_longest(parts, widths, columns):
            shown = part or Text()
            shown.align("right" if column and column.right else "left", width)
            line.append_text(shown).append(" " * _GAP)
        line.rstrip()
        lines.append(line)
    return lines


def _indent(lines: list[Text], columns: int) -> list[Text]:
    return [Text(" " * columns).append_text(line) for line in lines]


__all__ = ["Column", "Terminal", "facts", "plain", "table", "wrap"]
