"""Lock files, configuration files, addresses and names that are malformed are refused by name."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from blackbox_repo import Source, load_blackbox
from blackbox_repo.cli import main
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots.holding import FolderHolding
from blackbox_repo.roots.settings import read_settings
from blackbox_repo.store.manifest import parse_manifest
from tests.blackbox_repo.roots import attacks
from tests.blackbox_repo.roots.attacks import ESCAPES
from tests.blackbox_repo.transfer.host import Page, serving

Run: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return attacks.make_root(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def root(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root, in the working folder of a user without anything else."""
    for name in ("cache", "home", "work"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    shutil.copytree(sound, tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line; its exit status and what it printed, which controls no terminal."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bb-repo", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = "".join(capsys.readouterr())
        assert all(line.isprintable() for line in said.split("\n"))
        assert "Traceback" not in said
        return int(ended.value.code or 0), said

    return run


# --- lock files ---------------------------------------------------------------------------------------------


def changed(change: Callable[[Any], object]) -> Callable[[str], bytes]:
    """A lock file, changed."""

    def make(text: str) -> bytes:
        data = json.loads(text)
        change(data)
        return json.dumps(data).encode()

    return make


def pinned(**values: object) -> Callable[[str], bytes]:
    return changed(lambda data: data["blackboxes"]["mine"].update(values))


LOCKS: dict[str, tuple[Callable[[str], bytes], str]] = {
    "empty": (lambda _: b"", "blackboxes.lock is empty"),
    "blank": (lambda _: b" \n\t\n", "blackboxes.lock is empty"),
    "a page": (lambda _: b"<html>Log in</html>", "blackboxes.lock is not proper JSON"),
    "TOML": (lambda _: b"format = 1", "blackboxes.lock is not proper JSON"),
    "a conflict of git": (lambda text: f"<<<<<<< HEAD\n{text}".encode(), "is not proper JSON"),
    "UTF-16": (lambda text: text.encode("utf-16"), "is not proper JSON"),
    "deep": (lambda _: b"[" * 10**5, "nested more than 64 deep"),
    "cut off": (lambda text: text[:-9].encode(), "is not proper JSON"),
    "a name twice": (
        lambda text: text.replace('"version"', '"manifest"').encode(),
        "'manifest' occurs twice",
    ),
    "no format": (changed(lambda d: d.pop("format")), "no integer 'format'"),
    "a newer format": (changed(lambda d: d.update(format=2)), "has format 2, but this version"),
    "a list": (lambda _: b"[1]", "no integer 'format'"),
    "no blackboxes": (changed(lambda d: d.pop("blackboxes")), "missing required field blackboxes"),
    "a root": (changed(lambda d: d.update(root="s3://x")), "unknown field root"),
    "an unknown key": (pinned(**{ESCAPES: 1}), r"unknown field .x1b\[31m"),
    "a number as version": (pinned(version=1), "version = 1: expected str"),
    "a version as a path": (pinned(version="../1"), "version of 'mine' in .*blackboxes.lock '../1' must be"),
    "a digest in upper case": (pinned(manifest="A" * 64), "manifest = .*: expected str matching"),
    "a digest of 63 digits": (pinned(manifest="a" * 63), "manifest = .*: expected str matching"),
    "a digest with a line end": (pinned(manifest="a" * 64 + "\n"), "manifest = .*: expected str matching"),
    "a digest of sha1": (pinned(manifest="sha1:" + "a" * 40), "manifest = .*: expected str matching"),
    "a hash of a file": (pinned(files={"a.parquet": "x"}), r"files.*'a.parquet'.* = 'x': expected str"),
    "files as a list": (pinned(files=[]), "files: expected object, got array"),
    "a name as a path": (
        changed(lambda d: d["blackboxes"].update({"../x": d["blackboxes"]["mine"]})),
        "'../x'",
    ),
    "another manifest": (
        pinned(manifest="0" * 64),
        r"has the sha256 \w{64}, but 0{64} .* is pinned",
    ),
    "another version": (pinned(version="2"), "version 2, which no root has|contradicts itself"),
    "other files": (pinned(files={"a.parquet": "0" * 64}), "contradicts itself"),
    "no files": (pinned(files={}), "contradicts itself"),
    "in another case": (
        changed(lambda d: d["blackboxes"].update(MINE=d["blackboxes"].pop("mine"))),
        "'mine' is not in .*blackboxes.lock",
    ),
    "something else only": (
        changed(lambda d: d["blackboxes"].update(other=d["blackboxes"].pop("mine"))),
        "'mine' is not in",
    ),
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_that_was_tampered_with(name: str, root: Path, run: Run) -> None:
    make, says = LOCKS[name]
    status, text = run("lock", "mine", "--root", str(root))
    assert status == 0
    with serving() as host:
        host.pages = {
            f"/{path.relative_to(root).as_posix()}": Page(path.read_bytes())
            for path in root.rglob("*")
            if path.is_file()
        }
        load_blackbox("mine", source=Source((host.address,)))  # whose manifest is on this machine from now on
        Path("blackboxes.lock").write_bytes(make(text))
        for place in (str(root), host.address):
            with pytest.raises(BlackboxRepoError) as refused:
                load_blackbox("mine", source=Source((place,)))
            assert re.search(says, str(refused.value)), refused.value
            assert str(refused.value).isprintable()
            for command in (["info", "mine"], ["fetch", "mine"], ["fetch", "mine/a", "--objectives", "loss"]):
                status, said = run(*command, "--root", place)
                assert (status, bool(re.search(says, said))) == (2, True), said


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/nowhere/at/all")])
def test_a_lock_file_that_is_no_file(make: Callable[[Path], object], root: Path) -> None:
    make(Path("blackboxes.lock"))
    with pytest.raises(BlackboxRepoError, match="blackboxes.lock"):
        load_blackbox("mine", source=Source((str(root),)))


# --- the configuration file ---------------------------------------------------------------------------------

CONFIGS = {
    "no TOML": ("roots", "is not proper TOML"),
    "JSON": ('{"roots": []}', "is not proper TOML"),
    "a key twice": ("offline = true\noffline = false", "is not proper TOML"),
    "deep": ("roots = " + "[" * 10**5, "is not proper TOML"),
    "a control character": ('roots = ["\x1b[31m"]', "is not proper TOML"),
    "NUL in a root": ('roots = ["a\\u0000b"]', "roots names a root that .* has a NUL character"),
    "roots as a table": ("[roots]\na = 1", "roots: expected array, got object"),
    "a number as root": ("roots = [1.5]", r"roots\[0\] = 1.5: expected str"),
    "a blank root": ('roots = [" "]', "roots names a root that is empty"),
    "a date as root": ("roots = [2020-01-01]", r"roots\[0\].*expected str"),
    "offline in words": ('offline = "yes"', "offline = .*: expected bool"),
    "an unknown key": ("root = []", "unknown field root"),
    "an unknown table": ("[storage]\nx = 1", "unknown field storage"),
    "options for a word": ("[options.user]\nx = 1", "options are for addresses .* but not 'user'"),
    "options for a folder": ('[options."/data"]\nx = 1', "options are for addresses .* but not '/data'"),
    "options that are text": ('options = "x"', "options = .*: expected object"),
    "options of an address that are text": (
        '[options]\n"s3://x" = "y"',
        r"options\['s3://x'\].*expected object",
    ),
    "options for a signed address": ('[options."https://h/?sig=1"]\nx = 1', "has a query or fragment"),
    "a megabyte": ("#" * (1 << 21), "is larger than the 1048576 bytes"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_file_that_is_malformed(
    name: str, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, says = CONFIGS[name]
    file = root.parent / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("BLACKBOX_CONFIG", str(file))
    with pytest.raises(BlackboxRepoError, match=says) as refused:
        read_settings()
    assert str(file) in str(refused.value)
    assert str(refused.value).isprintable()
    for command in (["config"], ["list"], ["info", "mine"]):
        status, said = run(*command)
        assert (status, bool(re.search(says, said))) == (2, True), said


@pytest.mark.parametrize(
    "options", ["x = 1", "timeout = nan", "timeout = -1", "headers = 1", 'token_file = "t"']
)
def test_options_of_a_root_on_the_web_are_checked(
    options: str, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = root.parent / "config.toml"
    file.write_text(f'[options."https://a.invalid"]\n{options}\n')
    monkeypatch.setenv("BLACKBOX_CONFIG", str(file))
    status, said = run("list", "--root", "https://a.invalid/boxes")
    assert status == 2
    assert f"the option {options.split(maxsplit=1)[0]}" in said


# --- addresses and names ------------------------------------------------------------------------------------

ADDRESSES = {
    "": "is empty",
    "\t": "is empty",
    "a\0b": "NUL",
    "a\ud800b": "half a character",
    "~no-such-user-at-all/x": "no user has such a folder",
    "s3:": "lacks the // after s3:",
    "s3:x": "lacks the // after s3:",
    "s3:/x": "lacks the // after s3:",
    "s3://": "has nothing after s3://",
    "s3:///": "has nothing after s3://",
    "s3:///x": "has nothing after s3://",
    "S3://": "has nothing after s3://",
    "https://": "has nothing after https://",
    "https://me@host/x": "user name or password",
    "https://me:word@host/x": "user name or password",
    "https://me%40host/x": "user name or password",
    "https://host/x?a=b": "query or fragment",
    "https://host?": "query or fragment",
    "https://host/#x": "query or fragment",
    "https://host:x/y": "no proper host, bucket or port",
    "https://host:123456/y": "no proper host, bucket or port",
    "https://[::1/y": "no proper host, bucket or port",
    "https://::1/y": "no proper host, bucket or port",
    "https://ho%00st/y": "no proper host, bucket or port",
    "s3://a::b": "no proper host, bucket or port",
    "s3://b/a::zip": "'::'",
    "s3://b/../x": "a step to another folder",
    "s3://b/./x": "a step to another folder",
    "s3://b/..%2fx": "a step to another folder",
    "s3://b/%2E%2e": "a step to another folder",
    "s3://b\\..\\x": "no proper host, bucket or port",
    "s3://b/a\\x": "a backslash",
    "s3://b/a b": "spaces or control characters",
    "s3://b/\x1b[31m": "spaces or control characters",
    "s3://b/\u202ex": "spaces or control characters",
    "s3://" + "b" * 3000: "more than 2000 characters",
    "file://host/x": "write file:///path",
    "file:x": "lacks|write file:///path",
    "no-such-scheme://x": "fsspec does not know",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_malformed(
    address: str, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec")
    says = ADDRESSES[address]
    with pytest.raises(BlackboxRepoError, match=says) as refused:
        load_blackbox("mine", source=Source((address,)))
    assert str(refused.value).isprintable()
    for command in (["list", "--root", address], ["publish", "nasbench-macro", address], ["gc", address]):
        status, said = run(*command)
        assert (status, bool(re.search(says, said))) == (2, True), (command, said)
    if address.strip() and "\0" not in address and "\ud800" not in address:
        monkeypatch.setenv("BLACKBOX_ROOTS", f"\r\n  {root}  \r\n\r\n{address}\r\n")
        with pytest.raises(BlackboxRepoError, match=says):
            load_blackbox("mine")
    assert not any(Path().iterdir())


def test_addresses_that_look_odd_are_right(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKBOX_ROOTS", f"\r\n\r\n  {root}  \r\n\r\nHTTP://[::1]:80/x%20y/\r\n./s3:x\r\n")
    found = [named.address.text for named in read_settings().roots if named.origin == "BLACKBOX_ROOTS"]
    assert found == [str(root), "http://[::1]:80/x%20y", "s3:x"]


NAMES = (
    "../mine",
    "..",
    "mine/..",
    "a\0b",
    "\u0661",
    ESCAPES,
    "CON",
    "a" * 300,
    "x" * 5000,
    "mine.",
    "MINE",
    "",
    " ",
    "a:b",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_blackbox_has(name: str, root: Path, run: Run) -> None:
    for place in (root, root.parent):
        with pytest.raises(BlackboxRepoError) as refused:
            load_blackbox(name, source=Source((str(place),)))
        assert str(refused.value).isprintable()
    with pytest.raises(BlackboxRepoError):
        load_blackbox(name, source=Source((str(root),)), version="1")
    for command in (["info", name], ["fetch", name], ["lock", name], ["remove", name, "1"]):
        where = [str(root)] if command[0] == "remove" else ["--root", str(root)]
        status, _ = run(*command, *where)
        assert status == 2, command


@pytest.mark.parametrize(
    "version", ["../1", "1.0/../../x", "", "\u0663", "\u00b2", "9" * 5000, ESCAPES, "a\0", "\ud800"]
)
def test_a_version_that_no_blackbox_has(version: str, root: Path, run: Run) -> None:
    with pytest.raises(BlackboxRepoError) as refused:
        load_blackbox("mine", source=Source((str(root),)), version=version)
    assert str(refused.value).isprintable()
    for command in (["info", "mine", "--version", version], ["fetch", "mine", "--version", version]):
        status, _ = run(*command, "--root", str(root))
        assert status == 2
    assert run("publish", "nasbench-macro", str(root), "--version", version)[0] == 2
    assert run("remove", "mine", version, str(root))[0] == 2


def test_the_digest_of_a_blackbox_is_that_of_the_manifest_that_was_read(root: Path) -> None:
    """A folder that is written meanwhile cannot be one manifest under the hash of another."""
    folder = root.parent / "mine"
    shutil.copytree(Path(load_blackbox("nasbench-macro").folder or ""), folder)
    holding = FolderHolding(folder, "here")
    (folder / "manifest.json").write_text("{}")
    assert hashlib.sha256(holding.content()).hexdigest() == holding.digest
    assert parse_manifest(holding.content(), "it") == holding.manifest


def test_a_root_to_write_that_is_no_folder(root: Path, run: Run) -> None:
    for place in (root / "index.json", Path("/dev/null")):
        status, said = run("publish", "nasbench-macro", str(place))
        assert (status, "is no folder; name an empty, new or published one" in said) == (2, True)
