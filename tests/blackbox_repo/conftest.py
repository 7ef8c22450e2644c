from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blackbox_repo.transfer.host import Host, serving


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A web host; nothing else can be reached."""
    monkeypatch.setenv("no_proxy", "*")
    with serving() as host:
        yield host


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Another one."""
    with serving() as host:
        yield host
