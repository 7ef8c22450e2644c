"""A root that is published into a folder, and served from there by nginx and by http.server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo import describe, list_blackboxes, load_blackbox
from blackbox_repo.errors import (
    BlackboxRepoError,
    FormatError,
    IntegrityError,
    InvalidOption,
    RootUnavailable,
    UnknownName,
)
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.publish import mirror, publish, remove
from blackbox_repo.roots.source import Source
from blackbox_repo.table import TabularBlackbox
from tests.blackbox_repo.roots.shelf import PACKAGE, write_settings
from tests.servers import proxy as faults
from tests.servers.fixtures import Site
from tests.servers.proxy import FaultyProxy

SMALL, TASK = "nasbench-macro", "cifar10"


@pytest.fixture
def site(web: Site, empty_cache: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with one small blackbox."""
    del empty_cache
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)
    publish(SMALL, web.folder, source=PACKAGE)
    return web


def source_of(site: Site) -> Source:
    return Source((site.url,))


def object_of(site: Site) -> Path:
    (found,) = (site.folder / "objects").iterdir()
    return found


def is_right(site: Site) -> bool:
    loaded, ours = (load_blackbox(SMALL, source=source)[TASK] for source in (source_of(site), PACKAGE))
    assert isinstance(loaded, TabularBlackbox)
    assert isinstance(ours, TabularBlackbox)
    return all(
        np.array_equal(loaded.table.points[name], ours.table.points[name]) for name in ours.table.points
    )


def test_what_is_published_in_a_folder_is_listed_and_loaded_from_the_web(site: Site) -> None:
    assert list_blackboxes(source_of(site)) == [SMALL]
    assert [request.status for request in site.proxy.requests] == [200]
    loaded = load_blackbox(SMALL, source=source_of(site))
    assert (loaded.origin, loaded.digest) == (site.url, load_blackbox(SMALL, source=PACKAGE).digest)
    assert is_right(site)
    assert is_right(site)
    assert len(site.proxy.asked(path="objects/")) == 1
    assert len(site.proxy.asked(path="manifests/")) == 1


def test_a_name_that_the_root_does_not_have_is_unknown(site: Site) -> None:
    with pytest.raises(UnknownName, match="unknown blackbox 'nasbench-mikro'"):
        load_blackbox("nasbench-mikro", source=source_of(site))


@pytest.mark.parametrize("page", [b"<html>Please log in</html>", b"{}", b'{"blackboxes": 5}', b"\xff"])
def test_what_is_no_index_is_refused(site: Site, page: bytes) -> None:
    site.proxy.plan(faults.answer(200, page), path="index.json")
    with pytest.raises(FormatError, match=f"{site.url}/index.json is"):
        load_blackbox(SMALL, source=source_of(site))


def test_a_site_without_an_index_is_told_to_have_one(site: Site) -> None:
    (site.folder / "index.json").unlink()
    with pytest.raises(RootUnavailable, match=r"has no index.json, .*; check the address"):
        list_blackboxes(source_of(site))


def test_offline_nothing_is_asked(site: Site) -> None:
    assert is_right(site)
    site.proxy.forget()
    offline = replace(source_of(site), offline=True)
    assert load_blackbox(SMALL, source=offline)[TASK]
    assert site.proxy.requests == []


def test_one_objective_moves_few_bytes_or_the_file_once(site: Site) -> None:
    name, task, objective = "nasbench201-final", "cifar100", "valid_error"
    publish(name, site.folder, source=PACKAGE)
    total = sum(entry.bytes for entry in describe(name, source=PACKAGE).tasks.values())
    for _ in range(2):
        part = load_blackbox(name, source=replace(source_of(site), objectives=(objective,)))[task]
        whole = load_blackbox(name, source=PACKAGE)[task]
        assert isinstance(part, TabularBlackbox)
        assert isinstance(whole, TabularBlackbox)
        assert np.array_equal(part.table.points[objective], whole.table.points[objective])
    asked = site.proxy.asked(path="objects/")
    if site.server.knows_ranges:
        assert sum(request.received for request in asked) < 0.15 * total
    else:
        assert ["Range" in request.headers for request in asked] == [True, False]


def test_a_version_that_the_index_does_not_name_yet_is_found(site: Site) -> None:
    index = (site.folder / "index.json").read_bytes()
    publish(SMALL, site.folder, version="2.0", source=PACKAGE)
    (site.folder / "index.json").write_bytes(index)
    assert load_blackbox(SMALL, version="2.0", source=source_of(site)).manifest.version == "2.0"


def test_a_download_that_was_cut_goes_on_in_the_next_process(site: Site) -> None:
    site.proxy.plan(faults.cut_after(20_000), path="objects/", times=1)
    site.proxy.plan(faults.answer(503), path="objects/", times=4)
    with pytest.raises(RootUnavailable, match=r"HTTP 503 Service Unavailable \(tried 4 times\)"):
        is_right(site)
    site.proxy.forget()
    assert is_right(site)
    (request,) = site.proxy.asked(path="objects/")
    assert request.headers["Range"] == "bytes=20000-"
    assert request.status == (206 if site.server.knows_ranges else 200)


@pytest.mark.parametrize("fault", [faults.flipped_bit(500), faults.truncated_to(500)])
@pytest.mark.parametrize("path", ["objects/", "manifests/"])
def test_damage_on_the_way_is_noticed_and_not_kept(site: Site, fault: faults.Fault, path: str) -> None:
    site.proxy.plan(fault, path=path)
    with pytest.raises(IntegrityError):
        is_right(site)
    site.proxy.forget()
    assert is_right(site)


def test_damage_at_the_server_is_noticed(site: Site) -> None:
    content = bytearray(object_of(site).read_bytes())
    content[7000] ^= 1
    object_of(site).write_bytes(content)
    with pytest.raises(IntegrityError, match=f"{object_of(site).name} is not the file of its manifest"):
        is_right(site)


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_site_is_mirrored(site: Site, tmp_path: Path) -> None:
    assert [done.new for done in mirror(site.url, tmp_path / "copy")] == [True]
    assert files_of(tmp_path / "copy") == files_of(site.folder)


@pytest.mark.parametrize(
    "act",
    [
        lambda url: publish("icml-deepar", url, source=PACKAGE),
        lambda url: remove(SMALL, "1.0", url),
        lambda url: list(mirror("package", url)),
        collect_garbage,
    ],
)
def test_a_site_is_not_written(site: Site, act: Callable[[str], object]) -> None:
    with pytest.raises(InvalidOption, match="is on a web server, which is only read; publish into a folder"):
        act(site.url)
    assert site.proxy.requests == []


# --- credentials ------------------------------------------------------------------------------------------


def let_in(token: str, then: Callable[[faults.Exchange], None]) -> faults.Fault:
    """Answer 401 to requests without this token."""

    def fault(exchange: faults.Exchange) -> None:
        right = exchange.request.headers.get("Authorization") == f"Bearer {token}"
        (then if right else faults.answer(401))(exchange)

    return fault


def hand_on(exchange: faults.Exchange) -> None:
    exchange.write_answer(exchange.ask())


@pytest.fixture
def closed(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site, which wants a token, whose file the configuration names."""
    site.proxy.plan(let_in("canary", hand_on), path="index.json|manifests/")
    (tmp_path / "token").write_text("canary\n")
    write_settings(tmp_path / "config.toml", site.proxy.address, {"token_file": str(tmp_path / "token")})
    monkeypatch.setenv("BLACKBOX_CONFIG", str(tmp_path / "config.toml"))
    return site


@pytest.fixture
def store(closed: Site) -> Iterator[FaultyProxy]:
    """Another host, which has the files: the site redirects to signed addresses there."""
    with FaultyProxy(closed.server.address) as store:

        def redirect(exchange: faults.Exchange) -> None:
            location = f"{store.address}{exchange.request.path}?X-Signature=canary"
            exchange.write_answer(faults.Answer(302, (("Location", location),), b""))

        closed.proxy.plan(let_in("canary", redirect), path="objects/")
        yield store


def test_a_token_is_sent_to_the_root_and_not_to_where_it_redirects(closed: Site, store: FaultyProxy) -> None:
    assert is_right(closed)
    (request,) = store.requests
    assert "X-Signature=canary" in request.path
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("status", [403, 404, 500, 200])
def test_no_error_and_no_file_holds_a_secret(
    closed: Site, store: FaultyProxy, status: int, tmp_path: Path
) -> None:
    store.plan(faults.answer(status, b"no file"))
    with pytest.raises(BlackboxRepoError) as caught:
        is_right(closed)
    assert "canary" not in repr(caught.value)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path != tmp_path / "token"]
    assert [path for path in kept if b"canary" in path.read_bytes()] == []


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "blackbox_repo", *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_no_command_tells_a_secret(closed: Site, store: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKBOX_ROOTS", closed.url)
    listed, configured = run("list", "--json", "--root", closed.url), run("config")
    assert [each["name"] for each in json.loads(listed.stdout)] == [SMALL]
    store.plan(faults.answer(403))
    refused = run("fetch", SMALL, "--root", closed.url)
    assert [done.returncode for done in (listed, configured, refused)] == [0, 0, 2]
    assert "HTTP 403 Forbidden" in refused.stderr
    assert "canary" not in "".join(done.stdout + done.stderr for done in (listed, configured, refused))


def test_a_token_that_is_wrong_is_refused_with_where_it_stands(closed: Site, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary of yesterday")
    with pytest.raises(RootUnavailable, match="HTTP 401 Unauthorized; it does not accept") as caught:
        is_right(closed)
    assert f'[options."{closed.proxy.address}"]' in str(caught.value)
    assert "yesterday" not in str(caught.value)


def test_an_option_that_is_misspelt_is_refused(closed: Site, tmp_path: Path) -> None:
    write_settings(tmp_path / "config.toml", closed.proxy.address, {"tokenfile": "canary"})
    with pytest.raises(InvalidOption, match="the option tokenfile of the root .* is not known"):
        is_right(closed)
