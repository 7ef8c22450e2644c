"""The lock file: nothing else is loaded, and a difference shows both digests."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from blackbox_repo import Source, load_blackbox, publish
from blackbox_repo.cli.commands import verify_command
from blackbox_repo.cli.listing import list_command
from blackbox_repo.errors import FormatError, InvalidOption, PinMismatch, RootUnavailable, UnknownName
from blackbox_repo.roots.find import locate, locate_any
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.pins import pins_text, read_pins
from simulator.quality.suites import SUITES

NAME = "nasbench-macro"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLACKBOX_LOCK", raising=False)


def write_lock(*names: str, file: str = "blackboxes.lock") -> None:
    Path(file).write_text(pins_text([locate(name) for name in names]))


def test_a_lock_file_has_versions_and_hashes_and_no_place(tmp_path: Path) -> None:
    publish(NAME, "root")
    here = pins_text([locate(NAME)])
    assert here == pins_text([locate(NAME, Source(["root"]))])
    loaded = load_blackbox(NAME)
    pin = json.loads(here)["blackboxes"][NAME]
    files = {task.file: task.sha256 for task in loaded.manifest.tasks.values()}
    assert pin == {"version": "1.0", "manifest": loaded.digest, "files": files}
    assert str(tmp_path) not in here


def test_what_is_pinned_is_loaded_from_any_root() -> None:
    publish(NAME, "root")
    write_lock(NAME)
    assert load_blackbox(NAME).origin == "package"
    assert load_blackbox(NAME, source=Source(["root"])).origin == "root"
    assert load_blackbox(NAME, version="1.0")
    assert load_blackbox(PACKAGE_FOLDER / NAME)


def test_what_is_not_pinned_is_not_loaded() -> None:
    write_lock(NAME)
    with pytest.raises(
        PinMismatch, match=r"'icml-deepar' is not in blackboxes.lock.*bb-repo lock icml-deepar"
    ):
        load_blackbox("icml-deepar")
    with pytest.raises(PinMismatch, match="is not in"):
        load_blackbox(PACKAGE_FOLDER / "icml-deepar")
    with pytest.raises(
        PinMismatch, match="pins 'nasbench-macro' to version 1.0, but version 2 was asked for"
    ):
        load_blackbox(NAME, version="2")


def test_another_content_is_refused_with_both_digests() -> None:
    pinned = load_blackbox(NAME).digest
    write_lock(NAME)
    shutil.copytree(PACKAGE_FOLDER / NAME, Path("boxes") / NAME)
    manifest = Path("boxes") / NAME / "manifest.json"
    manifest.write_text(manifest.read_text().replace("6,561", "6561"))
    (manifest.parent / "manifest.sha256").unlink()
    with pytest.raises(PinMismatch) as refused:
        load_blackbox(NAME, source=Source(["boxes"]))
    assert {pinned} < set(re.findall("[0-9a-f]{64}", str(refused.value)))
    assert "of boxes is not the one in blackboxes.lock" in str(refused.value)


def test_a_lock_file_that_was_edited_is_refused() -> None:
    publish(NAME, "root")
    write_lock(NAME)
    lock = Path("blackboxes.lock")
    text = lock.read_text()
    lock.write_text(re.sub('(parquet": ")....', r"\g<1>0000", text))
    for source in (Source(), Source(["root"])):
        with pytest.raises(PinMismatch, match=r"blackboxes.lock contradicts itself: .* of 'nasbench-macro'"):
            load_blackbox(NAME, source=source)
    lock.write_text(text.replace('"1.0"', '"1.1"'))
    with pytest.raises(PinMismatch, match=r"pins 'nasbench-macro' to version 1.1, which no root has"):
        load_blackbox(NAME)


def test_the_command_lock_names_what_is_unknown_whatever_is_pinned() -> None:
    write_lock(NAME)
    with pytest.raises(
        UnknownName, match=r"unknown blackbox 'nasbench-makro'; did you mean 'nasbench-macro'"
    ):
        locate_any("nasbench-makro")


def test_the_command_verify_checks_what_is_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    write_lock(NAME)
    verify_command(as_json=True)
    assert [each["blackbox"] for each in json.loads(capsys.readouterr().out)] == [NAME]


def test_the_command_list_lists_what_is_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    publish(NAME, "root")
    write_lock(NAME)
    publish(NAME, "root", version="2.0", source=Source(["package"]))
    list_command(root=["root", "package"], as_json=True)
    listed = capsys.readouterr()
    assert [(each["name"], each["version"]) for each in json.loads(listed.out)] == [(NAME, "1.0")]
    assert "only what blackboxes.lock pins is loaded" in listed.err


def test_a_pinned_version_is_loaded_though_there_is_a_newer_one() -> None:
    publish(NAME, "root")
    write_lock(NAME)
    publish(NAME, "root", version="2.0", source=Source(["package"]))
    source = Source(["root"])
    assert load_blackbox(NAME, source=source).manifest.version == "1.0"
    Path("blackboxes.lock").unlink()
    assert load_blackbox(NAME, source=source).manifest.version == "2.0"


@pytest.mark.usefixtures("empty_cache")
def test_a_root_that_does_not_answer_is_passed_over_as_the_lock_file_says_what_is_right() -> None:
    write_lock(NAME)
    down = "http://127.0.0.1:1/boxes"
    assert load_blackbox(NAME, source=Source([down, "package"])).origin == "package"
    with pytest.raises(RootUnavailable, match=re.escape(down)):
        load_blackbox(NAME, source=Source([down]))


def test_a_version_is_locked_by_name_and_the_command_to_lock_another_keeps_it() -> None:
    publish(NAME, "root", version="0.9", source=Source(["package"]))
    publish(NAME, "root", source=Source(["package"]))
    Path("blackboxes.lock").write_text(pins_text([locate_any(NAME, Source(["root"]), "0.9")]))
    assert load_blackbox(NAME, source=Source(["root"])).manifest.version == "0.9"
    with pytest.raises(PinMismatch, match="bb-repo lock icml-deepar nasbench-macro@0.9 --out"):
        load_blackbox("icml-deepar")


def test_a_variable_names_another_lock_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock("icml-deepar", file="ci.lock")
    write_lock(NAME)
    monkeypatch.setenv("BLACKBOX_LOCK", "ci.lock")
    assert load_blackbox("icml-deepar")
    with pytest.raises(PinMismatch, match=r"is not in ci.lock"):
        load_blackbox(NAME)
    monkeypatch.setenv("BLACKBOX_LOCK", "no.lock")
    with pytest.raises(InvalidOption, match="BLACKBOX_LOCK names 'no.lock', which does not exist"):
        load_blackbox(NAME)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; write it again"),
        ("{}", "has no integer 'format'"),
        ('{"format": 2, "blackboxes": {}}', "has format 2.*upgrade"),
        ('{"format": 1, "blackboxes": {"a": {"version": 1, "manifest": "", "files": {}}}}', "version = 1"),
        (
            '{"format": 1, "blackboxes": {"a": {"version": "1", "manifest": "AB", "files": {}}}}',
            "manifest = 'AB'",
        ),
        ('{"format": 1, "blackboxes": {}, "roots": []}', "unknown field roots"),
    ],
)
def test_a_malformed_lock_file_is_refused(content: str, message: str) -> None:
    Path("blackboxes.lock").write_text(content)
    with pytest.raises(FormatError, match=f"blackboxes.lock .*{message}"):
        read_pins()


def test_a_suite_runs_on_blackboxes_of_a_root_under_a_lock(
    monkeypatch: pytest.MonkeyPatch, empty_cache: Callable[[], Path]
) -> None:
    suite = SUITES["smoke-2"]
    needed = sorted({case.benchmark.blackbox for case in suite.cases})
    for name in needed:
        publish(name, "root")
    write_lock(*needed)
    monkeypatch.setenv("BLACKBOX_ROOTS", "root")
    for case in suite.cases:
        assert load_blackbox(case.benchmark.blackbox).origin == "root"
        assert case.load()
    assert empty_cache
