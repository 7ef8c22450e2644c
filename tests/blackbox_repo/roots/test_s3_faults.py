"""A bucket that is slow, refuses, breaks off or gives wrong bytes: what is kept, and what the errors say."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from blackbox_repo import list_blackboxes, load_blackbox
from blackbox_repo.errors import (
    FormatError,
    IntegrityError,
    InvalidOption,
    NotInRoot,
    RootUnavailable,
    UnknownName,
)
from blackbox_repo.roots import fsspec_systems
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.fsspec_storage import FsspecStorage
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.publish import publish
from blackbox_repo.roots.source import Source
from blackbox_repo.roots.storage import OnlyWholeFiles
from tests.blackbox_repo.roots.shelf import PACKAGE, Shelf
from tests.servers import proxy as faults
from tests.servers.fixtures import Bucket, buckets

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OBJECT = f"objects/{SHA256}"
RANGES = [(1000, 1016), (500_000, 600_000), (1_023_000, 1_024_000)]
PARTS = [CONTENT[start:stop] for start, stop in RANGES]
CANARY = "canary-of-the-secret-key"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)


@pytest.fixture(params=["moto", pytest.param("s3rver", marks=pytest.mark.slow)])
def s3(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """As everywhere, but the second server, which the proxy makes fail in the same ways, takes long."""
    yield from buckets(request)


@pytest.fixture
def stored(shelf: Shelf) -> Shelf:
    """A bucket with one object."""
    shelf.write(OBJECT, CONTENT)
    return shelf


def storage_at(shelf: Shelf, timeout: float = 10.0, **changed: object) -> FsspecStorage:
    options = {**shelf.bucket.options, "config_kwargs": {"read_timeout": timeout}, **changed}
    return FsspecStorage(parse_address(shelf.url, "--root"), options)


def fetch(storage: FsspecStorage, part: Path) -> bytes:
    storage.download(OBJECT, part, SHA256, len(CONTENT), lambda done, total: None)
    return part.read_bytes()


Ask: TypeAlias = Callable[[FsspecStorage, Path], object]
ASK: dict[str, Ask] = {
    "read": lambda storage, part: storage.read(OBJECT, len(CONTENT)) == CONTENT,
    "read_ranges": lambda storage, part: storage.read_ranges(OBJECT, RANGES[:1]) == PARTS[:1],
    "download": lambda storage, part: fetch(storage, part) == CONTENT,
    "list": lambda storage, part: [e.path for e in storage.list("")] == [OBJECT],
    "write": lambda storage, part: storage.write(OBJECT, CONTENT) is None,
}


@pytest.fixture(params=ASK)
def ask(request: pytest.FixtureRequest) -> Ask:
    return ASK[request.param]


def test_a_file_is_read_downloaded_and_missed(stored: Shelf, tmp_path: Path) -> None:
    storage = storage_at(stored)
    assert storage.read(OBJECT, len(CONTENT)) == CONTENT
    assert fetch(storage, tmp_path / "part") == CONTENT
    assert [(e.path, e.size) for e in storage.list("objects")] == [(OBJECT, len(CONTENT))]
    with pytest.raises(FormatError, match="is larger than the 1000 bytes that are read of such a file"):
        storage.read(OBJECT, 1000)
    with pytest.raises(NotInRoot, match=f"the root {stored.url} has no objects/0"):
        storage.read("objects/0", 1000)
    assert storage.list("manifests") == []


def start_of(request: faults.Request) -> int:
    return int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))


def test_an_empty_file_is_read(shelf: Shelf) -> None:
    shelf.write("empty", b"")
    assert storage_at(shelf).read("empty", 1000) == b""


def test_parts_are_a_request_each(stored: Shelf) -> None:
    assert storage_at(stored).read_ranges(OBJECT, RANGES) == PARTS
    assert sorted(r.headers["Range"] for r in stored.proxy.requests) == sorted(
        f"bytes={start}-{stop - 1}" for start, stop in RANGES
    )
    assert stored.proxy.received < sum(map(len, PARTS)) + 3000


def test_parts_after_the_end_are_shorter(stored: Shelf) -> None:
    size = len(CONTENT)
    ranges = [(size - 5, size + 5), (size, size + 5), (size + 5, size + 9)]
    assert storage_at(stored).read_ranges(OBJECT, ranges) == [CONTENT[-5:], b"", b""]


def test_a_gateway_that_knows_no_ranges_gives_whole_files_only(stored: Shelf, tmp_path: Path) -> None:
    stored.proxy.plan(faults.without_ranges)
    with pytest.raises(OnlyWholeFiles, match="gives files only as a whole"):
        storage_at(stored).read_ranges(OBJECT, RANGES)
    assert fetch(storage_at(stored), tmp_path / "part") == CONTENT


BIG = CONTENT * 4
LOST = 700_000  # bytes at most that the client had not handed on when the connection broke


def fetch_big(shelf: Shelf, part: Path) -> bytes:
    sha256 = hashlib.sha256(BIG).hexdigest()
    storage_at(shelf).download("big", part, sha256, len(BIG), lambda done, total: None)
    return part.read_bytes()


def test_a_download_that_was_cut_goes_on_where_it_ended(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("big", BIG)
    shelf.proxy.plan(faults.cut_after(3_000_000), "GET", times=1)
    assert fetch_big(shelf, tmp_path / "part") == BIG
    _, second = shelf.proxy.requests
    assert 3_000_000 - LOST < start_of(second) <= 3_000_000
    assert second.status == 206
    assert second.received < len(BIG) - start_of(second) + 1000


def test_a_download_that_was_given_up_goes_on_in_the_next_process(shelf: Shelf, tmp_path: Path) -> None:
    shelf.write("big", BIG)
    part = tmp_path / "part"
    shelf.proxy.plan(faults.cut_after(3_000_000), times=1)
    shelf.proxy.plan(faults.answer_s3(500, "InternalError"), times=4)
    with pytest.raises(RootUnavailable, match="InternalError"):
        fetch_big(shelf, part)
    there = part.stat().st_size
    assert 3_000_000 - LOST < there <= 3_000_000
    shelf.proxy.forget()
    assert fetch_big(shelf, part) == BIG
    assert start_of(shelf.proxy.requests[0]) == there


FAULTS = {
    "an error of the server": faults.answer_s3(500, "InternalError"),
    "a server that is asked too often": faults.answer_s3(503, "SlowDown"),
    "a gateway without a server": faults.answer(502, b"<html>Bad Gateway</html>"),
    "a connection that ends": faults.dropped,
    "a connection that is reset": faults.reset,
}


def test_what_passes_is_waited_for(stored: Shelf, tmp_path: Path, ask: Ask) -> None:
    storage = storage_at(stored)
    for name, fault in FAULTS.items():
        stored.proxy.plan(fault, times=3)
        assert ask(storage, tmp_path / name), name
        assert len(stored.proxy.requests) >= 4
        stored.proxy.forget()


def test_what_stays_is_reported_soon(stored: Shelf, tmp_path: Path, ask: Ask) -> None:
    storage = storage_at(stored)
    for name, fault in FAULTS.items():
        stored.proxy.plan(fault)
        with pytest.raises(RootUnavailable, match=r"\(tried 4 times\)$") as caught:
            ask(storage, tmp_path / name)
        assert f"the root {stored.url} does not give " in str(caught.value)
        assert len(stored.proxy.requests) <= 12  # the HTTP library repeats some of them by itself
        stored.proxy.forget()


@pytest.mark.parametrize(
    ("asked", "fault"), [("read", "drips"), ("download", "drips"), ("download", "waits"), ("list", "waits")]
)
def test_a_slow_server_has_so_much_time(stored: Shelf, tmp_path: Path, asked: str, fault: str) -> None:
    slow = {"drips": faults.dripping(10, 0.05), "waits": faults.delayed(1.5)}[fault]
    stored.proxy.plan(slow, times=1)
    assert ASK[asked](storage_at(stored, 0.5), tmp_path / "part")
    stored.proxy.plan(slow)
    with pytest.raises(RootUnavailable, match=r"in time|in 0\.\d+ s"):
        ASK[asked](storage_at(stored, 0.2), tmp_path / "other")


REFUSED = {
    "check the credentials and what they permit": faults.answer_s3(403, "AccessDenied"),
    "it refuses access": faults.answer(403),
    "the credentials have expired; get new ones": faults.answer_s3(400, "ExpiredToken"),
    "the clock of this machine is wrong; set it": faults.answer_s3(403, "RequestTimeTooSkewed"),
    "it does not know the access key": faults.answer_s3(403, "InvalidAccessKeyId"),
    "the secret key is not that of the access key": faults.answer_s3(403, "SignatureDoesNotMatch"),
    "there is no such bucket": faults.answer_s3(404, "NoSuchBucket"),
    "it did not answer properly": faults.answer_s3(400, "Strange"),
}


@pytest.mark.parametrize("asked", ["download", "list", "write"])
def test_what_is_refused_is_not_asked_for_again(stored: Shelf, tmp_path: Path, asked: str) -> None:
    storage = storage_at(stored)
    for message, fault in REFUSED.items():
        stored.proxy.plan(fault)
        with pytest.raises(RootUnavailable) as caught:
            ASK[asked](storage, tmp_path / "part")
        assert message in str(caught.value)
        assert not isinstance(caught.value, NotInRoot)
        assert len(stored.proxy.requests) == 1
        stored.proxy.forget()


def test_a_bucket_in_another_region_is_named(stored: Shelf, tmp_path: Path) -> None:
    stored.proxy.plan(faults.answer_s3(301, "PermanentRedirect"))
    with pytest.raises(RootUnavailable, match=r"lies in another region; set client_kwargs\.region_name"):
        fetch(storage_at(stored), tmp_path / "part")


WRONG = {
    "bytes, expected 1024000": faults.truncated_to(1000),
    "the file there has the sha256": faults.flipped_bit(-1000),
    "sends more than the 1024000 bytes that the file should have": faults.endless(),
    "the file there has 1024001 bytes, expected 1024000": faults.stated_length(len(CONTENT) + 1),
}


def test_another_file_than_that_of_the_manifest_is_not_kept(stored: Shelf, tmp_path: Path) -> None:
    storage = storage_at(stored)
    for message, fault in WRONG.items():
        stored.proxy.plan(fault)
        with pytest.raises((IntegrityError, RootUnavailable)) as caught:
            fetch(storage, tmp_path / "part")
        assert message in str(caught.value) or "FlexibleChecksumError" in str(caught.value)
        assert stored.proxy.received < 80_000_000
        stored.proxy.forget()
        assert fetch(storage, tmp_path / "part") == CONTENT
        (tmp_path / "part").unlink()


def test_an_endless_body_is_left_when_enough_has_come(stored: Shelf) -> None:
    stored.proxy.plan(faults.endless(CONTENT))
    assert storage_at(stored).read_ranges(OBJECT, [(0, 1000)]) == [CONTENT[:1000]]
    with pytest.raises(FormatError, match="is larger than the 1024000 bytes"):
        storage_at(stored).read(OBJECT, len(CONTENT))
    assert stored.proxy.received < 80_000_000


def test_a_write_whose_answer_is_lost_has_happened(shelf: Shelf) -> None:
    shelf.proxy.plan(faults.lost_answer, "PUT", times=1)
    storage = storage_at(shelf)
    assert storage.create("a", b"one") in (True, False)  # the second request finds the file of the first
    assert storage.read("a", 10) == b"one"
    shelf.proxy.forget()
    shelf.proxy.plan(faults.lost_answer, "PUT", times=1)
    storage.replace("a", b"two", b"one")
    assert storage.read("a", 10) == b"two"


def test_a_file_that_exists_is_not_created(shelf: Shelf) -> None:
    storage = storage_at(shelf)
    assert [storage.create("a", b"one"), storage.create("a", b"two")] == [True, False]
    assert storage.read("a", 10) == b"one"


def test_a_file_that_has_changed_is_not_replaced(shelf: Shelf) -> None:
    storage = storage_at(shelf)
    assert storage.replace("a", b"one", None)
    assert not storage.replace("a", b"two", None)
    assert not storage.replace("a", b"two", b"zero")
    assert storage.replace("a", b"two", b"one")
    assert storage.read("a", 10) == b"two"
    storage.remove("a")
    assert not storage.replace("a", b"three", b"two")
    assert storage.list("") == []
    storage.remove("a")


def test_a_file_that_changes_between_look_and_write_stays_where_the_server_heeds_conditions(
    shelf: Shelf,
) -> None:
    def change_first(exchange: faults.Exchange) -> None:
        shelf.write("a", b"other")
        exchange.write_answer(exchange.ask())

    storage = storage_at(shelf)
    for write in (lambda: storage.create("a", b"ours"), lambda: storage.replace("a", b"ours", b"seen")):
        shelf.proxy.plan(change_first, "PUT", times=1)
        assert write() is not shelf.bucket.server.knows_conditions
        assert storage.read("a", 10) == (b"other" if shelf.bucket.server.knows_conditions else b"ours")
        shelf.write("a", b"seen")


# --- what a user sees -----------------------------------------------------------------------------------

SMALL = "nasbench-macro"
TASK = "cifar10"


@pytest.fixture
def published(shelf: Shelf) -> Shelf:
    publish(SMALL, shelf.url, source=PACKAGE)
    shelf.proxy.forget()
    return shelf


def test_a_bucket_that_may_not_be_listed_is_read_by_its_index(published: Shelf) -> None:
    published.proxy.plan(faults.answer_s3(403, "AccessDenied"), "GET", "list-type")
    assert list_blackboxes(published.source) == [SMALL]
    assert load_blackbox(SMALL, source=published.source)[TASK]
    assert published.proxy.asked("GET", "list-type") == []


def test_a_bucket_that_may_not_be_listed_does_not_hide_the_roots_behind_it(published: Shelf) -> None:
    """It says of a file that it does not have that access is refused, as S3 does."""
    published.proxy.plan(faults.answer_s3(403, "AccessDenied"), "GET", "list-type|manifests/nmt-hpo/")
    published.proxy.plan(faults.answer_s3(403, "AccessDenied"), "GET", f"manifests/{SMALL}/7")
    source = Source((published.url, "package"))
    assert load_blackbox("nmt-hpo", source=source).origin == "package"
    assert load_blackbox("nmt-hpo", version="1.1", source=source).origin == "package"
    with pytest.raises(UnknownName, match=f"of '{SMALL}' in {published.url}"):
        load_blackbox(SMALL, version="7", source=source)
    with pytest.raises(RootUnavailable, match="check the credentials"):
        collect_garbage(published.url)


def test_a_bucket_that_may_not_be_listed_and_has_no_index_says_so(published: Shelf) -> None:
    published.files.rm_file(published.place("index.json"))
    published.proxy.plan(faults.answer_s3(403, "AccessDenied"), "GET", "list-type")
    with pytest.raises(RootUnavailable, match=r"does not give manifests.*check the credentials"):
        list_blackboxes(published.source)


def test_a_file_that_is_missing_is_named(published: Shelf) -> None:
    sha256 = load_blackbox(SMALL, source=published.source).manifest.tasks[TASK].sha256
    published.files.rm_file(published.place(f"objects/{sha256}"))
    with pytest.raises(RootUnavailable, match=f"has no objects/{sha256}"):
        load_blackbox(SMALL, source=published.source)[TASK]


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b[:9] + b"\0" + b[10:]])
def test_a_damaged_object_is_never_loaded_until_it_is_repaired(
    published: Shelf, empty_cache: Callable[[], Path], damage: Callable[[bytes], bytes]
) -> None:
    entry = load_blackbox(SMALL, source=published.source).manifest.tasks[TASK]
    path = f"objects/{entry.sha256}"
    published.write(path, damage(published.read(path)))
    with pytest.raises(IntegrityError, match=r"--repair"):
        load_blackbox(SMALL, source=published.source)[TASK]
    assert publish(SMALL, published.url, source=PACKAGE, repair=True).files == 1
    assert load_blackbox(SMALL, source=published.source)[TASK]


@pytest.mark.parametrize("path", ["index.json", f"manifests/{SMALL}/1.0.json"])
def test_a_damaged_manifest_or_index_is_named(published: Shelf, path: str) -> None:
    published.proxy.plan(faults.answer(200, b"<html>Please log in</html>"), "GET", path)
    with pytest.raises(FormatError, match=path.replace(".", r"\.")):
        load_blackbox(SMALL, source=published.source)


def test_renewed_credentials_are_used_at_once(published: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook, in which the file of the credentials has changed."""
    published.proxy.plan(faults.answer_s3(400, "ExpiredToken"), times=1)
    with pytest.raises(RootUnavailable, match="have expired"):
        list_blackboxes(published.source)
    made = []
    monkeypatch.setattr(
        fsspec_systems, "_open", lambda *a, real=fsspec_systems._open: made.append(a) or real(*a)
    )
    assert list_blackboxes(published.source) == [SMALL]
    assert len(made) == 1


def test_wrong_options_are_named(shelf: Shelf) -> None:
    for changed, message in (
        ({"endpoint_url": "127.0.0.1:9"}, "an endpoint_url without https://"),
        (
            {"config_kwargs": {"read_timeout": "long"}},
            r"config_kwargs\.read_timeout .* must be a number of seconds",
        ),
        ({"config_kwargs": {"nonsense": 1}}, "an option is unknown, or of the wrong type"),
        ({"client_kwargs": {"nonsense": 1}}, "an option is unknown, or of the wrong type"),
        ({"client_kwargs": 1}, "client_kwargs of the root .* must be a table of options"),
        ({"nonsense": 1}, "the option 'nonsense' of the root .* is not known"),
        ({"profile": "nobody", "key": ""}, "there is no such profile"),
    ):
        shelf.set_options(**changed)
        with pytest.raises((InvalidOption, RootUnavailable), match=message):
            list_blackboxes(shelf.source)


def test_a_command_says_it_in_one_line_and_exits_with_2(published: Shelf) -> None:
    environment = {**os.environ, **published.bucket.environment, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-W", "error", "-m", "blackbox_repo", "info", SMALL, "--root", published.url]
    published.proxy.plan(faults.answer_s3(400, "ExpiredToken"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the credentials have expired; get new ones" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1  # nor does anything complain that it was not closed


def test_no_message_holds_a_secret(published: Shelf, tmp_path: Path) -> None:
    published.set_options(secret=CANARY, token=CANARY)
    said = []
    for fault in (*FAULTS.values(), *REFUSED.values(), faults.answer_s3(418, "Teapot", CANARY)):
        published.proxy.plan(fault)
        with pytest.raises(RootUnavailable) as caught:
            list_blackboxes(published.source)
        said.append(str(caught.value))
        published.proxy.forget()
    assert CANARY not in "".join(said)
    assert published.proxy.address not in "".join(said)
