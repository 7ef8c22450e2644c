from __future__ import annotations

import gzip
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from blackbox_repo.transfer.download import Expected, download
from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.retry import Failure, RateCheck, RetryPolicy, WrongContent
from blackbox_repo.transfer.source import Answer
from tests.blackbox_repo.transfer.host import Host, Page

CONTENT = bytes(range(256)) * 1000  # 256,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)
POLICY = RetryPolicy(tries=3, pause=0.001, timeout=5.0)
KNOWN, UNKNOWN = Expected(SHA256), Expected()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part"


def fetch(
    url: str,
    part: Path,
    expected: Expected = KNOWN,
    policy: RetryPolicy = POLICY,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> bytes:
    download(HttpFile(url, "a.bin", RateCheck(policy)), part, expected, retry=policy, report=report)
    return part.read_bytes()


def fails(url: str, part: Path, expected: Expected = KNOWN, policy: RetryPolicy = POLICY) -> str:
    with pytest.raises(Failure) as caught:
        fetch(url, part, expected, policy)
    assert str(caught.value).isprintable()
    return str(caught.value)


# --- what goes well ---------------------------------------------------------------------------------------


def test_progress_is_reported_in_bytes(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT), "/secret": Page(CONTENT, chunked=True)}
    for path, total in (("/a", SIZE), ("/secret", 0)):
        seen: list[tuple[int, int]] = []
        fetch(host.url(path), tmp_path / path[1:], report=lambda *amounts, seen=seen: seen.append(amounts))
        done = [count for count, _ in seen]
        assert done == sorted(done)
        assert (done[0], done[-1]) == (0, SIZE)
        assert {count for _, count in seen} == {total}


def test_a_slow_host_is_waited_for(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, pause=0.3)}
    fetch(host.url("/a"), part, policy=replace(POLICY, timeout=2.0))
    assert host.asked == [("/a", "")]


@dataclass
class Memory:
    """A source that is no web host: it sends some bytes at a time, and notes what it was asked for."""

    content: bytes
    each: int
    asked: list[tuple[int, str]] = field(default_factory=list)

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        assert stop is None
        self.asked.append((start, validator))
        yield Answer(start, len(self.content), "v1", iter([self.content[start : start + self.each]]))


def test_any_source_of_bytes_will_do(part: Path) -> None:
    source = Memory(CONTENT, 100_000)
    download(source, part, KNOWN, retry=POLICY)
    assert part.read_bytes() == CONTENT
    assert source.asked == [(0, ""), (100_000, "v1"), (200_000, "v1")]


# --- connections that break -------------------------------------------------------------------------------


def test_a_cut_download_goes_on_where_it_ended(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000, 50_000])}
    assert fetch(host.url("/a"), part) == CONTENT
    assert host.asked == [("/a", ""), ("/a", "bytes=100000-"), ("/a", "bytes=150000-")]


def test_progress_is_no_failure(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[10_000] * 20)}
    fetch(host.url("/a"), part)
    assert len(host.asked) == 21


def test_a_host_that_gives_no_parts_starts_again(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, ranges=False, cuts=[100_000])}
    assert fetch(host.url("/a"), part) == CONTENT


def test_a_host_that_starts_again_and_again_is_given_up(host: Host, part: Path) -> None:
    """It never comes further than the first time, although each answer brings bytes."""
    host.pages = {"/a": Page(CONTENT, ranges=False, cuts=[100_000, 50_000, 60_000, 70_000, 80_000])}
    assert "was cut off after 60000 of 256000 bytes (tried 3 times)" in fails(host.url("/a"), part)


def test_a_host_that_gives_the_wrong_part_is_not_believed(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000], shift=256)}
    assert fetch(host.url("/a"), part) == CONTENT
    assert [wanted for _, wanted in host.asked] == ["", "bytes=100000-", ""]


def test_a_part_that_does_not_say_where_it_begins_is_not_believed(host: Host, part: Path) -> None:
    part.write_bytes(CONTENT[:100_000])
    host.pages = {"/a": Page(CONTENT, ranges=False, status=206)}
    assert "sends a part of the file, though the whole was asked for" in fails(host.url("/a"), part)
    assert not part.exists()


def test_a_cut_within_chunks_is_noticed(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, chunked=True, cuts=[100_000])}
    assert fetch(host.url("/a"), part) == CONTENT


def test_the_beginning_of_another_file_is_thrown_away(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT)}
    for beginning in (b"x" * 1000, CONTENT + b"more", b"x" * SIZE):
        part.write_bytes(beginning)
        assert fetch(host.url("/a"), part) == CONTENT


def test_a_complete_part_needs_no_host(part: Path) -> None:
    part.write_bytes(CONTENT)
    fetch("http://127.0.0.1:9/a", part, Expected(SHA256, SIZE))


def test_a_complete_part_of_unknown_size_is_recognized_by_its_hash(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT)}
    part.write_bytes(CONTENT)
    fetch(host.url("/a"), part)
    assert host.asked == [("/a", f"bytes={SIZE}-")]  # which the host refuses: there is no more


def test_without_a_hash_only_the_same_version_is_continued(host: Host, tmp_path: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000], headers={"ETag": '"1"'})}
    assert fetch(host.url("/a"), tmp_path / "a", UNKNOWN) == CONTENT
    assert host.asked == [("/a", ""), ("/a", "bytes=100000-")]
    for path, headers in (("/b", {}), ("/c", {"ETag": 'W/"1"'})):  # no bytes are named: from the beginning
        host.pages[path] = Page(CONTENT, cuts=[100_000], headers=headers)
        host.asked.clear()
        assert fetch(host.url(path), tmp_path / path[1:], UNKNOWN) == CONTENT
        assert host.asked == [(path, ""), (path, "")]


def test_a_new_version_in_between_is_fetched_as_a_whole(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[100_000], headers={"ETag": '"1"'})}
    other = CONTENT[::-1]

    def replace_page(done: int, total: int) -> None:
        if done == 100_000:
            host.pages["/a"] = Page(other, headers={"ETag": '"2"'})

    assert fetch(host.url("/a"), part, UNKNOWN, report=replace_page) == other
    assert host.asked == [("/a", ""), ("/a", "bytes=100000-")]


def test_parts_that_are_smaller_than_what_was_asked_for_are_put_together(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, part=60_000, headers={"ETag": '"v"'})}
    for expected in (UNKNOWN, KNOWN):
        host.pages["/a"].cuts = [50_000]
        assert fetch(host.url("/a"), part, expected) == CONTENT
        part.unlink()


# --- files that are not the expected one --------------------------------------------------------------------


def test_another_file_is_not_kept(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(b"another file")}
    found = hashlib.sha256(b"another file").hexdigest()
    with pytest.raises(WrongContent, match=f"^the file there has the sha256 {found}, expected {SHA256}; it"):
        fetch(host.url("/a"), part)
    assert not part.exists()
    with pytest.raises(WrongContent, match=r"^the file there has 12 bytes, expected 256000$"):
        fetch(host.url("/a"), part, Expected(SHA256, SIZE))


def test_a_truncated_file_is_given_up_though_its_size_is_not_stated(host: Host, part: Path) -> None:
    """Each answer brings bytes and ends as it should, and there are none after them."""
    host.pages = {"/a": Page(CONTENT[:1000], chunked=True)}
    with pytest.raises(WrongContent, match="has no more of the file than the beginning that was there"):
        fetch(host.url("/a"), part, Expected(SHA256, SIZE))
    assert [wanted for _, wanted in host.asked] == ["", "bytes=1000-"] * 3


def test_a_wrong_file_that_is_cut_each_time_is_given_up(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT[::-1], ranges=True, cuts=[100_000, SIZE] * 20)}
    with pytest.raises(WrongContent, match="has the sha256"):
        fetch(host.url("/a"), part)
    assert len(host.asked) == 6


def test_more_bytes_than_the_file_has_are_not_taken(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT), "/endless": Page(CONTENT * 100, chunked=True)}
    small = Expected(SHA256, 1000)
    assert fails(host.url("/a"), part, small) == "the file there has 256000 bytes, expected 1000"
    assert fails(host.url("/endless"), part, small) == (
        "sends more than the 1000 bytes that the file should have"
    )
    assert part.stat().st_size <= 1000


@pytest.mark.parametrize("expected", [KNOWN, UNKNOWN])
def test_a_part_that_was_not_requested_is_not_taken_for_the_whole(
    host: Host, part: Path, expected: Expected
) -> None:
    host.pages = {
        "/a": Page(CONTENT[:100], status=206, headers={"Content-Range": "bytes 0-99/256000"}),
    }
    message = fails(host.url("/a"), part, expected)
    assert message == "sends a part of the file, though the whole was asked for"


@pytest.mark.parametrize("status", [201, 203, 204, 205, 226])
def test_another_success_than_the_file_is_none(host: Host, part: Path, status: int) -> None:
    host.pages = {"/a": Page(b"" if status in (204, 205) else CONTENT, status=status)}
    assert fails(host.url("/a"), part, UNKNOWN) == f"answers with HTTP {status}, not with the file"


@pytest.mark.parametrize("encoding", ["gzip", "br", "X-GZIP, deflate", "\x1b[2J"])
def test_what_the_host_packed_on_its_own_is_not_kept_as_the_file(
    host: Host, part: Path, encoding: str
) -> None:
    host.pages = {"/a": Page(gzip.compress(CONTENT), headers={"Content-Encoding": encoding})}
    for expected in (UNKNOWN, KNOWN):
        message = fails(host.url("/a"), part, expected)
        assert f"sends the file packed ({encoding.lower()}), though" in message.replace(r"\x1b", "\x1b")
        assert not part.exists()


@pytest.mark.parametrize("number", ["9" * 5000, "-5", "\u00b2", "5, 6", " "])
def test_sizes_that_are_no_numbers_are_not_believed(host: Host, part: Path, number: str) -> None:
    host.pages = {
        "/a": Page(CONTENT, chunked=True, headers={"Content-Length": number}),
        "/b": Page(
            CONTENT,
            cuts=[1000],
            ranges=False,
            status=206,
            headers={"Content-Range": f"bytes 1000-9/{number}"},
        ),
    }
    assert fetch(host.url("/a"), part) == CONTENT
    part.write_bytes(CONTENT[:1000])
    with pytest.raises(Failure):
        fetch(host.url("/b"), part)


# --- hosts that refuse ------------------------------------------------------------------------------------


def test_a_busy_host_is_asked_again_and_a_missing_page_is_not(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, statuses=[503, 429])}
    fetch(host.url("/a"), part)
    assert len(host.asked) == 3
    host.asked.clear()
    assert fails(host.url("/gone"), part.with_name("b")) == "HTTP 404 Not Found"
    assert len(host.asked) == 1


def test_a_host_says_how_long_to_wait(host: Host, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", waits.append)
    host.pages = {
        "/a": Page(CONTENT, statuses=[429], headers={"Retry-After": "7"}),
        "/b": Page(statuses=[503] * 9),
        "/c": Page(CONTENT, statuses=[503], headers={"Retry-After": "86400"}),
    }
    fetch(host.url("/a"), part)
    assert waits == [7.0]
    fails(host.url("/b"), part.with_name("b"), policy=RetryPolicy(tries=4, pause=1.0))
    assert waits[1:] == [1.0, 2.0, 4.0]
    fetch(host.url("/c"), part.with_name("c"))
    assert waits[4:] == [60.0]


def test_a_host_that_is_gone(part: Path) -> None:
    assert re.search(r".*refused \(tried 3 times\)$", fails("http://127.0.0.1:9/a", part))


def test_a_host_that_says_nothing(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, pause=1.0)}
    policy = RetryPolicy(tries=2, pause=0.001, timeout=0.1)
    assert fails(host.url("/a"), part, policy=policy) == "no answer for 0.1 s (tried 2 times)"


# --- hosts that give next to nothing ------------------------------------------------------------------------


@pytest.mark.parametrize("slow_headers", [False, True])
def test_a_byte_now_and_then_is_no_download(host: Host, part: Path, slow_headers: bool) -> None:
    host.pages = {"/a": Page(CONTENT, trickle=0.02, slow_headers=slow_headers), "/b": Page(CONTENT)}
    policy = RetryPolicy(tries=2, pause=0.001, timeout=0.3, slowest=1000.0)
    start = time.monotonic()
    message = fails(host.url("/a"), part, policy=policy)
    assert time.monotonic() - start < 10
    assert re.search(r"gave \d+ bytes in 0\.\d+ s; 1000 a second are needed \(tried 2 times\)", message)
    assert fetch(host.url("/b"), part, policy=policy) == CONTENT


def test_an_address_has_so_much_time_for_a_file_and_no_more(host: Host, part: Path) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[1] * 10_000)}
    policy = RetryPolicy(tries=3, pause=0.01, timeout=5.0, total=0.5)
    assert fails(host.url("/a"), part, policy=policy) == "did not give the file within 0.5 s"
    assert len(host.asked) < 1000


def test_the_pace_is_measured_over_every_stretch_of_time_and_anew_for_each_connection() -> None:
    clock = [0.0]
    rate = RateCheck(RetryPolicy(timeout=10.0, slowest=100.0, total=1000.0), now=lambda: clock[0])
    rate.count(999_999)
    for seconds, count in ((9.9, 0), (10.0, 1), (19.9, 0)):
        clock[0] = seconds
        rate.count(count)
    clock[0] = 20.0
    with pytest.raises(Failure, match=r"^gave 0 bytes in 10 s"):  # what came before does not count
        rate.count(0)
    clock[0] = 19.9
    rate.restart()
    clock[0] = 29.0
    rate.count(999)
    clock[0] = 29.9
    with pytest.raises(Failure, match=r"^gave 999 bytes in 10 s; 100 a second are needed$") as caught:
        rate.count(0)
    assert (caught.value.transient, caught.value.stalled) == (True, True)
    clock[0] = 1000.1
    with pytest.raises(Failure, match=r"^did not give the file within 1000 s$") as caught:
        rate.count(10**9)
    assert not caught.value.transient
