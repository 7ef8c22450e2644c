"""The servers serve, the proxy does what was planned and counts, and no server outlives its tests."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import proxy as faults
from tests.servers.fixtures import Bucket, Site, WebServer
from tests.servers.proxy import FaultyProxy
from tests.servers.running import request, running

CONTENT = bytes(range(256)) * 40
ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(http_server: WebServer) -> Iterator[FaultyProxy]:
    """A proxy before a server that has a file of known content."""
    (http_server.folder / "file").write_bytes(CONTENT)
    with FaultyProxy(http_server.address) as proxy:
        yield proxy


def get(proxy: FaultyProxy, path: str = "file", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(proxy.address.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", f"/{path}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_web_server_serves_the_folder(web: Site) -> None:
    (web.folder / "a b").write_bytes(CONTENT)
    assert get(web.proxy, f"{web.folder.name}/a%20b") == (200, CONTENT)
    status, body = get(web.proxy, f"{web.folder.name}/a%20b", Range="bytes=5-9")
    assert (status, body) == ((206, CONTENT[5:10]) if web.server.knows_ranges else (200, CONTENT))
    assert get(web.proxy, f"{web.folder.name}/none")[0] == 404
    assert [r.status for r in web.proxy.requests] == [200, status, 404]


def test_a_bucket_keeps_an_object(s3: Bucket) -> None:
    s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    files = s3fs.S3FileSystem(**s3.options, use_listings_cache=False, skip_instance_cache=True)
    files.pipe_file(f"{s3.name}/a b/ü", CONTENT)
    assert files.cat_file(f"{s3.name}/a b/ü", start=5, end=10) == CONTENT[5:10]
    assert files.find(s3.name) == [f"{s3.name}/a b/ü"]
    assert [r.where for r in s3.proxy.asked("PUT")] == [f"/{s3.name}/a b/ü"]
    assert s3.proxy.asked("PUT")[0].sent > len(CONTENT)


def test_only_one_of_the_servers_heeds_conditions(s3: Bucket) -> None:
    s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    files = s3fs.S3FileSystem(**s3.options, use_listings_cache=False, skip_instance_cache=True)
    files.pipe_file(f"{s3.name}/x", b"first")
    if s3.server.knows_conditions:
        with pytest.raises(OSError, match="pre-condition"):
            files.pipe_file(f"{s3.name}/x", b"second", mode="create")
        assert files.cat_file(f"{s3.name}/x") == b"first"
    else:
        files.pipe_file(f"{s3.name}/x", b"second", mode="create")
        assert files.cat_file(f"{s3.name}/x") == b"second"


def test_a_fault_is_for_the_requests_that_were_planned(site: FaultyProxy) -> None:
    site.plan(faults.answer(503), "GET", "file$", skip=1, times=2)
    assert [get(site)[0] for _ in range(4)] == [200, 503, 503, 200]
    assert [get(site, "none")[0], len(site.asked("GET", "file$"))] == [404, 4]
    site.forget()
    assert site.requests == []


def test_an_error_of_s3_names_its_code(site: FaultyProxy) -> None:
    site.plan(faults.answer_s3(403, "RequestTimeTooSkewed"))
    status, body = get(site)
    assert status == 403
    assert b"<Code>RequestTimeTooSkewed</Code>" in body


def test_bytes_are_counted_with_their_headers(site: FaultyProxy) -> None:
    get(site)
    assert len(CONTENT) < site.received < len(CONTENT) + 400
    assert 20 < site.requests[0].sent < 200


@pytest.mark.parametrize("fault", [faults.cut_after(1000), faults.stated_length(len(CONTENT) + 1)])
def test_a_body_that_is_cut_has_the_length_of_the_whole(site: FaultyProxy, fault: faults.Fault) -> None:
    site.plan(fault, times=1)
    with pytest.raises(http.client.IncompleteRead):
        get(site)
    assert get(site) == (200, CONTENT)


def test_a_truncated_body_looks_whole(site: FaultyProxy) -> None:
    site.plan(faults.truncated_to(1000))
    assert get(site) == (200, CONTENT[:1000])


def test_one_bit_is_flipped(site: FaultyProxy) -> None:
    site.plan(faults.flipped_bit(-2))
    different = [(a, b) for a, b in zip(CONTENT, get(site)[1], strict=True) if a != b]
    assert different == [(254, 255)]


@pytest.mark.parametrize("fault", [faults.delayed(0.2), faults.dripping(len(CONTENT) // 4, 0.05)])
def test_a_slow_answer_is_whole(site: FaultyProxy, fault: faults.Fault) -> None:
    site.plan(fault)
    began = time.monotonic()
    assert get(site) == (200, CONTENT)
    assert time.monotonic() - began > 0.15


def test_an_endless_body_goes_on_until_the_client_has_enough(site: FaultyProxy) -> None:
    site.plan(faults.endless())
    connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=10)
    connection.request("GET", "/file")
    with connection.getresponse() as answer:
        assert len(answer.read(1_000_000)) == 1_000_000
    connection.close()


@pytest.mark.parametrize("fault", [faults.dropped, faults.lost_answer, faults.reset])
def test_a_dropped_connection_gives_no_answer(site: FaultyProxy, fault: faults.Fault) -> None:
    site.plan(fault, times=1)
    with pytest.raises(ConnectionResetError if fault is faults.reset else http.client.RemoteDisconnected):
        get(site)
    assert get(site) == (200, CONTENT)


def test_ranges_can_be_forgotten(web: Site) -> None:
    (web.folder / "file").write_bytes(CONTENT)
    web.proxy.plan(faults.without_ranges)
    assert get(web.proxy, f"{web.folder.name}/file", Range="bytes=5-9") == (200, CONTENT)
    assert web.proxy.requests[0].headers["Range"] == "bytes=5-9"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such option')"]
    with (
        pytest.raises(Exception, match="no such option"),
        running(lambda _: command, tmp_path / "log"),
    ):
        pass


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path, ending: signal.Signals) -> None:
    """The second signal is sent to the leash as well, as by timeout, or when a terminal is closed."""
    code = f"""
import pathlib, sys, time
from tests.servers.running import running
command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
with running(lambda port: [*command, str(port)], pathlib.Path({str(tmp_path / "log")!r})) as port:
    print(port, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as owner:
        assert owner.stdout is not None
        address = f"http://127.0.0.1:{int(owner.stdout.readline())}/"
        assert request("GET", address) == 200
        if ending == signal.SIGTERM:
            os.killpg(owner.pid, ending)
        else:
            owner.send_signal(ending)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            request("GET", address)
        except ConnectionError:
            return
        time.sleep(0.02)
    pytest.fail("the server goes on")
