"""Many processes load one large table: one decodes it, each may be killed, and the disk may be full."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import CacheWarning
from blackbox_repo.keyed_random import unit
from blackbox_repo.store import cache, cache_folder
from tests.blackbox_repo.store.large_table import made, saved

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, and file systems of Linux")
ROOT = Path(__file__).parents[3]
PROGRAM = """
import json, sys, warnings
from pathlib import Path

from blackbox_repo import load_blackbox
import blackbox_repo.store.loading

decodes = []
sys.addaudithook(lambda event, given: decodes.append(given) if event == "open" and DECODED(given) else None)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    blackbox = load_blackbox(sys.argv[1])["a"]
blackbox.curve(blackbox.configurations()[-1])["loss"].sum()
said = {"decodes": len(decodes), "told": [str(warning.message) for warning in told]}
lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
said["private"] = next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1e3
said["pyarrow"] = "pyarrow" in sys.modules
print(json.dumps(said), flush=True)
sys.stdin.read()
print(blackbox.digest() if blackbox.digest() else "", flush=True)
""".replace("DECODED(given)", 'str(given[0]).endswith("a.parquet")')


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = tmp_path / "copies"
    monkeypatch.setenv("BLACKBOX_CACHE", str(where))
    monkeypatch.setattr(cache_folder, "_told", set())
    return where


@pytest.fixture(scope="module")
def blackbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(made(), tmp_path_factory.mktemp("original") / "made")


def start(program: str, blackbox: Path, **more: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program, str(blackbox)]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more
    )


def said_by(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a process says when it has loaded the table."""
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def digest_of(process: subprocess.Popen[str]) -> str:
    """Let it end."""
    found, _ = process.communicate()
    assert process.returncode == 0
    return found.strip()


def files(copies: Path) -> list[str]:
    """What lies in the cache, apart from lock files, which mean nothing without a process that holds them."""
    return sorted(path.name for path in copies.iterdir() if path.suffix != ".lock")


def check_whole(copies: Path, blackbox: Path) -> None:
    """There is one copy, all that is read from it is right, and no lock is held."""
    began = time.monotonic()
    found = load_blackbox(blackbox)["a"]
    assert found.digest() == made().digest()
    (name,) = files(copies)
    assert name.endswith(".arrow")
    assert time.monotonic() - began < 60, "a lock was waited for"


# --- one decodes --------------------------------------------------------------------------------------------


def check_many(blackbox: Path, copies: Path, count: int) -> None:
    processes = [start(PROGRAM, blackbox) for _ in range(count)]
    said = [said_by(process) for process in processes]
    assert sorted(one["decodes"] for one in said) == [*[0] * (count - 1), 1]
    assert [one["told"] for one in said] == [[]] * count
    assert {digest_of(process) for process in processes} == {made().digest()}
    assert len(list(copies.iterdir())) == 1
    (decoder,) = [one for one in said if one["decodes"]]
    others = [one["private"] for one in said if not one["decodes"]]
    assert not any(one["pyarrow"] for one in said if one is not decoder)
    alone = said_by(warm := start(PROGRAM, blackbox))["private"]
    digest_of(warm)
    # waiting takes a library for locks, of 3 MB; the table has 11 MB
    assert statistics.median(others) < alone + 6


def test_a_few_processes_decode_a_table_once(blackbox: Path, copies: Path) -> None:
    check_many(blackbox, copies, 4)


@pytest.mark.slow
def test_fifty_processes_decode_a_table_once(blackbox: Path, copies: Path) -> None:
    check_many(blackbox, copies, 50)


STOPS_WHILE_IT_DECODES = """
import sys
import blackbox_repo.store.loading as loading

def read_checked(path, task):
    print("{}", flush=True)
    sys.stdin.read()

loading.read_checked = read_checked
from blackbox_repo import load_blackbox
load_blackbox(sys.argv[1])["a"]
"""


def test_when_the_process_that_decodes_is_killed_the_next_one_decodes(blackbox: Path, copies: Path) -> None:
    first = start(STOPS_WHILE_IT_DECODES, blackbox)
    said_by(first)
    others = [start(PROGRAM, blackbox) for _ in range(2)]
    with pytest.raises(subprocess.TimeoutExpired):
        others[0].wait(1.5)
    first.kill()
    first.communicate()
    said = [said_by(process) for process in others]
    assert sorted(one["decodes"] for one in said) == [0, 1]
    assert {digest_of(process) for process in others} == {made().digest()}
    assert len(list(copies.iterdir())) == 1


def test_a_process_that_waits_for_too_long_decodes_for_itself_and_says_why(
    blackbox: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(STOPS_WHILE_IT_DECODES, blackbox)
    said_by(first)
    monkeypatch.setattr(cache, "_PATIENCE", 0.2)
    with pytest.warns(CacheWarning, match=f"is being written by another process .number {first.pid}"):
        found = load_blackbox(blackbox)["a"]
    assert found.digest() == made().digest()
    first.kill()
    first.communicate()
    check_whole(copies, blackbox)


# --- one is killed ------------------------------------------------------------------------------------------

DIES_AT = """
import os, signal, sys
import blackbox_repo.store.array_file as array_file

class Dying:
    def __init__(self, file, most):
        self.file, self.left = file, most

    def write(self, data):
        data = memoryview(data).cast("B")
        self.file.write(data[: self.left])
        self.left -= min(self.left, len(data))
        if not self.left:
            self.file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

write = array_file.write
array_file.write = lambda file, *arrays: write(Dying(file, int(sys.argv[2])), *arrays)
from blackbox_repo import load_blackbox
load_blackbox(sys.argv[1])["a"]
"""


def kill_while_writing(blackbox: Path, most: int) -> None:
    command = [sys.executable, "-c", DIES_AT, str(blackbox), str(most)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL


def check_killed_at(blackbox: Path, copies: Path, sizes: Sequence[int]) -> None:
    for size in sizes:
        kill_while_writing(blackbox, size)
        assert all(name.endswith(".partial") for name in files(copies))
        assert [path.stat().st_size for path in copies.glob(".*.partial")] == [size]
    check_whole(copies, blackbox)


def size_of_a_copy(blackbox: Path, copies: Path) -> int:
    check_whole(copies, blackbox)
    (copy,) = copies.iterdir()
    size = copy.stat().st_size
    copy.unlink()
    return size


def test_a_copy_is_not_seen_before_its_last_byte_is_written(blackbox: Path, copies: Path) -> None:
    size = size_of_a_copy(blackbox, copies)
    check_killed_at(blackbox, copies, [1, size // 2, size])


@pytest.mark.slow
def test_a_writer_may_be_killed_at_any_byte(blackbox: Path, copies: Path) -> None:
    size = size_of_a_copy(blackbox, copies)
    check_killed_at(blackbox, copies, [1 + int(unit("killed at byte", k) * size) for k in range(50)])


@pytest.mark.slow
def test_a_process_may_be_killed_at_any_time(blackbox: Path, copies: Path) -> None:
    """From its start to its end, while another one waits for it or decodes itself."""
    began = time.monotonic()
    whole = start(PROGRAM, blackbox)
    said_by(whole)
    took = time.monotonic() - began
    digest_of(whole)
    for point in range(50):
        for path in copies.glob("*.arrow"):
            path.unlink()
        process = start(PROGRAM, blackbox)
        time.sleep(took * unit("killed at time", point))
        process.kill()
        process.communicate()
        if list(copies.glob("*.arrow")):
            assert load_blackbox(blackbox)["a"].digest() == made().digest()
    other = start(PROGRAM, blackbox)
    assert said_by(other)["told"] == []
    assert digest_of(other) == made().digest()
    check_whole(copies, blackbox)


# --- the disk is full, or cannot be written to --------------------------------------------------------------


@contextmanager
def mounted(where: Path, options: str) -> Iterator[None]:
    """A file system in memory."""
    where.mkdir(mode=0o700)
    if not mount("-t", "tmpfs", "-o", f"mode=700,{options}", "none", str(where)):
        pytest.skip("only root can mount a file system, and not everywhere")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(where)], check=True)


def mount(*arguments: str) -> bool:
    """Whether it could be done."""
    program = Path("/bin/mount")
    if os.geteuid() or not program.is_file():
        return False
    return not subprocess.run([program, *arguments], capture_output=True, check=False).returncode


def check_decodes_for_itself(blackbox: Path, copies: Path, reason: str) -> None:
    """The table is right, what is wrong is told once, and nothing new lies in the cache."""
    before = files(copies)
    process = start(
        PROGRAM.replace("blackbox = load", 'load_blackbox(sys.argv[1])["a"]; blackbox = load'), blackbox
    )
    said = said_by(process)
    assert said["decodes"] == 2
    assert said["told"] == [
        f"the cache folder '{copies}' cannot be written to ({reason}); mend that, or name another folder in "  # noqa: ISC004
        f"BLACKBOX_CACHE; until then, each process decodes large tables for itself"
    ]
    assert digest_of(process) == made().digest()
    assert files(copies) == before


def test_a_disk_that_is_full_half_way_leaves_no_copy(blackbox: Path, copies: Path) -> None:
    with mounted(copies, "size=5m"):
        check_decodes_for_itself(blackbox, copies, "No space left on device")


def test_a_file_system_that_cannot_be_written_to_leaves_no_copy(blackbox: Path, copies: Path) -> None:
    with mounted(copies, "size=5m,ro"):
        check_decodes_for_itself(blackbox, copies, "Read-only file system")


def test_a_copy_is_read_from_a_file_system_that_cannot_be_written_to(blackbox: Path, copies: Path) -> None:
    with mounted(copies, "size=50m"):
        load_blackbox(blackbox)["a"]
        assert mount("-o", "remount,ro", str(copies))
        process = start(PROGRAM, blackbox)
        said = said_by(process)
        assert (said["decodes"], said["told"], said["pyarrow"]) == (0, [], False)
        assert digest_of(process) == made().digest()


def test_a_file_that_may_not_grow_so_large_leaves_no_copy(blackbox: Path, copies: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"
    process = start(limit + PROGRAM, blackbox)
    said = said_by(process)
    (message,) = said["told"]
    assert f"the cache folder '{copies}' cannot be written to (File too large)" in message
    assert digest_of(process) == made().digest()
    assert files(copies) == []
    check_whole(copies, blackbox)
