"""Blackboxes that other packages bring along: real metadata of distributions in a folder of the path."""

from __future__ import annotations

import re
import shutil
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
