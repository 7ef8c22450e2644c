"""A proxy for HTTP on localhost that counts requests and bytes, and does harm where a test has planned it.

A fault is a function of an `Exchange`: it may ask the server, and it writes to the client what it wants. The
faults below are made by functions: ``proxy.plan(cut_after(1000), "GET", "objects/", times=2)``.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit

_BETWEEN_TWO_HOSTS = {"connection", "expect", "keep-alive", "transfer-encoding"}
"""Headers that are not handed on."""


@dataclass(frozen=True)
class Answer:
    """A complete answer of a server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Request:
    """What one request was, and how many bytes it and its answer had on the wire, headers included."""

    method: str
    path: str
    headers: dict[str, str]
    sent: int = 0
    received: int = 0
    status: int = 0

    @property
    def where(self) -> str:
        """The path as people read it, with the query."""
        return unquote(self.path)


@dataclass
class Exchange:
    """One request whose answer is still open: what a fault sees."""

    handler: _Handler
    request: Request
    body: bytes

    def ask(self, without: str = "") -> Answer:
        """The server's own answer to the request, or to the request without one of its headers."""
        headers = {name: value for name, value in self.request.headers.items() if name.lower() != without}
        return self.handler.forward(replace(self.request, headers=headers), self.body)

    def write_head(self, answer: Answer) -> None:
        """The status line and the headers as they are; the content length is the body's if none is stated."""
        stated = {name.lower() for name, _ in answer.headers}
        length = () if "content-length" in stated else (("Content-Length", str(len(answer.body))),)
        reason = http.client.responses.get(answer.status, "")
        lines = [f"HTTP/1.1 {answer.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in (*answer.headers, *length)]
        self.request.status = answer.status
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def write(self, content: bytes) -> None:
        """Bytes to the client, counted."""
        self.request.received += len(content)  # before the client can have read it
        self.handler.wfile.write(content)

    def write_answer(self, answer: Answer) -> None:
        self.write_head(answer)
        if self.request.method != "HEAD":
            self.write(answer.body)

    def drop(self) -> None:
        """Close the connection, whatever was promised."""
        self.handler.close_connection = True


Fault = Callable[[Exchange], None]


@dataclass
class _Plan:
    fault: Fault
    method: str
    path: re.Pattern[str]
    skip: int
    times: float

    def takes(self, request: Request) -> bool:
        """Whether this request has the fault; a request that matches is counted."""
        if self.method not in ("*", request.method) or not self.path.search(request.where):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one connection to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener
    upstream: http.client.HTTPConnection | None = None

    def parse_request(self) -> bool:
        """As any method is handled in the same way, none has a function of its own."""
        if not super().parse_request():
            return False
        setattr(self, f"do_{self.command}", self.handle_any)
        return True

    def handle_any(self) -> None:
        proxy = self.server.proxy
        body = self.read_body()
        head = len(self.raw_requestline) + len(self.headers.as_bytes())
        request = Request(self.command, self.path, dict(self.headers.items()), head + len(body))
        exchange = Exchange(self, request, body)
        fault = proxy.take(request)
        try:
            if fault is None:
                exchange.write_answer(exchange.ask())
            else:
                fault(exchange)
        except (ConnectionError, TimeoutError):
            exchange.drop()  # the client has gone, or the server

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def forward(self, request: Request, body: bytes) -> Answer:
        """The answer of the server to the same bytes; the host that a client signed stays."""
        if self.upstream is None:
            self.upstream = http.client.HTTPConnection(*self.server.proxy.behind, timeout=60)
        self.upstream.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name.lower() not in {*_BETWEEN_TWO_HOSTS, "content-length"}:
                self.upstream.putheader(name, value)
        if body or request.method in ("PUT", "POST"):
            self.upstream.putheader("Content-Length", str(len(body)))
        self.upstream.endheaders(body)
        with self.upstream.getresponse() as answer:
            content = answer.read()
            headers = [item for item in answer.getheaders() if item[0].lower() not in _BETWEEN_TWO_HOSTS]
            return Answer(answer.status, tuple(headers), content)

    def finish(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
        super().finish()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: FaultyProxy

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error here."""


@dataclass
class FaultyProxy:
    """Stands before a server, whose address is such as ``http://127.0.0.1:80``, in a ``with`` block."""

    server: str
    requests: list[Request] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: _Listener = field(init=False)

    def __enter__(self) -> FaultyProxy:
        self._listener = _Listener(("127.0.0.1", 0), _Handler)
        self._listener.proxy = self
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def behind(self) -> tuple[str, int]:
        parts = urlsplit(self.server)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def plan(
        self, fault: Fault, method: str = "*", path: str = "", *, skip: int = 0, times: float = float("inf")
    ) -> None:
        """Let requests have a fault whose method and decoded path match, from the one after ``skip`` on."""
        with self._lock:
            self._plans.append(_Plan(fault, method, re.compile(path), skip, times))

    def take(self, request: Request) -> Fault | None:
        """Note a request; the fault that it is to have."""
        with self._lock:
            self.requests.append(request)
            return next((plan.fault for plan in self._plans if plan.takes(request)), None)

    def forget(self) -> None:
        """No more faults, and nothing counted."""
        with self._lock:
            self._plans.clear()
            self.requests.clear()

    def asked(self, method: str = "*", path: str = "") -> list[Request]:
        """The requests so far whose method and decoded path match."""
        with self._lock:
            return [r for r in self.requests if method in ("*", r.method) and re.search(path, r.where)]

    @property
    def received(self) -> int:
        """Bytes that all clients were sent, headers included."""
        return sum(request.received for request in self.asked())


def answer(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Fault:
    """An answer that the server never gave, nor was it asked."""
    return lambda exchange: exchange.write_answer(Answer(status, headers, body))


def answer_s3(status: int, code: str, message: str = "Injected by the test.") -> Fault:
    """An error as S3 words it, such as ``answer_s3(403, "RequestTimeTooSkewed")``."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>{error}'.encode()
    return answer(status, body, ("Content-Type", "application/xml"))


def cut_after(size: int) -> Fault:
    """The first bytes of the body under the content length of the whole, then the end of the connection."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.ask()
        exchange.write_head(whole)
        exchange.write(whole.body[:size])
        exchange.drop()

    return fault


def truncated_to(size: int) -> Fault:
    """The first bytes of the body as if they were all: the content length is theirs."""

    def fault(exchange: Exchange) -> None:
        exchange.write_answer(_with_body(exchange.ask(), lambda body: body[:size]))

    return fault


def flipped_bit(offset: int) -> Fault:
    """One bit of the body changed, at an offset from its start, or from its end if it is negative."""

    def flip(body: bytes) -> bytes:
        damaged = bytearray(body)
        damaged[offset] ^= 1
        return bytes(damaged)

    return lambda exchange: exchange.write_answer(_with_body(exchange.ask(), flip))


def delayed(seconds: float) -> Fault:
    """The answer, after a while."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.write_answer(exchange.ask())

    return fault


def dripping(size: int, seconds: float) -> Fault:
    """The body in pieces of some bytes, with a pause after each."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.ask()
        exchange.write_head(whole)
        for start in range(0, len(whole.body), size):
            exchange.write(whole.body[start : start + size])
            time.sleep(seconds)

    return fault


def endless(block: bytes = bytes(65536), most: int = 1 << 30) -> Fault:
    """A body without an end and without a content length; a client that reads a gigabyte is let go."""

    def fault(exchange: Exchange) -> None:
        exchange.drop()
        exchange.request.status = 200
        exchange.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while exchange.request.received < most:
            exchange.write(block)

    return fault


def dropped(exchange: Exchange) -> None:
    """The connection ends without an answer; the server was not asked."""
    exchange.drop()


def reset(exchange: Exchange) -> None:
    """The connection ends by a reset, as when a process dies; the server was not asked."""
    exchange.drop()
    connection = exchange.handler.connection
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())


def lost_answer(exchange: Exchange) -> None:
    """The server does what it was asked, and the client never learns of it."""
    exchange.ask()
    exchange.drop()


def stated_length(size: int) -> Fault:
    """The whole body under a wrong content length; then the connection ends."""

    def fault(exchange: Exchange) -> None:
        whole = exchange.ask()
        kept = tuple(item for item in whole.headers if item[0].lower() != "content-length")
        exchange.write_answer(replace(whole, headers=(*kept, ("Content-Length", str(size)))))
        exchange.drop()

    return fault


def without_ranges(exchange: Exchange) -> None:
    """The whole file under status 200, as from a server that does not know ranges."""
    exchange.write_answer(exchange.ask(without="range"))


def _with_body(whole: Answer, change: Callable[[bytes], bytes]) -> Answer:
    kept = tuple(item for item in whole.headers if item[0].lower() != "content-length")
    return replace(whole, headers=kept, body=change(whole.body))
