"""bb-repo as its users see it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo import NotTabulated, UnknownName, cli, list_blackboxes, load_blackbox
from blackbox_repo.benchmark import BENCHMARKS
from blackbox_repo.plugins import Plugin
from blackbox_repo.store.manifest import write_checksum
from blackbox_repo.surrogate.report import Report

ROOT = Path(__file__).parents[2]
LICENCES = (ROOT / "data_cache" / "LICENSES.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\w.*?) \|", LICENCES, re.MULTILINE)[1:]  # without the heading
EMBEDDED = sorted(name for row in ROWS for name in row.split(", "))


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.err == ""
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in an empty folder, on a wide terminal, with the embedded blackboxes alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BLACKBOX_PATH", raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture
def bb_repo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Runs bb-repo in this process."""

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["bb-repo", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Finished(int(end.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on BLACKBOX_PATH with one blackbox, ``mine``."""
    shutil.copytree(ROOT / "data_cache" / "icml-deepar", tmp_path / "boxes" / "mine")
    monkeypatch.setenv("BLACKBOX_PATH", str(tmp_path / "boxes"))
    return tmp_path / "boxes"


def refuses(finished: Finished, *parts: str) -> None:
    """One line on stderr that begins with the command's name and contains all parts, and exit status 2."""
    assert (finished.status, finished.out) == (2, "")
    assert finished.err.startswith("bb-repo: error: ")
    assert finished.err.count("\n") == 1
    for part in parts:
        assert part in finished.err


# --- list ---------------------------------------------------------------------------------------------------


def test_list_names_every_embedded_blackbox(bb_repo: Callable[..., Finished]) -> None:
    assert list_blackboxes() == EMBEDDED
    page = bb_repo("list")
    assert (page.status, page.err) == (0, "")
    assert [line.split()[0] for line in page.out.splitlines()[1:]] == EMBEDDED


def test_list_for_programs(bb_repo: Callable[..., Finished]) -> None:
    entries = {entry["name"]: entry for entry in bb_repo("list", "--json").json}
    assert list(entries) == EMBEDDED
    found = entries["nasbench201-final"]
    assert {key: found[key] for key in ("tasks", "configurations", "time", "target")} == {
        "tasks": 3,
        "configurations": 15625,
        "time": "elapsed_time",
        "target": "valid_error",
    }
    assert entries["yahpo-lcbench"]["configurations"] is None
    assert entries["taskset"]["time"] is None
    assert all(entry["license"] for entry in entries.values())
    assert sum(entry["megabytes"] for entry in entries.values()) < 30


def test_list_shows_the_users_blackboxes_too(bb_repo: Callable[..., Finished], boxes: Path) -> None:
    assert boxes.name == "boxes"
    assert [entry["name"] for entry in bb_repo("list", "--json").json] == sorted([*EMBEDDED, "mine"])


# --- info ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EMBEDDED)
def test_info_says_what_a_user_must_know(bb_repo: Callable[..., Finished], name: str) -> None:
    manifest = bb_repo("info", name, "--json").json
    assert manifest == json.loads((ROOT / "data_cache" / name / "manifest.json").read_text())
    page = bb_repo("info", name)
    assert (page.status, page.err) == (0, "")
    told = " ".join(page.out.split())
    for part in (manifest["license"], manifest["homepage"], " ".join(manifest["citation"].split())):
        assert part in told
    for entries in (manifest["space"]["hyperparameters"], manifest["objectives"]):
        assert all(entry["name"] in told for entry in entries)
    assert all(task in told for task in manifest["tasks"])
    assert len(manifest["card"]) >= 1


def test_info_takes_a_path(bb_repo: Callable[..., Finished], boxes: Path) -> None:
    assert bb_repo("info", boxes / "mine", "--json").json["name"] == "icml-deepar"


def test_info_of_an_unknown_blackbox_suggests_the_nearest(bb_repo: Callable[..., Finished]) -> None:
    refuses(bb_repo("info", "nasbench-nl"), "unknown blackbox 'nasbench-nl'; did you mean 'nasbench-nlp'")
    refuses(bb_repo("info", "zzz"), f"unknown blackbox 'zzz'; known: {EMBEDDED[0]!r}")
    refuses(bb_repo("info"), "(see bb-repo info --help)")


def test_info_of_a_newer_format_says_what_to_do(bb_repo: Callable[..., Finished], boxes: Path) -> None:
    path = boxes / "mine" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 3}))
    refuses(bb_repo("info", "mine"), str(path), "has format 3", "pip install --upgrade blackbox-repo")
    found = bb_repo("verify", "mine", "--json")
    assert (found.status, [finding["file"] for finding in found.json]) == (1, ["manifest.json"])
    assert "has format 3" in found.json[0]["problem"]


# --- verify -------------------------------------------------------------------------------------------------


def test_verify_finds_the_embedded_blackboxes_intact(bb_repo: Callable[..., Finished]) -> None:
    found = bb_repo("verify", "--json")
    assert found.status == 0
    assert sorted({finding["blackbox"] for finding in found.json}) == EMBEDDED
    assert {finding["problem"] for finding in found.json} == {""}
    manifests = [
        path
        for name in EMBEDDED
        for path in (ROOT / "data_cache" / name).rglob("manifest.json")  # with those of surrogates
    ]
    assert len(found.json) == sum(len(json.loads(path.read_text())["tasks"]) for path in manifests)


def test_verify_shows_a_line_a_task(bb_repo: Callable[..., Finished]) -> None:
    page = bb_repo("verify", "nasbench201-final", "nasbench-nlp")
    assert page.status == 0
    assert [line.split() for line in page.out.splitlines()[1:]] == [
        ["nasbench201-final", "cifar10-valid", "cifar10-valid.parquet", "ok"],
        ["nasbench201-final", "cifar100", "cifar100.parquet", "ok"],
        ["nasbench201-final", "ImageNet16-120", "ImageNet16-120.parquet", "ok"],
        ["nasbench-nlp", "wikitext-2", "wikitext-2.parquet", "ok"],
    ]


def test_verify_finds_a_flipped_byte_and_fails(bb_repo: Callable[..., Finished], boxes: Path) -> None:
    file = boxes / "mine" / "electricity.parquet"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    found = bb_repo("verify", "mine", "--json")
    assert found.status == 1
    problems = {finding["task"]: finding["problem"] for finding in found.json if finding["problem"]}
    assert list(problems) == ["electricity"]
    assert problems["electricity"].startswith(f"{file} is corrupted: its sha256 is ")
    page = bb_repo("verify", "mine")
    assert (page.status, page.err) == (1, "")
    assert "is corrupted" in page.out


def test_verify_finds_a_missing_file(bb_repo: Callable[..., Finished], boxes: Path) -> None:
    (boxes / "mine" / "solar.parquet").unlink()
    found = bb_repo("verify", "mine", "--json")
    assert found.status == 1
    (finding,) = [finding for finding in found.json if finding["problem"]]
    assert (finding["task"], finding["file"]) == ("solar", "solar.parquet")


def test_verify_finds_another_best_value_than_the_manifests(
    bb_repo: Callable[..., Finished], boxes: Path
) -> None:
    path = boxes / "mine" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tasks"]["solar"]["best"]["crps"]["value"] = 0.125
    path.write_text(json.dumps(manifest))
    write_checksum(path.parent)
    found = bb_repo("verify", "mine", "--json")
    assert found.status == 1
    (finding,) = [finding for finding in found.json if finding["problem"]]
    assert finding["problem"].startswith("the best crps is ")
    assert finding["problem"].endswith("but the manifest says 0.125")


def test_verify_of_an_unknown_blackbox_is_refused(bb_repo: Callable[..., Finished]) -> None:
    refuses(bb_repo("verify", "nasbench-nlp", "taskst"), "unknown blackbox 'taskst'; did you mean 'taskset' ")


# --- benchmarks and help ------------------------------------------------------------------------------------


def test_benchmarks_lists_a_dozen_tuning_problems(bb_repo: Callable[..., Finished]) -> None:
    entries = bb_repo("benchmarks", "--json").json
    here = [name for name, benchmark in BENCHMARKS.items() if benchmark.blackbox in EMBEDDED]
    assert [entry["name"] for entry in entries] == here
    assert len(entries) >= 12
    assert all(entry["workers"] >= 1 and (entry["seconds"] or entry["evaluations"]) for entry in entries)
    page = bb_repo("benchmarks")
    assert page.status == 0
    assert f"{len(BENCHMARKS) - len(here)} more need blackboxes that bb-convert can make: " in page.out
    assert "yahpo-rbv2_super" in page.out.splitlines()[-1]
    assert all(entry["name"] in page.out and entry["task"] in page.out for entry in entries)


@pytest.mark.parametrize("command", ["list", "info", "verify", "benchmarks", "tabulate"])
def test_help_of_each_command_shows_an_example(bb_repo: Callable[..., Finished], command: str) -> None:
    shown = bb_repo(command, "--help")
    assert shown.status == 0
    examples = [line.strip() for line in shown.out.splitlines() if line.strip().startswith("bb-repo ")]
    assert examples
    for example in examples:
        assert bb_repo(*example.split()[1:]).status == 0, example


def test_an_unknown_command_or_option_is_refused(bb_repo: Callable[..., Finished]) -> None:
    refuses(bb_repo("lsit"), "No such command 'lsit'")
    refuses(bb_repo("list", "--jsno"), "--jsno")


def test_a_fresh_process_lists_in_the_same_words(bb_repo: Callable[..., Finished]) -> None:
    command = [sys.executable, "-m", "blackbox_repo"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, "list"], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, bb_repo("list").out, "")


# --- surrogate ----------------------------------------------------------------------------------------------


def test_surrogate_compares_schedulers_where_the_simulator_offers_it(
    bb_repo: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("surrogate", "icml-deepar", "electricity", "--model", "knn", "--schedulers")
    offered: list[Plugin] = []
    monkeypatch.setattr("blackbox_repo.scheduler_agreement.find_plugins", lambda group: offered)
    refuses(bb_repo(*asked), "no installed package offers to compare schedulers")
    offered.append(Plugin("bb_sim", "simulator.quality.agreement:measure_agreement", "blackbox-repo", "0"))
    agreement = Report.from_json(bb_repo(*asked, "--json").json["knn"], "output").schedulers
    assert agreement is not None
    assert (agreement.configurations, agreement.runs, len(agreement.table)) == (45, 10, 10)
    heading, best = bb_repo(*asked).out.splitlines()[-11:-9]  # of ten schedulers
    assert heading.split() == ["scheduler", "table", "surrogate"]
    name, regret, _ = best.split()
    assert (agreement.table[name], float(regret)) == (
        min(agreement.table.values()),
        round(agreement.table[name], 3),
    )


def test_surrogate_writes_a_page_for_each_model(bb_repo: Callable[..., Finished], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = bb_repo(
        "surrogate", "icml-deepar", "electricity", "--model", "knn", "--report", str(tmp_path / "pages")
    )
    file = tmp_path / "pages" / "electricity.knn.html"
    assert f"{file}: written" in done.err
    assert "<title>icml-deepar/electricity: knn</title>" in file.read_text("utf-8")


def test_surrogate_says_how_well_a_table_is_predicted(bb_repo: Callable[..., Finished]) -> None:
    found = bb_repo("surrogate", "icml-deepar", "electricity", "--model", "knn", "--json").json
    report = Report.from_json(found["knn"], "output")
    assert report.rank is not None
    assert 0.3 < report.rank < 0.7
    page = bb_repo("surrogate", "icml-deepar", "electricity", "--model", "knn").out.splitlines()
    assert page[1] == "knn: all of 222 configurations, predicted by models fitted without them"
    assert page[2].split() == [
        "objective",
        "R2",
        "rank",
        "correlation",
        "Kendall",
        "mean",
        "error",
        "top",
        "10",
    ]
    loss = report.objectives["crps"]
    assert page[3].split()[0] == "crps"
    assert page[3].split()[1:3] == [f"{figure[-1]:.3f}" for figure in (loss.r2, loss.spearman)]
    refused = bb_repo("surrogate", "icml-deepar", "electricity", "--model", "knn", "--min-rank", "0.9")
    refuses(refused, f"rank correlation {report.rank} and R2 {report.r2} of 'crps'")
    refuses(bb_repo("surrogate", "icml-deepar", "electrcity"), "did you mean 'electricity'")
    refuses(bb_repo("surrogate", "icml-deepar", "electricity", "--model", "x"), "unknown surrogate 'x'")
    refuses(bb_repo("surrogate", "yahpo-lcbench", "3945"), "lists no configurations")


# --- cache --------------------------------------------------------------------------------------------


def test_the_cache_of_decoded_tables_is_shown_and_emptied(
    bb_repo: Callable[..., Finished], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "copies"
    monkeypatch.setenv("BLACKBOX_CACHE", str(where))
    assert bb_repo("cache").out == f"{where}: 0 copies, 0.0 MB\n"
    where.mkdir()
    name = f"{'0a' * 32}.arrow"
    (where / name).write_bytes(b"ARROW1" + bytes(2_999_994))
    (where / f".{name}.partial").write_bytes(bytes(500_000))
    others = ["mine.txt", "mine.arrow", ".mine.partial", f"{'1a' * 32}.arrow"]
    for other in others:
        (where / other).write_text("kept")
    facts = {"folder": str(where), "copies": 2, "bytes": 3_500_000, "surrogates": 0, "fitted_bytes": 0}
    assert bb_repo("cache", "--json").json == {**facts, "downloads": 0, "downloaded_bytes": 0}
    assert bb_repo("cache", "--clear").out == f"{where}: 2 copies, 3.5 MB, removed\n"
    assert sorted(path.name for path in where.iterdir()) == sorted(others)
    monkeypatch.setenv("BLACKBOX_CACHE", "")
    assert bb_repo("cache").out == "there is none, as BLACKBOX_CACHE is set to nothing\n"


# --- ways out -----------------------------------------------------------------------------------------------


def test_a_task_that_is_asked_for_like_a_blackbox_is_answered_with_how_to_load_it(
    bb_repo: Callable[..., Finished], boxes: Path
) -> None:
    with pytest.raises(UnknownName, match=r"its task is load_blackbox\('nasbench-nlp'\)\['wikitext-2'\]"):
        load_blackbox("nasbench-nlp/wikitext-2")
    with pytest.raises(UnknownName, match=re.escape(f"load_blackbox({str(boxes / 'mine')!r})['solar']")):
        load_blackbox(boxes / "mine" / "solar")
    refuses(bb_repo("info", "nasbench-nlp/wikitext-2"), "load_blackbox('nasbench-nlp')['wikitext-2']")


def test_a_task_that_is_not_there_is_told_as_such_however_it_is_asked_for() -> None:
    with pytest.raises(
        UnknownName, match=r"unknown task 'cifar11' of 'nasbench201-final'; did you mean 'cifar1"
    ):
        load_blackbox("nasbench201-final/cifar11")


def test_where_a_table_is_needed_the_message_says_how_to_make_one() -> None:
    blackbox = load_blackbox("yahpo-lcbench")["3945"]
    for ask in (blackbox.configurations, lambda: blackbox.values("val_accuracy"), blackbox.to_pandas):
        with pytest.raises(NotTabulated, match="bb-repo tabulate"):
            ask()
