from __future__ import annotations

import pytest

from blackbox_repo.text.humanize import format_bytes, format_count


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (2510, "2,510 tasks")]
)
def test_one_thing_is_no_plural(number: int, text: str) -> None:
    assert format_count(number, "task") == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (340_000_000, "340 MB"),
        (1_104_000_000, "1.1 GB"),
        (999_499_999_999, "999 GB"),
        (2 * 10**12, "2 TB"),
    ],
)
def test_a_size_has_three_digits(size: int, text: str) -> None:
    assert format_bytes(size) == text
