from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import stat
import sys
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from conversion_scripts.raw.archives import (
    FREE,
    HEADER_LIMIT,
    RATIO,
    Limits,
    decompress,
    make_seekable,
    members,
    open_member,
)

FILES = {"a.txt": b"first", "sub/b.txt": b"second" * 1000, "sub/c.txt": b""}
NO_LIMITS = Limits()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: dict[str, bytes], **headers: object) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in headers.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def contents(archive: bytes, limits: Limits = NO_LIMITS) -> dict[str, bytes]:
    return {member.name: member.stream.read() for member in members(io.BytesIO(archive), "x", limits)}


PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.bz2": lambda files: bz2.compress(tarred(files)),
    "tar.xz": lambda files: lzma.compress(tarred(files)),
}
each_kind = pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)


@each_kind
def test_members_come_in_order_with_their_content(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    archive = pack({"sub/": b"", **FILES} if pack is zipped else FILES)
    assert list(contents(archive).items()) == list(FILES.items())


@each_kind
def test_a_member_may_be_skipped_or_read_in_pieces(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    read = {}
    for member in members(io.BytesIO(pack(FILES)), "x"):
        if member.name == "sub/b.txt":
            read[member.name] = [member.stream.read(6), member.stream.read(2), member.stream.read()]
    assert read == {"sub/b.txt": [b"second", b"se", b"cond" + b"second" * 998]}


@each_kind
@pytest.mark.parametrize("first", [0, 10, HEADER_LIMIT + 10])
def test_a_member_above_the_limit_of_headers_may_be_skipped_after_any_part_of_it(
    pack: Callable[[dict[str, bytes]], bytes], first: int
) -> None:
    archive = pack({"large": b"large" * (HEADER_LIMIT // 4), "small": b"small"})
    read = [(member.name, member.stream.read(first)[:5]) for member in members(io.BytesIO(archive), "x")]
    assert read == [("large", b"large"[:first]), ("small", b"small"[:first])]


@each_kind
def test_a_member_is_read_whole_up_to_a_limit(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    (member,) = members(io.BytesIO(pack({"a": b"content"})), "x")
    with pytest.raises(FormatError, match=r"^a has 7 bytes, more than the limit of 6$"):
        member.content(6)
    assert [member.content(7) for member in members(io.BytesIO(pack({"a": b"content"})), "x")] == [b"content"]


@each_kind
def test_one_member_is_opened_by_its_name(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    with open_member(io.BytesIO(pack(FILES)), "x.zip", "sub/b.txt") as stream:
        assert stream.read(6) == b"second"
    with (
        pytest.raises(UnknownName, match=r"^unknown member 'b\.txt' of x\.zip; did you mean .*'sub/b\.txt'"),
        open_member(io.BytesIO(pack(FILES)), "x.zip", "b.txt"),
    ):
        pass


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "C:evil", "a\\..\\evil"])
def test_a_path_that_escapes_is_refused_by_name(pack: Callable[[dict[str, bytes]], bytes], name: str) -> None:
    archive = pack({name: b"x"})
    with pytest.raises(FormatError) as caught:
        contents(archive)
    assert str(caught.value) == f"x has the member {name!r}, which leads out of the archive; none is read"


def test_in_a_zip_file_the_escape_is_found_before_anything_is_read() -> None:
    found = members(io.BytesIO(zipped({"good": b"x", "../evil": b"x"})), "x")
    with pytest.raises(FormatError, match=r"'\.\./evil', which leads out"):
        next(found)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_file_are_refused(kind: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x has the member 'a', a link or device; only files are read$"):
        contents(tarred({"a": b""}, type=kind, linkname="/etc/passwd"))


def test_a_link_in_a_zip_file_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("a")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FormatError, match=r"^x has the member 'a', a link or device"):
        contents(stream.getvalue())


@each_kind
def test_limits_hold_for_a_member_for_all_and_for_their_number(
    pack: Callable[[dict[str, bytes]], bytes],
) -> None:
    archive = pack(FILES)
    assert contents(archive, Limits(member=6000, total=6005, count=3)) == FILES
    with pytest.raises(
        FormatError, match=r"^x: sub/b\.txt unpacks to 6000 bytes, more than the limit of 5999"
    ):
        contents(archive, Limits(member=5999))
    with pytest.raises(
        FormatError, match=r"^x: all files up to sub/b\.txt together unpacks to 6005 bytes, more than"
    ):
        contents(archive, Limits(total=6004))
    with pytest.raises(FormatError, match=r"^x has more than the limit of 2 files$"):
        contents(archive, Limits(count=2))


def test_a_zip_bomb_that_declares_little_is_stopped() -> None:
    bomb = bytearray(zipped({"a": bytes(1 << 24)}))
    small = (1000).to_bytes(4, "little")
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = bomb.index(signature) + offset
        bomb[start : start + 4] = small
    with pytest.raises(FormatError, match=r"^x(/a)? cannot be read: "):
        contents(bytes(bomb))


def test_a_tar_header_does_not_fill_the_memory() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    bomb = gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 25))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=r"^x has a header of more than the limit of 1048576 bytes"):
            contents(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 * HEADER_LIMIT
    finally:
        tracemalloc.stop()


def test_many_folders_are_no_large_header() -> None:
    folders = tarred({f"folder{number}": b"" for number in range(3000)}, type=tarfile.DIRTYPE)
    assert len(folders) > HEADER_LIMIT
    archive = io.BytesIO(gzip.compress(folders[:-10_240] * 2 + folders))
    tracemalloc.start()
    try:
        assert list(members(archive, "x")) == []
        assert tracemalloc.get_traced_memory()[1] < 2_500_000  # 9,000 headers that are kept take more
    finally:
        tracemalloc.stop()


def test_many_small_headers_are_no_large_one() -> None:
    files = {f"{'folder/' * 30}{number}": b"x" * 700 for number in range(3000)}
    assert len(contents(tarred(files))) == 3000


@pytest.mark.parametrize(
    "archive", [b"", b"PK no zip", b"no tar", gzip.compress(b"no tar", mtime=0), b"\x1f\x8b\x08"]
)
def test_what_is_no_archive_is_an_error_of_ours(archive: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x cannot be read: "):
        contents(archive)


@each_kind
def test_a_damaged_archive_is_an_error_of_ours(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    archive = pack({"a": bytes(range(256)) * 100, "b": b"x"})
    with pytest.raises(FormatError, match="cannot be read: |ends after"):
        contents(archive[: len(archive) // 2])


@pytest.mark.parametrize("pack", [tarred, PACKERS["tar.gz"]])
def test_a_tar_file_that_is_cut_anywhere_is_an_error_of_ours(
    pack: Callable[[dict[str, bytes]], bytes],
) -> None:
    files = {f"{name}.txt": bytes([name]) * 700 for name in range(65, 69)}
    whole = tarred(files)
    end = 4 * (512 + 1024)  # of headers and contents, in whole blocks; empty blocks follow
    for cut in (*range(0, end + 512, 256), end - 1, end + 511):
        archive = whole[:cut] if pack is tarred else gzip.compress(whole[:cut])
        with pytest.raises(FormatError, match=r"^x(/.*)? (cannot be read: |ends after)"):
            contents(archive)
    assert contents(pack(files)) == contents(whole[: end + 512]) == files


def test_a_damaged_header_is_not_the_end_of_a_tar_file() -> None:
    archive = bytearray(tarred({"a": b"first", "b": b"second"}))
    archive[1024 + 5] ^= 1
    with pytest.raises(FormatError, match=r"^x cannot be read: bad checksum$"):
        contents(bytes(archive))


def test_an_encrypted_zip_file_is_an_error_of_ours() -> None:
    archive = bytearray(zipped({"a": b"x"}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        archive[archive.index(signature) + offset] |= 1
    with pytest.raises(FormatError, match=r"^x cannot be read: .*encrypted"):
        contents(bytes(archive))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_a_compressed_file_is_a_stream_with_a_limit(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"content" * 1000)
    assert decompress(io.BytesIO(packed), "x", 7000).read() == b"content" * 1000
    with pytest.raises(FormatError, match=r"^x unpacks to more than the limit of 6999 bytes$"):
        decompress(io.BytesIO(packed), "x", 6999).read()
    if pack is not bytes:
        with pytest.raises(FormatError, match=r"^x cannot be read: "):
            decompress(io.BytesIO(packed[:-9]), "x").read()


@pytest.mark.skipif(
    sys.platform == "win32", reason="there the file has a name, and is deleted when it is closed"
)
def test_a_temporary_file_has_no_name_that_could_be_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with make_seekable(decompress(io.BytesIO(b"content"), "x"), "x") as file:
        assert list(tmp_path.iterdir()) == []
        assert (file.seek(3), file.read()) == (3, b"tent")


class _Full(io.BytesIO):
    def write(self, content: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_temporary_folder_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", _Full)
    packed = decompress(io.BytesIO(b"content"), "x")
    with pytest.raises(InvalidOption) as caught, make_seekable(packed, "x.hdf5"):
        pass
    assert str(caught.value) == (
        f"x.hdf5 cannot be unpacked in the temporary folder {str(tmp_path)!r} beyond 0 bytes: No space left "
        f"on device; name a folder with enough space in the environment variable TMPDIR"
    )


BOMB = {f"{letter}.txt": bytes(FREE // 2) for letter in "abc"}


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_what_unpacks_out_of_proportion_is_stopped_whatever_its_limits(kind: str) -> None:
    packed = PACKERS[kind](BOMB)
    assert len(packed) * RATIO < FREE // 2
    sizes: list[int] = []

    def read() -> None:
        sizes.extend(len(member.stream.read()) for member in members(io.BytesIO(packed), "x"))

    with pytest.raises(FormatError, match=rf"^x unpacks to \d+ bytes or more out of {len(packed)}, which is"):
        read()
    assert sum(sizes) <= FREE


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_that_unpacks_out_of_proportion_is_stopped(pack: Callable[[bytes], bytes]) -> None:
    stream = decompress(io.BytesIO(pack(bytes(2 * FREE))), "x")
    with pytest.raises(FormatError, match=r"^x unpacks to \d+ bytes or more out of \d+, which is out of"):
        stream.read()


def test_what_is_large_by_itself_is_read_however_large() -> None:
    noise = b"".join(hashlib.sha256(k.to_bytes(8, "little")).digest() for k in range(1 << 14))
    content = noise * (FREE // len(noise) + 10)
    assert decompress(io.BytesIO(gzip.compress(content, 1)), "x").read() == content
