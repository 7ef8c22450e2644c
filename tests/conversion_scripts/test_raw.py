from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
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


def test_json_nested_beyond_reading_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[" * 100_000)
    with pytest.raises(FormatError, match=r"^a\.json is no readable JSON: "):
        RawFolder(tmp_path, [RawFile("a.json")]).json("a.json")


def test_a_large_file_is_a_stream_that_was_checked(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT))
    folder = RawFolder(tmp_path, [RawFile("a", sha256=SHA256)])
    with folder.stream("a") as stream:
        assert (stream.read(4), stream.read()) == (CONTENT[:4], CONTENT[4:])
    assert [(source.sha256, source.bytes) for source in folder.sources] == [(SHA256, len(CONTENT))]
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"another"))
    with pytest.raises(IntegrityError, match="it was not used"):
        RawFolder(tmp_path, [RawFile("a", sha256=SHA256)]).stream("a")


def archive(content: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, member in content.items():
            info = tarfile.TarInfo(f"runs/{name}")
            info.size = len(member)
            tar.addfile(info, io.BytesIO(member))
    return stream.getvalue()


def test_a_folder_or_an_archive_of_it_will_do(tmp_path: Path) -> None:
    content = {"b": b"second", "a": b"first"}
    file = RawFile(
        "runs", instead=(RawFile("runs.tar", sha256=hashlib.sha256(archive(content)).hexdigest()),)
    )
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "runs.tar").write_bytes(archive(content))
    packed = RawFolder(tmp_path / "x", [file])
    assert packed.variant("runs") == "runs.tar"
    assert [(m.name, m.stream.read()) for m in packed.members("runs")] == [
        ("runs/b", b"second"),
        ("runs/a", b"first"),
    ]
    with packed.member("runs", "runs/a") as stream:
        assert stream.read() == b"first"
    (tmp_path / "y" / "runs").mkdir(parents=True)
    for name, member in content.items():
        (tmp_path / "y" / "runs" / name).write_bytes(member)
    unpacked = RawFolder(tmp_path / "y", [file])
    assert [(m.name, m.size, m.stream.read()) for m in unpacked.members("runs")] == [
        ("a", 5, b"first"),
        ("b", 6, b"second"),
    ]
    listing = "".join(f"{hashlib.sha256(content[name]).hexdigest()}  {name}\n" for name in "ab")
    (source,) = unpacked.sources
    assert (source.file, source.bytes) == ("runs", 11)
    assert source.sha256 == hashlib.sha256(listing.encode()).hexdigest()
    with pytest.raises(InvalidOption, match=r"lacks 1 of the 1 files needed: 'runs' or 'runs\.tar' \("):
        RawFolder(tmp_path, [file])


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
    with pytest.raises(FormatError, match=r"a\.gz cannot be read: "):
        RawFolder(tmp_path, [RawFile("a")]).bytes("a")


def test_reading_is_watched_in_bytes(tmp_path: Path) -> None:
    large = bytes(3 << 20)
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "runs").mkdir()
    for name in ("a", "b"):
        (tmp_path / "runs" / name).write_bytes(CONTENT)
    seen: list[tuple[str, int, int]] = []
    folder = RawFolder(tmp_path, [RawFile("large"), RawFile("runs")], lambda *read: seen.append(read))
    with folder.stream("large") as stream:
        checked = len(seen)
        while stream.read(1 << 20):
            pass
    assert {name for name, _, _ in seen} == {"large"}
    assert [done for _, done, total in seen[checked:] if total == len(large)][-1] == len(large)
    assert next(done for _, done, _ in seen[checked:]) < len(large)
    seen.clear()
    for _ in folder.members("runs"):
        pass
    assert seen == [("runs", len(CONTENT), 2 * len(CONTENT)), ("runs", 2 * len(CONTENT), 2 * len(CONTENT))]


def test_the_last_file_of_unknown_hash_is_known(tmp_path: Path) -> None:
    for name in ("known", "other", "unknown"):
        (tmp_path / name).write_bytes(CONTENT)
    files = [RawFile("known", sha256=SHA256), RawFile("unknown"), RawFile("other")]
    folder = RawFolder(tmp_path, files)
    assert folder.unverified is None
    folder.bytes("other")
    folder.bytes("unknown")
    folder.bytes("known")
    assert folder.unverified == tmp_path / "unknown"
