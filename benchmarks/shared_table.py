"""Measures how a large table is loaded: by one process from its copy, and by many processes at once.

    python benchmarks/shared_table.py                      a minute and 2 GB of disk
    python benchmarks/shared_table.py --epochs 10 --json
    python benchmarks/shared_table.py --markdown           the table as it stands in docs/performance.md

The table has 62,208 configurations, 4 seeds, 100 epochs and 5 objectives. Memory is what Linux counts:
private memory is anonymous memory, and what many processes use together is the sum of their proportional set
sizes, in which a page that several processes share counts once. Both are what is above as many processes that
have done the same imports alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import big_table
from measuring import ROOT, figure, machine_in_words, markdown_row

CHILD = Path(__file__).with_name("shared_table_process.py")
HEADINGS = ("what", "figure", "mark")
WARM = 9


def main() -> None:
    """Measure everything, in a temporary folder that is removed."""
    parser = argparse.ArgumentParser(description="Measure how a large table is loaded and shared.")
    parser.add_argument("--epochs", type=int, default=big_table.EPOCHS, help="of the table")
    parser.add_argument("--processes", type=int, default=50, help="that load it at once")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--json", action="store_true", help="print the figures for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        blackbox = big_table.save(Path(folder) / "big", options.epochs)
        found = measure(blackbox, Path(folder) / "copies", options.processes)
    if options.json:
        print(json.dumps(found))
        return
    print(machine_in_words() + "\n")
    print(markdown_row(HEADINGS) + "\n| --- | ---: | ---: |" if options.markdown else "")
    for row in rows(found, options.processes):
        print(markdown_row(row) if options.markdown else "{:64}{:>14}{:>12}".format(*row))


def measure(blackbox: Path, copies: Path, processes: int) -> dict[str, Any]:
    """The figures of a table: sizes in MB, times in ms."""
    (first,) = together(blackbox, copies, ["load"], 1)
    (copy,) = copies.glob("*.arrow")
    found: dict[str, Any] = {"table": copy.stat().st_size / 1e6}
    modules = together(blackbox, copies, ["load"], 1)[0]["modules"]
    warm = [together(blackbox, copies, ["load", *modules], 1)[0] for _ in range(WARM)]
    found["first_cpu_ms"], found["first_private"] = first["cpu_ms"], first["private"] - first["before"]
    found["warm_ms"] = statistics.median(one["ms"] for one in warm)
    found["warm_cpu_ms"] = statistics.median(one["cpu_ms"] for one in warm)
    found["warm_private"] = statistics.median(one["private"] - one["before"] for one in warm)
    found["check_cpu_ms"] = statistics.median(
        together(blackbox, copies, ["read", *modules], 1)[0]["check_cpu_ms"] for _ in range(WARM)
    )
    for what in ("load", "read"):
        copy.unlink()
        used = together(blackbox, copies, [what, *modules], processes)
        imported = set.intersection(*(set(one["modules"]) for one in used))
        imports = together(blackbox, copies, ["imports", *sorted(imported)], processes)
        found[f"{what}_decodes"] = sum(one["decodes"] for one in used)
        found[f"{what}_pss"] = sum(one["pss"] for one in used) - sum(one["pss"] for one in imports)
        found[f"{what}_private"] = middle(used) - middle(imports)
        found[f"{what}_seconds"] = max(one["ms"] for one in used) / 1e3
    return found


def middle(processes: Sequence[dict[str, Any]]) -> float:
    """The private memory of most processes."""
    return statistics.median(one["private"] for one in processes)


def together(blackbox: Path, copies: Path, what: Sequence[str], processes: int) -> list[dict[str, Any]]:
    """What processes say that do the same at once, and what memory they have when all have done it."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {
        "OPENBLAS_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": path,
        "BLACKBOX_CACHE": str(copies),
    }
    started = [
        subprocess.Popen(
            [sys.executable, CHILD, blackbox, *what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(processes)
    ]
    said = [json.loads(process.stdout.readline()) for process in started if process.stdout]
    memory = [memory_of(process.pid) for process in started]
    for process in started:
        process.communicate()
    return [{**one, **kept} for one, kept in zip(said, memory, strict=True)]


def memory_of(pid: int | str) -> dict[str, float]:
    """The proportional set size of a process, and its private memory (MB)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
    return {"pss": kilobytes["Pss"] * 1.024e-3, "private": kilobytes["Anonymous"] * 1.024e-3}


def rows(found: dict[str, Any], processes: int) -> list[tuple[str, str, str]]:
    """The figures in words, each with what is promised of it."""
    listed = [
        ("size of the table in memory", found["table"], "MB", ""),
        ("load from the file, leaving a copy; processor time", found["first_cpu_ms"] / 1e3, "s", ""),
        ("- private memory that stays, with imports", found["first_private"], "MB", ""),
        ("load from the copy", found["warm_ms"], "ms", ""),
        ("- processor time", found["warm_cpu_ms"], "ms", "<= 30 ms"),
        ("- private memory above the imports", found["warm_private"], "MB", "<= 30 MB"),
        ("- checksums of all points, processor time", found["check_cpu_ms"], "ms", ""),
    ]
    for what, how in (("load", "ten curves each"), ("read", "every point each")):
        shares = found[f"{what}_pss"] / found["table"]
        listed += [
            (f"{processes} processes at once that read {how}", found[f"{what}_seconds"], "s", ""),
            ("- how often the table is decoded", found[f"{what}_decodes"], "x", "1 x"),
            ("- memory of all above their imports", shares, "tables", "<= 1.2"),
            ("- private memory of one above its imports", found[f"{what}_private"], "MB", ""),
        ]
    return [
        (name, f"{value if isinstance(value, int) else figure(value)} {unit}", mark)
        for name, value, unit, mark in listed
    ]


if __name__ == "__main__":
    main()
