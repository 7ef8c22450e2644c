import importlib
from pathlib import Path

import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.user_folder import folder_for_new, user_folder


def test_the_variable_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path / "mine"))
    assert user_folder() == folder_for_new() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("named", ["", "boxes", "./boxes", "~/boxes", "s3://bucket/boxes"])
def test_a_folder_that_depends_on_where_a_program_runs_is_refused(named, monkeypatch):
    monkeypatch.setenv("BLACKBOX_HOME", named)
    for find in (user_folder, folder_for_new):
        with pytest.raises(InvalidOption, match=f"BLACKBOX_HOME is '{named}', but must be an absolute path"):
            find()


@pytest.mark.parametrize(
    ("module", "name", "ending"),
    [
        ("unix", "Unix", "data/blackbox-repo/blackboxes"),
        ("macos", "MacOS", "Library/Application Support/blackbox-repo/blackboxes"),
    ],
)
def test_else_it_lies_where_the_system_keeps_data_of_a_user(module, name, ending, tmp_path, monkeypatch):
    monkeypatch.delenv("BLACKBOX_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if name == "MacOS":
        monkeypatch.delenv("XDG_DATA_HOME")
    kind = getattr(importlib.import_module(f"platformdirs.{module}"), name)
    monkeypatch.setattr("platformdirs.PlatformDirs", kind)
    assert user_folder() == folder_for_new() == tmp_path / ending


def test_a_user_without_a_home_has_no_folder_and_is_told_so_when_one_is_to_be_written(monkeypatch):
    monkeypatch.delenv("BLACKBOX_HOME")
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("~/.local/share/blackbox-repo"))
    assert user_folder() is None
    with pytest.raises(
        InvalidOption, match="no home folder to write to; name a folder, or set BLACKBOX_HOME"
    ):
        folder_for_new()
