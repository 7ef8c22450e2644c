"""The type of a file of unknown hash: whether it begins as its name says, and whether it is complete."""

from __future__ import annotations

import zipfile
from pathlib import Path

_SHOWN = 60  # bytes that a message shows of the beginning of a file
_HTML = (b"<!doctype html", b"<html")  # hosts send a page in place of a file: a login, a notice
# ending of a name -> the magic bytes with which such files begin
_MAGIC = {
    ".bz2": (b"BZh",),
    ".gz": (b"\x1f\x8b",),
    ".hdf5": (b"\x89HDF",),
    ".json": (b"{", b"["),
    ".onnx": (b"\x08",),  # its first field, the version
    ".parquet": (b"PAR1",),
    ".pbz2": (b"BZh",),
    ".tgz": (b"\x1f\x8b",),
    ".xz": (b"\xfd7zXZ",),
    ".zip": (b"PK",),
}


def find_mismatch(path: Path, name: str) -> str:
    """What shows that a file is not of the type that its name says, or not complete; empty if nothing does.

    Args:
        path: Where the file lies.
        name: The name that it should have, whose ending says its type.
    """
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        return "is empty"
    text, ending = start.lstrip(b"\xef\xbb\xbf \t\r\n"), Path(name).suffix.lower()
    magic = _MAGIC.get(ending, (b"",))
    is_page = text.lower().startswith(_HTML) and ending not in (".html", ".htm")
    if is_page or not (text if ending == ".json" else start).startswith(magic):
        return f"begins with {start[:_SHOWN]!r}, as no {ending or 'such'} file does"
    if ending == ".zip" and not zipfile.is_zipfile(path):
        return "is truncated: a .zip file has a directory at its end"
    return ""
