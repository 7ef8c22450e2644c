from __future__ import annotations

import pytest

from blackbox_repo.text.humanize import format_count


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (2510, "2,510 tasks")]
)
def test_one_thing_is_no_plural(number: int, text: str) -> None:
    assert format_count(number, "task") == text
