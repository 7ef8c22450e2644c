"""File systems of fsspec other than S3: what every storage promises, on one that lies in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, NotInRoot
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.fsspec_storage import FsspecStorage

fsspec = pytest.importorskip("fsspec", reason="the extra s3 is not installed")

CONTENT = bytes(range(256)) * 10_000  # more than two pieces


@pytest.fixture
def storage() -> Iterator[FsspecStorage]:
    memory = fsspec.filesystem("memory")
    yield FsspecStorage(parse_address("memory://shelf/of/mine", "--root"), {})
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_files_are_written_listed_read_and_removed(storage: FsspecStorage) -> None:
    storage.write("objects/b", CONTENT)
    storage.write("a", b"")
    assert [(e.path, e.size) for e in storage.list("")] == [("a", 0), ("objects/b", len(CONTENT))]
    assert [e.path for e in storage.list("objects")] == ["objects/b"]
    assert storage.list("none") == []
    assert storage.read("a", 10) == b""
    assert storage.read("objects/b", len(CONTENT)) == CONTENT
    with pytest.raises(FormatError, match="larger than the 1000 bytes"):
        storage.read("objects/b", 1000)
    storage.remove("a")
    with pytest.raises(NotInRoot, match="the root memory://shelf/of/mine has no a"):
        storage.read("a", 10)


def test_parts_are_cut_out_and_shorter_after_the_end(storage: FsspecStorage) -> None:
    storage.write("b", CONTENT)
    size = len(CONTENT)
    ranges = [(5, 9), (1_000_000, 1_100_000), (size - 3, size + 9), (size, size + 9), (size + 5, size + 9)]
    expected = [CONTENT[5:9], CONTENT[1_000_000:1_100_000], CONTENT[-3:], b"", b""]
    assert storage.read_ranges("b", ranges) == expected


def test_a_download_goes_on_and_is_checked(storage: FsspecStorage, tmp_path: Path) -> None:
    storage.write("b", CONTENT)
    part, sha256 = tmp_path / "part", hashlib.sha256(CONTENT).hexdigest()
    part.write_bytes(CONTENT[:1000])
    told: list[int] = []
    storage.download("b", part, sha256, len(CONTENT), lambda done, total: told.append(done))
    assert part.read_bytes() == CONTENT
    assert told[0] == 1000
    part.unlink()
    with pytest.raises(IntegrityError, match="is not the file of its manifest"):
        storage.download("b", part, "0" * 64, len(CONTENT), lambda done, total: None)
    assert not part.exists()


def test_files_are_created_and_replaced_unless_others_were_faster(storage: FsspecStorage) -> None:
    assert [storage.create("a", b"one"), storage.create("a", b"two")] == [True, False]
    assert [storage.replace("a", b"two", None), storage.replace("a", b"two", b"zero")] == [False, False]
    assert storage.replace("a", b"two", b"one")
    assert storage.read("a", 10) == b"two"


def test_a_scheme_that_nobody_knows_and_an_option_that_s3_does_not_know_are_refused() -> None:
    with pytest.raises(InvalidOption, match="the scheme 'nonsense', which fsspec does not know"):
        FsspecStorage(parse_address("nonsense://a/b", "--root"), {})
    with pytest.raises(InvalidOption, match="the option 'endpoint' of the root s3://a/b is not known"):
        FsspecStorage(parse_address("s3://a/b", "--root"), {"endpoint": "http://127.0.0.1:1"})
