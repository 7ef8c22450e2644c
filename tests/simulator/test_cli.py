"""bb-sim as its users see it: what it prints, how it ends, and what it leaves on the disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.fit_tables import FitOrder, fit_tables
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.store.storage import save_tables
from blackbox_repo.store.surrogate_cache import kept
from blackbox_repo.table import TabularBlackbox
from simulator import Run, cli
from simulator.cli.options import parse_duration
from tests.blackbox_repo.small_tables import make_blackbox

ROOT = Path(__file__).parents[2]
BOX = ROOT / "data_cache" / "icml-deepar"
NLP, MACRO = "nasbench-nlp", "nasbench-macro"
FAST = (NLP, "--trials", "6")
HOME_MADE = """
from simulator import ASHA

class Grumpy(ASHA):
    def __repr__(self):
        return "Grumpy()"

def patient(schema, seed, eta=3):
    return ASHA(schema, seed, eta=eta)

def too_few(schema):
    return ASHA(schema)

def half_made(schema, seed):
    return {"schema": schema}

number = 7
"""


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert (self.status, self.err) == (0, "")
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in an empty folder, and leaves this process as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    sys.modules.pop("home_made", None)


@pytest.fixture
def bb_sim(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Runs bb-sim in this process: a fresh one costs half a second."""

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["bb-sim", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Finished(int(end.value.code or 0), *capsys.readouterr())

    return run


def fresh_process(*arguments: object) -> Finished:
    command = [sys.executable, "-m", "simulator", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return Finished(done.returncode, done.stdout, done.stderr)


def refuses(finished: Finished, *parts: str) -> None:
    """One line on stderr that begins with the command's name and contains all parts, and exit status 2."""
    assert (finished.status, finished.out) == (2, "")
    assert finished.err.startswith("bb-sim: error: ")
    assert finished.err.count("\n") == 1
    assert finished.err.endswith("\n")
    for part in parts:
        assert part in finished.err


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- bad input ----------------------------------------------------------------------------------------------

REFUSED: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("yahpo-lcbnch",), ("unknown blackbox or benchmark 'yahpo-lcbnch'; did you mean 'yahpo-lcbench'",)),
    (("nowhere/at/all",), ("unknown blackbox or benchmark 'nowhere/at/all'",)),
    (("yahpo-lcbench/18990",), ("'18990'", "did you mean '189905'")),
    (("lcbench-3945", "--objective", "val_acuracy"), ("'val_acuracy'; did you mean 'val_accuracy'",)),
    ((MACRO, "--objective", "params", "--time-model", "constant:x"), ("--time-model is 'constant:x'",)),
    ((NLP, "--objective", "seed"), ("unknown objective 'seed'",)),
    ((NLP, "--scheduler", "ahsa"), ("unknown scheduler 'ahsa'; did you mean 'asha'", "py:module:attribute")),
    ((NLP, "--max-fidelity", "50.5"), ("epoch=50.5 is not in 1..50",)),
    ((NLP, "--max-fidelity", "0"), ("epoch=0.0 is not in 1..50",)),
    ((NLP, "--max-fidelity", "many"), ("--max-fidelity",)),
    ((NLP, "--workers", "0"), ("--workers is 0, but must be 1 or more",)),
    ((NLP, "--workers", "-3"), ("--workers is -3",)),
    ((NLP, "--workers", "abc"), ("--workers", "(see bb-sim run --help)")),
    ((NLP, "--workers", "1.5"), ("--workers",)),
    ((NLP, "--time", "-1"), ("--time is '-1', but must be above 0",)),
    ((NLP, "--time", "0h"), ("--time is '0h', but must be above 0",)),
    ((NLP, "--time", "inf"), ("--time is 'inf'",)),
    ((NLP, "--time", "nan"), ("--time is 'nan'",)),
    ((NLP, "--time", "banana"), ("--time is 'banana'", "such as 90m, 2h or 1h30m")),
    ((NLP, "--time", "2h banana"), ("--time is '2h banana'",)),
    ((NLP, "--trials", "0"), ("--trials is 0, but must be 1 or more",)),
    ((NLP, "--seed", "x"), ("--seed",)),
    ((NLP, "--set", "nonsense"), ("--set is 'nonsense', but must be GROUP.NAME=VALUE",)),
    ((NLP, "--set", "eta=3"), ("--set is 'eta=3'",)),
    ((NLP, "--set", "shceduler.eta=3"), ("'shceduler'; did you mean 'scheduler'?",)),
    ((NLP, "--set", "scheduler.etta=3"), ("unknown asha setting 'etta'; did you mean 'eta'?",)),
    ((NLP, "--set", "scheduler.eta=1"), ("eta is 1, but must be a number above 1",)),
    ((NLP, "--set", "scheduler.eta=wide"), ("eta is 'wide'",)),
    ((NLP, "--set", "scheduler.r_min=0"), ("r_min",)),
    ((NLP, "--set", "delays.report=-1"), ("delays.report is -1, but must be 0 or more seconds",)),
    ((NLP, "--set", "delays.report=NaN"), ("delays.report is nan",)),
    ((NLP, "--set", "delays.report=soon"), ("delays.report is 'soon', but must be a number of seconds",)),
    ((NLP, "--set", "delays.reprt=1"), ("unknown delay 'reprt'; did you mean 'report'?",)),
    ((MACRO, "--time-model", "constant:0"), ("--time-model is 'constant:0'", "constant:SECONDS")),
    ((MACRO, "--time-model", "constant:-2"), ("--time-model is 'constant:-2'",)),
    ((MACRO, "--time-model", "linear:1"), ("--time-model is 'linear:1'",)),
    ((MACRO,), ("'nasbench-macro/cifar10' records no time", "--time-model constant:SECONDS")),
    ((NLP, "--time-model", "constant:1"), ("records its time already",)),
    (
        ("taskset",),
        ("'taskset' has 3 tasks", "choose one as taskset/TASK", "imdb_patch32_GRU64_avg_bs128"),
    ),
    ((NLP, "--scheduler", "py:nowhere:X"), ("'py:nowhere:X' cannot be imported: No module named 'nowhere'",)),
    ((NLP, "--scheduler", "py:home_made:nothing"), ("module 'home_made' has no attribute 'nothing'",)),
    ((NLP, "--scheduler", "py:home_made"), ("must be written py:module:attribute",)),
    ((NLP, "--scheduler", "py:"), ("must be written py:module:attribute",)),
    ((NLP, "--scheduler", "py:home_made:number"), ("is no factory (schema, seed) -> scheduler: 7",)),
    ((NLP, "--scheduler", "py:home_made:too_few"), ("cannot be called as (schema, seed)",)),
    ((NLP, "--scheduler", "py:home_made:half_made"), ("is no scheduler, it lacks suggest()",)),
    ((NLP, "--scheduler", "py:home_made:patient", "--set", "scheduler.eat=1"), ("did you mean 'eta'?",)),
    ((NLP, "--wokers", "3"), ("No such option", "--wokers")),
    ((NLP, "--workers"), ("--workers",)),
    ((NLP, "another"), ("another",)),
]


@pytest.mark.parametrize(
    ("arguments", "parts"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED]
)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(
    bb_sim: Callable[..., Finished],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    parts: tuple[str, ...],
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "home_made.py").write_text(HOME_MADE)
    monkeypatch.syspath_prepend(str(code))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    refuses(bb_sim("run", *arguments), *parts)
    assert files(tmp_path / "work") == []


def test_a_fresh_process_refuses_in_one_line_too(tmp_path: Path) -> None:
    refuses(fresh_process("run", "yahpo-lcbnch"), "did you mean 'yahpo-lcbench'")
    refuses(fresh_process("run", "lcbench-3945", "--workers", "0"), "--workers is 0")
    assert files(tmp_path) == []


def test_an_unknown_command_is_refused(bb_sim: Callable[..., Finished]) -> None:
    refuses(bb_sim("rn"), "No such command 'rn'")


def test_an_out_below_a_file_is_refused(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refuses(bb_sim("run", *FAST, "--out", tmp_path / "file" / "run"), f"{tmp_path / 'file'} is not a folder")
    refuses(bb_sim("run", *FAST, "--out", tmp_path / "file" / "a" / "b"), "is not a folder")
    refuses(bb_sim("run", *FAST, "--out", tmp_path / "file"), str(tmp_path / "file"), "exists already")
    assert files(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_an_out_that_holds_something_else_is_refused_and_kept(
    bb_sim: Callable[..., Finished], tmp_path: Path
) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.tex").write_text("years of work")
    refuses(bb_sim("run", *FAST, "--out", folder), str(folder), "exists already and holds something else")
    assert files(tmp_path) == ["thesis"]
    assert files(folder) == ["chapter.tex"]


def test_an_out_that_holds_another_run_is_refused_and_both_are_kept(
    bb_sim: Callable[..., Finished], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    digest = bb_sim("run", *FAST, "--out", folder, "--json").json["digest"]
    other = bb_sim("run", *FAST, "--seed", "1", "--out", folder)
    refuses(other, str(folder), "exists already", "the finished run is in runs/")
    assert Run.load(folder).digest == digest
    assert Run.load(other.err.split()[-1]).header["seed"] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_out_without_permission_is_refused(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    refuses(
        bb_sim("run", *FAST, "--out", tmp_path / "locked" / "run"), "cannot be written", "Permission denied"
    )
    assert files(tmp_path / "locked") == []


# --- broken blackboxes --------------------------------------------------------------------------------------


def copied(tmp_path: Path) -> Path:
    shutil.copytree(BOX, tmp_path / "boxes" / "mine")
    return tmp_path / "boxes" / "mine"


def test_a_flipped_byte_is_found_and_the_file_named(
    bb_sim: Callable[..., Finished], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = copied(tmp_path) / "electricity.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    refuses(bb_sim("run", f"{file.parent}/electricity"), str(file), "is corrupted: its sha256 is")
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    refuses(bb_sim("run", "mine/electricity"), str(file), "is corrupted: its sha256 is")
    assert bb_sim("run", "mine/solar", "--trials", "3", "--json").json["trials"] == 3  # the others are whole
    assert files(tmp_path) == ["boxes", "runs"]


def test_a_missing_file_is_named(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    file = copied(tmp_path) / "electricity.parquet"
    file.unlink()
    refuses(bb_sim("run", f"{file.parent}/electricity"), str(file), "cannot be read")
    assert files(tmp_path) == ["boxes"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"format": 99}, ("has format 99", "upgrade with: pip install --upgrade blackbox-repo")),
        ({"format": "one"}, ("has no integer 'format'",)),
        ({"tasks": None}, ("is malformed",)),
        ({"tasks": {}}, ("is malformed: it has no tasks; a blackbox has at least one",)),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(
    bb_sim: Callable[..., Finished], tmp_path: Path, change: dict[str, Any], parts: tuple[str, ...]
) -> None:
    path = copied(tmp_path) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    refuses(bb_sim("run", f"{path.parent}/electricity"), str(path), *parts)
    assert files(tmp_path) == ["boxes"]


def test_a_manifest_that_is_no_json_is_named(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    path = copied(tmp_path) / "manifest.json"
    path.write_text(path.read_text()[:500])
    refuses(bb_sim("run", f"{path.parent}/electricity"), str(path), "is not proper JSON")


# --- good input ---------------------------------------------------------------------------------------------


def test_json_has_the_keys_that_programs_rely_on(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", *FAST, "--json").json
    assert {name: found[name] for name in ("blackbox", "task", "scheduler", "seed", "workers", "trials")} == {
        "blackbox": "nasbench-nlp",
        "task": "wikitext-2",
        "scheduler": "asha",
        "seed": 0,
        "workers": 8,
        "trials": 6,
    }
    assert 6 <= found["reports"] <= 6 * 50
    assert found["simulated_seconds"] > 1000 * found["real_seconds"] > 0
    assert re.fullmatch("[0-9a-f]{64}", found["digest"])
    best = found["best"]
    assert best["objective"] == "valid_loss"
    assert 4.5 < best["value"] < 10
    assert list(best["configuration"]) == ["architecture"]
    assert best["fidelity"] in range(1, 51)
    assert 0 < best["time"] <= found["simulated_seconds"]


def test_the_same_command_gives_the_same_digest_and_reuses_its_folder(tmp_path: Path) -> None:
    done = fresh_process("run", *FAST, "--json")
    first = done.json
    assert done.err == "", "no progress is shown where nobody looks"
    second = fresh_process("run", *FAST, "--json").json
    assert {**first, "real_seconds": 0} == {**second, "real_seconds": 0}
    assert files(tmp_path) == ["runs"]
    assert files(tmp_path / "runs") == [f"nasbench-nlp-wikitext-2-asha-{first['digest'][:12]}"]
    assert first["out"] == f"runs/nasbench-nlp-wikitext-2-asha-{first['digest'][:12]}"


def test_the_folder_holds_the_run_that_was_printed(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    found = bb_sim("run", *FAST, "--out", tmp_path / "new" / "run", "--json").json
    loaded = Run.load(tmp_path / "new" / "run")
    assert (loaded.digest, loaded.seconds, loaded.reason) == (
        found["digest"],
        found["simulated_seconds"],
        found["ended_by"],
    )
    assert loaded.trials().num_rows == found["trials"]
    best = loaded.best()
    assert best is not None
    assert {**vars(best), "configuration": dict(best.configuration)} == found["best"]


def test_the_page_for_people_shows_what_json_says(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    page = bb_sim("run", *FAST)
    assert (page.status, page.err) == (0, "")
    found = bb_sim("run", *FAST, "--json").json
    assert found["digest"] in page.out
    assert found["out"] in page.out
    assert f"{found['best']['value']:.6g}" in page.out
    assert "nasbench-nlp/wikitext-2" in page.out
    assert max(map(len, page.out.splitlines())) <= 120


def test_the_page_says_why_there_is_no_best(
    bb_sim: Callable[..., Finished], ragged: TabularBlackbox, tmp_path: Path
) -> None:
    table = replace(ragged.table, points={"loss": np.full(17, np.nan)})
    manifest = Manifest("lost", "1", "made up", "CC0-1.0", "", "", "", ragged.schema, {})
    save_tables(tmp_path / "lost", manifest, {"all": table})
    page = bb_sim(
        "run", "lost/all", "--time-model", "constant:1", "--trials", "3", "--scheduler", "random"
    ).out
    assert "every loss that was reported is NaN" in page
    early = bb_sim("run", *FAST, "--time", "1s").out
    assert re.search(r"best +no report", early)


def test_another_seed_is_another_run(bb_sim: Callable[..., Finished]) -> None:
    digests = {bb_sim("run", *FAST, "--seed", seed, "--json").json["digest"] for seed in (0, 1, -1, 2**70)}
    assert len(digests) == 4


@pytest.mark.parametrize("scheduler", ["random", "grid", "asha", "asha-promotion"])
def test_exactly_so_many_trials_start_with_every_scheduler(
    bb_sim: Callable[..., Finished], scheduler: str
) -> None:
    found = bb_sim("run", NLP, "--scheduler", scheduler, "--trials", "13", "--workers", "3", "--json").json
    assert (found["trials"], found["scheduler"], found["workers"]) == (13, scheduler, 3)


def test_a_grid_that_is_smaller_than_the_limit_is_exhausted(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", NLP, "--scheduler", "grid", "--time", "10000d", "--json").json
    assert (found["trials"], found["ended_by"]) == (344, "exhausted")


def test_time_is_the_length_of_the_run(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", NLP, "--time", "1h30m", "--json").json
    assert (found["simulated_seconds"], found["ended_by"]) == (5400.0, "time")
    assert bb_sim("run", NLP, "--time", "5400", "--json").json["digest"] == found["digest"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5e3", 1500),
        ("45s", 45),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1.5d", 129600),
        ("1d1s", 86401),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_max_fidelity_cuts_the_curves(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    found = bb_sim("run", *FAST, "--max-fidelity", "3", "--out", tmp_path / "run", "--json").json
    assert found["best"]["fidelity"] <= 3
    reported = Run.load(tmp_path / "run").reports()["fidelity"].to_pylist()
    assert (min(reported), max(reported)) == (1, 3)


def test_objective_is_what_is_optimized(bb_sim: Callable[..., Finished]) -> None:
    run = ("run", "nasbench201-final/cifar100", "--scheduler", "random", "--trials", "30", "--json")
    error, latency = bb_sim(*run).json, bb_sim(*run, "--objective", "valtest_error").json
    assert error["best"]["objective"] == "valid_error"
    assert latency["best"]["objective"] == "valtest_error"
    assert latency["digest"] != error["digest"]


def test_a_time_model_makes_a_blackbox_without_time_run(bb_sim: Callable[..., Finished]) -> None:
    run = ("run", MACRO, "--scheduler", "random", "--workers", "1", "--trials", "10", "--json")
    assert bb_sim(*run, "--time-model", "constant:60").json["simulated_seconds"] == 600.0


def test_settings_reach_scheduler_and_delays(bb_sim: Callable[..., Finished], tmp_path: Path) -> None:
    settings = ("--set", "scheduler.eta=4", "--set", "delays.start=10", "--set", "delays.stop=1.5")
    bb_sim("run", *FAST, *settings, "--out", tmp_path / "run")
    header = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "eta=4" in header["scheduler"]
    assert header["conditions"]["delays"]["start"] == 10
    assert header["conditions"]["delays"]["stop"] == 1.5


def test_a_scheduler_of_the_users_is_found_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "home_made.py").write_text(HOME_MADE)
    own = fresh_process("run", *FAST, "--scheduler", "py:home_made:Grumpy", "--json").json
    assert own["scheduler"] == "py:home_made:Grumpy"
    assert own["digest"] == fresh_process("run", *FAST, "--json").json["digest"]
    header = json.loads((tmp_path / own["out"] / "run.json").read_text())
    assert header["scheduler"] == "Grumpy()"


def test_a_benchmark_brings_its_own_workers_and_budget(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", "xgboost-a6a", "--json").json
    assert (found["blackbox"], found["task"], found["workers"]) == ("icml-xgboost", "a6a", 4)
    assert found["simulated_seconds"] == 1800.0


def test_schedulers_lists_each_with_its_settings(bb_sim: Callable[..., Finished]) -> None:
    shown = bb_sim("schedulers")
    assert shown.status == 0
    for part in ("asha", "asha-promotion", "grid", "random", "eta=3", "points=3"):
        assert part in shown.out


def test_help_of_run_shows_examples_that_work(bb_sim: Callable[..., Finished]) -> None:
    shown = bb_sim("run", "--help")
    assert shown.status == 0
    examples = re.findall(r"bb-sim (run [a-z][^\n]+)", shown.out.split("Try:")[1])
    assert len(examples) >= 3
    for example in examples:
        few = () if "--trials" in example else ("--trials", 5)
        assert bb_sim(*example.split(), *few).status == 0, example


def test_help_without_a_command_names_the_commands(bb_sim: Callable[..., Finished]) -> None:
    shown = bb_sim("--help")
    assert shown.status == 0
    assert "schedulers" in shown.out


def test_trace_tells_of_a_trial_and_of_a_time(bb_sim: Callable[..., Finished]) -> None:
    assert bb_sim("run", "taskset-rnn", "--trials", 9, "--out", "run").status == 0
    told = bb_sim("trace", "run", "--trial", 3).out
    assert "worker 3 is given job 1" in told
    assert "step 200: valid_loss" in told
    at = bb_sim("trace", "run", "--at", "5m").out
    assert re.search(r"after 5 min: [0-4] of 4 workers are busy", at)
    assert "best valid_loss so far" in at


def test_trace_alone_gives_an_overview(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", "taskset-rnn", "--trials", 30, "--out", "run", "--json").json
    told = bb_sim("trace", "run").out
    assert f"digest     {found['digest']}" in told
    table = re.findall(r"^ *(\d+) +([\d.]+) ", told.partition("the best trials\n")[2], re.MULTILINE)
    losses = [float(loss) for _, loss in table]
    assert losses == sorted(losses)
    assert losses[0] == float(f"{found['best']['value']:.6g}")
    assert int(table[0][0]) == found["best"]["trial"]
    assert f"bb-sim trace run --trial {found['best']['trial']}\n" in told
    half = re.search(r"trace run (--at [\d.e+]+)", told)
    assert half is not None
    assert bb_sim("trace", "run", *half[1].split()).status == 0


def test_a_run_of_several_objectives_shows_their_front(bb_sim: Callable[..., Finished]) -> None:
    run = ("run", "yahpo-mo-iaml_glmnet-1489", "--scheduler", "random", "--trials", 20, "--out", "r")
    found = bb_sim(*run, "--json").json
    points = [(point["values"]["mmce"], point["values"]["nf"]) for point in found["front"]]
    assert len(points) > 1
    assert points == sorted(points)
    assert [nf for _, nf in points] == sorted((nf for _, nf in points), reverse=True)
    page, later = bb_sim(*run).out, bb_sim("trace", "r").out
    for shown in (page, later):
        assert f"front of mmce, nf: {len(points)} reports" in shown
        assert all(re.search(rf"{mmce:.6g} +{nf:.6g} ", shown) for mmce, nf in points)
    assert bb_sim("run", *FAST, "--json").json["front"] is None


def test_named_objectives_and_those_of_mo_asha_have_a_front_too(bb_sim: Callable[..., Finished]) -> None:
    run = ("run", "yahpo-lcbench/3945", "--scheduler", "mo-asha", "--trials", 5)
    named = ("--set", 'scheduler.objectives=["val_accuracy", "val_cross_entropy"]')
    assert set(bb_sim(*run, *named, "--json").json["front"][0]["values"]) == {
        "val_accuracy",
        "val_cross_entropy",
    }
    assert len(bb_sim(*run, "--json").json["front"][0]["values"]) > 2
    page = " ".join(bb_sim(*run).out.replace("│", " ").split())
    assert re.search(r"front of \w+, \w+, \w+ and \d+ more: \d+ reports", page)


def test_where_there_is_one_fidelity_the_page_says_that_nothing_can_be_stopped(
    bb_sim: Callable[..., Finished],
) -> None:
    told = "there is only one, so no trial can be stopped early"
    assert told in bb_sim("run", "nasbench201-final/cifar100", "--trials", 3).out
    assert told not in bb_sim("run", *FAST).out


def test_trace_refuses_what_is_not_there(bb_sim: Callable[..., Finished]) -> None:
    bb_sim("run", "taskset-rnn", "--trials", 2, "--out", "run")
    refuses(bb_sim("trace", "run", "--trial", 1, "--at", 1), "give --trial NUMBER or --at TIME, not both")
    refuses(bb_sim("trace", "run", "--trial", 2), "there is no trial 2: the run has the trials 0 to 1")
    refuses(bb_sim("trace", "run", "--at", "9d"), "but the run lasts from 0 to")
    refuses(bb_sim("trace", "nowhere", "--trial", 0), "nowhere does not hold a run")


def test_a_budget_in_whole_trainings_is_the_problems_own(bb_sim: Callable[..., Finished]) -> None:
    found = bb_sim("run", "yahpo-so-lcbench-167168", "--scheduler", "random", "--json").json
    assert (found["trials"], found["workers"], found["ended_by"]) == (126, 1, "trials_started")
    assert bb_sim("run", "yahpo-so-lcbench-167168", "--trials", 3, "--json").json["trials"] == 3


def test_a_thinking_scheduler_and_lost_workers_from_the_command_line(
    bb_sim: Callable[..., Finished],
) -> None:
    command = ["run", "nasbench-nlp", "--trials", 30, "--set", "failures.preempt=exponential(5000)"]
    thinking = ["--set", "conditions.decision_time=uniform(1, 60)"]
    page = bb_sim(*command, *thinking, "--set", "failures.away=60", "--out", "thinks").out
    assert re.search(r"preempted +\d+ times a trial lost its worker", page)
    assert re.search(r"decisions +the scheduler took \d+% of the time to decide", page)
    same = ["--set", "conditions.decision_time=recorded:thinks", "--set", "failures.away=60"]
    assert bb_sim(*command, *same, "--json").json["digest"] in page


def test_delays_and_speeds_may_be_distributions(bb_sim: Callable[..., Finished]) -> None:
    random = ["--set", "delays.report=uniform(0.5, 20)", "--set", "conditions.speeds=lognormal(1,0.3)"]
    command = ["run", "taskset-rnn", "--trials", 9, "--json", *random]
    assert bb_sim(*command).json["digest"] == bb_sim(*command).json["digest"]
    assert bb_sim(*command).json["digest"] != bb_sim(*command[:5]).json["digest"]
    assert bb_sim(*command[:5], "--set", "conditions.checkpoints=false").status == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("failures.crsh=1", "unknown failure 'crsh'; did you mean 'crash'?"),
        ("failures.preempt=0", "failures.preempt is 0, but must be above 0 seconds"),
        ("conditions.decision_time=-2", "conditions.decision_time is -2, but must be 0 or more seconds"),
        ("conditions.decision_time=recorded:nowhere", "nowhere does not hold a run"),
        ("conditions.poll=0", "conditions.poll is 0, but must be a nanosecond or more"),
        ("delays.report=unifrom(1,2)", "unknown distribution 'unifrom'; did you mean 'uniform'?"),
        ("delays.report=uniform(1)", "'uniform(1)' must be written uniform(low, high), with numbers"),
        ("delays.report=uniform(2,1)", "Uniform runs from 2.0 to 1.0, but must not run down"),
        ("conditions.speeds=[1,2]", "but 4 workers need one each, above 0"),
        ("conditions.checkpoints=1", "conditions.checkpoints is 1, but must be true or false"),
        ("conditions.sped=1", "unknown condition 'sped'; did you mean 'speeds'"),
        ("stop.reprots=1", "unknown limit 'reprots'; did you mean 'reports'?"),
        ("stop.drain=1", "stop.drain is 1, but must be true or false"),
        ("stop.cost=-1", "Cost.limit is -1, but must be a number above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    bb_sim: Callable[..., Finished], setting: str, message: str
) -> None:
    refuses(bb_sim("run", "taskset-rnn", "--trials", 4, "--set", setting), message)


def test_replay_runs_again_and_finds_the_same_run(bb_sim: Callable[..., Finished]) -> None:
    options = ["--trials", 9, "--seed", 3, "--set", "delays.report=uniform(0,5)", "--set", "scheduler.eta=2"]
    bb_sim("run", "taskset-rnn", *options, "--out", "run")
    done = bb_sim("replay", "run")
    assert (done.status, done.out) == (0, f"the same run: digest {Run.load('run').digest}\n")


def save_with_command(folder: str, **changed: Any) -> None:
    """The run of the folder "run", saved with another command."""
    run = Run.load("run")
    replace(run, header={**run.header, "command": {**run.header["command"], **changed}}).save(folder)


def test_replay_names_the_first_event_that_differs(bb_sim: Callable[..., Finished]) -> None:
    bb_sim("run", "taskset-rnn", "--trials", 9, "--out", "run")
    save_with_command("other", seed=1)
    done = bb_sim("replay", "other")
    assert done.status == 1
    assert done.out.startswith(
        "scheduler was 'ASHA(seed=0, eta=3, r_min=None, brackets=1)' and is 'ASHA(seed=1, "
    )
    one, other = done.out.splitlines()[1:]
    assert one.startswith(
        "the runs differ: then one: 0 ns start of trial 0, segment 0 with {'learning_rate': "
    )
    assert other.startswith("  but the other: 0 ns start of trial 0, segment 0 with {'learning_rate': ")


def test_replay_names_the_three_events_before_the_first_difference(bb_sim: Callable[..., Finished]) -> None:
    bb_sim("run", "taskset-rnn", "--trials", 9, "--set", "scheduler.eta=3", "--out", "run")
    save_with_command("other", settings=["scheduler.eta=2"])
    _, *before, one, other = bb_sim("replay", "other").out.splitlines()
    assert [line.strip().partition(": ")[0] for line in before] == ["the runs differ", "both", "both"]
    assert one.strip().startswith("then one: ")
    assert other.strip().startswith("but the other: ")


def test_replay_refuses_runs_that_bb_sim_did_not_make(bb_sim: Callable[..., Finished]) -> None:
    bb_sim("run", "taskset-rnn", "--trials", 2, "--out", "run")
    run = Run.load("run")
    other = {key: value for key, value in run.header.items() if key != "command"}
    replace(run, header=other).save("other")
    refuses(bb_sim("replay", "other"), "other was not made by bb-sim run")


# --- what a table lacks -------------------------------------------------------------------------------------


def test_configurations_off_the_table_are_refused_or_answered_as_the_user_chose(
    bb_sim: Callable[..., Finished],
) -> None:
    Path("off_table.py").write_text(
        "def middles(schema, seed):\n"
        "    for _ in range(4):\n"
        "        yield {name: domain.at(0.5) for name, domain in schema.space.domains.items()}\n"
    )
    task = (f"{BOX}/electricity", "--scheduler", "py:off_table:middles", "--json")
    assert "wrap the blackbox with views.nearest(...)" in bb_sim("run", *task).err
    nearest, fitted = (
        bb_sim("run", *task, "--out", kind, "--off-table", kind).json for kind in ("nearest", "surrogate")
    )
    for found in (nearest["statistics"], fitted["statistics"]):
        assert (found["off_table"], found["duplicates"]) == (1, 0.75)
    assert nearest["digest"] != fitted["digest"]
    assert bb_sim("replay", "surrogate").out == f"the same run: digest {fitted['digest']}\n"
    wrong = bb_sim("run", *task, "--off-table", "surrogate:tree").err
    assert "unknown --off-table 'surrogate:tree'; did you mean 'surrogate" in wrong


def test_a_stored_surrogate_answers_off_the_table_and_one_that_was_fitted_else(
    bb_sim: Callable[..., Finished], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKBOX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BLACKBOX_PATH", str(make_blackbox(tmp_path / "boxes").parent))
    options = ("mine/a", "--scheduler", "random", "--trials", 5, "--off-table")
    old, new = (bb_sim("run", *options, kind, "--out", kind) for kind in ("surrogate", "knn"))
    assert old.status == new.status == 0
    assert Run.load("surrogate").digest == Run.load("knn").digest
    assert len(kept()) == 1
    tables = load_blackbox("mine")
    order = FitOrder("knn", settings={"neighbours": 2})
    fit_tables(tables, order, tmp_path / "boxes" / "mine" / "surrogates" / "knn", tasks=["a"])
    said = bb_sim("run", *options, "knn", "--out", "stored").err
    assert "off the table answers the stored surrogate knn: neighbours 2" in said
    assert Run.load("stored").digest != Run.load("knn").digest
    cut = bb_sim("run", *options, "knn", "--out", "cut", "--max-fidelity", 2)
    assert cut.status == 0
    assert Run.load("cut").digest != Run.load("stored").digest
    assert len(kept()) == 2
