"""Any file of a root or of the cache is damaged: what is read then is right, or an error says what to do."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox, publish
from blackbox_repo.errors import BlackboxRepoError, NotDownloaded
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.listing import list_contents
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.store import cache
from tests.blackbox_repo.roots.damage import INSTEAD, attempt, flipped, flips, replaced
from tests.blackbox_repo.roots.shelf import PACKAGE
from tests.quick import few_and_the_rest
from tests.servers.fixtures import WebServer

NAME, WITH_PARTS, OBJECTIVE = "nasbench-macro", "nasbench-nlp", "valid_loss"
BITS = [2, pytest.param(20, marks=pytest.mark.slow)]
REMEDIES = (
    "bb-repo",
    "same command",
    "try again",
    "Restore",
    "restore",
    "publish",
    "sha256sum",
    "upgrade",
    "download",
)
pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="a test that hangs is ended by an alarm"),
    pytest.mark.filterwarnings("ignore::blackbox_repo.errors.CacheWarning"),
]


@dataclass
class Reader:
    """What somebody finds in a root: what is listed, and what is loaded, whole and in part."""

    root: str
    offline: bool = False

    def listed(self) -> object:
        found = list_contents(Source((self.root,), offline=self.offline))
        for each in found:
            if each.broken is not None:
                raise each.broken
        return [(each.name, each.version, each.entry) for each in found]

    def whole(self) -> object:
        source = Source((self.root,), offline=self.offline)
        newest = load_blackbox(NAME, source=source)
        return newest.manifest, newest["cifar10"].digest()

    def older(self) -> object:
        return load_blackbox(NAME, version="1.0", source=Source((self.root,), offline=self.offline)).manifest

    def part(self) -> object:
        source = Source((self.root,), offline=self.offline, objectives=[OBJECTIVE])
        return load_blackbox(WITH_PARTS, source=source)["wikitext-2"].digest()

    def all(self) -> dict[str, Callable[[], object]]:
        return {"listed": self.listed, "whole": self.whole, "older": self.older, "part": self.part}


def check(reader: Reader, right: dict[str, object], path: Path, *, may_fail: bool = True) -> int:
    """Read everything; the number of errors. A value is right, or the error names the file and a remedy."""
    errors = 0
    for what, read in reader.all().items():
        found, error = attempt(read)
        if error is None:
            assert found == right.get(what), (what, path)
            continue
        errors += 1
        assert may_fail, (what, path, error)
        says_what(error, path)
    return errors


def says_what(error: Exception, path: Path) -> None:
    assert isinstance(error, BlackboxRepoError), (path, error)
    assert any(remedy in str(error) for remedy in REMEDIES), (path, str(error))
    assert path.stem in str(error) or isinstance(error, NotDownloaded), (path, str(error))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "root"
    for version in ("1.0", "1.1"):
        publish(NAME, root, version=version, source=PACKAGE)
    publish(WITH_PARTS, root, source=PACKAGE)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    """A published root with two versions of one blackbox, and another one."""
    return Path(shutil.copytree(original, tmp_path / "root"))


@pytest.fixture
def site(original: Path, nginx: WebServer, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The same behind a web server: the folder, and its address."""
    folder = Path(shutil.copytree(original, nginx.folder / f"{tmp_path.parent.name}-{tmp_path.name}"))
    yield folder, f"{nginx.address}/{folder.name}"
    shutil.rmtree(folder)


def right_of(reader: Reader) -> dict[str, object]:
    return {what: read() for what, read in reader.all().items()}


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


@pytest.mark.parametrize("bits", BITS)
def test_a_bit_of_a_published_folder_is_flipped(bits: int, root: Path) -> None:
    reader = Reader(str(root))
    right = right_of(reader)
    for path in files(root):
        errors = 0
        for bit in flips(path, bits):
            with flipped(path, bit):
                errors += check(reader, right, path)
        assert errors > 0, path
    assert right_of(reader) == right


@pytest.mark.parametrize("bits", BITS)
def test_a_bit_on_a_web_server_is_flipped(
    bits: int, site: tuple[Path, str], empty_cache: Callable[[], Path]
) -> None:
    folder, address = site
    reader = Reader(address)
    right = right_of(reader)
    for path in files(folder):
        errors = 0
        for bit in flips(path, bits):
            shutil.rmtree(empty_cache())
            with flipped(path, bit):
                errors += check(reader, right, path)
                check(reader, right, path)  # with what the first one has kept
            assert check(reader, right, path) == 0
        assert errors > 0, path


@pytest.mark.parametrize("bits", BITS)
def test_a_bit_of_the_cache_is_flipped(
    bits: int, site: tuple[Path, str], empty_cache: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SMALLEST", 0)
    folder, reader = empty_cache(), Reader(site[1])
    right = right_of(reader)
    kinds = {path.parent.name for path in files(folder)}
    assert kinds == {folder.name, "objects", "indexes"}
    for path in files(folder):
        for bit in flips(path, bits):
            with flipped(path, bit):
                check(Reader(reader.root, offline=True), right, path)
            with flipped(path, bit):
                copy = path.suffix == ".arrow"
                check(reader, right, path, may_fail=copy)
                check(reader, right, path, may_fail=False)  # it has been removed, or come again


@pytest.mark.parametrize("instead", INSTEAD)
def test_something_else_lies_in_a_published_folder(instead: str, root: Path) -> None:
    reader = Reader(str(root))
    right = right_of(reader)
    for path in files(root):
        with replaced(path, INSTEAD[instead]):
            errors = check(reader, right, path)
        assert errors > 0 or path.name == "index.json" or instead == "one byte more", path


@pytest.mark.parametrize("instead", few_and_the_rest(INSTEAD, 3))
def test_something_else_lies_in_the_cache(
    instead: str,
    site: tuple[Path, str],
    empty_cache: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "SMALLEST", 0)
    folder, reader = empty_cache(), Reader(site[1])
    right = right_of(reader)
    for path in files(folder):
        with replaced(path, INSTEAD[instead]):
            check(Reader(reader.root, offline=True), right, path)
        with replaced(path, INSTEAD[instead]):
            check(reader, right, path, may_fail=False)
    for path in files(folder / "downloads"):
        hidden = path.with_name(f".{path.name}.part")
        INSTEAD[instead](hidden, b"x" * 1000)
        path.unlink()
        check(reader, right, path, may_fail=False)


@pytest.mark.parametrize("instead", INSTEAD)
def test_something_else_lies_in_a_folder_of_blackboxes(instead: str, tmp_path: Path) -> None:
    for name in (NAME, WITH_PARTS):
        shutil.copytree(PACKAGE_FOLDER / name, tmp_path / "boxes" / name)
    reader = Reader(str(tmp_path / "boxes"))
    right = {"whole": reader.whole(), "part": reader.part()}
    for path in files(tmp_path / "boxes"):
        with replaced(path, INSTEAD[instead]):
            for what, value in right.items():
                found, error = attempt(reader.all()[what])
                assert error is not None or found == value, (what, path)
                if path.suffix == ".parquet" and error is not None:
                    says_what(error, path)


@pytest.mark.parametrize("instead", INSTEAD)
def test_publishing_mends_what_it_can(instead: str, root: Path) -> None:
    reader = Reader(str(root))
    right = right_of(reader)
    for path in files(root / "objects"):
        with replaced(path, INSTEAD[instead]):
            for name in (NAME, WITH_PARTS):
                _, error = attempt(lambda name=name: publish(name, root, source=PACKAGE, repair=True))
                if error is not None:
                    assert "folder" in instead, error
                    says_what(error, path)
            if "folder" not in instead:
                assert check(reader, right, path) == 0, path


@pytest.mark.parametrize("instead", INSTEAD)
def test_gc_writes_the_index_again(instead: str, root: Path) -> None:
    path, reader = root / "index.json", Reader(str(root))
    right, content = right_of(reader), path.read_bytes()
    with replaced(path, INSTEAD[instead]):
        _, error = attempt(lambda: collect_garbage(root))
        if "folder" in instead:
            assert error is not None
            says_what(error, path)
        else:
            assert (error, path.read_bytes()) == (None, content)
            assert check(reader, right, path) == 0


def test_a_damaged_manifest_is_restored_by_publishing_again(root: Path) -> None:
    reader = Reader(str(root))
    right = right_of(reader)
    path = root / "manifests" / NAME / "1.1.json"
    content = path.read_bytes()
    for bit in flips(path, 10):
        with flipped(path, bit):
            publish(NAME, root, version="1.1", source=PACKAGE, repair=True)
            assert path.read_bytes() == content
            assert check(reader, right, path) == 0


def test_gc_does_not_believe_a_damaged_manifest(root: Path) -> None:
    before = files(root)
    for path in files(root / "manifests"):
        for bit in flips(path, 10):
            with flipped(path, bit), pytest.raises(BlackboxRepoError, match=path.stem):
                collect_garbage(root, grace=-60)
    assert files(root) == before
    assert collect_garbage(root, grace=-60) == []
