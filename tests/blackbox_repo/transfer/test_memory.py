from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.memory import read, read_ranges
from blackbox_repo.transfer.retry import Failure, OnlyWhole, RateCheck, RetryPolicy
from blackbox_repo.transfer.source import Answer
from tests.blackbox_repo.transfer.host import Host, Page

CONTENT = bytes(range(256)) * 1000  # 256,000 bytes
POLICY = RetryPolicy(tries=3, pause=0.001, timeout=5.0)
RANGES = [(10, 20), (100_000, 170_000), (255_990, 256_000)]
PARTS = [CONTENT[start:stop] for start, stop in RANGES]


def file_at(url: str, policy: RetryPolicy = POLICY) -> HttpFile:
    return HttpFile(url, "a.bin", RateCheck(policy))


def parts_of(url: str, *ranges: tuple[int, int]) -> list[bytes]:
    return read_ranges(lambda: file_at(url), ranges or RANGES, POLICY)


def asked(host: Host) -> list[str]:
    return [wanted.removeprefix("bytes=") for _, wanted in host.asked]


# --- whole files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [Page(CONTENT), Page(CONTENT, chunked=True), Page(CONTENT, ranges=False)])
def test_a_file_is_read_as_a_whole(host: Host, page: Page) -> None:
    host.pages = {"/a": page}
    assert read(file_at(host.url("/a")), len(CONTENT) + 1, POLICY) == CONTENT


def test_an_empty_file_is_read(host: Host) -> None:
    host.pages = {"/a": Page(b"")}
    assert read(file_at(host.url("/a")), 10, POLICY) == b""


def test_of_a_file_that_is_too_large_hardly_more_is_read(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT * 100, chunked=True)}
    assert 1000 <= len(read(file_at(host.url("/a")), 1000, POLICY)) <= 1000 + (1 << 16)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_was_cut_is_read_again_from_its_beginning(host: Host, chunked: bool) -> None:
    """It may have become another one in between."""
    host.pages = {"/a": Page(CONTENT, cuts=[100_000, 50_000], statuses=[503], chunked=chunked)}
    with pytest.raises(Failure, match=r"\(tried 3 times\)$"):
        read(file_at(host.url("/a")), len(CONTENT) + 1, POLICY)
    assert read(file_at(host.url("/a")), len(CONTENT) + 1, POLICY) == CONTENT
    assert set(asked(host)) == {""}


# --- parts ------------------------------------------------------------------------------------------------


def test_each_part_is_asked_for(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT)}
    assert parts_of(host.url("/a")) == PARTS
    assert sorted(asked(host)) == ["10-19", "100000-169999", "255990-255999"]


def test_a_host_that_gives_no_parts_says_so_at_once(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT * 1000, ranges=False)}
    with pytest.raises(OnlyWhole, match="gives files only as a whole, though a part was asked for"):
        parts_of(host.url("/a"), (5, 9))
    assert len(host.asked) == 1
    assert parts_of(host.url("/a"), (0, 9)) == [CONTENT[:9]]  # of which no more is read


def test_no_parts_need_no_host() -> None:
    assert read_ranges(lambda: file_at("http://127.0.0.1:9/a"), [], POLICY) == []
    assert parts_of("http://127.0.0.1:9/a", (5, 5)) == [b""]


def test_a_part_that_was_cut_goes_on_where_it_ended(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[5, 40_000])}
    assert parts_of(host.url("/a"), (100_000, 170_000)) == [CONTENT[100_000:170_000]]
    assert asked(host) == ["100000-169999", "100005-169999", "140005-169999"]


def test_parts_that_were_cut_within_chunks_are_asked_for_again(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[5, 40_000], chunked=True)}
    assert parts_of(host.url("/a")) == PARTS


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_ends_before_gives_less(host: Host, chunked: bool) -> None:
    host.pages = {"/a": Page(CONTENT, chunked=chunked)}
    wanted = [(0, 3), (255_999, 256_001), (256_000, 256_001), (300_000, 400_000)]
    assert parts_of(host.url("/a"), *wanted) == [CONTENT[:3], CONTENT[-1:], b"", b""]


def test_parts_that_are_smaller_than_what_was_asked_for_are_put_together(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, part=30_000)}
    assert parts_of(host.url("/a")) == PARTS


def test_another_part_is_not_taken(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, shift=1)}
    with pytest.raises(Failure, match=r"^sends another part of the file than was asked for$"):
        parts_of(host.url("/a"))


def test_a_busy_host_is_asked_again(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, statuses=[503, 500])}
    assert parts_of(host.url("/a")) == PARTS


def test_a_host_that_is_cut_for_good_is_given_up(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[3, 0, 0, 0])}
    with pytest.raises(Failure, match=r"^was cut off after 13 of 256000 bytes \(tried 3 times\)$"):
        parts_of(host.url("/a"), (10, 20))


def test_a_part_that_fails_fails_all(host: Host) -> None:
    host.pages = {"/a": Page(CONTENT, cuts=[10, 70_000, *[0] * 50])}
    with pytest.raises(Failure, match=r"\(tried 3 times\)$"):
        parts_of(host.url("/a"))


class Together:
    """A source that sends eight parts at a time, and no fewer."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(8, timeout=60)

    @contextmanager
    def open(self, start: int = 0, stop: int | None = None, *, validator: str = "") -> Iterator[Answer]:
        self.barrier.wait()
        yield Answer(start, len(CONTENT), validator, iter([CONTENT[start:stop]]))


def test_eight_parts_come_at_a_time() -> None:
    source = Together()
    ranges = [(1000 * part, 1000 * part + 5) for part in range(16)]
    assert read_ranges(lambda: source, ranges, POLICY) == [CONTENT[start:stop] for start, stop in ranges]
