"""The benchmarks run and measure every mark; how fast this machine is no test asks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MARKS = [
    "fresh process: import, load nasbench201-final/cifar10-valid, query",
    "import numpy (floor)",
    "import blackbox_repo",
    "import simulator",
    "curve of nasbench201-final, configuration as dict",
    "curve of nasbench-nlp, configuration as dict",
    "curve of taskset, configuration as dict",
    "curve of fcnet-final, configuration as dict",
    "values('valid_error') of nasbench201-final, 15,625 x 3 x 1",
    "memory of nasbench201-final/cifar10-valid",
    "memory of fcnet-final/protein_structure",
    "curve of yahpo-lcbench, all 50 epochs",
    "ASHA, 32 workers, 0.05 h on yahpo-lcbench/167200",
    "ASHA, 32 workers, 0.05 h on yahpo-lcbench/189908",
    "bb-sim run --time 10m, whole process",
    "random configuration of 6 hyperparameters without end, as schedulers draw it",
    "random configuration of a grid of 15,625, as schedulers draw it",
    "training seed of a trial, of 2",
    *(f"{name}, {workers} workers" for name in ("RandomSearch", "ASHA") for workers in (4, 32, 256)),
]


def test_the_quick_benchmark_measures_every_mark() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "marks.py"), "--quick", "--markdown"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    machine, _, head, rule, *rows = done.stdout.splitlines()
    assert machine.startswith("CPython ")
    assert head == "| what | median | spread | mark | holds |"
    assert rule == "| --- | ---: | ---: | ---: | --- |"
    cells = {row.split(" | ")[0].removeprefix("| "): row.strip("| ").split(" | ") for row in rows}
    for mark in MARKS:
        assert any(what.startswith(mark) for what in cells), mark
    for what, (_, median, *_) in cells.items():
        assert re.match(r"[\d,]+(\.\d+)? \S", median), what
    marked = [what for what, row in cells.items() if any(cell.startswith("<= ") for cell in row)]
    assert len(marked) == 13


def test_the_benchmark_of_the_regression_kit_fills_the_tables_of_its_page() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "regression_power.py"), "--runs", "1"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    kept = page.partition("<!-- power -->")[2].partition("<!-- /power -->")[0].strip().splitlines()
    made = done.stdout.strip().splitlines()
    assert len(made) == len(kept) == 2 + 6 + 1 + 2 + 8

    def fixed(line: str) -> list[str]:
        """What does not depend on how many CI runs are drawn."""
        cells = line.split(" | ")
        return [cells[0], cells[2], cells[3]] if "planted" in made[9] and len(cells) == 8 else cells[:2]

    assert [fixed(line) for line in made[:2] + made[9:11]] == [fixed(line) for line in kept[:2] + kept[9:11]]
    assert [fixed(line) for line in made[2:8]] == [fixed(line) for line in kept[2:8]]
    assert [fixed(line) for line in made[11:]] == [fixed(line) for line in kept[11:]]


def test_the_benchmark_of_schedulers_fills_the_tables_of_its_page() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "schedulers.py"), "--quick", "--markdown"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    rows = [line.split(" | ")[0] for line in done.stdout.splitlines() if line.startswith("| ")]
    for row in rows:
        assert f"\n{row} |" in page
    assert len(rows) == 2 + 2 + 9 + 4


def test_the_benchmark_of_scale_measures_every_number_of_workers() -> None:
    pytest.importorskip("resource", reason="there is none on Windows, nor can a process be forked there")
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "scale.py"), "--trials", "40", "--markdown"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[4:]]
    assert [row[:3] for row in rows] == [
        [scheduler, workers, trials]
        for scheduler in ("asha", "random")
        for workers, trials in (
            ("10", "40"),
            ("100", "40"),
            ("1,000", "40"),
            ("1,000", "20"),
            ("1,000", "10"),
        )
    ]
    assert [row[3] for row in rows if row[0] == "random"] == ["8,000", "8,000", "8,000", "4,000", "2,000"]
    assert {len(row) for row in rows} == {10}


def test_the_benchmark_beside_peers_says_what_it_could_not_try() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "beside_peers.py"), "yahpo-gym", "--markdown"],
        capture_output=True,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if name != "YAHPO_DATA"},
            "PYTHONPATH": str(ROOT),
        },
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    machine, _, head, rule, told = done.stdout.splitlines()
    assert machine.startswith("CPython ")
    assert head == "| peer | what | ours | theirs | times faster | smallest .. largest |"
    assert rule == "| --- | --- | ---: | ---: | ---: | ---: |"
    assert told == "yahpo-gym: NOT TRIED, YAHPO_DATA does not name a checkout of yahpo_data"


def test_a_pair_is_measured_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from beside_peers import Pair, duration

    order: list[str] = []
    pair = Pair("waiting", lambda: order.append("ours"), lambda: (order.append("theirs"), time.sleep(0.02)))
    peer, what, _, _, faster, spread = pair.cells("somebody", 3)
    assert (peer, what) == ("somebody", "waiting")
    assert order == ["ours", "theirs"] * 4  # the first two are not measured
    assert float(faster.replace(",", "")) > 2
    assert " .. " in spread
    assert [duration(seconds) for seconds in (12, 0.5, 0.0034, 1.2e-6)] == [
        "12.0 s",
        "500 ms",
        "3.40 ms",
        "1.20 us",
    ]
