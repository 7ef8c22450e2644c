"""Starts a server on a free port of localhost, waits until it answers, and ends it with the tests."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
_PATIENCE = 60


class DidNotStart(Exception):
    """A server ended before it answered; the message holds what it said."""


def free_port() -> int:
    """A port that no process has now; another one may still be faster."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Callable[[int], list[str]], log: Path) -> Iterator[int]:
    """The port on which the command for that port answers HTTP; what it prints is appended to a file."""
    for _ in range(3):
        port = free_port()
        with log.open("ab") as output:
            server = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LEASH), *command(port)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        assert server.stdin is not None
        try:
            if _answers(port, server):
                yield port
                return
        finally:
            server.stdin.close()
            server.wait()
    raise DidNotStart(f"{command(0)} ended at once: {log.read_text(encoding='utf-8', errors='replace')}")


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    """Whether it came to answer; False if it ended."""
    deadline = time.monotonic() + _PATIENCE
    while server.poll() is None:
        if time.monotonic() > deadline:
            raise DidNotStart(f"{server.args!r} does not answer on port {port}")
        try:
            request("HEAD", f"http://127.0.0.1:{port}/")
        except OSError:
            time.sleep(0.01)
        else:
            return server.poll() is None
    return False


def request(method: str, url: str, body: bytes = b"") -> int:
    """The status that a server on localhost gives to a plain request."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(method, "/" + path, body)
        return connection.getresponse().status
    finally:
        connection.close()
