from __future__ import annotations

import hashlib
import io
from pathlib import Path

from blackbox_repo.transfer.hashes import hash_file, hash_folder, hash_stream

CONTENT = bytes(range(256)) * 5000  # more than one piece


def test_the_rest_of_a_stream_is_hashed_and_measured() -> None:
    stream = io.BytesIO(b"before" + CONTENT)
    stream.seek(6)
    assert hash_stream(stream) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert hash_stream(stream) == (hashlib.sha256(b"").hexdigest(), 0)


def test_a_folder_has_the_hash_of_what_sha256sum_prints(tmp_path: Path) -> None:
    files = {"a": b"x", "b": CONTENT}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    printed = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in files)
    paths = [tmp_path / name for name in files]
    assert hash_folder(paths) == (hashlib.sha256(printed.encode()).hexdigest(), 1 + len(CONTENT))
    assert hash_file(paths[1]) == hash_stream(io.BytesIO(CONTENT))
