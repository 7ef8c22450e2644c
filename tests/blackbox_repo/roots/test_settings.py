"""Which roots are in force, and what may be one: arguments, environment variables, the configuration file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.roots.addresses import Address, parse_address
from blackbox_repo.roots.settings import ALWAYS, Settings, read_settings
from blackbox_repo.roots.source import Source

USUAL = [("package", ALWAYS), ("user", ALWAYS), ("packages", ALWAYS)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file, empty at first, and no variables."""
    for name in ("BLACKBOX_ROOTS", "BLACKBOX_PATH", "BLACKBOX_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "config.toml"
    file.write_text("")
    monkeypatch.setenv("BLACKBOX_CONFIG", str(file))
    return file


def named(settings: Settings) -> list[tuple[str, str]]:
    return [(root.address.text, root.origin) for root in settings.roots]


def test_without_settings_the_package_the_user_and_other_packages_are_searched(config: Path) -> None:
    assert config.read_text() == ""
    assert named(read_settings()) == USUAL


def test_the_file_names_roots_that_come_first(config: Path) -> None:
    config.write_text('roots = ["s3://team/boxes/", "/srv/boxes", "package"]\n')
    first = [("s3://team/boxes", str(config)), ("/srv/boxes", str(config)), ("package", str(config))]
    assert named(read_settings()) == [*first, ("user", ALWAYS), ("packages", ALWAYS)]


def test_variables_replace_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('roots = ["s3://team/boxes"]\n')
    monkeypatch.setenv("BLACKBOX_ROOTS", "\nhttps://host/boxes\r\n\n  C:\\boxes  \n")
    monkeypatch.setenv("BLACKBOX_PATH", f"/one{os.pathsep}{os.pathsep}/two")
    found = named(read_settings())
    assert found[:2] == [("https://host/boxes", "BLACKBOX_ROOTS"), ("C:\\boxes", "BLACKBOX_ROOTS")]
    assert found[2:] == [("/one", "BLACKBOX_PATH"), ("/two", "BLACKBOX_PATH"), *USUAL]


def test_roots_of_a_source_are_the_only_ones(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('roots = ["s3://team/boxes"]\n')
    monkeypatch.setenv("BLACKBOX_ROOTS", "/srv/boxes")
    assert named(read_settings(Source(["user", "gs://ours"]))) == [
        ("user", "--root"),
        ("gs://ours", "--root"),
    ]


@pytest.mark.parametrize("said", ["0", "no", "", "false"])
def test_offline_is_said_by_the_argument_the_variable_or_the_file(
    said: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not read_settings().offline
    config.write_text("offline = true\n")
    assert (read_settings().offline, read_settings().offline_origin) == (True, str(config))
    monkeypatch.setenv("BLACKBOX_OFFLINE", "1")
    assert read_settings().offline_origin == "BLACKBOX_OFFLINE"
    assert read_settings(Source(offline=True)).offline_origin == "--offline"
    monkeypatch.setenv("BLACKBOX_OFFLINE", said)
    assert read_settings().offline == (said == "")


def test_options_of_longer_beginnings_count_more(config: Path) -> None:
    config.write_text(
        '[options."s3://team"]\nanon = true\nendpoint_url = "http://a"\n'
        '[options."s3://team/boxes"]\nendpoint_url = "http://b"\n'
    )
    settings = read_settings()
    assert settings.options_for(Address("s3://team/boxes/new", "fsspec")) == {
        "anon": True,
        "endpoint_url": "http://b",
    }
    assert settings.options_for(Address("s3://team/other", "fsspec")) == {
        "anon": True,
        "endpoint_url": "http://a",
    }
    assert settings.options_for(Address("s3://teams", "fsspec")) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('roots = "s3://team"', "roots = '(not shown)': expected array, got str"),
        ("roots = [7]", "roots[0] = 7: expected str, got int"),
        ("offline = 1", "offline = 1: expected bool, got int"),
        ('root = ["s3://team"]', "unknown field root"),
        ('[options]\n"s3://team" = 3', "expected object, got int"),
        ("roots = [", "is not proper TOML"),
        ('roots = ["s3://"]', "has nothing after s3://"),
        ('[options."s3://key:word@team"]', "has a user name or password"),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(config: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises((FormatError, InvalidOption)) as refused:
        read_settings()
    assert str(config) in str(refused.value)
    assert message in str(refused.value)


def test_a_variable_that_names_no_file_or_no_folder_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOX_PATH", "/one:s3://bucket")
    with pytest.raises(InvalidOption, match="BLACKBOX_PATH must name folders.*BLACKBOX_ROOTS, one a line"):
        read_settings()
    monkeypatch.setenv("BLACKBOX_OFFLINE", "perhaps")
    monkeypatch.delenv("BLACKBOX_PATH")
    with pytest.raises(InvalidOption, match="BLACKBOX_OFFLINE is 'perhaps', but must be 1 or 0"):
        read_settings()
    monkeypatch.setenv("BLACKBOX_CONFIG", f"{config}.other")
    with pytest.raises(InvalidOption, match="which is no file"):
        read_settings()


@pytest.mark.parametrize(
    ("written", "text", "kind"),
    [
        ("user", "user", "word"),
        ("./user", "user", "folder"),
        ("/srv/boxes/", "/srv/boxes", "folder"),
        ("file:///srv/my%20boxes", "/srv/my boxes", "folder"),
        ("S3://Team/Boxes/", "s3://Team/Boxes", "fsspec"),
        ("https://host:8443/boxes", "https://host:8443/boxes", "http"),
        ("hf://datasets/us/boxes@main", "hf://datasets/us/boxes@main", "fsspec"),
    ],
)
def test_an_address_is_a_word_a_folder_or_a_url(written: str, text: str, kind: str) -> None:
    assert parse_address(written, "here") == Address(text, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "is empty, has a NUL character"),
        ("s3:/secret", "lacks the // after s3:"),
        ("s3:secret", "lacks the // after s3:"),
        ("s3:///secret", "has nothing after s3://"),
        ("https://me%3Asecret%40host/", "has a user name or password"),
        ("https://host:port-secret/", "has no proper host, bucket or port"),
        ("https://", "has nothing after https://"),
        ("https://me:secret@host/boxes", "has a user name or password"),
        ("https://host/boxes?X-Amz-Signature=secret", "has a query or fragment"),
        ("https://host/boxes#secret", "has a query or fragment"),
        ("s3://bucket/a/../secret", "a step to another folder"),
        ("s3://bucket/%2e%2e/secret", "a step to another folder"),
        ("s3://bucket::zip://secret", "has no proper host, bucket or port"),
        ("s3://bucket/a::zip://secret", "'::'"),
        ("s3://bucket/\x1b[2Jsecret", "control characters"),
        ("file://me:secret@host/secret", "write file:///path"),
    ],
)
def test_an_address_with_more_than_a_place_is_refused_and_no_secret_is_repeated(
    written: str, problem: str
) -> None:
    with pytest.raises(InvalidOption, match="BLACKBOX_ROOTS names") as refused:
        parse_address(written, "BLACKBOX_ROOTS")
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"roots": []},
        {"roots": "s3://team"},
        {"roots": [3]},
        {"offline": 1},
        {"convert": None},
        {"objectives": "a"},
    ],
)
def test_a_source_refuses_arguments_of_other_types(arguments: dict[str, object]) -> None:
    (name,) = arguments
    with pytest.raises(InvalidOption, match=f"{name} is .*, but must"):
        Source(**arguments)  # type: ignore[arg-type]
