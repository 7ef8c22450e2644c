"""The three commands in terminals, pipes and encodings of all kinds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import cli as repo_cli
from conversion_scripts import cli as convert_cli
from simulator import Run
from simulator import cli as simulator_cli
from tests.terminals import ROOT, environment, in_terminal

RUN = ("bb-sim", "run", "nasbench-nlp", "--trials", "6")
MAINS = {"bb-sim": simulator_cli.main, "bb-repo": repo_cli.main, "bb-convert": convert_cli.main}
posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals and descriptors of POSIX")


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Finished]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs a command in this process and an empty folder; keywords are environment variables."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **variables: str) -> Finished:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", list(arguments))
            for name, value in variables.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                MAINS[arguments[0]]()
        return Finished(int(end.value.code or 0), *capsys.readouterr())

    return run


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """A line of the shell in which ``@`` is ``python -m``."""
    line = line.replace("@", f"'{sys.executable}' -m ")
    return subprocess.run(
        [shutil.which("bash") or "bash", "-c", f"set -o pipefail; {line}"],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        check=False,
        timeout=60,
    )


# --- widths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize(
    "page",
    [
        "bb-repo list",
        "bb-repo benchmarks",
        "bb-repo info nmt-curves",
        "bb-convert --list",
        "bb-sim schedulers",
    ],
)
def test_pages_fit_the_terminal(command: Command, page: str, width: int) -> None:
    shown = command(*page.split(), COLUMNS=str(width))
    assert (shown.status, shown.err) == (0, "")
    lines = shown.out.partition("more need blackboxes")[0].splitlines()
    assert max(map(len, lines)) <= width
    squeezed = [line for line in lines if line.startswith(" " * 20) and 0 < len(line.strip()) < 4]
    assert len(squeezed) < len(lines) / 20, "no column of a few letters"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_run_and_its_overview_fit_the_terminal(command: Command, width: int) -> None:
    page = command(*RUN, "--out", "r", COLUMNS=str(width)).out.splitlines()
    copied = ("digest  ", "results  ")
    assert max(len(line) for line in page if not line.startswith(copied)) <= width
    assert any("┤" in line for line in page)
    assert f"digest   {Run.load('r').digest}" in page, "what is copied is in one piece"
    for more in ((), ("--trial", "0"), ("--at", "1h")):
        seen = command("bb-sim", "trace", "r", *more, COLUMNS=str(width))
        assert (seen.status, seen.err) == (0, "")
        lines = seen.out.splitlines()
        assert max(len(line) for line in lines if not line.startswith("digest  ")) <= width
        assert more or f"digest     {Run.load('r').digest}" in lines, "in one piece too"


@posix
def test_a_terminal_says_itself_how_wide_it_is(tmp_path: Path) -> None:
    shown = in_terminal("simulator", *RUN[1:], "--out", "r", folder=tmp_path, width=44)
    assert shown.status == 0
    first = next(k for k, line in enumerate(shown.lines) if "asha on nasbench-nlp/wikitext-2" in line)
    pages = [line for line in shown.lines[first:] if not line.startswith(("digest  ", "results  "))]
    assert 38 < max(map(len, pages)) <= 44


@pytest.mark.parametrize("name", MAINS)
def test_help_fits_the_terminal_and_can_be_asked_for_by_one_letter(command: Command, name: str) -> None:
    shown = command(name, "-h", COLUMNS="40")
    assert (shown.status, shown.err) == (0, "")
    assert shown == command(name, "--help", COLUMNS="40")
    assert max(len(line) for line in shown.out.partition("Try:")[0].splitlines()) <= 40
    assert re.fullmatch(r"blackbox-repo \d+\.\d+\.\d+\n", command(name, "--version").out)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", ["bb-repo", "bb-repo tabulate", "bb-convert", "bb-sim run", "bb-sim ci"])
def test_what_an_option_does_is_no_column_of_a_few_letters(command: Command, name: str, width: int) -> None:
    lines = command(*name.split(), "-h", COLUMNS=str(width)).out.partition("Try:")[0].splitlines()
    described = [line for line in lines if line.startswith(" " * 10)]
    assert described
    assert max(len(line) - len(line.lstrip()) for line in described) <= width // 2


@posix
def test_packages_can_be_run_as_modules(tmp_path: Path) -> None:
    done = shell(
        "@simulator -h | head -1; @blackbox_repo -h | head -1; @conversion_scripts -h | head -1", tmp_path
    )
    assert [line.split()[:2] for line in done.stdout.decode().splitlines()] == [
        ["Usage:", name] for name in ("bb-sim", "bb-repo", "bb-convert")
    ]


def test_every_command_is_on_the_page_of_the_command_lines() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name, app in (("bb-repo", repo_cli.app), ("bb-sim", simulator_cli.app)):
        row = " ".join(line for line in page.splitlines() if line.startswith(f"| `{name} "))
        for command in app.registered_commands:
            function = command.callback
            assert function is not None
            typed = command.name or function.__name__
            assert re.search(rf"[ `]{typed}[ `]", row), typed


# --- Ctrl-C -------------------------------------------------------------------------------------------------


@posix
def test_ctrl_c_says_what_was_kept_and_how_to_go_on(tmp_path: Path) -> None:
    long = ("simulator", "run", "yahpo-lcbench/3945", "--scheduler", "random", "--time", "9000d")
    cut = in_terminal(*long, folder=tmp_path, interrupt="trials", width=120)
    assert cut.status == 130
    told = (
        "bb-sim: interrupted; nothing was kept; a run that is started with --log --out FOLDER can be resumed"
    )
    assert cut.lines[-1] == told
    assert list(tmp_path.rglob("*.parquet")) == []
    cut = in_terminal(*long, "--log", "--out", "r", folder=tmp_path, interrupt="trials", width=120)
    assert cut.status == 130
    told = "bb-sim: interrupted; the scheduler's answers so far are kept; continue with bb-sim run --resume r"
    assert cut.lines[-1] == told
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"command.json", "log.jsonl"}
    assert "Traceback" not in cut.text


@posix
def test_ctrl_c_ends_all_processes_of_a_check_in_one_line(tmp_path: Path) -> None:
    check = ("ci", "--suite", "full", "--scheduler", "random", "--baseline", "b", "--jobs", "2")
    cut = in_terminal("simulator", *check, folder=tmp_path, interrupt="at a time")
    assert cut.status == 130
    assert cut.lines[-1] == "bb-sim: interrupted; nothing was written or compared"
    assert "Traceback" not in cut.text
    assert list(tmp_path.iterdir()) == []


# --- encodings ----------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=["cp1252", "POSIX"],
)
def test_without_utf_8_pictures_are_drawn_in_ascii(variables: dict[str, str], tmp_path: Path) -> None:
    done = shell(f"@simulator {' '.join(RUN[1:])}", tmp_path, **variables)
    assert (done.returncode, done.stderr) == (0, b"")
    page = done.stdout.decode("ascii")
    assert "|  simulated  " in page
    assert re.search(r"^\|\s+[\d.]+ \|[ .'|-]+\|$", page, re.MULTILINE), page
    assert "\\u" not in page


@posix
def test_what_an_encoding_lacks_is_written_as_its_escape(tmp_path: Path) -> None:
    write_blackbox(tmp_path, title="Müller und 学習")
    done = shell("@blackbox_repo info boxes/mine", tmp_path, PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Müller und \\u5b66\\u7fd2" in done.stdout.decode("cp1252")


# --- streams ------------------------------------------------------------------------------------------------


@posix
def test_a_reader_that_goes_away_ends_a_command_in_silence_and_a_run_is_kept(tmp_path: Path) -> None:
    done = shell(f"@simulator {' '.join(RUN[1:])} | head -0", tmp_path)
    assert (done.returncode, done.stderr) == (141, b"")
    (folder,) = (tmp_path / "runs").iterdir()
    assert Run.load(folder).reason == "trials_started"


@posix
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_streams_take_what_is_written(closed: str, tmp_path: Path) -> None:
    done = shell(f"@simulator {' '.join(RUN[1:])} --out r {closed}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert Run.load(tmp_path / "r").reason == "trials_started"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_full_disk_behind_stdout_is_named_and_a_run_is_kept(tmp_path: Path) -> None:
    full = b"standard output: No space left on device"
    done = shell(f"@simulator {' '.join(RUN[1:])} --out r >/dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (2, b"bb-sim: error: " + full + b"; the run is saved in r\n")
    for unbuffered in ("", "1"):
        done = shell("@blackbox_repo list >/dev/full", tmp_path, PYTHONUNBUFFERED=unbuffered)
        assert (done.returncode, done.stderr) == (2, b"bb-repo: error: " + full + b"\n")


# --- options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("bb-sim run --seed 1 --seed=2", "--seed"),
        ("bb-sim run --out a --out b", "--out"),
        ("bb-sim ci --scheduler a --baseline b --scheduler c", "--scheduler"),
        ("bb-sim trace r --trial 1 --trial 2", "--trial"),
        ("bb-repo tabulate x --configurations 1 --configurations 2", "--configurations"),
        ("bb-convert x --raw a --raw b", "--raw"),
    ],
)
def test_an_option_that_takes_one_value_is_refused_when_given_twice(
    command: Command, line: str, option: str, tmp_path: Path
) -> None:
    done = command(*line.split())
    assert (done.status, done.out) == (2, "")
    assert f": error: {option} is given 2 times, but takes one value (see bb-" in done.err
    assert list(tmp_path.iterdir()) == []


def test_lists_and_flags_may_be_repeated_but_a_setting_has_one_value(command: Command) -> None:
    two = "--set scheduler.eta=4 --set delays.report=1 --json --json"
    assert command(*RUN, *two.split()).status == 0
    done = command(*RUN, "--set", "scheduler.eta=4", "--set", "scheduler.eta=5")
    assert done.err == "bb-sim: error: --set scheduler.eta is given twice, as 4 and 5\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("bb-sim run nasbench201-f", "nasbench201-final"),
        ("bb-sim run --scheduler median", "median-stopping"),
        ("bb-sim run --off-table near", "nearest"),
        ("bb-repo info yahpo-l", "yahpo-lcbench"),
        ("bb-repo verify nmt-h", "nmt-hpo"),
        ("bb-convert nasbench-m", "nasbench-macro"),
    ],
)
def test_shells_complete_names(command: Command, typed: str, completed: str) -> None:
    words = typed.split()
    variables = {
        f"_{words[0].upper().replace('-', '_')}_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = command(words[0], **variables)
    assert (done.out.split(), done.err) == ([completed], "")


# --- text from outside --------------------------------------------------------------------------------------

EVIL = "size [mb] [/bold] :smile: \x1b]0;owned\x07\x1b[31mred \u202ekcatta \r\nnew"
TAME = r"size [mb] [/bold] :smile: \x1b]0;owned\x07\x1b[31mred \u202ekcatta \r\nnew"


def write_blackbox(folder: Path, name: str = "mine", **changed: str) -> Path:
    """A blackbox below ``boxes`` whose manifest is changed."""
    place = folder / "boxes" / name
    shutil.copytree(ROOT / "data_cache" / "icml-deepar", place)
    change_manifest(place, **changed)
    return place


def change_manifest(place: Path, **changed: Any) -> None:
    """Change entries of a manifest, and vouch for it anew."""
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    content = json.dumps({**manifest, **changed}).encode()
    (place / "manifest.json").write_bytes(content)
    (place / "manifest.sha256").write_text(f"{sha256(content).hexdigest()}  manifest.json\n")


def tame(text: str) -> str:
    assert all(c.isprintable() or c == "\n" for c in text), ascii(text)
    return " ".join(re.sub(r"[│╭╮╰╯]", " ", text).split())


def test_a_manifest_shows_its_words_and_rules_no_terminal(command: Command, tmp_path: Path) -> None:
    place = write_blackbox(tmp_path, title=EVIL, license=EVIL, homepage=EVIL)
    objectives = json.loads((place / "manifest.json").read_text())["objectives"]
    objectives[0] |= {"description": EVIL, "unit": EVIL}
    change_manifest(place, objectives=objectives, card=[{"what": EVIL, "rule": EVIL}])
    # wide enough for a path below any temporary folder: where it is folded, so are the words beside it
    boxes = {"BLACKBOX_PATH": str(tmp_path / "boxes"), "COLUMNS": "300"}
    assert tame(command("bb-repo", "info", "mine", **boxes).out).count(TAME) == 7
    ran = command("bb-sim", "run", "mine/electricity", "--trials", "3", "--out", "r", **boxes)
    assert (ran.status, TAME in tame(ran.out)) == (0, True)
    assert TAME in tame(command("bb-sim", "trace", "r").out)


def test_a_scheduler_that_is_called_after_escape_codes_is_shown_tame(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil_scheduler.py").write_text(
        "from simulator import ASHA\n\n\nclass Evil(ASHA):\n    def __repr__(self):\n"
        f"        return {EVIL!r} + super().__repr__()\n\n\nclass Failing(Evil):\n    def suggest(self):\n"
        f"        raise ValueError({EVIL!r})\n"
    )
    run = ("bb-sim", "run", "nasbench-nlp", "--trials", "3", "--scheduler")
    assert command(*run, "py:evil_scheduler:Evil", "--out", "r").status == 0
    assert TAME in tame(command("bb-sim", "trace", "r").out)
    failed = command(*run, "py:evil_scheduler:Failing", "--out", "s")
    assert (failed.status, failed.err.count("\n")) == (2, 1)
    assert tame(failed.err)
    check = ("bb-sim", "ci", "--suite", "smoke", "--seeds", "2", "--scheduler", "py:evil_scheduler:Evil")
    assert command(*check, "--baseline", "b.parquet").status == 1
    assert "differs first" in tame(command(*check, "--baseline", "b.parquet", "--set", "scheduler.eta=2").out)


@pytest.mark.parametrize("line", ["bb-repo info @", "bb-sim run @", "bb-sim @", "bb-sim run --off-table @"])
def test_names_that_are_typed_come_back_tame(command: Command, line: str) -> None:
    done = command(*line.replace("@", "a\x1b[31m").split(" "))
    assert done.status == 2
    assert "a\\x1b[31m" in tame(done.err)


# --- broken blackboxes --------------------------------------------------------------------------------------


def break_in_every_way(folder: Path) -> dict[str, str]:
    """Blackboxes whose manifests, or the files of a task, are none; the reason for each."""
    manifests = {
        "json": "is not proper JSON",
        "pipe": "is not a regular file",
        "endless": "is not a regular file",
    }
    places = {name: write_blackbox(folder, name) / "manifest.json" for name in manifests}
    places["json"].write_text("{")
    for name in ("pipe", "endless"):
        places[name].unlink()
    os.mkfifo(places["pipe"])
    places["endless"].symlink_to("/dev/zero")
    return manifests


@posix
def test_a_broken_blackbox_is_listed_with_the_reason_among_the_others(tmp_path: Path) -> None:
    broken = break_in_every_way(tmp_path)
    boxes = {"BLACKBOX_PATH": str(tmp_path / "boxes")}
    done = shell("@blackbox_repo list", tmp_path, **boxes)
    intact, _, reasons = done.stdout.decode().partition("\n\n")
    assert (done.returncode, done.stderr) == (1, b"")
    assert "nasbench201-final" in intact
    assert [line.split()[0] for line in reasons.splitlines()[1:]] == sorted(broken)
    assert all(any(reason in line for line in reasons.splitlines()) for reason in broken.values())
    rows = json.loads(shell("@blackbox_repo list --json", tmp_path, **boxes).stdout)
    assert {row["name"] for row in rows if row["broken"]} == set(broken)
    assert {row["tasks"] for row in rows if row["broken"]} == {None}


@posix
def test_verify_goes_on_behind_a_broken_blackbox(tmp_path: Path) -> None:
    broken = break_in_every_way(tmp_path)
    for name in ("pipe-task", "zero-task"):
        (write_blackbox(tmp_path, name) / "solar.parquet").unlink()
    os.mkfifo(tmp_path / "boxes" / "pipe-task" / "solar.parquet")
    (tmp_path / "boxes" / "zero-task" / "solar.parquet").symlink_to("/dev/zero")
    names = " ".join((*broken, "pipe-task", "zero-task", "nasbench-nlp"))
    boxes = {"BLACKBOX_PATH": str(tmp_path / "boxes")}
    done = shell(f"@blackbox_repo verify {names} --json", tmp_path, **boxes)
    assert (done.returncode, done.stderr) == (1, b"")
    found = {(row["blackbox"], row["file"]): row["problem"] for row in json.loads(done.stdout)}
    for name, reason in broken.items():
        assert reason in found[name, "manifest.json"]
    for name in ("pipe-task", "zero-task"):
        assert "is not a regular file" in found[name, "solar.parquet"]
        assert found[name, "electricity.parquet"] == ""
    assert found["nasbench-nlp", "wikitext-2.parquet"] == ""


def test_a_path_that_is_an_address_is_refused_and_one_that_is_nowhere_is_told(
    command: Command, tmp_path: Path
) -> None:
    done = command("bb-repo", "list", BLACKBOX_PATH="boxes:s3://bucket/boxes")
    assert done.status == 2
    assert "BLACKBOX_PATH must name folders of this machine" in done.err
    assert "put addresses into BLACKBOX_ROOTS" in done.err
    done = command("bb-repo", "list", BLACKBOX_PATH=str(tmp_path / "nowhere"))
    assert done.status == 0
    warning = f"bb-repo: warning: BLACKBOX_PATH names {tmp_path / 'nowhere'}, which is no folder\n"
    assert done.err == warning
