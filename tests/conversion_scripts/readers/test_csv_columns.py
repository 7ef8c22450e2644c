from __future__ import annotations

import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.csv_columns import csv_columns


@pytest.mark.parametrize(
    "content",
    [
        b"x,y\n1,a\n2,b\n",
        b"x,y\n1,a\n2,b",
        b"x,y\r\n1,a\r\n2,b\r\n",
        b"x,y\n1,a\n\n2,b\n\n\n",
        b"\xef\xbb\xbfx,y\n1,a\n2,b\n",
    ],
    ids=["as usual", "without a last end of line", "from Windows", "with empty lines", "with a mark"],
)
def test_columns_are_text_by_name(content: bytes) -> None:
    assert csv_columns(content, "a.csv") == {"x": ["1", "2"], "y": ["a", "b"]}


def test_a_quoted_value_keeps_its_line_ends_and_commas() -> None:
    assert csv_columns(b'x,y\n"1,\r\n2",a\n', "a.csv") == {"x": ["1,\r\n2"], "y": ["a"]}


def test_a_header_alone_has_empty_columns() -> None:
    assert csv_columns(b"x,y\n", "a.csv") == {"x": [], "y": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"^a\.csv is empty, but its first line should name the columns$"),
        (b"\n\n", r"^a\.csv is empty, but"),
        (b"x,y\n1,2\n3\n", r"^a\.csv has 1 values in line 3, but 2 columns$"),
        (b"x,y\n1,2,3\n", r"^a\.csv has 3 values in line 2, but 2 columns$"),
        (b"x,x\n1,2\n", r"^a\.csv has the column 'x' twice; each needs a name of its own$"),
        ("x,y\n1,2\n".encode("utf-16"), r"^a\.csv is not UTF-8 text: .*; save it in that encoding$"),
        (b"x,y\n1," + b"2" * 200_000, r"^a\.csv is not readable as CSV: field larger than .* in line "),
    ],
    ids=["empty", "empty lines", "short row", "long row", "twice", "UTF-16", "endless"],
)
def test_what_is_no_table_is_reported_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        csv_columns(content, "a.csv")
