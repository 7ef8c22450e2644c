from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
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


COUNT = """
import sys
from pathlib import Path
from blackbox_repo.store.lock import exclusive
file = Path(sys.argv[1])
for _ in range(50):
    with exclusive(file, timeout=60):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_two_processes_that_take_turns_lose_none_of_their_writes(tmp_path: Path) -> None:
    file = tmp_path / "count"
    file.write_text("0")
    both = [subprocess.Popen([sys.executable, "-c", COUNT, str(file)], cwd=ROOT) for _ in range(2)]
    assert [child.wait() for child in both] == [0, 0]
    assert file.read_text() == "100"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_whoever_waits_gets_the_lock_when_its_holder_is_killed(tmp_path: Path) -> None:
    child = holder(tmp_path / "box")
    killer = threading.Timer(0.3, child.kill)
    killer.start()
    with exclusive(tmp_path / "box", timeout=60):
        assert child.wait() != 0
    killer.join()
    child.communicate()


def test_a_thread_that_holds_the_lock_may_ask_for_it_again(tmp_path: Path) -> None:
    with exclusive(tmp_path / "box"):
        with exclusive(tmp_path / "box"):
            pass
        assert (tmp_path / ".box.lock").exists()
        with pytest.raises(AlreadyLocked):
            in_another_thread(tmp_path / "box")
    in_another_thread(tmp_path / "box")


def in_another_thread(target: Path) -> None:
    def lock() -> None:
        with exclusive(target):
            pass

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lock).result()


def test_importing_the_store_loads_no_library_of_locks_or_folders() -> None:
    code = "import sys, blackbox_repo.store.storage; print({'filelock', 'platformdirs'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT) == "set()\n"


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), exclusive(tmp_path / "box"):
        raise KeyError
    with exclusive(tmp_path / "box"):
        pass
