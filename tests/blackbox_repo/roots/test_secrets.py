"""No message, file, repr or pickle holds a secret: a word is put where secrets are, and looked for."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from blackbox_repo import Source, load_blackbox, publish
from blackbox_repo.cli import main
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots.find import find_roots, open_storage
from blackbox_repo.roots.settings import read_settings
from tests.blackbox_repo.roots import attacks
from tests.blackbox_repo.roots.shelf import write_settings
from tests.blackbox_repo.transfer.host import Host, Page, serving
from tests.quick import few_and_the_rest
from tests.servers import proxy as faults
from tests.servers.fixtures import Bucket, S3Server, make_bucket
from tests.servers.proxy import FaultyProxy

SECRET = "cAnAry%7+4f~word"  # noqa: S105  it is what is looked for
FORMS = (
    *(SECRET, quote(SECRET), quote(SECRET, safe=""), SECRET.encode().hex()),
    *(
        base64.b64encode(SECRET.encode()).decode()[:-4],
        base64.b64encode(f"me:{SECRET}".encode()).decode()[:-4],
    ),
    "cAnAry",
)
COMMANDS = (
    *(["list"], ["list", "--json"], ["info", "mine"], ["fetch", "mine"], ["fetch", "mine/a"]),
    *(["fetch", "mine/a", "--objectives", "loss"], ["verify", "mine"], ["lock", "mine"]),
    *(["config"], ["config", "--json"]),
)


@dataclass
class Listener:
    """All that was said, and the folder in which nothing may lie."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def hear(self, what: object) -> None:
        self.said += [str(what), repr(what)]

    def hear_error(self, err: BaseException) -> None:
        self.said += traceback.format_exception(err)
        seen: BaseException | None = err
        while seen is not None:
            self.said += [str(seen), repr(seen), *map(str, getattr(seen, "__notes__", ()))]
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)

    def check(self) -> None:
        """No form of the secret was heard, or lies in a file."""
        assert self.said
        texts = {f"said {number}": text for number, text in enumerate(self.said)}
        for path in self.folder.rglob("*"):
            texts[str(path)] = path.name
            if path.is_file() and path.parts[len(self.folder.parts)] != "secrets":
                texts[f"the content of {path}"] = path.read_bytes().decode("latin-1")
        assert [(where, text) for where, text in texts.items() for form in FORMS if form in text] == []


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return attacks.make_root(tmp_path_factory.mktemp("site"))


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Listener:
    """A user whose secrets lie in the environment and in files below ``secrets``."""
    for name in ("cache", "home", "work", "secrets"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "secrets" / "token").write_text(SECRET)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BLACKBOX_CONFIG", str(tmp_path / "secrets" / "config.toml"))
    (tmp_path / "secrets" / "config.toml").touch()
    monkeypatch.chdir(tmp_path / "work")
    caplog.set_level(logging.DEBUG, logger="blackbox_repo")
    return Listener(tmp_path)


@pytest.fixture
def use(
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., None]:
    """Does all that can be done with a root, and checks what was said."""

    def run(arguments: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", ["bb-repo", *arguments])
        with pytest.raises(SystemExit):
            main()

    def use(address: str, options: Mapping[str, object]) -> None:
        write_settings(listener.folder / "secrets" / "config.toml", address, options)
        for command in COMMANDS:
            run([*command, "--root", address])
        run(["mirror", address, str(listener.folder / "copy")])
        run(["publish", "nasbench-macro", address])
        run(["remove", "mine", "7", address])
        run(["gc", address])
        for objectives in (None, ["loss"]):
            try:
                source = Source((address,), objectives=objectives)
                settings = read_settings(source)
                listener.hear(source)
                listener.hear(settings)
                storage = open_storage(settings.roots[0].address, settings)
                listener.hear(vars(storage).get("_address"))
                listener.hear(storage)
                listener.said.append(pickle.dumps(storage).decode("latin-1"))
                listener.hear(find_roots(source))
                loaded = load_blackbox("mine", source=source)
                listener.hear(loaded)
                listener.said.append(pickle.dumps(loaded).decode("latin-1"))
                listener.hear(list(loaded.values()))
                listener.hear(load_blackbox(f"{address}/mine"))
            except BlackboxRepoError as err:
                listener.hear_error(err)
        listener.said += [*capfd.readouterr(), caplog.text]
        listener.check()

    return use


# --- the web ------------------------------------------------------------------------------------------------


def web_options(listener: Listener, **more: object) -> dict[str, object]:
    return {"token_file": str(listener.folder / "secrets/token"), "headers": {"X-Key": SECRET}, **more}


@pytest.fixture
def host() -> Iterator[Host]:
    with serving() as host:
        yield host


def pages(site: Path) -> dict[str, Page]:
    files = [path for path in site.rglob("*") if path.is_file()]
    return {f"/{path.relative_to(site).as_posix()}": Page(path.read_bytes()) for path in files}


SIGNED = f"X-Amz-Signature={quote(SECRET)}&sig={SECRET}"
ECHO = {"X-Echo": SECRET, "WWW-Authenticate": f'Bearer realm="{SECRET}"', "ETag": f'"{SECRET}"'}


@pytest.mark.parametrize(
    "status", few_and_the_rest([403, 200, 204, 400, 401, 404, 407, 416, 429, 500, 503], 5)
)
def test_a_host_that_repeats_secrets_in_its_answers(
    status: int, host: Host, listener: Listener, use: Callable[..., None]
) -> None:
    body = f"<html>you are Bearer {SECRET} and {SIGNED}</html>".encode()
    paths = ("index.json", "manifests/mine/1.json")
    host.pages = {f"/{path}": Page(body, status=status, ranges=False, headers=ECHO) for path in paths}
    use(host.address, web_options(listener))


@pytest.mark.parametrize(
    "target", ["/nothing", "http://127.0.0.1:1/x", "ftp://127.0.0.1/x", "http://[::1", "/"]
)
def test_a_redirect_to_a_signed_address(
    target: str, host: Host, site: Path, listener: Listener, use: Callable[..., None]
) -> None:
    host.pages = {path: Page(location=f"{target}?{SIGNED}") for path in pages(site)}
    use(host.address, web_options(listener))
    host.pages |= {"/index.json": pages(site)["/index.json"]}
    use(host.address, web_options(listener))


def test_a_sound_site(host: Host, site: Path, listener: Listener, use: Callable[..., None]) -> None:
    host.pages = pages(site)
    use(host.address, web_options(listener))
    assert any("mine" in said for said in listener.said)
    assert any(headers.get("Authorization") == f"Bearer {SECRET}" for headers in host.headers)


def test_a_site_with_damaged_files(
    host: Host, site: Path, listener: Listener, use: Callable[..., None]
) -> None:
    host.pages = {p: Page(page.content[:-20] + b"x" * 20, headers=ECHO) for p, page in pages(site).items()}
    host.pages["/index.json"] = pages(site)["/index.json"]
    use(host.address, web_options(listener))
    host.pages["/manifests/mine/1.json"] = pages(site)["/manifests/mine/1.json"]
    use(host.address, web_options(listener))


def test_a_host_that_does_not_answer_in_time_or_at_all(
    host: Host, site: Path, listener: Listener, use: Callable[..., None]
) -> None:
    use("http://127.0.0.1:1/site", web_options(listener))
    use("http://no-such-host.invalid/site", web_options(listener, timeout=2))
    host.pages = {path: Page(page.content, pause=0.1) for path, page in pages(site).items()}
    use(host.address, web_options(listener, timeout=0.02))


@pytest.mark.parametrize(
    "proxy",
    [
        f"http://me:{SECRET}@127.0.0.1:1",
        f"http://me:{quote(SECRET, safe='')}@127.0.0.1:1",
        f"http://me:{SECRET}@127.0.0.1:port",
        f"socks5://me:{SECRET}@127.0.0.1:1",
        f"me:{SECRET}@127.0.0.1:1",
        f"http://{SECRET}",
    ],
)
def test_a_proxy_with_a_password(
    proxy: str, listener: Listener, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("no_proxy", "")
    use("http://a.invalid/site", {"headers": {"X-Key": SECRET}, "timeout": 2})
    use("https://a.invalid/site", {"headers": {"X-Key": SECRET}, "timeout": 2})


def test_a_proxy_that_refuses(
    host: Host, listener: Listener, use: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://me:{SECRET}@127.0.0.1:{port}")
    monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@{host.address.removeprefix('http://')}")
    monkeypatch.setenv("no_proxy", "")
    use("http://a.invalid/site", {"headers": {"X-Key": SECRET}})
    use("https://a.invalid/site", {"headers": {"X-Key": SECRET}, "timeout": 2})


@pytest.mark.parametrize(
    "options",
    [
        {"headers": SECRET},
        {"headers": {"X-Key": f"{SECRET}\n"}},
        {"headers": {"Host": SECRET}},
        {"headers": {"Authorization": SECRET}, "token_file": "/t"},
        {"token_file": SECRET},
        {"token_file": {"x": SECRET}},
        {"token": SECRET},
        {"key": SECRET, "timeout": {"a": SECRET}},
    ],
)
def test_options_of_a_wrong_kind(options: dict[str, Any], use: Callable[..., None]) -> None:
    use("https://a.invalid/site", options)


@pytest.mark.parametrize(
    "text",
    [
        f'roots = "https://me:{SECRET}@host"',
        f'roots = ["https://me:{SECRET}@host"]',
        f'roots = [["{SECRET}"]]',
        f'[options]\n"s3://bucket" = "{SECRET}"',
        f'[options."https://me:{SECRET}@host"]\nkey = 1',
        f'[options."https://host/?{SIGNED}"]\nkey = 1',
        f'secret = "{SECRET}"',
        f'[options."s3://bucket"]\nsecret = "{SECRET}',
        f'[options."s3://bucket"]\nsecret = {SECRET}',
        f'offline = "{SECRET}"',
        f'[options."file:///x"]\nsecret = "{SECRET}"',
    ],
)
def test_a_malformed_configuration_file(
    text: str, listener: Listener, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = listener.folder / "secrets/config.toml"
    for content in (text.encode(), text.encode("utf-16"), text.encode() + b"\xff"):
        file.write_bytes(content)
        with pytest.raises(BlackboxRepoError) as refused:
            read_settings()
        listener.hear_error(refused.value)
        monkeypatch.setattr(sys, "argv", ["bb-repo", "config"])
        with pytest.raises(SystemExit, match="2"):
            main()
    listener.said += capfd.readouterr()
    listener.check()


@pytest.mark.parametrize(
    "address",
    [
        f"https://me:{SECRET}@host/site",
        f"https://{SECRET}@host/site",
        f"s3://me:{SECRET}@bucket",
        f"https://host/site?{SIGNED}",
        f"https://host/site#{SECRET}",
        f"https:/me:{SECRET}@host",
        f"https://me:{quote(SECRET + '@', safe='')}host/x",
        f"file://me:{SECRET}@host/x",
    ],
)
def test_an_address_with_a_secret(
    address: str, listener: Listener, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    commands = [["list", "--root", address], ["config", "--root", address], ["mirror", address, "copy"]]
    commands += [["publish", "nasbench-macro", address], ["info", f"{address}/mine"], ["gc", address]]
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["bb-repo", *command])
        with pytest.raises(SystemExit, match="2"):
            main()
    for act in (
        lambda: load_blackbox("mine", source=Source((address,))),
        lambda: load_blackbox(f"{address}/mine"),
        lambda: load_blackbox(address),
        lambda: Source((address, 3)),  # type: ignore[arg-type]
        lambda: publish("nasbench-macro", address),
    ):
        with pytest.raises(BlackboxRepoError) as refused:
            act()
        listener.hear_error(refused.value)
    monkeypatch.setenv("BLACKBOX_ROOTS", address)
    with pytest.raises(BlackboxRepoError) as refused:
        load_blackbox("mine")
    listener.hear_error(refused.value)
    listener.said += capfd.readouterr()
    listener.check()


def test_the_command_line_of_a_process_is_what_was_typed(host: Host, listener: Listener) -> None:
    write_settings(listener.folder / "secrets/config.toml", host.address, web_options(listener))
    host.pages = {"/index.json": Page(b"{}", pause=60)}
    typed = [sys.executable, "-m", "blackbox_repo.cli", "list", "--root", host.address]
    place = str(Path(__file__).parents[3])
    process = subprocess.Popen(typed, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        while not host.asked:
            assert process.poll() is None
            time.sleep(0.02)
        assert host.headers[0]["Authorization"] == f"Bearer {SECRET}"
        assert Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")[:-1] == typed
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert not children.exists() or children.read_text() == ""
    finally:
        process.kill()
        said, _ = process.communicate()
    listener.hear(said)
    listener.check()


# --- buckets ------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(moto: S3Server) -> Iterator[Bucket]:
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    with FaultyProxy(moto.address) as proxy:
        yield make_bucket(moto, proxy)


def s3_options(bucket: Bucket, **more: object) -> dict[str, object]:
    secrets = {
        "key": SECRET,
        "secret": SECRET,
        "token": SECRET,
        "config_kwargs": {"user_agent_extra": SECRET},
    }
    return {**bucket.options, **secrets, **more}


FAULTS = {
    "403": faults.answer_s3(403, "AccessDenied", SECRET),
    "404": faults.answer_s3(404, "NoSuchKey", SECRET),
    "no bucket": faults.answer_s3(404, "NoSuchBucket", SECRET),
    "expired": faults.answer_s3(400, "ExpiredToken", SECRET),
    "skewed": faults.answer_s3(403, "RequestTimeTooSkewed", SECRET),
    "500": faults.answer_s3(500, "InternalError", SECRET),
    "a page": faults.answer(200, f"<html>{SECRET}</html>".encode(), *ECHO.items()),
    "garbage": faults.answer(400, f"{SECRET}<<".encode()),
    "moved": faults.answer(301, b"", ("Location", f"http://127.0.0.1:1/?{SIGNED}")),
    "dropped": faults.dropped,
}


@pytest.mark.parametrize("name", few_and_the_rest(FAULTS, 3))
def test_a_bucket_that_repeats_secrets(
    name: str, bucket: Bucket, listener: Listener, use: Callable[..., None]
) -> None:
    bucket.proxy.plan(FAULTS[name])
    use(f"{bucket.url}/site", s3_options(bucket))


def test_a_sound_bucket(bucket: Bucket, listener: Listener, site: Path, use: Callable[..., None]) -> None:
    write_settings(listener.folder / "secrets/config.toml", bucket.url, s3_options(bucket))
    publish(site.parent / "mine", f"{bucket.url}/site")
    use(f"{bucket.url}/site", s3_options(bucket))
    assert any("mine" in said for said in listener.said)
    bucket.proxy.plan(faults.flipped_bit(-1), "GET", "objects/|manifests/")
    use(f"{bucket.url}/site", s3_options(bucket))


@pytest.mark.parametrize(
    "more",
    [
        {"endpoint_url": f"http://me:{SECRET}@127.0.0.1:1"},
        {"endpoint_url": f"{SECRET}:/nothing"},
        {"client_kwargs": {"endpoint_url": f"http://127.0.0.1:1/?{SIGNED}"}},
        {"client_kwargs": SECRET},
        {"client_kwargs": {"no_such": SECRET}},
        {"config_kwargs": {"no_such": SECRET}},
        {"config_kwargs": {"proxies": {"http": f"http://me:{SECRET}@127.0.0.1:1"}}},
        {"key": 5, "secret": [SECRET]},
        {"keys": SECRET},
    ],
)
def test_options_of_a_bucket_of_a_wrong_kind(
    more: dict[str, Any], bucket: Bucket, use: Callable[..., None]
) -> None:
    use(f"{bucket.url}/site", s3_options(bucket, **more))


def test_what_is_looked_for_is_found(listener: Listener) -> None:
    listener.hear(json.dumps({"secret": SECRET}))
    with pytest.raises(AssertionError):
        listener.check()
