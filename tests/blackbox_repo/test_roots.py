"""Blackboxes that other packages bring along: real metadata of distributions in a folder of the path."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import data_cache
from blackbox_repo import FormatError, list_blackboxes, load_blackbox
from blackbox_repo.cli import main
from blackbox_repo.errors import UnknownName

EMBEDDED = Path(data_cache.__file__).parent


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which Python finds packages and their distributions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, distribution: str, package: str, *blackboxes: str, entry: str = "") -> None:
    """As pip leaves a distribution whose package holds copies of an embedded blackbox under other names."""
    folder = site / package.replace(".", "/")
    for blackbox in blackboxes:
        shutil.copytree(EMBEDDED / "icml-deepar", folder / blackbox)
    (folder / "__init__.py").write_text("raise AssertionError('nothing of it is run')")
    info = site / f"{distribution}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[blackbox_repo.blackboxes]\nmine = {entry or package}\n")


def test_blackboxes_of_an_installed_package_are_loaded_by_their_names(site: Path) -> None:
    install(site, "lab-tables", "lab_tables", "lab-deepar", "lab-other")
    assert {"lab-deepar", "lab-other", "nasbench-nlp"} <= set(list_blackboxes())
    found = load_blackbox("lab-deepar")
    assert found.folder == site / "lab_tables" / "lab-deepar"
    assert found["electricity"].digest() == load_blackbox("icml-deepar")["electricity"].digest()
    with pytest.raises(UnknownName, match="did you mean 'lab-deepar'"):
        load_blackbox("lab-deeper")


def test_names_of_the_user_and_of_this_package_come_first(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "lab-tables", "lab_tables", "mine", "icml-deepar")
    shutil.copytree(EMBEDDED / "icml-deepar", tmp_path / "boxes" / "mine")
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    assert load_blackbox("mine").folder == tmp_path / "boxes" / "mine"
    assert load_blackbox("icml-deepar").folder == EMBEDDED / "icml-deepar"


def test_two_packages_with_a_blackbox_of_one_name_are_both_named(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "lab-tables", "lab_tables", "mine")
    install(site, "our-tables", "our_tables", "mine", "ours")
    assert {"mine", "ours"} <= set(list_blackboxes())
    message = (
        "the packages lab-tables and our-tables all have a blackbox 'mine'; uninstall all but one of them"
    )
    with pytest.raises(FormatError, match=message):
        load_blackbox("mine")
    assert load_blackbox("ours").folder == site / "our_tables" / "ours"
    shutil.copytree(EMBEDDED / "icml-deepar", tmp_path / "boxes" / "mine")
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    assert load_blackbox("mine").folder == tmp_path / "boxes" / "mine"


@pytest.mark.parametrize("entry", ["lab_tabels", "lab_tables.inner", "json.decoder", "no.such", "..", "a b"])
def test_a_package_that_does_not_exist_hinders_no_other_and_is_named(
    site: Path, entry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "lab-tables", "lab_tables", "mine", entry=entry)
    (site / "lab_tables" / "__init__.py").write_text("")
    install(site, "our-tables", "our_tables", "ours")
    assert "ours" in list_blackboxes()
    assert load_blackbox("ours")
    message = (
        f"the blackboxes 'mine' of lab-tables 1.0 should lie in the package {entry!r}, which does not exist; "
        f"install lab-tables again, or uninstall it"
    )
    with pytest.raises(UnknownName, match=re.escape(message)):
        load_blackbox("mine")
    monkeypatch.setattr(sys, "argv", ["bb-repo", "list"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert f"bb-repo: warning: {message}\n" in capsys.readouterr().err


# --- the user's own folder ----------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder, with the blackbox ``mine``."""
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "home"))
    shutil.copytree(EMBEDDED / "icml-deepar", tmp_path / "home" / "mine")
    return tmp_path / "home"


def test_what_a_user_has_made_is_loaded_by_its_name(home: Path) -> None:
    assert "mine" in list_blackboxes()
    assert load_blackbox("mine").folder == home / "mine"
    shutil.copytree(EMBEDDED / "icml-deepar", home / "icml-xgboost")
    assert load_blackbox("icml-xgboost").folder == EMBEDDED / "icml-xgboost"


def test_what_a_killed_command_was_replacing_is_put_back(home: Path) -> None:
    (home / "mine").rename(home / ".mine.old")
    assert load_blackbox("mine").folder == home / "mine"
    assert [path.name for path in home.iterdir()] == ["mine"]


def test_if_what_replaces_it_was_complete_that_is_put_there(home: Path) -> None:
    shutil.copytree(EMBEDDED / "icml-xgboost", home / ".mine.partial")
    (home / "mine").rename(home / ".mine.old")
    assert load_blackbox("mine").manifest.name == "icml-xgboost"
    assert [path.name for path in home.iterdir()] == ["mine"]


def test_while_a_command_writes_a_reader_leaves_its_folder_alone(home: Path) -> None:
    shutil.copytree(home / "mine", home / ".mine.partial")
    (home / "mine").rename(home / ".mine.old")
    code = (
        "import sys; from pathlib import Path; from blackbox_repo.store.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(home / "mine")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(UnknownName):
            load_blackbox("mine")
        assert sorted(path.name for path in home.iterdir()) == [".mine.lock", ".mine.old", ".mine.partial"]
        writer.communicate("")
    assert load_blackbox("mine")
    assert [path.name for path in home.iterdir()] == ["mine"]


def test_what_was_killed_before_is_left_to_the_next_command_that_writes(home: Path) -> None:
    (home / "mine").rename(home / ".mine.partial")
    with pytest.raises(UnknownName):
        load_blackbox("mine")
    assert [path.name for path in home.iterdir()] == [".mine.partial"]


def test_in_any_other_folder_a_reader_removes_nothing(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boxes" / ".mine.old").mkdir(parents=True)
    (tmp_path / "boxes" / ".thesis.old").mkdir()
    (home / "link").symlink_to(tmp_path / "boxes" / "thesis")
    shutil.rmtree(home / "mine")
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    for name in ("mine", "link"):
        with pytest.raises(UnknownName):
            load_blackbox(name)
    assert sorted(path.name for path in (tmp_path / "boxes").iterdir()) == [".mine.old", ".thesis.old"]


def test_a_user_without_a_home_has_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLACKBOX_HOME")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("~/.local/share/blackbox-repo"))
    assert load_blackbox("nasbench-nlp")
    assert "nasbench-nlp" in list_blackboxes()
    with pytest.raises(UnknownName):
        load_blackbox("mine")
