"""Read the columns of a CSV file as text; errors name the line."""

from __future__ import annotations

import csv
import io

from blackbox_repo.errors import FormatError


def csv_columns(content: bytes, name: str) -> dict[str, list[str]]:
    """Read a CSV file in UTF-8, with or without a byte order mark, whose first line names the columns.

    Args:
        content: The bytes of the file. Empty lines are skipped.
        name: The name of the file in messages.

    Returns:
        The values of each column by its name.

    Raises:
        FormatError: The file is in another encoding, has no header, a column twice, or a row of another
            length.
    """
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        rows = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as err:
        raise FormatError(f"{name} is not UTF-8 text: {err}; save it in that encoding") from err
    except csv.Error as err:
        raise FormatError(f"{name} is not readable as CSV: {err} in line {reader.line_num}") from err
    if not rows:
        raise FormatError(f"{name} is empty, but its first line should name the columns")
    (_, header), *rows = rows
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise FormatError(f"{name} has the column {twice[0]!r} twice; each needs a name of its own")
    for line, row in rows:
        if len(row) != len(header):
            raise FormatError(f"{name} has {len(row)} values in line {line}, but {len(header)} columns")
    return {column: [row[place] for _, row in rows] for place, column in enumerate(header)}
