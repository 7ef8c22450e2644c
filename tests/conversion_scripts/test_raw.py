from __future__ import annotations

import gzip
import hashlib
import pickle
import zipfile
from pathlib import Path

import pytest

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from conversion_scripts.raw import RawFile, RawFolder, github

CONTENT = b'{"a": [1, NaN]}'
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_a_file_is_found_plain_or_gzipped_and_its_source_is_that_of_the_content(tmp_path: Path) -> None:
    file = github("sub/a.json", "someone/data", "abc123", "results/a.json", SHA256)
    (tmp_path / "plain" / "sub").mkdir(parents=True)
    (tmp_path / "plain" / "sub" / "a.json").write_bytes(CONTENT)
    (tmp_path / "packed" / "sub").mkdir(parents=True)
    (tmp_path / "packed" / "sub" / "a.json.gz").write_bytes(gzip.compress(CONTENT, mtime=0))
    folders = [RawFolder(tmp_path / kind, [file]) for kind in ("plain", "packed")]
    assert [folder.bytes("sub/a.json") for folder in folders] == [CONTENT, CONTENT]
    assert folders[0].sources == folders[1].sources
    (source,) = folders[0].sources
    assert (source.file, source.sha256, source.bytes) == ("sub/a.json", SHA256, len(CONTENT))
    assert source.url == "https://raw.githubusercontent.com/someone/data/abc123/results/a.json"


def test_only_what_was_read_is_a_source(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(CONTENT)
    folder = RawFolder(tmp_path, [RawFile("a"), RawFile("b")])
    folder.bytes("b")
    folder.bytes("b")
    assert [source.file for source in folder.sources] == ["b"]


def test_formats(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(CONTENT)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([1, 2]))
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "x,y\n1,0.1234567890123456789\n")
    names = ["a.json", "a.pkl", "a.csv.zip"]
    folder = RawFolder(tmp_path, [RawFile(name) for name in names])
    assert folder.json("a.json")["a"][0] == 1
    assert folder.pickle("a.pkl") == [1, 2]
    assert folder.csv("a.csv.zip") == {"x": ["1"], "y": ["0.1234567890123456789"]}
    with pytest.raises(FormatError, match=r"^a\.pkl is no readable JSON: "):
        folder.json("a.pkl")


def test_another_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    folder = RawFolder(tmp_path, [github("a.json", "someone/data", "abcdef0123456789", "x/a.json", SHA256)])
    with pytest.raises(IntegrityError) as caught:
        folder.json("a.json")
    assert str(caught.value) == (
        f"{tmp_path / 'a.json'} is not the file that this recipe knows: its sha256 is "
        f"{hashlib.sha256(b'{}').hexdigest()}, expected {SHA256}; it was not used. "
        f"Fetch it again from x/a.json of someone/data at commit abcdef012345"
    )
    assert folder.sources == ()


def test_missing_files_are_told_at_once_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"")
    files = [RawFile("here"), *(RawFile(f"f{i}", "someone/data", f"p/f{i}", "abc") for i in range(5))]
    with pytest.raises(InvalidOption) as caught:
        RawFolder(tmp_path, files)
    assert str(caught.value) == (
        f"the raw folder {str(tmp_path)!r} lacks 5 of the 6 files needed: "
        "'f0' (p/f0 of someone/data at commit abc), 'f1' (p/f1 of someone/data at commit abc), "
        "'f2' (p/f2 of someone/data at commit abc) and 2 more"
    )
    with pytest.raises(InvalidOption, match="does not exist or is no folder"):
        RawFolder(tmp_path / "nowhere", files)


@pytest.mark.parametrize("name", ["../secret", "a/../../b", "/etc/passwd", "", "C:\\x", "a\\..\\b"])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(InvalidOption, match="must be a relative path below the raw folder"):
        RawFile(name)


def test_a_file_that_the_recipe_does_not_list_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UnknownName, match=r"unknown raw file 'b'"):
        RawFolder(tmp_path, [RawFile("a")]).bytes("b")


def test_a_damaged_gzip_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT)[:-9])
    with pytest.raises(FormatError, match=r"a\.gz is no readable gzip file: "):
        RawFolder(tmp_path, [RawFile("a")]).bytes("a")
