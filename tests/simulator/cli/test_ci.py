"""bb-sim ci from the outside: files, texts, and the exit status."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from blackbox_repo.errors import FormatError, InvalidOption, UnknownName
from simulator import ASHA, RandomSearch
from simulator.cli.ci import FailOn, is_failure
from simulator.quality import Results, check, find_suite, measure
from simulator.quality.markdown import format_markdown, sparkline
from simulator.quality.page import format_page

ROOT = Path(__file__).parents[3]
SMOKE = find_suite("smoke")
TASK = "nasbench-nlp/wikitext-2"


def bb_sim(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
    command = [
        sys.executable,
        "-m",
        "simulator",
        "ci",
        "--scheduler",
        "asha",
        "--baseline",
        "base.parquet",
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def baseline():
    return measure(ASHA, SMOKE)


@pytest.fixture(scope="module")
def worse():
    return measure(RandomSearch, SMOKE)


def test_the_whole_way(tmp_path):
    few = ("--suite", "smoke", "--seeds", "12", "--task", TASK)
    first = bb_sim(tmp_path, *few)
    assert (first.returncode, first.stdout) == (1, "")
    assert first.stderr == "there was no baseline yet; base.parquet was written (12 runs): commit it\n"
    again = bb_sim(tmp_path, *few, "--jobs", "2")
    assert again.returncode == 0
    assert again.stdout.startswith("unchanged: all 12 traces are as before\n")
    files = ("--markdown", "out/comment.md", "--html", "out/page.html")
    slower = ("--set", "scheduler.eta=9", "--set", "scheduler.r_min=27")
    worse = bb_sim(tmp_path, *few, *slower, *files)
    assert worse.returncode == 1, worse.stdout + worse.stderr
    assert worse.stdout.startswith(f"regressed on 1 of 1 tasks, most on {TASK}: mean regret 0.")
    assert "golden  " in worse.stdout
    assert (tmp_path / "out/comment.md").read_text("utf-8").startswith("### 🔴 regressed on")
    assert (tmp_path / "out/page.html").read_text("utf-8").startswith("<!doctype html>")
    updated = bb_sim(tmp_path, *few, *slower, "--update", "--json")
    assert updated.returncode == 0
    assert json.loads(updated.stdout)["verdict"] == "regressed"
    assert bb_sim(tmp_path, *few, *slower).returncode == 0
    unknown = bb_sim(tmp_path, *few[:2], "--task", "nasbench-nlp/x")
    assert (unknown.returncode, "unknown task 'nasbench-nlp/x' of the suite 'smoke-2'" in unknown.stderr) == (
        2,
        True,
    )
    refused = bb_sim(tmp_path, "--suite", "standard", *few[2:])
    assert (refused.returncode, "the baseline is of the suite 'smoke-2'" in refused.stderr) == (2, True)
    replaced = bb_sim(tmp_path, "--suite", "smoke", "--seeds", "13", "--task", TASK, "--update")
    assert replaced.returncode == 0
    assert "not compared: the baseline lacks 1 runs" in replaced.stderr
    assert "base.parquet was written again: 12 runs before, 13 now" in replaced.stderr


def test_wrong_options_are_named(tmp_path):
    for arguments, message in (
        (["--suite", "smok"], "unknown suite 'smok'; did you mean 'smoke'"),
        (
            ["--set", "delays.report=2"],
            "--set delays.* is fixed by the suite; only scheduler.NAME=VALUE is free",
        ),
        (["--set", "scheduler.etta=2"], "unknown asha setting 'etta'; did you mean 'eta'?"),
        (["--suite", "smoke", "--task", "x/y"], "unknown task 'x/y' of the suite 'smoke-2'"),
        (["--suite", "smoke", "--seeds", "0"], "seeds is 0, but must be a whole number, 1 or more"),
    ):
        done = bb_sim(tmp_path, *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert list(tmp_path.iterdir()) == []


def test_results_come_back_from_their_file_and_other_files_are_refused(tmp_path, baseline):
    file = tmp_path / "new" / "base.parquet"
    baseline.save(file)
    assert Results.load(file) == baseline
    assert [path.name for path in file.parent.iterdir()] == ["base.parquet"]
    assert file.stat().st_size < 25_000
    (tmp_path / "text").write_text("hello")
    with pytest.raises(FormatError, match="text holds no results of a suite"):
        Results.load(tmp_path / "text")
    table = next((ROOT / "data_cache").rglob("*.parquet"))
    with pytest.raises(FormatError, match="holds no results of a suite"):
        Results.load(table)
    with pytest.raises(InvalidOption, match="there is no file"):
        Results.load(tmp_path / "nothing")


def test_the_number_of_processes_changes_nothing(baseline):
    two = measure(ASHA, SMOKE, seeds=6, jobs=2)
    assert two.rows == tuple(row for row in baseline.rows if row.seed < 6)


def test_a_scheduler_that_cannot_go_to_another_process_is_told_so():
    with pytest.raises(InvalidOption, match="cannot be sent to other processes: .*; use 1 job"):
        measure(lambda schema, seed: ASHA(schema, seed, eta=4), SMOKE, seeds=1, jobs=2)


def test_a_part_of_a_suite_is_measured(baseline):
    part = measure(ASHA, SMOKE, tasks=[TASK], seeds=2)
    assert part.rows == baseline.rows[:2]
    with pytest.raises(UnknownName, match="unknown task 'x' of the suite"):
        measure(ASHA, SMOKE, tasks=["x"])


def test_the_comment_and_the_page_say_what_was_found(baseline, worse):
    checked = check(RandomSearch, SMOKE, baseline, worse, 0.05)
    text, html = format_markdown(checked), format_page(checked)
    for shown in (text, html):
        assert "regressed" in shown
        assert TASK in shown
        assert baseline.digest[:12] in shown
        assert worse.digest[:12] in shown
        assert "stop 2 at 1" in shown
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1, "all rows of the table have as many cells"
    assert all(re.search(r"`[▁▂▃▄▅▆▇█]{11}`", line) for line in rows[2:])
    ET.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", html))  # noqa: S314  our own
    assert html.count("<circle") == 3
    assert "<script" not in html


def test_a_sparkline_shows_how_changes_are_spread():
    assert sparkline((0.0,), 0.1) == "▁▁▁▁▁█▁▁▁▁▁"
    assert sparkline((-0.5, -0.1, 0.1, 0.1, 0.1, 0.1), 0.1) == "▅▁▁▁▁▁▁▁▁▁█"


def test_what_makes_it_fail(baseline, worse):
    def failing(now):
        comparison = check(ASHA, SMOKE, baseline, now, 0.2 if now is not worse else 0.05).comparison
        return [fail_on.value for fail_on in FailOn if is_failure(comparison, fail_on)]

    other = replace(baseline, rows=tuple(replace(row, digest="other") for row in baseline.rows))
    assert failing(baseline) == []
    assert failing(other) == ["changed"]
    assert failing(worse) == ["regressed", "undecided", "changed"]
