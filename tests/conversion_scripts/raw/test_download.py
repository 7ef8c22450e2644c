from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from blackbox_repo.errors import AlreadyLocked, IntegrityError
from blackbox_repo.store.lock import exclusive
from blackbox_repo.transfer.retry import RetryPolicy
from conversion_scripts.raw import RawFile
from conversion_scripts.raw.download import DownloadFailed, can_download, download
from tests.blackbox_repo.transfer.host import Host, Page

ROOT = Path(__file__).parents[3]
CONTENT = bytes(range(256)) * 1000  # 256,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
POLICY = RetryPolicy(tries=3, pause=0.001, timeout=5.0)


def file_at(*urls: str, sha256: str = SHA256, size: int = 0) -> RawFile:
    return RawFile("sub/a.bin", url=urls[0] if urls else "", mirrors=urls[1:], sha256=sha256, size=size)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fails(file: RawFile, root: Path, policy: RetryPolicy = POLICY) -> str:
    with pytest.raises(DownloadFailed) as caught:
        download([file], root, retry=policy)
    assert not (root / file.name).exists()
    return str(caught.value)


# --- what goes well ---------------------------------------------------------------------------------------


def test_what_is_missing_is_fetched_and_the_rest_left_alone(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT)}
    (tmp_path / "b.bin").write_bytes(CONTENT)
    (tmp_path / "c.bin.gz").write_bytes(gzip.compress(CONTENT))
    a = file_at(host.url("/a"))
    there = [RawFile(name, url=host.url("/a"), sha256=SHA256) for name in ("b.bin", "c.bin")]
    assert download([a, *there], tmp_path, retry=POLICY) == [a]
    assert (tmp_path / "sub" / "a.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["b.bin", "c.bin.gz", "sub/a.bin"]
    assert download([a, *there], tmp_path, retry=POLICY) == []
    assert host.asked == [("/a", "")]


# --- connections that break -------------------------------------------------------------------------------


def test_a_cut_download_goes_on_where_it_ended(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000, 50_000])}
    download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert host.asked == [("/a", ""), ("/a", "bytes=100000-"), ("/a", "bytes=150000-")]
    assert (tmp_path / "sub" / "a.bin").read_bytes() == CONTENT


def test_what_was_cut_for_good_goes_on_in_the_next_run(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000, 0, 0])}
    message = fails(file_at(host.url("/a")), tmp_path)
    assert f"{host.url('/a')}: was cut off after 100000 of 256000 bytes (tried 3 times)" in message
    assert names(tmp_path) == ["sub/.a.bin.part"]
    host.asked.clear()
    download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert host.asked == [("/a", "bytes=100000-")]
    assert names(tmp_path) == ["sub/a.bin"]


def test_without_a_hash_only_the_same_version_is_continued(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000], headers={"ETag": '"1"'})}
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".a.bin.part").write_bytes(b"of another day")
    download([file_at(host.url("/a"), sha256="")], tmp_path, retry=POLICY)
    assert host.asked == [("/a", ""), ("/a", "bytes=100000-")]
    assert (tmp_path / "sub" / "a.bin").read_bytes() == CONTENT
    host.pages["/b"] = Page(CONTENT, cuts=[100_000])  # no version is named: from the beginning
    host.asked.clear()
    download([file_at(host.url("/b"), sha256="")], tmp_path / "b", retry=POLICY)
    assert host.asked == [("/b", ""), ("/b", "")]


def test_a_killed_download_goes_on(host: Host, tmp_path: Path) -> None:
    """The host sends half and then nothing; the process is killed with -9 while it waits."""
    host.pages = {"/a": Page(CONTENT, cuts=[100_000, 0], pause=0.0)}
    host.pages["/a"].statuses = []
    code = (
        "import sys; from pathlib import Path\n"
        "from conversion_scripts.raw.download import download, RetryPolicy\n"
        "from conversion_scripts.raw import RawFile\n"
        f"file = RawFile('sub/a.bin', url={host.url('/a')!r}, sha256={SHA256!r})\n"
        "download([file], Path(sys.argv[1]), retry=RetryPolicy(pause=60))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env={**os.environ, "no_proxy": "*"}
    )
    part = tmp_path / "sub" / ".a.bin.part"
    deadline = time.monotonic() + 20
    while (not part.exists() or part.stat().st_size < 100_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(AlreadyLocked), exclusive(tmp_path / "sub" / "a.bin"):
        pass
    child.kill()
    child.wait()
    assert names(tmp_path) == ["sub/.a.bin.lock", "sub/.a.bin.part"]
    host.asked.clear()
    host.pages["/a"].cuts = []
    download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert host.asked == [("/a", "bytes=100000-")]
    assert names(tmp_path) == ["sub/a.bin"]


def test_a_full_disk_is_named_and_what_there_was_room_for_is_kept(host: Host, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk."""
    resource = pytest.importorskip("resource")
    host.pages = {"/a": Page(CONTENT)}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "sub" / ".a.bin.part")
    host.asked.clear()
    download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert host.asked == [("/a", "bytes=100000-")]


# --- hosts that refuse ------------------------------------------------------------------------------------


def test_a_busy_host_is_asked_again_and_a_missing_page_is_not(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT, statuses=[503, 429])}
    download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert len(host.asked) == 3
    host.asked.clear()
    assert ": HTTP 404 Not Found. By hand: " in fails(file_at(host.url("/gone")), tmp_path / "b")
    assert len(host.asked) == 1


def test_mirrors_are_asked_in_order(host: Host, tmp_path: Path) -> None:
    host.pages = {"/wrong": Page(b"<html>Please log in</html>"), "/a": Page(CONTENT)}
    urls = [host.url(path) for path in ("/gone", "/wrong", "/a", "/never")]
    download([file_at(*urls)], tmp_path, retry=POLICY)
    assert [path for path, _ in host.asked] == ["/gone", "/wrong", "/a"]
    assert names(tmp_path) == ["sub/a.bin"]


def test_the_message_gives_every_reason_and_the_way_by_hand(host: Host, tmp_path: Path) -> None:
    host.pages = {"/wrong": Page(b"another file")}
    found = hashlib.sha256(b"another file").hexdigest()
    assert fails(file_at(host.url("/gone"), host.url("/wrong")), tmp_path) == (
        f"the raw file 'sub/a.bin' could not be downloaded: {host.url('/gone')}: HTTP 404 Not Found; "
        f"{host.url('/wrong')}: the file there has the sha256 {found}, expected {SHA256}; it was not kept. "
        f"By hand: get it from {host.url('/gone')} and put it at {tmp_path / 'sub' / 'a.bin'}; "
        f"its sha256 is {SHA256}"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_other_schemes_are_refused(host: Host, tmp_path: Path, target: str) -> None:
    assert f"{target}: only http and https addresses are fetched" in fails(file_at(target), tmp_path)
    host.pages = {"/away": Page(location=target)}
    assert target in fails(file_at(host.url("/away")), tmp_path)
    assert len(host.asked) == 1


def test_the_error_says_how_to_get_a_file_without_an_address(tmp_path: Path) -> None:
    file = RawFile("a.pkl", "someone/data", "big/a.pkl")
    assert not can_download(file)
    assert can_download(file_at("https://example.org/a"))
    assert fails(file, tmp_path) == (
        "the raw file 'a.pkl' could not be downloaded: it has no address that can be fetched. "
        "By hand: get it from https://github.com/someone/data/blob/HEAD/big/a.pkl and put it at "
        f"{tmp_path / 'a.pkl'}"
    )
    packings = replace(file, instead=(RawFile("a-simple"), RawFile("a.tar")))
    assert fails(packings, tmp_path).endswith("a.pkl; 'a-simple' or 'a.tar' in the raw folder will do too")


def test_of_several_packings_any_is_enough_and_the_first_with_an_address_is_fetched(
    host: Host, tmp_path: Path
) -> None:
    host.pages = {"/b": Page(CONTENT)}
    packed = RawFile("b.zip", url=host.url("/b"), sha256=SHA256)
    file = RawFile("a.pickle", "someone/data", "a.pickle", instead=(RawFile("a-simple"), packed))
    assert can_download(file)
    assert download([file], tmp_path, retry=POLICY) == [packed]
    assert download([file], tmp_path, retry=POLICY) == []
    (tmp_path / "b.zip").unlink()
    (tmp_path / "a-simple").mkdir()  # a packing may be a folder
    assert download([file], tmp_path, retry=POLICY) == []
    assert names(tmp_path) == []


def test_a_wrong_file_that_lies_there_is_not_overwritten(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT)}
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.bin").write_bytes(b"mine")
    with pytest.raises(IntegrityError, match="move it away, and run the same command again"):
        download([file_at(host.url("/a"))], tmp_path, retry=POLICY)
    assert (tmp_path / "sub" / "a.bin").read_bytes() == b"mine"


# --- files of unknown hash ---------------------------------------------------------------------------------


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.bin"), CONTENT)  # which is of 1980, whatever the clock says
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", b"<html>Please log in</html>"),
        ("a.tar.gz", b"\n<!DOCTYPE HTML><title>Moved</title>"),
        ("a.csv", b"<html>Please log in</html>"),
        ("a.json", b"<html>"),
        ("model.onnx", b"version https://git-lfs.github.com/spec/v1"),
        ("a.pickle.pbz2", b"PK"),
    ],
)
def test_what_begins_as_another_kind_of_file_is_not_kept(
    host: Host, tmp_path: Path, name: str, content: bytes
) -> None:
    host.pages = {"/a": Page(content)}
    ending = Path(name).suffix
    message = fails(RawFile(name, url=host.url("/a")), tmp_path)
    assert f"/a: the file there begins with {content!r}, as no {ending} file does; it was not kept" in message
    assert names(tmp_path) == []
    (tmp_path / name).write_bytes(content)  # as an earlier version kept it
    with pytest.raises(IntegrityError, match="as no .* file does; move it away, and run the same command"):
        download([RawFile(name, url=host.url("/a"))], tmp_path, retry=POLICY)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped()),
        ("a.tar.gz", gzip.compress(CONTENT)),
        ("a.json", b"\xef\xbb\xbf {}"),
        ("a.html", b"<html></html>"),
        ("model.onnx", b"\x08\x06"),
        ("a.csv", b"x,y"),
    ],
)
def test_what_begins_as_its_name_says_is_kept(host: Host, tmp_path: Path, name: str, content: bytes) -> None:
    host.pages = {"/a": Page(content)}
    download([RawFile(name, url=host.url("/a"))], tmp_path, retry=POLICY)
    assert (tmp_path / name).read_bytes() == content
    assert download([RawFile(name, url=host.url("/a"))], tmp_path, retry=POLICY) == []


def test_an_empty_file_is_not_kept(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(b"")}
    assert "/a: the file there is empty; it was not kept" in fails(
        RawFile("a.csv", url=host.url("/a")), tmp_path
    )


def test_a_zip_file_that_is_cut_without_a_word_is_not_kept(host: Host, tmp_path: Path) -> None:
    """A host that names no size and just ends cannot be told from one that is done."""
    host.pages = {"/cut": Page(zipped()[:100_000]), "/a": Page(zipped())}
    file = RawFile("a.zip", url=host.url("/cut"), mirrors=(host.url("/gone"),))
    assert "/cut: the file there is truncated: a .zip file has a directory at its end;" in fails(
        file, tmp_path
    )
    download([replace(file, mirrors=(host.url("/a"),))], tmp_path, retry=POLICY)
    assert (tmp_path / "a.zip").read_bytes() == zipped()


@pytest.mark.parametrize("url", ["http://[::1/f", "http://a..b/f", "http://127.0.0.1:port/f"])
def test_what_is_no_address_is_passed_over(host: Host, tmp_path: Path, url: str) -> None:
    host.pages = {"/a": Page(CONTENT)}
    assert not can_download(file_at("http://[::1/f"))
    assert f"{url}: " in fails(file_at(url), tmp_path / "b", replace(POLICY, tries=1))
    download([file_at(url, host.url("/a"))], tmp_path, retry=POLICY)
    assert names(tmp_path) == ["sub/a.bin"]


def test_a_gzip_file_that_is_announced_as_packed_is_the_file(host: Host, tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT)
    host.pages = {"/a": Page(packed, headers={"Content-Encoding": "x-gzip"})}
    for name in ("a.tgz", "a.tar.gz"):
        download([RawFile(name, url=host.url("/a"))], tmp_path, retry=POLICY)
        assert (tmp_path / name).read_bytes() == packed
    host.pages = {"/a": Page(CONTENT, headers={"Content-Encoding": "identity"})}
    download([file_at(host.url("/a"), sha256="")], tmp_path, retry=POLICY)
