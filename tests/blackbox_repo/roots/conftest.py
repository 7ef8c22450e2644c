"""Fixtures for tests of remote roots: an empty cache, and a place in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox_repo.roots.shelf import Shelf
from tests.servers.fixtures import Bucket


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A function that gives this process an empty cache, as another machine has; it has one already."""

    def make() -> Path:
        folder = tmp_path / f"cache-{len(list(tmp_path.glob('cache-*')))}"
        folder.mkdir(mode=0o700)
        monkeypatch.setenv("BLACKBOX_CACHE", str(folder))
        return folder

    make()
    return make


@pytest.fixture
def shelf(
    s3: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_cache: Callable[[], Path]
) -> Shelf:
    """An empty place for a root in a bucket, whose options this process knows."""
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    del empty_cache
    monkeypatch.setenv("BLACKBOX_CONFIG", str(tmp_path / "config.toml"))
    return Shelf(s3, tmp_path / "config.toml")
