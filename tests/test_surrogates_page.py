"""docs/surrogates.md: its Python runs, and shows what the page says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "surrogates.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    shown: list[tuple[object, ...]] = []
    scope = {"print": lambda *what: shown.append(what)}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "surrogates.md", "exec"), scope)  # noqa: S102  the page's own code
    assert shown[1] == (False, True)
