"""Many processes fetch one blackbox at once, and one that is interrupted says what it has kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox, publish
from tests.blackbox_repo.roots.shelf import PACKAGE, Shelf
from tests.servers import proxy as faults
from tests.servers.fixtures import Site, WebServer
from tests.servers.proxy import FaultyProxy

ROOT = Path(__file__).parents[3]
NAME, TASK = "icml-xgboost", "a6a"
LOAD = """
import sys
from blackbox_repo import Source, load_blackbox
from blackbox_repo.store import cache, parquet
cache.SMALLEST = 0
decode, decoded = parquet.read_table, []
def counted(*arguments):
    decoded.append(arguments)
    return decode(*arguments)
parquet.read_table = counted
sys.stdin.readline()
found = load_blackbox(sys.argv[1], source=Source([sys.argv[2]]))[sys.argv[3]]
print(found.digest(), len(decoded))
"""


@pytest.fixture
def site(nginx: WebServer, tmp_path: Path) -> Iterator[Site]:
    """A root behind a proxy that sends files slowly."""
    folder = nginx.folder / f"{tmp_path.parent.name}-{tmp_path.name}"
    publish(NAME, folder, source=PACKAGE)
    with FaultyProxy(nginx.address) as proxy:
        proxy.plan(faults.dripping(16384, 0.02), "GET", "/objects/")
        yield Site(nginx, folder, proxy)


def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_one_of_many_processes_downloads_and_one_decodes(count: int, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    processes = [started("-c", LOAD, NAME, site.url, TASK, BLACKBOX_CACHE=str(folder)) for _ in range(count)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in processes]
    assert [errors for _, errors in said if errors] == []
    assert {output.split()[0] for output, _ in said} == {load_blackbox(NAME, source=PACKAGE)[TASK].digest()}
    assert sum(int(output.split()[1]) for output, _ in said) == 1
    assert len(site.proxy.asked("GET", "/objects/")) == 1
    assert len(site.proxy.asked("GET", "/manifests/")) <= count
    assert [path for path in folder.rglob(".*") if path.suffix != ".lock"] == []
    assert list(folder.rglob(".*.lock")) == []


def wait_for(path: Path, size: int) -> None:
    """Wait until a download has brought so many bytes."""
    deadline = time.monotonic() + 60
    while sum(part.stat().st_size for part in path.rglob(".*.part")) < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(("signum", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_fetch_that_is_interrupted_says_what_is_kept(
    signum: signal.Signals, word: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("-m", "blackbox_repo", "fetch", NAME, "--root", site.url)
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    process = started(*arguments)
    wait_for(tmp_path / "cache", 100_000)
    process.send_signal(signum)
    output, errors = process.communicate()
    assert (process.returncode, output) == (128 + signum, "")
    kept = "what was downloaded so far is kept; the same command continues from there"
    assert errors == f"bb-repo: {word}; {kept}\n"
    assert [path for path in (tmp_path / "cache").rglob(".*") if path.suffix != ".part"] == []
    begun = sum(request.received for request in site.proxy.asked("GET", "/objects/"))
    site.proxy.forget()
    process = started(*arguments)
    assert process.communicate()[1] == ""
    size = sum(path.stat().st_size for path in (site.folder / "objects").iterdir())
    rest = sum(request.received for request in site.proxy.asked("GET", "/objects/"))
    assert begun + rest < size + 200_000
    assert site.proxy.asked("GET", "/objects/")[0].headers["Range"].startswith("bytes=1")
    assert load_blackbox(NAME, source=Source((site.url,), offline=True))[TASK]


def test_a_fetch_from_a_bucket_that_is_interrupted_says_what_is_kept(shelf: Shelf) -> None:
    publish(NAME, shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    shelf.proxy.plan(faults.dripping(4096, 0.05), "GET", "/objects/")
    # aiohttp warns at the end of a process that does not wait for its connections
    process = started(
        "-W", "ignore::ResourceWarning", "-m", "blackbox_repo", "fetch", NAME, "--root", shelf.url
    )
    deadline = time.monotonic() + 60
    while not shelf.proxy.asked("GET", "/objects/") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130
    assert errors.startswith("bb-repo: interrupted; what was downloaded so far is kept")
    assert errors.count("\n") == 1
    shelf.proxy.forget()
    process = started("-m", "blackbox_repo", "fetch", NAME, "--root", shelf.url)
    assert process.communicate()[1] == ""
