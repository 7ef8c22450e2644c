"""Measures what this project promises about speed and memory, alone and beside other packages.

    python benchmarks/beside_peers.py                     every row but the slow ones, about half an hour
    python benchmarks/beside_peers.py ours/load yahpo-gym   chosen rows, slow ones too: names, patterns, peers
    python benchmarks/beside_peers.py --list              their names, and what each measures
    python benchmarks/beside_peers.py --quick             everything once and smaller: does it run?
    python benchmarks/beside_peers.py --write             also writes benchmarks/results.json and, from it,
                                                          the tables of README.md and docs/performance.md

Every peer has an environment of its own, which ``tests/peers`` makes. YAHPO Gym needs its data: the variable
YAHPO_DATA names a checkout of yahpo_data that has the scenario lcbench.

All times are of the processor. A figure is the median of its rounds, with the smallest and the largest.
Beside a peer, each round does the same work in both, one after the other, and the figure is how many times as
long the peer takes. Nothing fails here: a mark that does not hold is printed as such.

The results name numpy's OpenBLAS kernel. An old OpenBLAS may take one of 2004 for a processor that it does
not know, which is several times slower; the variable OPENBLAS_CORETYPE=SkylakeX or Haswell names another.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path
from typing import Any

from measuring import FULL, HEADINGS, QUICK, ROOT, Effort, Row, Table, cells, machine, text_row
from own_rows import own_rows
from peer_rows import PEERS

from tests.peers.peers import Untried, python_of

RESULTS = ROOT / "benchmarks" / "results.json"
PAGES = ("README.md", "docs/performance.md")
BLOCK = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def all_rows(effort: Effort) -> Iterator[Row]:
    """Our own, then those of each peer."""
    yield from own_rows(effort)
    for peer, rows in PEERS.items():
        yield from rows(peer, effort)


def chosen(rows: Iterator[Row], patterns: Sequence[str]) -> list[Row]:
    """Those whose name or environment a pattern matches; without any pattern, all but the slow ones."""
    if not patterns:
        return [row for row in rows if not row.slow]
    return [row for row in rows if any(matches(row.name, pattern) for pattern in patterns)]


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern means a row, or the environment of the row."""
    return fnmatch(name, pattern) or name.partition("/")[0] == pattern


def main() -> int:
    """Measure the chosen rows, a process for each peer; 1 if one could not be tried."""
    parser = argparse.ArgumentParser(description="Measure speed and memory, alone and beside other packages.")
    parser.add_argument("rows", nargs="*", help="names or patterns, such as 'yahpo*'; by default all")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and do nothing")
    parser.add_argument("--quick", action="store_true", help="everything once and smaller")
    parser.add_argument("--rounds", type=int, help="measure each row so often")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the results to this file")
    parser.add_argument("--write", action="store_true", help="update the committed results and pages")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    rows = chosen(all_rows(effort), options.rows)
    if options.list:
        print("\n".join(f"{row.name:32} {row.what}" for row in rows))
        return 0
    if options.inside:
        measure_here(rows, options.rounds or effort.rounds)
        return 0
    flags = ["--quick"] * options.quick + (["--rounds", str(options.rounds)] if options.rounds else [])
    files = [file for file in (options.json, RESULTS if options.write else None) if file is not None]
    untried = measure(rows, flags, files)
    if options.write:
        write_pages()
    return int(untried)


def measure(rows: Sequence[Row], flags: Sequence[str], files: Sequence[Path]) -> bool:
    """Measure rows; each is printed and kept in the files when it is known. Whether a peer was not tried."""
    print(json.dumps(machine()))
    print(text_row(HEADINGS), flush=True)
    untried = False
    for environment, group in groupby(rows, lambda row: row.name.partition("/")[0]):
        try:
            python = interpreter(environment)
        except Untried as err:
            print(f"{environment}: NOT TRIED: {err}", flush=True)
            untried = True
            continue
        for line in lines_of(python, [*flags, *(row.name for row in group)]):
            result = json.loads(line)
            print(text_row(cells(result)), flush=True)
            for file in files:
                keep(result, file)
    return untried


def interpreter(environment: str) -> str:
    """The Python of a peer's environment, or this one.

    Raises:
        Untried: It cannot be made, or the peer's data are missing.
    """
    if environment == "ours":
        return sys.executable
    if environment == "yahpo-gym" and "YAHPO_DATA" not in os.environ:
        raise Untried("YAHPO_DATA does not name a checkout of yahpo_data")
    return str(python_of(environment))


def lines_of(python: str, arguments: Sequence[str]) -> Iterator[str]:
    """What this script prints when it measures in an environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [python, __file__, "--inside", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield from process.stdout or ()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")


def measure_here(rows: Sequence[Row], rounds: int) -> None:
    """Print a line of JSON for each row."""
    logging.disable()
    warnings.simplefilter("ignore")
    for row in rows:
        with redirect_stdout(sys.stderr):
            result = row.result(rounds)
        print(json.dumps(result), flush=True)


# --- results and pages --------------------------------------------------------------------------------------


def keep(result: dict[str, Any], file: Path) -> None:
    """Add a result to those that a file has of other rows."""
    known = json.loads(file.read_text("utf-8"))["rows"] if file.is_file() else {}
    known[result["name"]] = result
    file.write_text(json.dumps({"rows": dict(sorted(known.items()))}, indent=1) + "\n", "utf-8")


def write_pages() -> None:
    """Write the tables of the pages anew from the committed results."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(page(name), "utf-8")


def page(name: str) -> str:
    """A page with its tables as the committed results have them."""
    content = json.loads(RESULTS.read_text("utf-8"))
    order = {row.name: number for number, row in enumerate(all_rows(FULL))}
    rows = sorted(
        (row for row in content["rows"].values() if row["name"] in order), key=lambda r: order[r["name"]]
    )
    blocks = {
        "marks": [row for row in rows if row["mark"] is not None],
        "rows": rows,
        "where": rows,
    }

    def block(found: re.Match[str]) -> str:
        text = where(rows) if found[2] == "where" else str(Table(blocks[found[2]]))
        return f"{found[1]}\n{text}\n\n{found[3]}"

    return BLOCK.sub(block, (ROOT / name).read_text("utf-8"))


def where(rows: Sequence[dict[str, Any]]) -> str:
    """On which machine, when, and with which versions the rows were measured."""
    machines = {tuple(row["machine"][name] for name in ("system", "processor", "cores")) for row in rows}
    loads = [row["machine"]["load"] for row in rows]
    each = [f"{system}, {processor}, {cores} cores" for system, processor, cores in sorted(machines)]
    text = f"Measured on {'; '.join(each)} (load {min(loads):g} to {max(loads):g}), in environments with\n"
    for environment, row in {row["name"].partition("/")[0]: row for row in rows}.items():
        packages = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
        text += f"\n- `{environment}`, {row['date']}: {packages}"
    return text


if __name__ == "__main__":
    sys.exit(main())
