"""A step function drawn with characters, for terminals."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def step_plot(
    times: Sequence[float], values: Sequence[float], end: float, *, width: int = 60, height: int = 8
) -> list[str]:
    """The lines of a picture: the value from each time until the next, up to ``end``.

    Each column shows the value at its right edge, so the last one shows where it all ended.

    Args:
        times: When the value changes, ascending; at least one, none after ``end``.
        values: What it changes to.
        end: The right edge, in the unit of the times; above 0.
        width: Columns of the drawing, without the labels.
        height: Rows of the drawing.
    """
    shown = [_value_at(times, values, end * (column + 1) / width) for column in range(width)]
    known = [value for value in shown if value is not None]
    low, high = min(known), max(known)
    rows = [None if value is None else _row(value, low, high, height) for value in shown]
    grid = [[" "] * width for _ in range(height)]
    for column, (before, row) in enumerate(zip([None, *rows], rows, strict=False)):
        if row is not None:
            _draw_step(grid, column, row if before is None else before, row)
    labels = [f"{high:.6g}", *[""] * (height - 2), f"{low:.6g}"]
    margin = max(map(len, labels))
    return [f"{label:>{margin}} ┤{''.join(cells)}" for label, cells in zip(labels, grid, strict=True)]


def _value_at(times: Sequence[float], values: Sequence[float], time: float) -> float | None:
    index = bisect.bisect_right(times, time)
    return values[index - 1] if index else None


def _row(value: float, low: float, high: float, height: int) -> int:
    share = (value - low) / (high - low) if high > low else 0.0
    return round((1 - share) * (height - 1))


def _draw_step(grid: list[list[str]], column: int, before: int, row: int) -> None:
    if before == row:
        grid[row][column] = "─"
        return
    for between in range(min(before, row) + 1, max(before, row)):
        grid[between][column] = "│"
    grid[before][column] = "╮" if row > before else "╯"
    grid[row][column] = "╰" if row > before else "╭"
