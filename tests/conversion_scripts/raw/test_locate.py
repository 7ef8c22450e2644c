from __future__ import annotations

from pathlib import Path

from conversion_scripts.raw.locate import locate_members, locate_path, short_names, unpacked_name


def test_the_ends_of_a_name_are_names_too_unless_they_mean_two_files() -> None:
    names = {"1": ["a/b/c", "b/c", "x/one.zip"], "2": ["a/d", "x/one.zip"]}
    assert short_names(names) == {"a/b/c": ("b/c", "c"), "b/c": ("c",), "a/d": ("d",), "x/one.zip": ()}
    assert short_names({"1": ["car/data"], "2": ["boat/data"]}) == {"car/data": (), "boat/data": ()}


def test_a_file_a_gzipped_one_or_a_folder_that_is_not_empty_is_there(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    (tmp_path / "packed.gz").write_bytes(b"")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    names = ("plain", "packed", "full", "empty", "nothing")
    found = [locate_path(tmp_path, [name]) for name in names]
    assert found == [tmp_path / "plain", tmp_path / "packed.gz", tmp_path / "full", None, None]
    assert locate_path(tmp_path, names[::-1]) == tmp_path / "full"


def test_an_archive_without_its_ending_is_what_it_unpacks_to() -> None:
    names = ["a/x.zip", "x.tar", "x.tar.gz", "x.tar.bz2", "x.tgz", "x.json", "v1.0.zip"]
    assert [unpacked_name(name) for name in names] == ["a/x", "x", "x", "x", "x", "x.json", "v1.0"]


def test_an_archive_may_be_unpacked_in_its_place_or_further_up(tmp_path: Path) -> None:
    members = ("data/a", "data/b")
    assert locate_members(tmp_path, "hpo/x.zip", members) == {}
    for folder in ("", "data", "hpo/data"):
        for name in ("a", "b"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(b"")
        found = locate_members(tmp_path, "hpo/x.zip", members)
        assert found == {f"data/{name}": tmp_path / folder / name for name in ("a", "b")}
    (tmp_path / "hpo" / "data" / "b").unlink()
    (tmp_path / "data" / "b").unlink()
    (tmp_path / "b").unlink()
    assert locate_members(tmp_path, "hpo/x.zip", members) == {}
