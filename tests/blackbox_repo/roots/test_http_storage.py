from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.errors import (
    BlackboxRepoError,
    FormatError,
    IntegrityError,
    InvalidOption,
    NotInRoot,
    RootUnavailable,
)
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.http_storage import HttpStorage
from tests.blackbox_repo.transfer.host import Host, Page

CONTENT = bytes(range(256)) * 1000  # 256,000 bytes
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OBJECT = f"objects/{SHA256}"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    waits: list[float] = []
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", waits.append)
    return waits


def storage_at(url: str, **options: Any) -> HttpStorage:
    return HttpStorage(parse_address(url, "--root"), options)


def fetch(storage: HttpStorage, part: Path, size: int = len(CONTENT)) -> bytes:
    storage.download(OBJECT, part, SHA256, size, lambda done, total: None)
    return part.read_bytes()


ASK: dict[str, Callable[[HttpStorage, Path], object]] = {
    "read": lambda storage, part: storage.read(OBJECT, 1 << 20),
    "read_ranges": lambda storage, part: storage.read_ranges(OBJECT, [(3, 100_000)]),
    "download": fetch,
}


@pytest.fixture(params=ASK)
def ask(request: pytest.FixtureRequest) -> Callable[[HttpStorage, Path], object]:
    return ASK[request.param]


def test_files_lie_below_the_address(host: Host, tmp_path: Path) -> None:
    host.pages = {f"/site/{OBJECT}": Page(CONTENT)}
    storage = storage_at(host.url("/site/"))
    assert storage.address == host.url("/site")
    assert storage.read(OBJECT, len(CONTENT)) == CONTENT
    assert storage.read_ranges(OBJECT, [(3, 6), (255_999, 256_001)]) == [CONTENT[3:6], CONTENT[-1:]]
    assert fetch(storage, tmp_path / "part") == CONTENT
    assert storage.local(OBJECT) is None
    assert pickle.loads(pickle.dumps(storage)).read(OBJECT, len(CONTENT)) == CONTENT  # noqa: S301, TID251  ours


@pytest.mark.parametrize(
    ("prefix", "asked"), [("/a%20b/ü", "/a%20b/%C3%BC/x"), ("/~me/v1.0,b", "/~me/v1.0,b/x"), ("", "/x")]
)
def test_any_prefix_is_asked_for_as_it_was_written(host: Host, prefix: str, asked: str) -> None:
    host.pages = {asked: Page(b"there")}
    assert storage_at(host.url(prefix)).read("x", 5) == b"there"


def test_a_file_has_so_many_bytes_and_no_more(host: Host) -> None:
    host.pages = {"/x": Page(CONTENT), "/y": Page(CONTENT * 100, chunked=True)}
    storage = storage_at(host.address)
    assert storage.read("x", len(CONTENT)) == CONTENT
    for path, most in (("x", len(CONTENT) - 1), ("y", 1000)):
        with pytest.raises(FormatError, match=f"^{host.url('/')}{path} is larger than the {most} bytes"):
            storage.read(path, most)


def test_a_file_that_is_not_there_is_named(host: Host, tmp_path: Path, ask: Any, waits: list[float]) -> None:
    for status in (404, 410):
        host.pages = {f"/{OBJECT}": Page(statuses=[status])}
        with pytest.raises(NotInRoot, match=f"^the root {host.address} has no {OBJECT}$"):
            ask(storage_at(host.address), tmp_path / "part")
    assert (len(host.asked), waits) == (2, [])


def test_a_busy_host_is_asked_again(host: Host, tmp_path: Path, ask: Any, waits: list[float]) -> None:
    host.pages = {f"/{OBJECT}": Page(CONTENT, statuses=[500, 503, 429])}
    ask(storage_at(host.address), tmp_path / "part")
    assert waits == [0.5, 1.0, 2.0]
    host.pages = {f"/{OBJECT}": Page(CONTENT, statuses=[500] * 9)}
    with pytest.raises(RootUnavailable, match=rf"{OBJECT}: HTTP 500 Internal .* \(tried 4 times\)"):
        ask(storage_at(host.address), tmp_path / "part2")


def test_what_was_cut_is_asked_for_again(host: Host, tmp_path: Path, ask: Any) -> None:
    for chunked in (False, True):
        host.pages = {f"/{OBJECT}": Page(CONTENT, cuts=[1, 2], chunked=chunked)}
        ask(storage_at(host.address), tmp_path / "part")
        (tmp_path / "part").unlink(missing_ok=True)


def test_a_host_that_says_nothing_has_so_much_time(host: Host, tmp_path: Path, ask: Any) -> None:
    host.pages = {f"/{OBJECT}": Page(CONTENT, pause=1.0)}
    with pytest.raises(RootUnavailable, match=r": no answer for 0.05 s \(tried 4 times\); check the address"):
        ask(storage_at(host.address, timeout=0.05), tmp_path / "part")


def test_a_host_that_drips_has_so_much_time(host: Host, tmp_path: Path, ask: Any) -> None:
    host.pages = {f"/{OBJECT}": Page(CONTENT, trickle=0.02)}
    with pytest.raises(
        RootUnavailable, match=r"bytes in .* s; 1000 a second are needed \(tried 4 times\); check the address"
    ):
        ask(storage_at(host.address, timeout=0.1), tmp_path / "part")


def test_a_host_that_is_gone_is_unavailable(tmp_path: Path, ask: Any) -> None:
    with pytest.raises(RootUnavailable, match=r"^the root http://127.0.0.1:9 does not give .* refused"):
        ask(storage_at("http://127.0.0.1:9"), tmp_path / "part")


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT[:1000], CONTENT + b"more"])
@pytest.mark.parametrize("chunked", [False, True])
def test_another_file_than_that_of_the_hash_is_not_kept(
    host: Host, tmp_path: Path, content: bytes, chunked: bool
) -> None:
    host.pages = {f"/{OBJECT}": Page(content, chunked=chunked)}
    with pytest.raises(IntegrityError, match=f"{OBJECT} is not the file of its manifest: .* The publisher"):
        fetch(storage_at(host.address), tmp_path / "part")


def test_a_download_goes_on_where_it_ended(host: Host, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:100_000])
    host.pages = {f"/{OBJECT}": Page(CONTENT)}
    assert fetch(storage_at(host.address), tmp_path / "part") == CONTENT
    assert host.asked == [(f"/{OBJECT}", "bytes=100000-")]


# --- what is not done -------------------------------------------------------------------------------------


def test_nothing_is_written(host: Host) -> None:
    storage = storage_at(host.address)
    for act in (
        lambda: storage.write("x", b""),
        lambda: storage.create("x", b""),
        lambda: storage.replace("x", b"", None),
        lambda: storage.remove("x"),
    ):
        with pytest.raises(InvalidOption, match=r"is only read; publish into a folder and copy"):
            act()
    assert host.asked == []


def test_nothing_is_listed(host: Host) -> None:
    with pytest.raises(NotInRoot, match=r"has no index.json, and a web server does not list its files"):
        storage_at(host.address).list("manifests")
    assert host.asked == []


# --- credentials ------------------------------------------------------------------------------------------


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("canary\n")
    return path


def test_the_root_gets_the_headers_and_the_token(host: Host, token_file: Path) -> None:
    host.pages = {"/x": Page(b"there")}
    storage = storage_at(host.address, token_file=str(token_file), headers={"X-Api-Key": "canary 2"})
    storage.read("x", 5)
    token_file.write_text("renewed")
    storage.read("x", 5)
    assert [sent["Authorization"] for sent in host.headers] == ["Bearer canary", "Bearer renewed"]
    assert [sent["X-Api-Key"] for sent in host.headers] == ["canary 2"] * 2


def test_another_host_gets_neither(host: Host, other: Host, token_file: Path) -> None:
    host.pages = {"/x": Page(location=other.url("/y?X-Signature=abc"))}
    other.pages = {"/y?X-Signature=abc": Page(b"there")}
    storage = storage_at(host.address, token_file=str(token_file), headers={"X-Api-Key": "canary"})
    assert storage.read("x", 5) == b"there"
    assert {"Authorization", "X-Api-Key"} <= host.headers[0].keys()
    assert not {"Authorization", "X-Api-Key"} & other.headers[0].keys()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_where_credentials_belong(
    host: Host, tmp_path: Path, token_file: Path, ask: Any, status: int, waits: list[float]
) -> None:
    host.pages = {f"/site/{OBJECT}": Page(statuses=[status] * 9)}
    with pytest.raises(RootUnavailable, match=rf"HTTP {status} \w+; credentials belong into") as caught:
        ask(storage_at(host.url("/site")), tmp_path / "part")
    assert f'[options."{host.address}"] of the configuration file' in str(caught.value)
    with pytest.raises(RootUnavailable, match="it does not accept the credentials in") as caught:
        ask(storage_at(host.url("/site"), token_file=str(token_file)), tmp_path / "part")
    assert "canary" not in str(caught.value)
    assert waits == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"token": "canary"},
            "the option token of the root https://a.org is not known; a root on the",
        ),
        ({"headers": "canary"}, "the option headers of the root https://a.org must be a table of texts"),
        ({"headers": ["canary"]}, "must be a table of texts"),
        ({"headers": {"X-Key": 5}}, "the option headers.X-Key of .* must be a line of ASCII text; its value"),
        ({"headers": {"X-Key": "canary\r\nHost: b"}}, "must be a line of ASCII text"),
        ({"headers": {"X-Key": "canar\u00ff"}}, "must be a line of ASCII text"),
        ({"headers": {"X-Key": ""}}, "must be a line of ASCII text"),
        ({"headers": {"X Key": "canary"}}, "must have the name of a header"),
        ({"headers": {"X:\x1b[2J": "canary"}}, "must have the name of a header"),
        ({"headers": {"Host": "canary"}}, "must have the name of a header other than accept-encoding, "),
        ({"headers": {"range": "canary"}}, "must have the name of a header other than accept-encoding, "),
        ({"token_file": 5}, "the option token_file of the root https://a.org must be an absolute path"),
        ({"token_file": "token"}, "the option token_file of .* must be an absolute path, or begin"),
        ({"token_file": "/t", "headers": {"authorization": "canary"}}, "exclude each other; give one"),
        ({"token_file": "~nobody-has-this-name/token"}, "must be an absolute path, or begin with ~/"),
        ({"timeout": 10**400}, "must be a number of seconds"),
        ({"timeout": 0}, "the option timeout = 0 of the root .* must be a number of seconds, above 0 and"),
        ({"timeout": "5"}, "the option timeout = '5'"),
        ({"timeout": True}, "the option timeout = True"),
        ({"timeout": float("nan")}, "the option timeout = nan"),
        ({"timeout": 1e9}, "the option timeout = 1000000000.0"),
    ],
)
def test_options_are_checked_before_anything_is_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        storage_at("https://a.org", **options)
    assert "canary" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_token_is_sent_over_https_or_within_this_machine(token_file: Path) -> None:
    for address in ("https://a.org", "http://localhost:8000/x", "http://127.0.0.1"):
        storage_at(address, token_file=str(token_file))
    for address in ("http://a.org", "http://127.0.0.1.a.org", "http://localhost.a.org"):
        with pytest.raises(InvalidOption, match="token_file of the root .* needs https: others could read"):
            storage_at(address, token_file=str(token_file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "must hold one line of ASCII text: the token"),
        (b"canary\ncanary", "must hold one line of ASCII text: the token"),
        (b"canar\xff", "must hold one line of ASCII text: the token"),
        (b"canary" * 20_000, "cannot be read: .* is larger than the 8192 bytes that"),
    ],
)
def test_a_file_without_a_token_is_named(
    host: Host, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "the-token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidOption, match=f"^the token file {path} {message}") as caught:
        storage_at(host.address, token_file=str(path)).read("x", 5)
    assert "canary" not in str(caught.value)
    assert host.asked == []


@pytest.mark.parametrize("path", ["/dev/zero", "/", "/no\x00path"])
def test_a_token_file_is_a_file(host: Host, path: str) -> None:
    with pytest.raises(InvalidOption, match="^the token file .* cannot be read: ") as caught:
        storage_at(host.address, token_file=path).read("x", 5)
    assert str(caught.value).isprintable()


def test_no_message_holds_a_secret(
    host: Host, other: Host, token_file: Path, tmp_path: Path, ask: Any
) -> None:
    """Whatever goes wrong: a host that redirects to a signed address, and what that one answers."""
    storage = storage_at(host.address, token_file=str(token_file), headers={"X-Api-Key": "canary"})
    signed = f"/{OBJECT}?X-Signature=canary"
    targets = [other.url(signed), f"ftp://canary:canary@a.org{signed}", f"http://127.0.0.1:9{signed}"]
    pages = [Page(statuses=[s] * 9) for s in (400, 401, 403, 404, 500)] + [Page(location=signed)]
    for target in targets:
        host.pages = {f"/{OBJECT}": Page(location=target)}
        for page in pages:
            other.pages = {signed: page}
            with pytest.raises(BlackboxRepoError) as caught:
                ask(storage, tmp_path / "part")
            told, error = "", caught.value
            while error is not None:
                told, error = f"{told} {error!r}", error.__cause__
            assert "canary" not in told
