"""Roots on nginx and on Python's http.server, with a proxy before them that does harm."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError, NotInRoot, RootUnavailable
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.http_storage import HttpStorage
from blackbox_repo.roots.storage import OnlyWholeFiles
from tests.servers import proxy as faults
from tests.servers.fixtures import Site

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OBJECT = f"objects/{SHA256}"
RANGES = [(1000, 1016), (500_000, 600_000), (1_023_000, 1_024_000)]
PARTS = [CONTENT[start:stop] for start, stop in RANGES]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)


@pytest.fixture
def site(web: Site) -> Site:
    """A site with one object."""
    (web.folder / "objects").mkdir()
    (web.folder / OBJECT).write_bytes(CONTENT)
    return web


def storage_at(site: Site, timeout: float = 10.0) -> HttpStorage:
    return HttpStorage(parse_address(site.url, "--root"), {"timeout": timeout})


def fetch(site: Site, part: Path, timeout: float = 10.0) -> bytes:
    storage_at(site, timeout).download(OBJECT, part, SHA256, len(CONTENT), lambda done, total: None)
    return part.read_bytes()


def read_part(site: Site, part: Path, timeout: float) -> bytes:
    """A part of the file, read as :class:`blackbox_repo.roots.published.PublishedHolding` does it."""
    try:
        (content,) = storage_at(site, timeout).read_ranges(OBJECT, [(9, 600_000)])
    except OnlyWholeFiles:
        return fetch(site, part, timeout)[9:600_000]
    return content


Ask: TypeAlias = Callable[[Site, Path, float], object]
ASK: dict[str, Ask] = {
    "read": lambda site, part, timeout: storage_at(site, timeout).read(OBJECT, len(CONTENT)) == CONTENT,
    "read_ranges": lambda site, part, timeout: read_part(site, part, timeout) == CONTENT[9:600_000],
    "download": lambda site, part, timeout: fetch(site, part, timeout) == CONTENT,
}


@pytest.fixture(params=ASK)
def ask(request: pytest.FixtureRequest) -> Ask:
    return ASK[request.param]


def test_a_file_is_read_downloaded_and_missed(site: Site, tmp_path: Path) -> None:
    storage = storage_at(site)
    assert storage.read(OBJECT, len(CONTENT)) == CONTENT
    assert fetch(site, tmp_path / "part") == CONTENT
    with pytest.raises(FormatError, match="is larger than the 1000 bytes that are read of such a file"):
        storage.read(OBJECT, 1000)
    for path in ("objects/0", "none/index.json"):
        with pytest.raises(NotInRoot):
            storage.read(path, 1000)


def test_parts_take_a_request_each(site: Site) -> None:
    if not site.server.knows_ranges:
        with pytest.raises(OnlyWholeFiles, match=f"^the root {site.url} gives files only as a whole"):
            storage_at(site).read_ranges(OBJECT, RANGES)
        return
    assert storage_at(site).read_ranges(OBJECT, RANGES) == PARTS
    assert len(site.proxy.requests) == len(RANGES)
    assert site.proxy.received < sum(map(len, PARTS)) + 2000
    size = len(CONTENT)
    after = [(size - 5, size + 5), (size, size + 5), (size + 5, size + 9)]
    assert storage_at(site).read_ranges(OBJECT, after) == [CONTENT[-5:], b"", b""]


def test_a_download_that_was_cut_goes_on_where_the_server_gives_parts(site: Site, tmp_path: Path) -> None:
    site.proxy.plan(faults.cut_after(600_000), "GET", times=1)
    assert fetch(site, tmp_path / "part") == CONTENT
    first, second = site.proxy.requests
    assert second.headers["Range"] == "bytes=600000-"
    assert second.status == (206 if site.server.knows_ranges else 200)
    assert first.received + second.received < len(CONTENT) * (1.1 if site.server.knows_ranges else 2)


def test_a_download_that_was_given_up_goes_on_in_the_next_process(site: Site, tmp_path: Path) -> None:
    part = tmp_path / "part"
    site.proxy.plan(faults.cut_after(600_000), times=1)
    site.proxy.plan(faults.answer(500), times=4)
    with pytest.raises(RootUnavailable, match="HTTP 500"):
        fetch(site, part)
    assert part.read_bytes() == CONTENT[:600_000]
    assert fetch(site, part) == CONTENT


FAULTS = {
    "a busy server": faults.answer(503),
    "an error of the server": faults.answer(500),
    "a server that is asked too often": faults.answer(429, b"", ("Retry-After", "1")),
    "a connection that ends": faults.dropped,
    "a connection that is reset": faults.reset,
    "a body that is not there": faults.cut_after(0),
}
SLOW = {
    "an answer that takes long": faults.delayed(1.0),
    "an answer that drips": faults.dripping(10, 0.02),
}


@pytest.mark.parametrize("size", [0, 700, 70_000, 1_000_000])
def test_a_body_that_was_cut_is_asked_for_again(site: Site, tmp_path: Path, ask: Ask, size: int) -> None:
    site.proxy.plan(faults.cut_after(size), times=1)
    assert ask(site, tmp_path / "part", 10.0)


@pytest.mark.parametrize("fault", [*FAULTS, *SLOW])
def test_what_passes_is_waited_for(site: Site, tmp_path: Path, ask: Ask, fault: str) -> None:
    site.proxy.plan((FAULTS | SLOW)[fault], times=1)
    assert ask(site, tmp_path / "part", 0.4 if fault in SLOW else 10.0)
    assert len(site.proxy.requests) > 1


@pytest.mark.parametrize("fault", [*FAULTS, *SLOW])
def test_what_stays_is_reported(site: Site, tmp_path: Path, ask: Ask, fault: str) -> None:
    site.proxy.plan((FAULTS | SLOW)[fault])
    with pytest.raises(RootUnavailable, match=r"\(tried 4 times\)($|; check the address)") as caught:
        ask(site, tmp_path / "part", 0.1 if fault in SLOW else 10.0)
    assert f"the root {site.url} does not give {OBJECT}: " in str(caught.value)


REFUSED = {
    "HTTP 403 Forbidden; credentials belong into": faults.answer(403),
    "HTTP 401 Unauthorized; credentials belong into": faults.answer(401),
    "HTTP 400 Bad Request": faults.answer(400),
    "has no objects/": faults.answer(404),
    "answers with HTTP 204, not with the file": faults.answer(204),
    "sends the file packed (gzip), though it was asked not to": faults.answer(
        200, gzip.compress(CONTENT), ("Content-Encoding", "gzip")
    ),
    "redirects in a circle, or more than 10 times": faults.answer(302, b"", ("Location", "/x")),
    "redirects to ftp://127.0.0.1/x, which is not followed": faults.answer(
        302, b"", ("Location", "ftp://127.0.0.1/x?secret")
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused_is_not_asked_for_again(site: Site, tmp_path: Path, ask: Ask, message: str) -> None:
    site.proxy.plan(REFUSED[message])
    with pytest.raises(RootUnavailable) as caught:
        ask(site, tmp_path / "part", 10.0)
    assert message in str(caught.value)
    assert len(site.proxy.requests) == (10 if "circle" in message else 1)


WRONG = {
    "the file there has 1000 bytes, expected 1024000": faults.truncated_to(1000),
    "the file there has the sha256": faults.flipped_bit(-1000),
    "sends more than the 1024000 bytes that the file should have": faults.endless(),
    "the file there has 1024001 bytes, expected 1024000": faults.stated_length(len(CONTENT) + 1),
}


@pytest.mark.parametrize("message", WRONG)
def test_another_file_than_that_of_the_manifest_is_not_kept(site: Site, tmp_path: Path, message: str) -> None:
    site.proxy.plan(WRONG[message])
    with pytest.raises(IntegrityError) as caught:
        fetch(site, tmp_path / "part")
    assert message in str(caught.value)
    assert site.proxy.received < 80_000_000
    site.proxy.forget()
    assert fetch(site, tmp_path / "part") == CONTENT


@pytest.mark.parametrize("range_", ["bytes 7-22/1024000", "bytes 1000-", "1000-1015/1024000", ""])
def test_a_part_that_is_another_one_is_refused(site: Site, range_: str) -> None:
    site.proxy.plan(faults.answer(206, CONTENT[1000:1016], ("Content-Range", range_)))
    with pytest.raises(RootUnavailable, match="sends another part of the file than was asked for"):
        storage_at(site).read_ranges(OBJECT, RANGES[:1])


def test_an_endless_body_is_left_when_enough_has_come(site: Site) -> None:
    site.proxy.plan(faults.endless(CONTENT))
    assert storage_at(site).read_ranges(OBJECT, [(0, 600_000)]) == [CONTENT[:600_000]]
    with pytest.raises(FormatError, match="is larger than the 1024000 bytes"):
        storage_at(site).read(OBJECT, len(CONTENT))
    assert site.proxy.received < 80_000_000


def test_a_server_that_forgets_ranges_in_between_starts_again(site: Site, tmp_path: Path) -> None:
    site.proxy.plan(faults.cut_after(600_000), times=1)
    site.proxy.plan(faults.without_ranges)
    assert fetch(site, tmp_path / "part") == CONTENT


def test_every_error_is_one_of_ours(site: Site, tmp_path: Path, ask: Ask) -> None:
    for body in (b"", b"\0" * 100, b"HTTP/1.1 200 OK\r\n" * 1000, b"HTTP/9 x\r\n\r\n"):

        def send(exchange: faults.Exchange, body: bytes = body) -> None:
            exchange.write(body)
            exchange.drop()

        site.proxy.plan(send)
        with pytest.raises(BlackboxRepoError):
            ask(site, tmp_path / "part", 10.0)
        site.proxy.forget()
