"""The benchmarks run and measure every mark; how fast this machine is no test asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUICK = ("ours/import", "ours/told-asha-4", "ours/held-*", "ours/load", "ours/million*", "ours/curve-taskset")
MARKS = {
    **dict.fromkeys([f"syne-tune/asha-{workers}" for workers in (4, 32, 256)], 100),
    **dict.fromkeys([f"ours/told-asha-{workers}" for workers in (4, 32, 256)], 100_000),
    **dict.fromkeys([f"ours/random-{workers}" for workers in (4, 32, 256)], 3_000_000),
    **dict.fromkeys([f"ours/told-random-{workers}" for workers in (4, 32, 256)], 300_000),
    **dict.fromkeys([f"mfhpo-simulator/ask-and-tell-{workers}" for workers in (4, 32)], 1),
    "syne-tune/its-asha": 3,
    "ours/load": 0.15,
    "yahpo-gym/value": 1,
    "yahpo-gym/curves": 3.5,
    "yahpo-gym/batch": 4.5,
    "ours/run": 1.2,
    "ours/memory-random": 64,
    "ours/memory-asha": 1000,
    "ours/million": 60,
    "ours/million-memory": 1,
    "ours/import": 0.08,
    "ours/forest-singly": 150,
    "ours/forest-together": 50,
    "ours/forest-disk": 10,
    "ours/neighbour-search": 20,
}


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts can be imported."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def measure(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "beside_peers.py"), *arguments],
        capture_output=True,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if name != "YAHPO_DATA"},
            "PYTHONPATH": str(ROOT),
        },
        check=False,
    )


@pytest.mark.usefixtures("benchmarks")
def test_every_promise_has_a_row() -> None:
    from beside_peers import all_rows
    from measuring import FULL

    rows = {row.name: row for row in all_rows(FULL)}
    assert {name: rows[name].mark for name in MARKS} == MARKS
    assert len(rows) == len(list(all_rows(FULL)))


def test_chosen_rows_are_measured_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="there is none on Windows")
    results = tmp_path / "results.json"
    done = measure("--quick", "--json", str(results), *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(results.read_text("utf-8"))["rows"]
    assert len(rows) == 8
    for name, row in rows.items():
        assert 0 < row["smallest"] <= row["median"] <= row["largest"], name
        assert row["versions"]["python"]
        assert row["what"] in done.stdout
    assert measure("--quick", "--json", str(results), "ours/draw-seed").returncode == 0
    assert len(json.loads(results.read_text("utf-8"))["rows"]) == 9  # those of before are kept


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize("name", ["README.md", "docs/performance.md"])
def test_the_figures_of_the_pages_come_from_the_results(name: str) -> None:
    from beside_peers import page

    assert page(name) == (ROOT / name).read_text("utf-8")


@pytest.mark.usefixtures("benchmarks")
def test_the_figures_of_surrogates_come_from_their_results() -> None:
    from surrogates import PAGE, page

    assert page() == PAGE.read_text("utf-8")


@pytest.mark.usefixtures("benchmarks")
def test_a_surrogate_may_be_worse_by_the_spread_and_a_little() -> None:
    from surrogates import Gap

    better, worse = [0.9, 0.8], [0.1, 0.1]
    close = Gap.of({"forest": [0.87, 0.76], "scikit-learn": better, "xgboost": worse})
    assert (round(close.mean, 6), close.holds) == (-0.035, False)
    spread = Gap.of({"forest": [0.87, 0.73], "scikit-learn": better, "xgboost": worse})
    assert (round(spread.mean, 6), round(spread.spread, 6)) == (-0.05, 0.028284)
    assert Gap.of({"forest": [0.88, 0.74], "scikit-learn": worse, "xgboost": better}).holds


def test_a_surrogate_is_measured_beside_others_and_kept(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("xgboost")
    results = tmp_path / "surrogates.json"
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "surrogates.py"), "icml-deepar/solar"),
            *("--model", "knn", "--repeats", "1", "--json", str(results)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    task = json.loads(results.read_text("utf-8"))["icml-deepar/solar"]
    assert (task["examples"], task["features"]) == (212, 6)
    assert list(task["spearman"]) == list(task["r2"]) == ["knn", "scikit-learn", "xgboost"]
    assert all(0.2 < rank[0] < 0.8 for rank in task["spearman"].values())
    assert done.stdout.startswith("| icml-deepar/solar | 212 | ")


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    ("unit", "mark", "holds"),
    [("x", 2, True), ("x", 4, False), ("s", 2, False), ("s", 4, True), ("s", None, None)],
)
def test_a_mark_is_the_least_of_a_ratio_and_the_most_of_a_time(
    unit: str, mark: float | None, holds: bool | None
) -> None:
    from measuring import Measured, Row, cells

    result = Row("ours/it", "it", unit, lambda rounds: Measured([3.0] * rounds + [1.0, 9.0]), mark).result(3)
    assert (result["median"], result["smallest"], result["largest"], result["holds"]) == (3, 1, 9, holds)
    assert cells(result)[3:5] == (f"3.00 {unit}", "1.00 .. 9.00")


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
        [sys.executable, str(ROOT / "benchmarks" / "scheduler_calls.py"), "--quick", "--markdown"],
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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_the_benchmark_of_a_shared_table_fills_the_table_of_its_page() -> None:
    program = str(ROOT / "benchmarks" / "shared_table.py")
    done = subprocess.run(
        [sys.executable, program, "--epochs", "2", "--processes", "3", "--markdown"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    made = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")][2:]
    for row in made:
        assert f"\n| {row[0].replace('3 processes', '50 processes')} | " in page
    assert [row[1] for row in made if "how often" in row[0]] == ["1 x"] * 2
    assert len(made) == 7 + 2 * 4


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
    done = measure("yahpo-gym")
    assert (done.returncode, done.stderr) == (1, "")
    told = done.stdout.splitlines()[-1]
    assert told == "yahpo-gym: NOT TRIED: YAHPO_DATA does not name a checkout of yahpo_data"


@pytest.mark.usefixtures("benchmarks")
def test_both_sides_are_measured_in_turns() -> None:
    from measuring import duration, in_turns

    order: list[str] = []
    measured = in_turns(
        lambda: order.append("ours"), lambda: (order.append("theirs"), sum(k * k for k in range(100_000)))
    )(3)
    assert order == ["ours", "theirs"] * 4  # the first two are not measured
    assert len(measured.ours) == len(measured.theirs) == 3
    assert min(measured.values) > 2
    assert [duration(seconds) for seconds in (12, 0.5, 0.0034, 1.2e-6)] == [
        "12.0 s",
        "500 ms",
        "3.40 ms",
        "1.20 us",
    ]


@pytest.mark.slow
def test_the_benchmark_of_objectives_moves_as_many_bytes_as_its_page_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "objectives.py"), "--bytes"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")
    moved, alternatives = done.stdout.strip().split("\n\n")
    assert f"<!-- objectives: moved -->\n\n{moved}\n\n<!-- end -->" in page
    # another version of parquet packs files of their own otherwise
    measured = [row.split(" | ")[:5] for row in alternatives.splitlines()]
    assert all(f"\n{' | '.join(row)} |" in page for row in measured)


@pytest.mark.usefixtures("benchmarks")
def test_the_page_about_surrogates_has_the_figures_that_were_measured() -> None:
    import surrogates

    assert surrogates.page() == surrogates.PAGE.read_text("utf-8")
    figures = json.loads(surrogates.RESULTS.read_text("utf-8"))
    assert list(figures) == surrogates.names()
    assert all(surrogates.Gap.of(task[key]).holds for task in figures.values() for key in ("spearman", "r2"))
