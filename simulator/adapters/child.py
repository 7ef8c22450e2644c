"""A child process that is asked one line and answers one line, and that leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from blackbox_repo.errors import InvalidOption

LONGEST_ANSWER = 1 << 20
"""In bytes."""

GRACE = 2.0
"""Real seconds that a process has for its own end, once its input has ended."""

_MARKS, _GENERATIONS = "BLACKBOX_REPO_CHILD_OF", 100
_CHUNK, _LAST_WORDS, _SHOWN = 1 << 16, 600, 200


class ChildError(Exception):
    """A process that did not answer one line with one line; it was killed."""


class Child:
    """A process that is killed with its children, whatever happens.

    It has a process group of its own. On Linux children that have left that (``setsid``) are found too, by a
    variable in their environment, unless they have thrown it away.

    Args:
        command: What is run, without a shell.

    Raises:
        InvalidOption: It cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = shlex.join(command)
        if os.name != "posix":
            raise InvalidOption("processes as schedulers need a POSIX system, such as Linux, macOS or WSL")
        mark = os.urandom(16).hex()
        marks = f"{os.environ.get(_MARKS, '')} {mark}"  # this process may be somebody's child itself
        try:
            self._process = subprocess.Popen(  # noqa: S603  the command is the user's own
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, _MARKS: marks},
            )
        except OSError as err:
            raise InvalidOption(f"the process {self._command} cannot be started: {err}") from err
        self.kill = weakref.finalize(self, _kill, self._process, mark.encode())
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, self._out, self._err = (pipe.fileno() for pipe in pipes if pipe is not None)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe, False)
        self._heard, self._complaints = bytearray(), bytearray()
        self._asking = False

    def ask(self, line: bytes, seconds: float) -> bytes:
        """Send a line and read the answer, both without the newline.

        Args:
            line: The question.
            seconds: Real time that it may take.

        Raises:
            ChildError: It has ended, takes too long, or writes something else than one line.
        """
        self._asking = True
        if self._read():
            self.fail(f"wrote a line that it was not asked for: {_shorten(self._heard)}")
        try:
            unsent = self._exchange(memoryview(line + b"\n"), time.monotonic() + seconds)
        except TimeoutError:
            self.fail(f"gave no answer in {seconds:g} s of real time (timeout); does it flush its output?")
        answer, newline, more = bytes(self._heard).partition(b"\n")
        if not newline:
            self.fail(self._describe_end())
        if more or unsent:
            why = "answered before it had read the line" if unsent else "wrote more than one line"
            self.fail(f"{why}: {_shorten(self._heard)}")
        self._heard.clear()
        self._asking = False
        return answer

    def close(self) -> None:
        """Close its input, wait for it to end by itself for ``GRACE`` seconds, then kill what is left of it.

        Raises:
            ChildError: It had written more than it was asked.
        """
        if self._asking or not self.kill.alive:
            self.kill()
            return
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        deadline = time.monotonic() + GRACE
        with contextlib.suppress(TimeoutError):
            self._exchange(memoryview(b""), deadline)
        if self._heard:
            self.fail(f"wrote a line that it was not asked for: {_shorten(self._heard)}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(deadline - time.monotonic(), 0))
        self.kill()

    def fail(self, what: str) -> NoReturn:
        """Kill it and raise an error with what it did wrong and the last that it wrote to standard error.

        Raises:
            ChildError: Always.
        """
        while self._read_errors():
            pass
        self.kill()
        lines = self._complaints.decode(errors="replace").splitlines()[-5:]
        words = " | ".join(line.strip() for line in lines if line.strip())
        ending = f"its last words: {words}" if words else "without a word on its standard error"
        raise ChildError(f"{self._command} {what}; it was killed, {ending}")

    def _exchange(self, unsent: memoryview, deadline: float) -> memoryview:
        """Write and read until a line has come or its output has ended; return what could not be written."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            if unsent:
                selector.register(self._in, selectors.EVENT_WRITE)
            while b"\n" not in self._heard and len(self._heard) <= LONGEST_ANSWER:
                ready = [key.fd for key, _ in selector.select(deadline - time.monotonic())]
                if not ready:
                    raise TimeoutError
                if self._in in ready:
                    try:
                        unsent = unsent[os.write(self._in, unsent[:_CHUNK]) :]
                    except OSError:  # it reads no more; what it has written tells more
                        unsent = unsent[:0]
                    if not unsent:
                        selector.unregister(self._in)
                if self._err in ready and not self._read_errors():
                    selector.unregister(self._err)
                if self._out in ready and not self._read():
                    break
        return unsent

    def _read(self) -> bool:
        """Read what it has written; return whether there was something."""
        with contextlib.suppress(BlockingIOError):
            news = os.read(self._out, _CHUNK)
            self._heard += news
            return bool(news)
        return False

    def _read_errors(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            news = os.read(self._err, _CHUNK)
            self._complaints += news
            del self._complaints[:-_LAST_WORDS]
            return bool(news)
        return False

    def _describe_end(self) -> str:
        if len(self._heard) > LONGEST_ANSWER:
            return f"wrote a line of more than {LONGEST_ANSWER} bytes: {_shorten(self._heard)}"
        try:
            status = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "closed its standard output"
        if status < 0:
            return f"was killed by signal {-status} ({signal.strsignal(-status)})"
        return f"ended with status {status} and no answer"


def _kill(process: subprocess.Popen[bytes], mark: bytes) -> None:
    """Kill the process with its whole group and all that it has started, and leave no zombie."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(_GENERATIONS):
        descendants = _find_marked(mark)
        if not descendants:
            break
        for descendant in descendants:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(descendant, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _find_marked(mark: bytes) -> list[int]:
    """The numbers of the processes with this in their environment; none where there is no ``/proc``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def _shorten(data: bytearray) -> str:
    text = bytes(data[: _SHOWN + 1]).decode(errors="replace")
    return text[:_SHOWN] + ("..." if len(text) > _SHOWN else "")
