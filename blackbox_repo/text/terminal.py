"""Tables and facts in a terminal of any width, from text that may come from outside."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from blackbox_repo.text.plain_text import printable

_READABLE, _SHORT = 20, 14  # columns that text needs in a table, and beside its label, to be read with ease
_GAP, _INDENT, _ENDLESS = 2, 2, 10_000


class Terminal(Console):
    """A console that prints what it is given: no markup, no emoji codes, nothing highlighted.

    Where it leads into a file or a pipe, lines are as long as they need to be, unless COLUMNS says otherwise.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _ENDLESS

    def on_broken_pipe(self) -> None:
        """Whoever runs the command decides what follows."""
        raise BrokenPipeError

    def show(self, lines: Iterable[str | Text]) -> None:
        """Print lines as they are, however long, so that they can be copied."""
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
        """Print a text, broken between words where it is longer than a line."""
        self.show(wrap(self, plain(text, style), self.width))


def plain(cell: object, style: str = "") -> Text:
    """Text that shows every character of a cell as itself; a :class:`Text` is ours, and stays.

    Args:
        cell: Anything; its ``str``.
        style: As of rich: ``bold``, ``dim``, ``cyan``.
    """
    return cell if isinstance(cell, Text) else Text(printable(cell), style)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        heading: What stands above it.
        right: Whether it is aligned at the right, as numbers are.
        wraps: Whether its cells may be broken into several lines where the terminal is narrow.
    """

    heading: str
    right: bool = False
    wraps: bool = False


Row = Sequence[object]


def table(
    terminal: Console, columns: Sequence[Column], rows: Iterable[Row], room: int | None = None
) -> list[Text]:
    """The lines of a table, for the width of the terminal.

    Where not all columns fit, those that wrap move below each row; where even the others do not fit, each row
    becomes a title, its first cell, with a line for each other cell. Where a number comes first, its heading
    stands before it.

    Args:
        terminal: Where they will be shown.
        columns: The first one names the row.
        rows: Cells, as many as there are columns.
        room: Columns to use; by default all of the terminal's.
    """
    made = [[plain(cell) for cell in row] for row in rows]
    columns = [replace(column, heading=printable(column.heading)) for column in columns]
    room = room or terminal.width
    for layout in (_in_rows, _with_lines_below, _as_records):
        lines = layout(terminal, columns, made, room)
        if lines:
            return lines
    return []


def facts(
    terminal: Console, pairs: Iterable[tuple[str, object]], room: int | None = None, indent: int = 0
) -> list[Text]:
    """A line for each label with its value, side by side, or where that is tight one below the other.

    Args:
        terminal: Where they will be shown.
        pairs: Labels and values; an empty label goes on with the one before.
        room: Columns to use; by default all of the terminal's.
        indent: Columns to leave free at the left.
    """
    made = [(plain(label, "dim"), plain(value)) for label, value in pairs]
    room = (room or terminal.width) - indent
    label = max((cell_len(label.plain) for label, _ in made), default=0)
    rest = room - label - _GAP
    needed = min(_SHORT, max((cell_len(value.plain) for _, value in made), default=0))
    lines: list[Text] = []
    for name, value in made:
        if rest >= needed:
            lines += _row(terminal, [name, value], [label, rest])
        else:
            lines += wrap(terminal, name, room) if name.plain else []
            lines += _shifted(wrap(terminal, value, max(room - _INDENT, 1)), _INDENT)
    return _shifted(lines, indent)


def wrap(terminal: Console, text: Text, room: int) -> list[Text]:
    """The lines of a text that is broken between words, and within those that are longer than a line."""
    lines = list(text.wrap(terminal, room, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines or [Text()]


def _in_rows(terminal: Console, columns: Sequence[Column], rows: list[list[Text]], room: int) -> list[Text]:
    widths = _fitting(columns, rows, room)
    if not widths:
        return []
    headings = [Text(column.heading, "bold") for column in columns]
    return [line for row in (headings, *rows) for line in _row(terminal, row, widths, columns)]


def _with_lines_below(
    terminal: Console, columns: Sequence[Column], rows: list[list[Text]], room: int
) -> list[Text]:
    short = [k for k, column in enumerate(columns) if not column.wraps]
    if short[:1] != [0]:  # what names the row stays in it
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
        shown += [line, *_shifted(wrap(terminal, joined, room - _INDENT), _INDENT)]
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


def _fitting(columns: Sequence[Column], rows: list[list[Text]], room: int) -> list[int]:
    """The widths of the columns; none if one that wraps would become unreadable."""
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


def _row(
    terminal: Console, cells: Sequence[Text], widths: Sequence[int], columns: Sequence[Column] = ()
) -> list[Text]:
    """Cells side by side, on as many lines as the longest needs."""
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


def _shifted(lines: list[Text], columns: int) -> list[Text]:
    return [Text(" " * columns).append_text(line) for line in lines]


__all__ = ["Column", "Terminal", "facts", "plain", "table", "wrap"]
