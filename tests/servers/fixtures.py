"""Fixtures: a bucket on each of two S3 servers, a folder on each of two web servers, and a proxy before them.

    s3          a bucket of the test's own, once on moto and once on s3rver
    web         a folder of the test's own, once behind nginx and once behind Python's http.server
    moto, s3rver, nginx, http_server    the servers, each started once for a process that runs tests

``s3.url`` and ``web.url`` lead through ``s3.proxy`` and ``web.proxy``, which do what a test has planned.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.servers import install
from tests.servers.proxy import FaultyProxy
from tests.servers.running import request, running

_NUMBERS = count()
_NGINX = """
daemon off;
master_process off;
pid {scratch}/pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
    }}
}}
"""


@dataclass(frozen=True)
class S3Server:
    """A server that speaks S3, and the credentials that it admits."""

    name: str
    address: str
    key: str
    secret: str
    knows_conditions: bool
    """Whether it heeds If-None-Match and If-Match; s3rver overwrites whatever is there."""
    checks_signatures: bool


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test's own, through a proxy."""

    server: S3Server
    name: str
    proxy: FaultyProxy

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    @property
    def options(self) -> dict[str, object]:
        """The storage options with which fsspec opens it through the proxy."""
        return {
            "key": self.server.key,
            "secret": self.server.secret,
            "endpoint_url": self.proxy.address,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same for another process, in the variables that AWS has for it."""
        return {
            "AWS_ACCESS_KEY_ID": self.server.key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret,
            "AWS_ENDPOINT_URL": self.proxy.address,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@dataclass(frozen=True)
class WebServer:
    """A server of the files in a folder."""

    name: str
    address: str
    folder: Path
    knows_ranges: bool


@dataclass(frozen=True)
class Site:
    """A folder of one test's own, and where the web has it, through a proxy."""

    server: WebServer
    folder: Path
    proxy: FaultyProxy

    @property
    def url(self) -> str:
        return f"{self.proxy.address}/{self.folder.name}"


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    program = _program("moto")
    log = tmp_path_factory.mktemp("moto") / "log"
    with running(lambda port: [*program, "-H", "127.0.0.1", "-p", str(port)], log) as port:
        yield S3Server("moto", f"http://127.0.0.1:{port}", "testing", "testing", True, False)


@pytest.fixture(scope="session")
def s3rver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    program = _program("s3rver")
    scratch = tmp_path_factory.mktemp("s3rver")
    options = ["--directory", str(scratch / "buckets"), "--address", "127.0.0.1", "--silent", "--port"]
    (scratch / "buckets").mkdir()
    with running(lambda port: [*program, *options, str(port)], scratch / "log") as port:
        yield S3Server("s3rver", f"http://127.0.0.1:{port}", "S3RVER", "S3RVER", False, True)


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    program = _program("nginx")
    scratch, folder = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("nginx-root")

    def command(port: int) -> list[str]:
        text = _NGINX.format(port=port, folder=folder, scratch=scratch)
        (scratch / "nginx.conf").write_text(text, encoding="utf-8")
        return [*program, "-e", "stderr", "-p", str(scratch), "-c", str(scratch / "nginx.conf")]

    with running(command, scratch / "log") as port:
        yield WebServer("nginx", f"http://127.0.0.1:{port}", folder, True)


@pytest.fixture(scope="session")
def http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("http-server-root")
    options = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder)]
    log = tmp_path_factory.mktemp("http-server") / "log"
    with running(lambda port: [sys.executable, "-u", *options, str(port)], log) as port:
        yield WebServer("http.server", f"http://127.0.0.1:{port}", folder, False)


@pytest.fixture(params=["moto", "s3rver"])
def s3(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    yield from buckets(request)


def buckets(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """An empty bucket on the server that the parameter of a fixture names."""
    server: S3Server = request.getfixturevalue(request.param)
    with FaultyProxy(server.address) as proxy:
        yield make_bucket(server, proxy)


@pytest.fixture(params=["nginx", "http_server"])
def web(request: pytest.FixtureRequest) -> Iterator[Site]:
    server: WebServer = request.getfixturevalue(request.param)
    folder = server.folder / f"site-{next(_NUMBERS)}"
    folder.mkdir()
    with FaultyProxy(server.address) as proxy:
        yield Site(server, folder, proxy)


def make_bucket(server: S3Server, proxy: FaultyProxy) -> Bucket:
    """A new, empty bucket."""
    name = f"bucket-{next(_NUMBERS)}"
    status = request("PUT", f"{server.address}/{name}")
    assert status == 200, f"{server.name} answers {status} to a new bucket"
    return Bucket(server, name, proxy)


def _program(name: str) -> list[str]:
    find: Callable[[], list[str] | None] = install.SERVERS[name][0]
    found = find()
    if found is not None:
        return found
    missing = f"{name} is not installed: tests/servers/install does that"
    if os.environ.get("BB_SERVERS_REQUIRED"):
        pytest.fail(missing)
    pytest.skip(missing)
