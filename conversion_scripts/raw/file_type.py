"""What a file of unknown hash must look like: as its name says, and whole as far as that shows."""

from __future__ import annotations

import zipfile
from pathlib import Path

_SHOWN = 60  # bytes of another beginning that a message shows
_PAGES = (b"<!doctype html", b"<html")  # what hosts give in place of a file: a login, a notice
# ending -> how such files begin
_BEGINNINGS = {
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


def mismatch(path: Path, name: str) -> str:
    """What is wrong with a file that should be called ``name``; empty if nothing shows.

    Args:
        path: Where it lies.
        name: Its name, whose ending says what it should be.
    """
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        return "is empty"
    text, ending = start.lstrip(b"\xef\xbb\xbf \t\r\n"), Path(name).suffix.lower()
    known = _BEGINNINGS.get(ending, (b"",))
    page = text.lower().startswith(_PAGES) and ending not in (".html", ".htm")
    if page or not (text if ending == ".json" else start).startswith(known):
        return f"begins with {start[:_SHOWN]!r}, as no {ending or 'such'} file does"
    if ending == ".zip" and not zipfile.is_zipfile(path):
        return "is cut: a .zip file has a directory at its end"
    return ""
