"""A web host on this machine, with everything that hosts do wrong."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class Page:
    """What is at a path.

    Args:
        content: The file.
        ranges: Whether the host gives parts.
        cuts: For each of the first requests, after how many bytes of the answer it breaks the connection.
        statuses: For each of the first requests, the error that it gets instead.
        location: Where a redirect leads.
        headers: More of them.
        pause: Seconds before each answer.
        chunked: Whether the size is kept secret, as of content that is made as it is sent.
        shift: How far off the parts are that the host gives.
        status: The status of an answer with the whole file, whatever was asked for.
        part: The most bytes of a part.
        trickle: Seconds between the bytes of an answer.
        slow_headers: Whether its headers come as slowly.
    """

    content: bytes = b""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    chunked: bool = False
    shift: int = 0
    status: int = 200
    part: int = 1 << 30
    trickle: float = 0.0
    slow_headers: bool = False


@dataclass
class Host:
    """The pages by path, and the requests in their order: path and range, and all headers."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return self.address + path


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = Host(f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_address[1]}")
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: they are killed in some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.host.asked.append((self.path, wanted))
        self.server.host.headers.append(dict(self.headers.items()))
        page = self.server.host.pages.get(self.path)
        if page is None:
            self.reply(404, {}, b"")
        elif page.statuses:
            self.reply(page.statuses.pop(0), page.headers, b"")
        elif page.location:
            self.reply(302, {"Location": page.location}, b"")
        else:
            self.give(page, wanted)

    def give(self, page: Page, wanted: str) -> None:
        if page.pause:
            time.sleep(page.pause)
        body, headers, status, size = page.content, dict(page.headers), page.status, len(page.content)
        same = self.headers.get("If-Range", page.headers.get("ETag")) == page.headers.get("ETag")
        if wanted and page.ranges and same:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop, status = int(first) + page.shift, int(last or size) + 1, 206
            if start >= size:
                self.reply(416, {"Content-Range": f"bytes */{size}"}, b"")
                return
            end = min(size, stop + page.shift, start + page.part)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            body = page.content[start:end]
        sent = body[: page.cuts.pop(0)] if page.cuts else body
        self.close_connection = len(sent) < len(body)
        if page.chunked:
            end = b"" if self.close_connection else b"\r\n0\r\n\r\n"
            framed = b"%x\r\n%s%s" % (len(body), sent, end)
            self.send(status, {**headers, "Transfer-Encoding": "chunked"}, framed)
        else:
            self.send(status, {**headers, "Content-Length": str(len(body))}, sent, page)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send(status, {**headers, "Content-Length": str(len(body))}, body)

    def send(self, status: int, headers: dict[str, str], body: bytes, page: Page = Page()) -> None:  # noqa: B008
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if page.slow_headers:
            self.flush_headers()
            self.trickle(b"X-Slow: " + b"x" * 10_000, page.trickle)
        self.end_headers()
        self.trickle(body, page.trickle)

    def trickle(self, content: bytes, pause: float) -> None:
        if not pause:
            self.wfile.write(content)
        for place in range(len(content) if pause else 0):
            self.wfile.write(content[place : place + 1])
            time.sleep(pause)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Host]:
    """A host that answers until the block ends, with TLS if it has a certificate."""
    server = _Server(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
