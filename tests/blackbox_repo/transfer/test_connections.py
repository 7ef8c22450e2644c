from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox_repo.transfer import connections
from blackbox_repo.transfer.connections import Request, format_url
from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.memory import read
from blackbox_repo.transfer.retry import Failure, RateCheck, RetryPolicy
from tests.blackbox_repo.transfer.host import Host, Page, serving

POLICY = RetryPolicy(tries=2, pause=0.001, timeout=5.0)
SECRET = {"Authorization": "Bearer canary"}


def get(url: str) -> bytes:
    return read(HttpFile(url, "a.bin", RateCheck(POLICY), SECRET), 1 << 20, POLICY)


def fails(url: str) -> str:
    with pytest.raises(Failure) as caught:
        get(url)
    told = "".join(map(repr, (caught.value, caught.value.__cause__)))
    assert "canary" not in told
    assert str(caught.value).isprintable()
    return str(caught.value)


def sent(host: Host) -> list[str | None]:
    return [headers.get("Authorization") for headers in host.headers]


# --- redirects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["/new", "new", "//HOST/new", "http://HOST/new", "/new#part"])
def test_a_redirect_is_followed_and_its_own_host_gets_the_credentials(host: Host, location: str) -> None:
    here = host.address.removeprefix("http://")
    host.pages = {"/old": Page(location=location.replace("HOST", here)), "/new": Page(b"there")}
    assert get(host.url("/old")) == b"there"
    assert sent(host) == ["Bearer canary"] * 2


def test_another_host_gets_no_credentials_and_what_it_redirects_back_does_not_either(
    host: Host, other: Host
) -> None:
    host.pages = {"/a": Page(location=other.url("/b")), "/c": Page(b"there")}
    other.pages = {"/b": Page(location=host.url("/c"))}
    assert get(host.url("/a")) == b"there"
    assert (sent(host), sent(other)) == (["Bearer canary", None], [None])


def test_a_redirect_to_a_signed_address_is_followed_and_never_shown(host: Host, other: Host) -> None:
    signed = "/b?X-Signature=canary&x=%2F"
    host.pages = {path: Page(location=other.url(signed)) for path in ("/a", "/gone")}
    other.pages = {signed: Page(b"there")}
    assert get(host.url("/a")) == b"there"
    other.pages = {}
    assert fails(host.url("/gone")) == "HTTP 404 Not Found"
    for target in (f"ftp://user:canary@127.0.0.1{signed}", f"file:///etc{signed}"):
        host.pages["/a"].location = target
        assert "redirects to" in fails(host.url("/a"))


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1?canary",
        "http://a..b/canary",
        "http://127.0.0.1:canary/",
        "http://user:canary@127.0.0.1:9/",
        "http://127.0.0.1:9/?canary",
    ],
)
def test_a_redirect_to_nowhere_is_a_failure_that_does_not_show_where(host: Host, location: str) -> None:
    host.pages = {"/a": Page(location=location)}
    fails(host.url("/a"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_other_schemes_are_refused(host: Host, target: str) -> None:
    assert fails(target) == "only http and https addresses are fetched"
    host.pages = {"/away": Page(location=target)}
    assert fails(host.url("/away")) == f"redirects to {target}, which is not followed"
    assert len(host.asked) == 1


def test_a_redirect_keeps_the_scheme_or_becomes_safer() -> None:
    assert Request("http://a.org/x", {}).redirected("https://b.org/x").url == "https://b.org/x"
    with pytest.raises(Failure, match="redirects to http://b.org/x, which is not followed"):
        Request("https://a.org/x", {}).redirected("http://b.org/x")


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("https://a.org/x", "https://a.org/y", True),
        ("https://a.org/x", "https://A.org:443/y", True),
        ("https://a.org/x", "https://a.org:8443/y", False),
        ("https://a.org/x", "https://b.a.org/y", False),
        ("http://a.org/x", "https://a.org/y", False),
        ("https://a.org/x", "https://a.org@b.org/y", False),
    ],
)
def test_credentials_stay_with_scheme_host_and_port(old: str, new: str, kept: bool) -> None:
    assert Request(old, {}, SECRET).redirected(new).private == (SECRET if kept else {})


def test_redirects_in_a_circle_end(host: Host) -> None:
    host.pages = {"/a": Page(location=host.url("/a"))}
    assert fails(host.url("/a")) == "HTTP 302: redirects in a circle, or more than 10 times"
    assert len(host.asked) == 10


def test_what_is_in_the_body_of_a_redirect_is_not_read(host: Host) -> None:
    """It may be endless."""
    headers = {"Location": host.url("/b")}
    host.pages = {"/a": Page(b"x" * 50_000_000, status=302, headers=headers), "/b": Page(b"there")}
    assert get(host.url("/a")) == b"there"


def test_a_proxy_is_asked_where_the_environment_names_one(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "other.example")
    monkeypatch.setenv("http_proxy", host.address.replace("//", "//user:canary@"))
    host.pages = {"http://blackboxes.example/x": Page(b"there")}
    assert get("http://blackboxes.example/x") == b"there"
    assert fails("http://blackboxes.example/y") == "HTTP 404 Not Found"
    assert host.headers[0]["Proxy-Authorization"].startswith("Basic ")


# --- messages ---------------------------------------------------------------------------------------------


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert format_url("https://user:canary@a.org:8443/x/y?sig=canary#canary") == "https://a.org:8443/x/y"
    assert format_url("ftp://a.org/\x1b]0;x\x07").isprintable()
    assert format_url("http://[::1/canary") == "an address that cannot be read"


def test_a_request_does_not_show_what_it_sends() -> None:
    assert "canary" not in repr(Request("https://a.org/?canary", {}, SECRET))


@pytest.mark.parametrize("url", ["http://[::1/f", "http://a..b/f", "http://127.0.0.1:port/f"])
def test_what_is_no_address_is_a_failure(url: str) -> None:
    assert fails(url) in ("is no address that can be fetched", "only http and https addresses are fetched")


def test_what_a_host_says_is_reported_without_control_characters(host: Host) -> None:
    host.pages = {"/a": Page(location="ftp://example.org/\x1b]0;x\x07")}
    assert "ftp://example.org/" in fails(host.url("/a"))


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A host that sends back what it is sent, which is no HTTP."""
    monkeypatch.setenv("no_proxy", "*")

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(connection.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_host_that_does_not_speak_http_is_not_quoted(echo: str) -> None:
    assert fails(f"{echo}/a?canary") == "does not answer as HTTP demands (BadStatusLine) (tried 2 times)"


def test_a_host_to_which_no_connection_comes_about_is_given_up_before_one_that_is_slow() -> None:
    """It has a queue for connections, and never takes one out."""
    policy = RetryPolicy(tries=2, pause=0.001, timeout=60.0, connect=0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        file = HttpFile(f"https://127.0.0.1:{listener.getsockname()[1]}/a", "a", RateCheck(policy))
        with pytest.raises(Failure, match=r"^no connection within 0.1 s \(tried 2 times\)$"):
            read(file, 1, policy)


# --- certificates -----------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A certificate of 127.0.0.1 and its key; it is among those that the system knows."""
    openssl = shutil.which("openssl") or pytest.skip("openssl is not installed")
    made, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [openssl, "req", *kind, *name, "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    connections._tls.cache_clear()
    yield made
    connections._tls.cache_clear()


def test_https_gives_the_same_bytes(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with serving(certificate) as host:
        host.pages = {"/a": Page(bytes(200_000), cuts=[100_000]), "/b": Page(location="/a")}
        assert host.address.startswith("https:")
        assert get(host.url("/b")) == bytes(200_000)
        assert set(sent(host)) == {"Bearer canary"}


def test_a_certificate_that_the_system_does_not_know_is_refused_at_once(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with serving(certificate) as host:
        message = fails(host.url("/a"))
    assert "certificate verify failed" in message
    assert "tried" not in message
    assert host.asked == []
