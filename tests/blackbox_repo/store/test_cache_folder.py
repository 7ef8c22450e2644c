"""The folder of the cache is this user's alone, or refused with its name, what is wrong, and the way out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox_repo.errors import FolderNotPrivate
from blackbox_repo.store.cache_folder import check_private, make_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_no_umask")
def test_it_and_its_parents_are_created_for_this_user_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700] * 2
    make_private(tmp_path / "a" / "b")


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o500])
def test_others_may_read_it(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    check_private(tmp_path)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    where = tmp_path / "cache"
    where.mkdir()
    where.chmod(mode)
    for check in (check_private, make_private):
        with pytest.raises(FolderNotPrivate) as caught:
            check(where)
        assert str(caught.value) == (
            f"the cache folder {str(where)!r} has the mode {mode:o}, but only you may write to it, as what "
            f"lies there is believed; chmod 700 it if it is yours, or name another folder in BLACKBOX_CACHE"
        )


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(FolderNotPrivate, match=f"belongs to the user number {owner}, but only you may write"):
        check_private(tmp_path)
