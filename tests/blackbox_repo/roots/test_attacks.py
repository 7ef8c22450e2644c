from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox
from blackbox_repo.cli import main
from blackbox_repo.errors import BlackboxRepoError
from tests.blackbox_repo.roots import attacks
from tests.blackbox_repo.roots.attacks import Attack
from tests.blackbox_repo.transfer.host import Host, Page, serving
from tests.quick import few_and_the_rest

COMMANDS = (
    ["list", "--root", "ROOT", "--versions"],
    ["list", "--root", "ROOT", "--json"],
    ["info", "mine", "--root", "ROOT"],
    ["fetch", "mine", "--root", "ROOT"],
    ["fetch", "mine/a", "--objectives", "loss", "--root", "ROOT"],
    ["lock", "mine", "--root", "ROOT"],
    ["verify", "mine", "--root", "ROOT"],
    ["mirror", "ROOT", "COPY"],
    ["publish", "SOUND", "ROOT"],
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root, and the folder of the blackbox in it."""
    scratch = tmp_path_factory.mktemp("sound")
    attacks.make_root(scratch)
    return scratch


@pytest.fixture(scope="module")
def web() -> Iterator[Host]:
    with serving() as host:
        yield host


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blackbox_repo.transfer.retry.sleep", lambda seconds: None)


@pytest.fixture
def root(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sound root, in a working folder of its own, with an empty cache."""
    for name in ("cache", "home", "work"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    shutil.copytree(sound / "root", tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[list[str]], tuple[int, str]]:
    """Runs a command line; its exit status and what it printed."""

    def run(arguments: list[str]) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bb-repo", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out + captured.err

    return run


def load(root: str, objectives: list[str] | None = None) -> str:
    """Load all that there is; the message if that is refused."""
    try:
        for blackbox in load_blackbox("mine", source=Source((root,), objectives=objectives)).values():
            assert blackbox.evaluate({"x": 7}, 3)["loss"] < 1
    except BlackboxRepoError as err:
        return str(err)
    return ""


def files_beside(root: Path) -> set[Path]:
    """All files of the test but those of the root, the copy and the cache."""
    return {
        path
        for path in root.parent.rglob("*")
        if path.relative_to(root.parent).parts[0] not in ("root", "copy", "cache") and not path.is_dir()
    }


def is_harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n")) and "Traceback" not in text


def put_on_the_web(root: Path, host: Host) -> None:
    """What a web server has of the files: those that are files."""
    host.pages = {
        f"/{path.relative_to(root).as_posix()}": Page(path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 30
    }


ATTACKS = attacks.all_attacks()


def test_there_are_more_than_a_hundred_attacks() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names) > 180


@pytest.mark.parametrize("attack", few_and_the_rest(ATTACKS, 4), ids=lambda attack: attack.name)
def test_a_root_that_was_tampered_with_is_refused_by_name(
    attack: Attack, root: Path, sound: Path, web: Host, run: Callable[[list[str]], tuple[int, str]]
) -> None:
    attack.harm(root)
    put_on_the_web(root, web)
    before = files_beside(root)
    places = {"ROOT": str(root), "COPY": str(root.parent / "copy"), "SOUND": str(sound / "mine")}
    said = [load(str(root)), load(str(root), ["loss"]), load(web.address), load(web.address, ["loss"])]
    assert any(said[:2]) != attack.loads, said
    assert any(said[2:]) != attack.loads, said
    for command in COMMANDS:
        status, text = run([places.get(word, word) for word in command])
        assert status in (0, 1, 2), (command, text)
        assert is_harmless(text), (command, text)
        said.append(text)
    assert is_harmless("\n".join(said))
    assert re.search(attack.says, " ".join(" ".join(said).split())), said
    assert files_beside(root) == before
