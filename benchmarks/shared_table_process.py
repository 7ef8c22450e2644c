"""One of the processes of ``shared_table.py``: it loads the table, says so, and stays until it may end.

python benchmarks/shared_table_process.py FOLDER load            and reads ten curves
python benchmarks/shared_table_process.py FOLDER read            and reads every point
python benchmarks/shared_table_process.py FOLDER imports NAME... imports these modules instead
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

import blackbox_repo
import blackbox_repo.store.loading
from blackbox_repo.table import TabularBlackbox


def main() -> None:
    """Say on one line what was done, then wait for the end of the input."""
    folder, what, *modules = sys.argv[1:]
    decodes: list[str] = []
    sys.addaudithook(lambda event, given: note(decodes, event, given))
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)
    before, wall, processor = anonymous(), time.perf_counter(), time.process_time()
    blackbox = None if what == "imports" else blackbox_repo.load_blackbox(folder)["a"]
    said: dict[str, object] = {"ms": (time.perf_counter() - wall) * 1e3}
    said["cpu_ms"] = (time.process_time() - processor) * 1e3
    if isinstance(blackbox, TabularBlackbox):
        look_up(blackbox)
        said["check_cpu_ms"] = read(blackbox) if what == "read" else 0.0
    said |= {"before": before, "decodes": len(decodes), "modules": sorted(sys.modules)}
    print(json.dumps(said), flush=True)
    sys.stdin.read()


def note(decodes: list[str], event: str, given: tuple[object, ...]) -> None:
    """Keep in mind that the file of the table is opened, which is what a decoding begins with."""
    if event == "open" and str(given[0]).endswith("a.parquet"):
        decodes.append(str(given[0]))


def look_up(blackbox: TabularBlackbox) -> None:
    """Read the curves of ten configurations."""
    for index in range(10):
        configuration = blackbox.schema.space.sample("shared", index)
        for seed in blackbox.seeds(configuration):
            blackbox.curve(configuration, seed=seed)["valid_loss"].sum()


def read(blackbox: TabularBlackbox) -> float:
    """Read every point; returns the milliseconds of the processor that it takes to check them."""
    began = time.process_time()
    blackbox.values(blackbox.schema.target)
    checked = time.process_time()
    for objective in blackbox.schema.objectives:
        parts = np.array_split(blackbox.values(objective.name), 100)  # all at once would take memory
        assert np.isfinite([part.sum() for part in parts]).all()
    return (checked - began) * 1e3


def anonymous() -> float:
    """The private memory of this process (MB)."""
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) * 1.024e-3


if __name__ == "__main__":
    main()
