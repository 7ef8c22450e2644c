"""A step function drawn with characters, for terminals."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def step_plot(
    times: Sequence[float], values: Sequence[float], end: float, *, width: int = 60, height: int = 8
) -> list[str]:
    """The lines of a picture: the value from each time until the next, up to ``end``.

    Args:
        times: When the value changes, ascending; at least one.
        values: What it changes to.
        end: The right edge, in the unit of the times.
        width: Columns of the drawing, without the labels.
        height: Rows of the drawing.
    """
    low, high = min(values), max(values)
    rows = [
        _row(_value_at(times, values, end * column / width), low, high, height) for column in range(width)
    ]
    grid = [[" "] * width for _ in range(height)]
    for column, row in enumerate(rows):
        before = rows[column - 1] if column else row
        if row is None:
            continue
        if before is None or before == row:
            grid[row][column] = "─"
        else:
            top, bottom = min(before, row), max(before, row)
            for between in range(top + 1, bottom):
                grid[between][column] = "│"
            grid[before][column] = "╮" if row > before else "╯"
            grid[row][column] = "╰" if row > before else "╭"
    labels = [f"{high:.6g}", *[""] * (height - 2), f"{low:.6g}"]
    margin = max(map(len, labels))
    return [f"{label:>{margin}} ┤{''.join(cells)}" for label, cells in zip(labels, grid, strict=True)]


def _value_at(times: Sequence[float], values: Sequence[float], time: float) -> float | None:
    index = bisect.bisect_right(times, time)
    return values[index - 1] if index else None


def _row(value: float | None, low: float, high: float, height: int) -> int | None:
    if value is None:
        return None
    share = (value - low) / (high - low) if high > low else 0.0
    return round((1 - share) * (height - 1))
