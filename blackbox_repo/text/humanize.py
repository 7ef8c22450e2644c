"""Counts, sizes and durations as text for people."""

from __future__ import annotations

import math


def format_count(number: int, noun: str) -> str:
    """A number with a noun: ``1 task``, ``2,510 training runs``.

    Args:
        number: How many.
        noun: Its singular; the plural has an ``s`` more.
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def format_bytes(size: int) -> str:
    """A size in the unit that leaves three digits or fewer: ``340 MB``, ``1.1 GB``.

    Args:
        size: The size in bytes.
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * factor:
            return f"{size / factor:.3g} {unit}"
    return format_count(size, "byte")


def format_duration(seconds: float) -> str:
    """A duration in its two largest units: ``4 d``, ``1 h 30 min``, ``45.2 s``.

    Args:
        seconds: The duration in seconds.
    """
    if seconds < 60 or not math.isfinite(seconds):
        return f"{seconds:.3g} s"
    for size, unit, part, part_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        parts = round(seconds / part)
        whole, rest = divmod(parts, size // part)
        if whole:
            return f"{whole:,} {unit}" + (f" {rest} {part_unit}" if rest else "")
    raise AssertionError(seconds)
