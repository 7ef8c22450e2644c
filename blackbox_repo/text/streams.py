"""Prepares the standard streams of a command: all are open, and all can write any text."""

from __future__ import annotations

import codecs
import io
import os
import sys
from pathlib import Path
from typing import Any

_DRAWING = {
    **dict.fromkeys("─╌━", "-"),
    **dict.fromkeys("│┃┤├", "|"),
    **dict.fromkeys("╭╮", "."),
    **dict.fromkeys("╰╯", "'"),
    **dict.fromkeys("┌┐└┘┬┴┼╸╺", "+"),
    **dict.fromkeys("▁▂▃", "."),
    **dict.fromkeys("▄▅▆", "o"),
    **dict.fromkeys("▇█", "#"),
    "…": "~",
}
_IN_ASCII = "blackbox_repo.in_ascii"
STDOUT = "standard output"
"""The file name in errors of stdout."""


def prepare() -> None:
    """Open closed streams on the null device, and let every stream write every character.

    Characters that an encoding other than UTF-8 lacks are drawn with ASCII, or written as their escapes. An
    error of stdout, such as a full disk, has its name.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # in this order each takes its own descriptor, the lowest free one
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  for good
    codecs.register_error(_IN_ASCII, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_IN_ASCII)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _with_named_errors(sys.stdout)


class _NamedFile(io.FileIO):
    """A file that was opened by its descriptor, and whose errors have a file name nevertheless."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as err:
            err.filename = STDOUT
            raise


def _with_named_errors(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    buffer: Any = stream.buffer
    buffered = isinstance(buffer, io.BufferedWriter)  # not with python -u
    if not isinstance(buffer.raw if buffered else buffer, io.FileIO):
        return stream
    file: Any = _NamedFile(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file) if buffered else file,
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _in_ascii(err: UnicodeError) -> tuple[str, int]:
    if not isinstance(err, UnicodeEncodeError):
        raise err
    replaced = (_DRAWING.get(c, ascii(c)[1:-1]) for c in err.object[err.start : err.end])
    return "".join(replaced), err.end


def silence_stdout() -> None:
    """Discard everything that is written to stdout from now on.

    The interpreter flushes the buffer once more when it ends, and would fail again after a failed write.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


__all__ = ["STDOUT", "prepare", "silence_stdout"]
