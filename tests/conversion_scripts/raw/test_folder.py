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
from conversion_scripts.raw.locate import locate_files

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
    with pytest.raises(FormatError, match=r"^a\.pkl is not readable as JSON: "):
        folder.json("a.pkl")


def test_json_nested_beyond_reading_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[" * 100_000)
    with pytest.raises(FormatError, match=r"^a\.json is not readable as JSON: "):
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
    for root in (tmp_path / "y", tmp_path / "y" / "runs"):
        assert [m.name for m in RawFolder(root, [file]).members("runs")] == ["a", "b"]
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


def test_missing_files_are_reported_at_once_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"")
    files = [RawFile("here"), *(RawFile(f"f{i}", "someone/data", f"p/f{i}", "abc") for i in range(5))]
    with pytest.raises(InvalidOption) as caught:
        RawFolder(tmp_path, files)
    assert str(caught.value) == (
        f"the raw folder {str(tmp_path)!r} lacks 5 of the 6 files needed: "
        "'f0' (p/f0 of someone/data at commit abc), 'f1' (p/f1 of someone/data at commit abc), "
        "'f2' (p/f2 of someone/data at commit abc) and 2 more"
    )
    with pytest.raises(InvalidOption, match="does not exist or is not a folder"):
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


def test_a_folder_further_down_or_the_file_itself_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "icml2020").mkdir()
    (tmp_path / "icml2020" / "a.json").write_bytes(CONTENT)
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "a.json.gz").write_bytes(gzip.compress(CONTENT))
    file = RawFile("icml2020/a.json", sha256=SHA256)
    given = [
        tmp_path,
        tmp_path / "icml2020",
        tmp_path / "icml2020" / "a.json",
        tmp_path / "packed",
        tmp_path / "packed" / "a.json.gz",
    ]
    folders = [RawFolder(root, [file]) for root in given]
    assert [folder.bytes("icml2020/a.json") for folder in folders] == [CONTENT] * len(given)
    assert {source.file for folder in folders for source in folder.sources} == {"icml2020/a.json"}
    for root in given:
        assert set(locate_files(root, [file, RawFile("b")])) == {"icml2020/a.json"}
    assert locate_files(tmp_path / "nowhere", [file]) == {}


def test_the_file_that_is_given_is_the_packing_that_is_read(tmp_path: Path) -> None:
    for name in ("small.zip", "large.zip"):
        (tmp_path / name).write_bytes(name.encode())
    files = [RawFile("small.zip", instead=(RawFile("large.zip"),))]
    assert RawFolder(tmp_path, files).bytes("small.zip") == b"small.zip"
    assert RawFolder(tmp_path / "large.zip", files).bytes("small.zip") == b"large.zip"
    (tmp_path / "large (1).zip").write_bytes(b"")
    with pytest.raises(InvalidOption) as caught:
        RawFolder(tmp_path / "large (1).zip", files)
    assert str(caught.value) == (
        f"{str(tmp_path / 'large (1).zip')!r} is none of the raw files that are needed; they are called "
        f"'small.zip', 'large.zip'"
    )


def test_the_whole_name_comes_before_its_end_and_no_end_means_two_files(tmp_path: Path) -> None:
    (tmp_path / "car").mkdir()
    (tmp_path / "car" / "data").write_bytes(b"whole")
    (tmp_path / "data").write_bytes(b"end")
    assert RawFolder(tmp_path, [RawFile("car/data")]).bytes("car/data") == b"whole"
    with pytest.raises(InvalidOption, match=r"lacks 1 of the 2 files needed: 'boat/data' \("):
        RawFolder(tmp_path, [RawFile("car/data"), RawFile("boat/data")])


def test_an_empty_folder_does_not_hide_an_archive(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs.tar").write_bytes(archive({"a": b"first"}))
    folder = RawFolder(tmp_path, [RawFile("runs", instead=(RawFile("runs.tar"),))])
    assert folder.variant("runs") == "runs.tar"


@pytest.mark.parametrize("where", ["hpo/runs", "runs", ""])
def test_an_archive_whose_members_are_known_may_lie_there_unpacked(tmp_path: Path, where: str) -> None:
    (tmp_path / where).mkdir(parents=True, exist_ok=True)
    for name, content in {"b": b"second", "a": b"first", "other": b""}.items():
        (tmp_path / where / name).write_bytes(content)
    file = RawFile("hpo/runs.tar.gz", sha256=SHA256, members=("runs/b", "runs/a"))
    folder = RawFolder(tmp_path, [file])
    assert folder.variant("hpo/runs.tar.gz") == "hpo/runs"
    with folder.member("hpo/runs.tar.gz", "runs/a") as stream:
        assert stream.read() == b"first"
    read = [(member.name, member.stream.read()) for member in folder.members("hpo/runs.tar.gz")]
    assert read == [("runs/b", b"second"), ("runs/a", b"first")]
    hashes = {
        name: hashlib.sha256(text).hexdigest() for name, text in {"b": b"second", "a": b"first"}.items()
    }
    listing = "".join(f"{found}  {name}\n" for name, found in hashes.items())
    (source,) = folder.sources
    assert (source.file, source.sha256) == ("hpo/runs", hashlib.sha256(listing.encode()).hexdigest())
    assert folder.unverified == tmp_path / where


@pytest.mark.parametrize(
    ("file", "limit"),
    [(RawFile("a", size=1000), 1000), (RawFile("a", about=500), 2000), (RawFile("a"), 1500)],
    ids=["of a known size", "of roughly that size", "of unknown size"],
)
def test_a_gzip_bomb_is_stopped_by_what_is_known_of_the_file(
    tmp_path: Path, file: RawFile, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversion_scripts.raw.folder.UNPACKED_LIMIT", 1500)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(limit)))
    assert RawFolder(tmp_path, [file]).bytes("a") == bytes(limit)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(limit + 1)))
    with pytest.raises(FormatError, match=rf"a\.gz unpacks to more than the limit of {limit} bytes"):
        RawFolder(tmp_path, [file]).bytes("a")
    if file.size:  # what is read piece by piece fills no memory, so otherwise it may be larger
        with pytest.raises(FormatError, match=rf"a\.gz unpacks to more than the limit of {limit} bytes"):
            RawFolder(tmp_path, [file]).stream("a")
