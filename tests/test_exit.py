"""Short scripts end as they should: no thread of Arrow holds memory of Python when the interpreter ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from blackbox_repo import describe
from blackbox_repo.roots.find import locate
from blackbox_repo.store.parquet import read_arrays, read_table

ROOT = Path(__file__).parents[1]
AT_A_TIME = 4

LOAD = "from blackbox_repo import load_blackbox; load_blackbox('nasbench-macro')['cifar10']"
NETWORK = "from blackbox_repo import load_blackbox; load_blackbox('yahpo-lcbench')['3945']"
RUN = """
import sys
from blackbox_repo import load_blackbox, views
from simulator import RandomSearch, Run, Stop, simulate
box = views.with_time_model(load_blackbox('nasbench-macro')['cifar10'], 60)
simulate(box, RandomSearch, workers=2, stop=Stop(trials_started=5)).save(sys.argv[1])
Run.load(sys.argv[1]).reports()
"""


@pytest.mark.parametrize("name", ["nasbench201-final", "yahpo-lcbench"])
def test_nobody_holds_the_bytes_of_a_file_when_they_have_been_decoded(name: str) -> None:
    manifest, folder = describe(name), locate(name).folder
    task = next(iter(manifest.tasks))
    path = folder / manifest.task(task).file
    held = 0
    for _ in range(20):
        content = path.read_bytes()
        before = sys.getrefcount(content)
        if manifest.network:
            decoded: object = read_arrays(content, path)
        else:
            decoded = read_table(content, manifest.schema_of(task), manifest.labels, path)
        held += sys.getrefcount(content) - before
        del decoded
    assert held == 0


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Other processes that want the same cores."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_none_of_300_short_scripts_aborts_while_the_machine_is_busy(tmp_path: Path) -> None:
    def status(number: int) -> tuple[int, str]:
        script = (LOAD, NETWORK, RUN)[number % 3]
        command = [sys.executable, "-c", script, str(tmp_path / str(number))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    with load(processes=4), ThreadPoolExecutor(AT_A_TIME) as pool:
        outcomes = list(pool.map(status, range(300)))
    assert [outcome for outcome in outcomes if outcome != (0, "")] == []
