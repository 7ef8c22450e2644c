"""Programs as schedulers: the same runs as in Python, and every way to go wrong has its error."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import (
    Categorical,
    Fidelity,
    Integer,
    Objective,
    Ordinal,
    Schema,
    Space,
    from_function,
    views,
)
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.repository import load_blackbox
from simulator import Conditions, Failures, GridSearch, Run, SchedulerError, Stop, simulate
from simulator.adapters.child import Child, ChildError
from simulator.adapters.process import Process
from simulator.registry import scheduler_factory
from simulator.testing import PROBLEMS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "process-protocol.md").read_text(encoding="utf-8")


def has_perl() -> bool:
    perl = shutil.which("perl")
    return bool(perl) and subprocess.run([str(perl), "-MJSON::PP", "-e", "1"], check=False).returncode == 0


needs_perl = pytest.mark.skipif(not has_perl(), reason="needs perl with JSON::PP")


def written(language: str, name: str, folder: Path) -> Path:
    """A program of the page."""
    found = re.search(rf"```{language}\n(# {name}\n.*?)```", PAGE, re.DOTALL)
    assert found is not None
    path = folder / name
    path.write_text(found[1], encoding="utf-8")
    return path


def run(command: str, blackbox: Any = None, workers: int = 2, timeout: float = 30, **settings: Any) -> Run:
    blackbox = blackbox or PROBLEMS["conditional"]()
    settings = {"stop": Stop(trials_started=20), **settings}
    return simulate(blackbox, Process(command, timeout=timeout), workers=workers, **settings)


def bash(script: str) -> str:
    return f"bash -c {shlex.quote(script)}"


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- the programs of the page -------------------------------------------------------------------------------


@needs_perl
@pytest.mark.parametrize("problem", ["conditional", "maximized", "scattered", "one epoch"])
def test_the_perl_program_of_the_page_is_deterministic_on_any_space(problem: str, tmp_path: Path) -> None:
    command = f"perl {written('perl', 'worse_half.pl', tmp_path)}"
    conditions = Conditions(decision_time=0.5, failures=Failures(crash=3, preempt=30, away=2))
    settings: dict[str, Any] = {"workers": 7, "conditions": conditions, "stop": Stop(time=100)}
    finished = run(command, PROBLEMS[problem](), seed=3, check_determinism=True, **settings)
    assert {"failed", "stopped"} <= set(finished.trial_columns["status"])
    assert finished.header["scheduler"] == f"Process(seed=3, command={command!r}, name='worse half')"
    assert finished.digest != run(command, PROBLEMS[problem](), seed=4, **settings).digest


@needs_perl
def test_the_perl_program_of_the_page_on_real_tables(tmp_path: Path) -> None:
    factory = scheduler_factory(f"process:perl {written('perl', 'worse_half.pl', tmp_path)}", {"timeout": 30})
    for blackbox in (
        load_blackbox("yahpo-lcbench")["167200"],
        load_blackbox("icml-deepar")["electricity"],
        views.nearest(load_blackbox("icml-deepar")["electricity"]),
    ):
        finished = simulate(
            blackbox, factory, workers=4, stop=Stop(trials_started=12), check_determinism=True
        )
        assert len(finished.trial_columns["trial"]) == 12


def test_the_python_program_of_the_page_is_the_grid(tmp_path: Path) -> None:
    command = f"{sys.executable} -I -S {written('python', 'all_of_it.py', tmp_path)}"
    for blackbox in (
        load_blackbox("nasbench-nlp")["wikitext-2"],
        PROBLEMS["scattered"](),
        PROBLEMS["tiny"](),
    ):
        grid = simulate(blackbox, GridSearch, workers=3, stop=Stop(trials_started=30))
        assert run(command, blackbox, workers=3, stop=Stop(trials_started=30)).digest == grid.digest


# --- the same as in Python ----------------------------------------------------------------------------------

BRIDGE = """
import json
import sys
from types import SimpleNamespace

from blackbox_repo.schema import Schema
from simulator.scheduler import Start, TrialStatus
from simulator.registry import scheduler_factory


class Report(SimpleNamespace):
    def __getitem__(self, name):
        return float(self.all[name])


def report_of(told):
    index = schema.fidelity.index(told["fidelity"])
    return Report(fidelity=told["fidelity"], time=told["time"], index=index, all=told["values"])


for line in sys.stdin:
    told = json.loads(line)
    answer = {}
    if "trial" in told:
        configuration, status = told["configuration"], TrialStatus(told.get("status", "running"))
        last = told.get("last_report") and report_of(told["last_report"])
        trial = SimpleNamespace(
            number=told["trial"], configuration=configuration, status=status, last_report=last
        )
    if told["call"] == "begin":
        schema = Schema.from_json(told["schema"])
        scheduler = scheduler_factory(sys.argv[1], {})(schema, told["seed"])
    elif told["call"] == "suggest":
        suggestion = scheduler.suggest()
        if suggestion is None:
            answer = {"nothing": True}
        elif isinstance(suggestion, Start):
            answer = {"start": suggestion.configuration, "until": suggestion.until}
            answer |= {"checkpoint_of": suggestion.checkpoint_of}
        else:
            answer = {"resume": suggestion.trial, "until": suggestion.until}
    elif told["call"] == "on_report":
        decision = scheduler.on_report(trial, report_of(told))
        answer = {"decision": decision.action}
        if decision.until is not None:
            answer["until"] = decision.until
    elif told["call"] == "on_end":
        scheduler.on_end(trial)
    print(json.dumps(answer), flush=True)
"""


@pytest.mark.parametrize("name", ["asha", "asha-promotion", "pbt"])
def test_a_scheduler_behind_the_protocol_does_what_it_does_without_T19(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = tmp_path / "bridge.py"
    bridge.write_text(BRIDGE)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    conditions = Conditions(decision_time=0.5, failures=Failures(crash=20, preempt=30, away=2))
    circumstances: dict[str, Any] = {
        "workers": 5,
        "stop": Stop(time=100),
        "seed": 2,
        "conditions": conditions,
    }
    here = simulate(PROBLEMS["conditional"](), scheduler_factory(name, {}), **circumstances)
    log = tmp_path / "run.jsonl"
    there = run(f"{sys.executable} {bridge} {name}", log=log, **circumstances)
    assert there.digest == here.digest
    assert len(there.trial_columns["trial"]) > 10
    if name == "asha-promotion":
        log.write_bytes(log.read_bytes()[:-3000])
        resumed = run(f"{sys.executable} {bridge} {name}", log=log, resume=True, **circumstances)
        assert resumed.digest == here.digest


def test_what_a_program_reads_is_json_with_nan_as_text(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    script = f"""
        while read -r line; do
            echo "$line" >> {heard}
            case "$line" in
                *'"suggest"'*) echo '{{"start": {{"a": 2, "b": "p"}}}}' ;;
                *'"on_report"'*) echo '{{"decision": "continue"}}' ;;
                *) echo '{{}}' ;;
            esac
        done"""
    run(bash(script), PROBLEMS["tiny"](), stop=Stop(trials_started=4), workers=1)
    lines = heard.read_text().splitlines()
    calls = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    first = calls[0]
    assert [first["call"], first["protocol"], first["seed"], first["candidates"]] == ["begin", 1, 0, None]
    assert first["schema"] == PROBLEMS["tiny"]().schema.to_json()
    assert calls[1] == {"call": "suggest"}
    reports = [call for call in calls if call["call"] == "on_report"]
    assert reports[0]["trial"] == 0
    assert reports[0]["configuration"] == {"a": 2, "b": "p"}
    assert set(reports[0]) == {"call", "trial", "configuration", "fidelity", "time", "values"}
    assert "NaN" in [call["values"]["score"] for call in reports]
    ends = [call for call in calls if call["call"] == "on_end"]
    assert [call["status"] for call in ends] == ["completed"] * 4
    told = {report["trial"]: report for report in reports}
    for call in ends:
        last = {key: told[call["trial"]][key] for key in ("fidelity", "time", "values")}
        assert call["last_report"] == last


MIXED = """
import json, sys

known = []
for line in sys.stdin:
    told = json.loads(line)
    answer = {}
    if told["call"] == "begin":
        choices = told["schema"]["space"]["hyperparameters"]
        known = [{h["name"]: value for h, value in zip(choices, values)} for values in zip(
            *(h.get("values") or [h["lower"], h["lower"] + 1, h["upper"]] for h in choices)
        )]
    elif told["call"] == "suggest":
        answer = {"start": known.pop(0)} if known else {"nothing": True}
        digits = json.dumps(answer).replace("0.30000000000000004", "0.3")
        answer = json.loads(digits.replace("1180591620717411303424", "1.18059162071741e+21"))
    elif told["call"] == "on_report":
        answer = {"decision": "continue"}
    print(json.dumps(answer), flush=True)
"""


def test_choices_of_mixed_kinds_cross_the_protocol_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "mixed.py").write_text(MIXED)
    space = Space(
        {
            "features": Categorical(("sqrt", 0.1 + 0.2, 1)),
            "flag": Ordinal((False, "1", 1)),
            "size": Ordinal((1, 10**3, 2**70)),
            "count": Integer(2**63, 2**64),
        }
    )
    objectives = (Objective("loss", "min"), Objective("elapsed_time", "none", "s", cumulative=True))
    fidelity = Fidelity("epoch", (1,))
    schema = Schema(space, fidelity, objectives, target="loss", time="elapsed_time")
    blackbox = from_function(schema, lambda configuration, seed: {"loss": [1.0], "elapsed_time": [1.0]})
    finished = run(f"{sys.executable} {tmp_path / 'mixed.py'}", blackbox, stop=Stop(trials_started=3))
    assert repr([finished.configuration(trial) for trial in range(3)]) == repr(
        [
            {"features": "sqrt", "flag": False, "size": 1, "count": 2**63},
            {"features": 0.1 + 0.2, "flag": "1", "size": 1000, "count": 2**63 + 1},
            {"features": 1, "flag": 1, "size": 2**70, "count": 2**64},
        ]
    )


def test_a_program_that_says_goodbye_loses_no_run() -> None:
    answers = """case "$line" in
        *'"on_report"'*) echo '{"decision": "stop"}' ;;
        *'"suggest"'*) echo '{"nothing": true}' ;;
        *) echo '{}' ;;
    esac"""
    script = f"{BEGIN} {START} while read -r line; do {answers}; done; echo bye"
    with pytest.raises(SchedulerError, match="wrote a line that it was not asked for: bye") as caught:
        run(bash(script), PROBLEMS["tiny"](), workers=1)
    assert caught.value.run is not None
    assert caught.value.run.reason in ("exhausted", "stalled")
    assert len(caught.value.run.trial_columns["trial"]) == 1


# --- what goes wrong ----------------------------------------------------------------------------------------

BEGIN = 'read -r line; echo "{}"; '
START = """read -r line; echo '{"start": {"a": 1, "b": "p"}}'; """


def suggests(answer: str) -> str:
    return f"{BEGIN} read -r line; echo '{answer}'"


def decides(answer: str) -> str:
    return f"{BEGIN} {START} read -r line; echo '{answer}'"


ANSWERS = [
    (
        BEGIN + "echo bad news >&2; exit 3",
        "ended with status 3 and no answer; it was killed, its last words: bad",
    ),
    (BEGIN + "kill -9 $$", "was killed by signal 9 (Killed)"),
    (BEGIN + "exec >&-; sleep 50", "closed its standard output"),
    (BEGIN + "read -r line; head -c 3000000 /dev/zero", "wrote a line of more than 1048576 bytes"),
    (BEGIN + "read -r line; env printf '{}\\n{}\\n'; sleep 50", "wrote more than one line: {} {}"),
    (suggests("what"), "answered what: it is not proper JSON: Expecting value"),
    (suggests("NaN"), "answered NaN: it is not proper JSON: 'NaN' is not a finite number"),
    (suggests("[]"), "answered [], which must be a JSON object"),
    (suggests("{}"), 'answered {}, which must be {"start": {...}}, {"resume": TRIAL} or'),
    (suggests('{"start": {}, "resume": 1}'), '"resume": 1}, which must be {"start"'),
    (suggests('{"start": {}, "util": 1}'), "which must not have 'util'; did you mean 'until'?"),
    (suggests('{"start": [7]}'), "a configuration is a mapping"),
    (suggests('{"start": {"a": 9, "b": "p"}}'), "a=9 is not"),
    (suggests('{"resume": 5}'), "resumed trial 5, but there are 0 trials"),
    (suggests('{"start": {"a": 1, "b": "p"}, "until": "x"}'), "named a fidelity that does not"),
    (decides('{"decision": "go"}'), 'which must be {"decision": "continue"}, or "pause" or "stop"'),
    (decides('{"decision": [1]}'), "which must be"),
    (decides('{"decision": "stop", "until": 3}'), "must not have 'until'; known: 'decision'"),
    (decides("") + "; sleep 50", "is not proper JSON"),
    (BEGIN + START + "sleep 50", "gave no answer in 0.3 s of real time (timeout); does it flush"),
]


@pytest.mark.parametrize(("script", "message"), ANSWERS)
def test_a_program_that_answers_wrongly_is_named_with_call_trial_and_time(script: str, message: str) -> None:
    call = "on_report" if START in script else "suggest"
    began = time.perf_counter()
    with pytest.raises(SchedulerError) as caught:
        run(bash(script), PROBLEMS["tiny"](), workers=1, timeout=0.3 if "gave no answer" in message else 30)
    text = str(caught.value)
    assert message in text.replace("\\n", " ").replace("\\'", "'")
    assert text.startswith(f"ProcessScheduler.{call}() at the simulated second ")
    assert ("about trial 0" in text) == (call == "on_report")
    assert caught.value.run is not None
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("true", "told to begin: true ended with status 0 and no answer"),
        (bash("read -r l; echo '{\"nam\": 1}'"), "must not have 'nam'; did you mean 'name'?"),
        (bash("read -r l; echo '{\"name\": null}'"), "which must have text as its 'name'"),
        (bash("sleep 50"), "gave no answer in 0.2 s"),
    ],
)
def test_a_program_that_does_not_begin_is_named(command: str, message: str) -> None:
    with pytest.raises(SchedulerError) as caught:
        run(command, timeout=0.2)
    assert message in str(caught.value)
    assert f"Process(seed=0, command={command!r})" in str(caught.value) or "sleep" in command


@pytest.mark.parametrize("value", ["false", "null", "0", "1"])
def test_nothing_is_true_or_no_answer(value: str) -> None:
    script = BEGIN + f"while read -r line; do echo '{{\"nothing\": {value}}}'; done"
    with pytest.raises(SchedulerError, match=r'which must be {"nothing": true} where there is nothing'):
        run(bash(script), PROBLEMS["tiny"]())


def test_a_line_too_many_is_found_at_the_end_of_the_run_at_last() -> None:
    """The extra line comes when the input has ended: all answers before it may have been one call late."""
    script = BEGIN + """while read -r line; do echo '{"nothing": true}'; done; echo '{}'"""
    with pytest.raises(
        SchedulerError, match="when the run was over: .* wrote a line that it was not asked for: {}"
    ):
        run(bash(script), PROBLEMS["tiny"]())


@pytest.mark.parametrize(
    ("command", "settings", "error"),
    [
        ("no-such-program --at-all", {}, "the process no-such-program --at-all cannot be started"),
        ("", {}, "the command of a process is missing"),
        ("perl 'x", {}, "cannot be split into words: No closing quotation"),
        ("true", {"timeout": 0}, "timeout is 0, but must be a number of real seconds"),
        ("true", {"timeout": "5"}, "timeout is '5'"),
    ],
)
def test_what_cannot_be_started_is_refused(command: str, settings: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Process(command, **settings)(PROBLEMS["tiny"]().schema, 0)
    assert error in str(caught.value)
    with pytest.raises(UnknownName, match="setting 'time_out'; did you mean 'timeout'"):
        scheduler_factory("process:true", {"time_out": 5})


# --- nothing is left behind ---------------------------------------------------------------------------------

PARENT = """sleep 1000 & echo "$$ $!" > {file}
while read -r line; do
    case "$line" in
        *'"suggest"'*) echo '{{"start": {{"a": 1, "b": "p"}}}}' ;;
        *'"on_report"'*) echo '{{"decision": "continue"}}' ;;
        *) echo '{{}}' ;;
    esac
done; {then}"""


class Interrupts:
    """A callback that ends the run as Ctrl-C would."""

    hears_reports = True

    def on_report(self, *_: Any) -> None:
        raise KeyboardInterrupt

    def on_start(self, *_: Any) -> None:
        pass

    on_instant = on_end = on_finish = on_start


@pytest.fixture
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.adapters.child.GRACE", 0.1)


@pytest.mark.usefixtures("_short_grace")
@pytest.mark.parametrize("then", ["exit 0", "sleep 1000"])
@pytest.mark.parametrize("how", ["ends", "interrupted", "fails"])
def test_no_process_and_no_child_of_it_outlives_the_run(how: str, then: str, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    command = bash(PARENT.format(file=file, then=then))
    if how == "ends":
        run(command, PROBLEMS["tiny"]())
    elif how == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            run(command, PROBLEMS["tiny"](), callbacks=[Interrupts()])
    else:
        with pytest.raises(SchedulerError):
            run(command, PROBLEMS["one epoch"]())
    parent, child = map(int, file.read_text().split())
    assert not exists(parent)
    end = time.perf_counter() + 5  # the child is an orphan, and buried by init
    while exists(child) and Path(f"/proc/{child}/stat").read_text().split()[2] != "Z":
        assert time.perf_counter() < end
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="children are found in /proc")
@pytest.mark.usefixtures("_short_grace")
def test_a_child_that_has_left_the_group_does_not_outlive_the_run_either(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    nested = shlex.quote(f"echo $$ >> {file}; setsid sleep 1000 & echo $! >> {file}; wait")
    parent = PARENT.replace("sleep 1000 &", f"setsid bash -c {nested} &").replace("> {file}", ">> {file}")
    command = bash(parent.replace("while", "sleep 0.3; while", 1).format(file=file, then="exit 0"))
    run(command, PROBLEMS["tiny"]())
    pids = [int(pid) for pid in file.read_text().split()]
    assert len(pids) >= 4
    end = time.perf_counter() + 5
    while any(exists(pid) and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" for pid in pids):
        assert time.perf_counter() < end
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="children are found in /proc")
def test_the_child_of_a_child_is_killed_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import os, sys, time\nfrom pathlib import Path\nfrom simulator.adapters.child import Child\n"
        f"inner = Child(['bash', '-c', 'echo $$ > {pid}; sleep 1000'])\n"
        f"pid = Path({str(pid)!r})\n"
        "while not (pid.exists() and pid.read_text().strip()): time.sleep(0.01)\n"
        "sys.stdin.readline()\nos.write(1, b'two\\nlines\\n')\ntime.sleep(1000)\n"
    )
    outer = Child([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"])
    with pytest.raises(ChildError, match="more than one line"):
        outer.ask(b"hello", 30)
    assert not exists(int(pid.read_text())) or is_zombie(int(pid.read_text()))


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_a_program_that_does_not_read_is_named_too() -> None:
    child = Child(["sleep", "1000"])
    with pytest.raises(ChildError, match=r"sleep 1000 gave no answer in 0.2 s"):
        child.ask(b"x" * 10**6, 0.2)


def test_much_standard_error_blocks_nothing() -> None:
    script = "while read -r line; do head -c 300000 /dev/zero >&2; echo ' last ' >&2; echo '{}'; done"
    child = Child(["bash", "-c", script])
    assert [child.ask(b"{}", 30) for _ in range(5)] == [b"{}"] * 5
    with pytest.raises(ChildError, match="last$"):
        child.fail("was wrong")


def test_a_child_that_is_forgotten_is_killed() -> None:
    child = Child(["sleep", "1000"])
    pid = child._process.pid
    assert exists(pid)
    del child
    assert not exists(pid)


def test_the_interpreters_end_ends_it_too(tmp_path: Path) -> None:
    """Terminated in the middle of a call, as by a batch system."""
    pid = tmp_path / "pid"
    code = (
        "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "from simulator.adapters.child import Child\n"
        f"child = Child(['bash', '-c', 'read -r line; echo $$ > {pid}; sleep 1000'])\n"
        "child.ask(b'{}', 1000)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as parent:
        while not pid.exists() or not pid.read_text().strip():
            time.sleep(0.01)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait() == 143
    assert not exists(int(pid.read_text()))
