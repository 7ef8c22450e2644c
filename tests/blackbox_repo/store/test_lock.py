from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from blackbox_repo.errors import AlreadyLocked
from blackbox_repo.store.lock import exclusive

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from blackbox_repo.store.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(target: Path) -> subprocess.Popen[str]:
    """A process that holds the lock."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_a_lock_leaves_no_trace(tmp_path: Path) -> None:
    with exclusive(tmp_path / "a" / "b" / "box"):
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [".box.lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_or_got_content_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with exclusive(tmp_path / "old" / "box"):
        pass
    with exclusive(tmp_path / "new" / "box"):
        (tmp_path / "new" / "box").write_text("made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["box"]


def test_the_second_is_told_who_is_at_it(tmp_path: Path) -> None:
    child = holder(tmp_path / "box")
    with pytest.raises(AlreadyLocked) as caught, exclusive(tmp_path / "box"):
        pass
    assert str(caught.value) == (
        f"{tmp_path / 'box'} is being written by another process (number {child.pid}); "
        f"wait until it has ended, or write to another folder"
    )
    with exclusive(tmp_path / "another"):
        pass
    child.kill()
    child.communicate()
    with exclusive(tmp_path / "box"):  # what was killed holds nothing
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), exclusive(tmp_path / "box"):
        raise KeyError
    with exclusive(tmp_path / "box"):
        pass
