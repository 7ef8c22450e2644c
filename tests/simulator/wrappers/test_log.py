"""Runs that are cut off and go on (T20)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import keyed_random
from blackbox_repo.errors import AlreadyLocked, FormatError, InvalidOption
from blackbox_repo.repository import load_blackbox
from simulator import (
    ASHA,
    Conditions,
    Failures,
    PromotionASHA,
    Run,
    SchedulerError,
    Start,
    Stop,
    Uniform,
    simulate,
)
from simulator.registry import scheduler_factory
from tests.quick import few_and_the_rest

ROOT = Path(__file__).parents[3]
CONDITIONS = Conditions(
    decision_time=Uniform(0, 2), poll=7, failures=Failures(crash=Uniform(100, 1e5), preempt=Uniform(50, 5000))
)
STOP = Stop(trials_started=60)
NLP = load_blackbox("nasbench-nlp")["wikitext-2"]


def run_it(log: Path | None = None, *, resume: bool = False, **changes: Any) -> Run:
    what: dict[str, Any] = {"workers": 5, "stop": STOP, "seed": 3, "conditions": CONDITIONS, **changes}
    factory = what.pop("scheduler", PromotionASHA)
    return simulate(what.pop("blackbox", NLP), factory, **what, log=log, resume=resume)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """A log that was written to its end, and the digest of its run."""
    path = tmp_path_factory.mktemp("whole") / "run.jsonl"
    run = run_it(path)
    assert run.digest == run_it().digest
    return path.read_bytes(), run.digest


def test_a_log_holds_suggestions_and_decisions_in_order(whole: tuple[bytes, str]) -> None:
    header, *answers = map(json.loads, whole[0].decode().splitlines())
    assert (header["log"], header["workers"], header["scheduler"]) == (
        1,
        5,
        repr(PromotionASHA(NLP.schema, 3)),
    )
    assert {answer[0] for answer in answers} == {"start", "resume", "report"}
    assert (
        sum(answer[0] == "start" for answer in answers) > 60
    )  # including those that were dropped after the last start
    first = PromotionASHA(NLP.schema, 3).suggest()
    assert isinstance(first, Start)
    assert answers[0] == ["start", first.configuration, 1, None]


@pytest.mark.parametrize("part", range(20))
def test_a_log_cut_off_anywhere_goes_on_to_the_same_digest_T20(
    whole: tuple[bytes, str], tmp_path: Path, part: int
) -> None:
    """Cut at any byte: in the middle of a line, of the header, or before it."""
    content, digest = whole
    path = tmp_path / "run.jsonl"
    path.write_bytes(content[: keyed_random.integer(len(content), "cut", part) if part else 0])
    assert run_it(path, resume=True).digest == digest
    assert path.read_bytes() == content


KILLED = """
import os, signal, sys
from tests.simulator.wrappers.test_log import run_it, PromotionASHA
from pathlib import Path

class Killed(PromotionASHA):
    answers = 0

    def __getattribute__(self, name):
        if name in ("suggest", "on_report", "on_end"):
            Killed.answers += 1
            if Killed.answers == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)

run_it(Path(sys.argv[1]), scheduler=Killed)
"""


@pytest.mark.parametrize("first", few_and_the_rest(range(0, 20, 4), 5))
def test_a_run_killed_at_four_points_goes_on_to_the_same_digest_T20(
    first: int, whole: tuple[bytes, str], tmp_path: Path
) -> None:
    content, digest = whole
    calls = content.count(b"\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def kill(point: int) -> tuple[Path, subprocess.Popen[bytes]]:
        path = tmp_path / f"{point}.jsonl"
        at = str(1 + keyed_random.integer(calls, "kill", point))
        return path, subprocess.Popen([sys.executable, "-c", KILLED, path, at], env=environment)

    for path, process in [kill(point) for point in range(first, first + 4)]:
        assert process.wait() == -signal.SIGKILL
        assert len(path.read_bytes()) < len(content)
        assert run_it(path, resume=True).digest == digest


def test_a_scheduler_that_answers_something_else_is_named_with_both_answers_T20(
    whole: tuple[bytes, str], tmp_path: Path
) -> None:
    class Moody(PromotionASHA):
        def suggest(self) -> Any:
            suggestion = super().suggest()
            return type(suggestion)(**{**vars(suggestion), "until": None})

    path = tmp_path / "run.jsonl"
    path.write_bytes(whole[0])
    with pytest.raises(SchedulerError) as refusal:
        run_it(path, resume=True, scheduler=Moody)
    assert "Moody cannot go on with the run in" in str(refusal.value)
    assert 'its answer in line 2 was ["start", ' in str(refusal.value)
    assert path.read_bytes() == whole[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": 6}, "its workers is 5, but here it is 6"),
        ({"seed": 4}, "its seed is 3, but here it is 4|its scheduler is"),
        ({"stop": Stop(time=3600)}, "its stop is"),
        ({"scheduler": ASHA}, "its scheduler is"),
        ({"conditions": Conditions()}, "its conditions is"),
    ],
)
def test_the_log_of_another_run_is_refused(
    whole: tuple[bytes, str], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(whole[0])
    with pytest.raises(InvalidOption, match=message):
        run_it(path, resume=True, **changes)
    assert path.read_bytes() == whole[0]


def test_logs_that_are_there_or_not_there_or_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with pytest.raises(InvalidOption, match=r"there is no log .*run\.jsonl"):
        run_it(path, resume=True)
    with pytest.raises(InvalidOption, match="resume needs the log"):
        run_it(resume=True)
    with pytest.raises(InvalidOption, match="resume needs a factory"):
        run_it(path, resume=True, scheduler=ASHA(NLP.schema))
    path.write_text('{"some": "json"}\n')
    with pytest.raises(InvalidOption, match="exists already"):
        run_it(path)
    with pytest.raises(FormatError, match="is no log of a run"):
        run_it(path, resume=True)
    path.write_text("hello\nworld\n")
    with pytest.raises(FormatError, match="is no log of a run"):
        run_it(path, resume=True)
    assert path.read_text() == "hello\nworld\n"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [b"[" * 100_000, *lines[1:]], "line 1 is not proper JSON"),
        (lambda lines: [b"7", *lines[1:]], "line 1 is malformed"),
        (lambda lines: [lines[0], b'{"a": 1}', *lines[2:]], "line 2 is malformed: expected array"),
        (lambda lines: [lines[0], b'["start", [[]]]', *lines[2:]], "line 2 is malformed"),
        (lambda lines: [lines[0], lines[1].replace(b'"', b"\xff"), *lines[2:]], "line 2 is not proper JSON"),
        (lambda lines: [lines[0].replace(b'"seed": 3', b'"seed": 3, "seed": 3'), *lines[1:]], "occurs twice"),
    ],
)
def test_a_damaged_log_is_refused_by_its_line(
    whole: tuple[bytes, str], tmp_path: Path, damage: Any, message: str
) -> None:
    path = tmp_path / "run.jsonl"
    content = b"\n".join(damage(whole[0].split(b"\n")))
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message) as refusal:
        run_it(path, resume=True)
    assert "\n" not in str(refusal.value)
    assert path.read_bytes() == content


def test_any_flipped_bit_of_a_log_is_refused_or_leads_to_the_same_run(
    whole: tuple[bytes, str], tmp_path: Path
) -> None:
    content, digest = whole
    path = tmp_path / "run.jsonl"
    for number in range(16):
        changed = bytearray(content)
        bit = keyed_random.integer(8 * len(content), "flip", number)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert what_comes_of(path) in (digest, "refused in one line")


def what_comes_of(path: Path) -> str:
    try:
        return run_it(path, resume=True).digest
    except (FormatError, InvalidOption, SchedulerError) as err:
        return "refused in one line" if "\n" not in str(err) else str(err)


def test_zeros_that_a_crash_of_the_machine_left_at_the_end_are_dropped(
    whole: tuple[bytes, str], tmp_path: Path
) -> None:
    content, digest = whole
    path = tmp_path / "run.jsonl"
    path.write_bytes(content[:3000] + bytes(4096))
    assert run_it(path, resume=True).digest == digest
    assert path.read_bytes() == content


def test_a_log_is_written_by_one_run_at_a_time_and_the_other_is_told_before_it_simulates(
    whole: tuple[bytes, str], tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(whole[0][:2000])
    with alone_elsewhere(path), pytest.raises(AlreadyLocked, match="is being written by another process"):
        run_it(path, resume=True, scheduler=Never)
    assert path.read_bytes() == whole[0][:2000]


class Never(PromotionASHA):
    def suggest(self) -> Any:
        raise AssertionError


@contextmanager
def alone_elsewhere(path: Path) -> Iterator[None]:
    """Another process holds the log."""
    code = (
        "import sys; from pathlib import Path; from blackbox_repo.store.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, path], env=environment, **pipes) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate(b"")


FULL = """
import resource, sys
from pathlib import Path
from tests.simulator.wrappers.test_log import run_it
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    run_it(Path(sys.argv[1]))
except Exception as err:
    print(type(err).__name__, err, len(err.run.trials()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to the size of files")
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    whole: tuple[bytes, str], tmp_path: Path
) -> None:
    content, digest = whole
    path = tmp_path / "run.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, path], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"SimulationError the log {path} cannot be written: File too large; mend ")
    assert len(path.read_bytes()) == 3000
    assert run_it(path, resume=True).digest == digest
    assert path.read_bytes() == content


def test_errors_name_the_scheduler_and_not_its_log(tmp_path: Path) -> None:
    class Wrong(ASHA):
        def suggest(self) -> Any:
            return 7

    with pytest.raises(SchedulerError, match=r"Wrong\.suggest\(\) at the simulated second .* answered 7"):
        run_it(tmp_path / "run.jsonl", scheduler=Wrong)


def test_what_a_scheduler_knows_to_come_is_used_with_a_log_too(tmp_path: Path) -> None:
    blackbox = load_blackbox("yahpo-lcbench")["167200"]
    factory = scheduler_factory("asha", {})
    with_log = run_it(tmp_path / "run.jsonl", blackbox=blackbox, scheduler=factory)
    assert with_log.digest == run_it(blackbox=blackbox, scheduler=factory).digest


def test_the_command_line_goes_on_with_a_killed_run(tmp_path: Path) -> None:
    Path(tmp_path, "killed.py").write_text(
        "import os, signal\nfrom simulator import ASHA\n\n"
        "class Killed(ASHA):\n    reports = 0\n\n    def on_report(self, trial, report):\n"
        "        self.reports += 1\n        if self.reports == int(os.environ.get('KILL_AT', 0)):\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n        return super().on_report(trial, report)\n"
    )

    def bb_sim(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "simulator", "run", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    options = ("nasbench-nlp", "--scheduler", "py:killed:Killed", "--trials", "30", "--json")
    killed = bb_sim(*options, "--out", "x", "--log", KILL_AT="40")
    assert killed.returncode == -signal.SIGKILL
    left = {path.name for path in (tmp_path / "x").iterdir() if not path.name.endswith(".lock")}
    assert left == {"command.json", "log.jsonl"}
    taken = bb_sim(*options, "--out", "x")
    assert taken.returncode == 2
    assert "x holds an unfinished run; continue it with --resume x, or choose another folder" in taken.stderr
    other = bb_sim("--resume", "x", "--seed", "4")
    assert "--resume continues a run with the options it was started with; leave out '--seed'" in other.stderr
    resumed = bb_sim("--resume", "x", "--json")
    assert resumed.returncode == 0, resumed.stderr
    uninterrupted = json.loads(bb_sim(*options, "--out", "y").stdout)
    assert json.loads(resumed.stdout)["digest"] == uninterrupted["digest"]
    assert {path.name for path in (tmp_path / "x").iterdir()} == {p.name for p in (tmp_path / "y").iterdir()}
    again = bb_sim("--resume", "x")
    assert "x holds a finished run, so there is nothing to resume" in again.stderr
    assert "--log needs --out" in bb_sim("--log").stderr


def bb_sim(folder: Path, *arguments: str, most: int | None = None) -> subprocess.CompletedProcess[str]:
    """``bb-sim run``; with ``most`` as if the disk had room for so many bytes of a file."""
    code = "import resource\n" + (
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n" if most else ""
    )
    return subprocess.run(
        [sys.executable, "-c", f"{code}from simulator import cli\ncli.main()", "run", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to the size of files")
def test_the_command_line_names_the_log_on_a_full_disk_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    options = ("nasbench-nlp", "--trials", "60", "--json")
    full = bb_sim(tmp_path, *options, "--out", "x", "--log", most=4000)
    assert (full.returncode, full.stdout) == (2, "")
    (line,) = full.stderr.splitlines()
    assert "the log x/log.jsonl cannot be written: File too large" in line
    assert "continue with bb-sim run --resume x" in line
    resumed, whole = bb_sim(tmp_path, "--resume", "x", "--json"), bb_sim(tmp_path, *options, "--out", "y")
    assert json.loads(resumed.stdout)["digest"] == json.loads(whole.stdout)["digest"]


def test_the_loser_of_two_resumes_is_told_before_it_simulates(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from simulator import ASHA\n\n\nclass Once(ASHA):\n    def suggest(self):\n"
        "        open('asked', 'a').close()\n        raise ValueError\n"
    )
    bb_sim(tmp_path, "nasbench-nlp", "--scheduler", "py:mine:Once", "--out", "x", "--log")
    (tmp_path / "asked").unlink()
    before = {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()}
    with alone_elsewhere(tmp_path / "x"):
        loser = bb_sim(tmp_path, "--resume", "x")
    assert (loser.returncode, loser.stderr.count("\n")) == (2, 1)
    assert "x is being written by another process" in loser.stderr
    assert not (tmp_path / "asked").exists()
    assert {path.name: path.read_bytes() for path in (tmp_path / "x").iterdir()} == before
