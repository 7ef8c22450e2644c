"""Measures the conversion of full-size tables: memory, time, and size beside the layout of Syne Tune.

    python benchmarks/conversions.py fcnet FOLDER       4 tasks x 62,208 configurations x 4 seeds x 100 epochs
    python benchmarks/conversions.py lcbench FOLDER     35 tasks x 2,000 configurations x 52 points
    python benchmarks/conversions.py nasbench201 FOLDER 4 tasks x 15,625 cells x 2 or 3 seeds x 200 epochs

The raw files are made up (``made_up.py``) and written to FOLDER/raw once, in up to half an hour. For
NAS-Bench-201 the variable NATS_BENCH names the folder with real records of some cells. Run it from the root
of the project, with PYTHONPATH=. and the extra ``test``.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import made_up
import pyarrow.parquet as pq

from blackbox_repo import load_blackbox
from blackbox_repo.store.manifest import read_manifest
from conversion_scripts.build import build
from conversion_scripts.registry import load_recipe

WRITERS = {
    "fcnet": made_up.write_fcnet,
    "lcbench": made_up.write_lcbench_folder,
    "nasbench201": made_up.write_nasbench201,
}
SHOWN = 5  # tasks


@dataclass(frozen=True)
class Layout:
    """Syne Tune's: float32 of (task, configuration, seed, fidelity, objective), uncompressed.

    Source: ``serialize`` in its blackbox_repository/blackbox_tabular.py, and the conversion scripts there.

    Args:
        seeds, objectives: How many it has.
        ours: Those of our objectives that it has too.
    """

    seeds: int
    objectives: int
    ours: Collection[str]


LAYOUTS = {
    "fcnet": Layout(4, 5, ("valid_mse", "train_mse", "elapsed_time", "test_mse", "parameters")),
    "lcbench": Layout(
        seeds=1,
        objectives=7,
        ours=(
            *("val_accuracy", "val_balanced_accuracy", "val_cross_entropy"),
            *("test_accuracy", "test_balanced_accuracy", "test_cross_entropy", "elapsed_time"),
        ),
    ),
    "nasbench201": Layout(
        seeds=3,
        objectives=7,
        ours=(
            *("valid_accuracy", "test_accuracy", "valtest_accuracy", "train_accuracy", "elapsed_time"),
            *("latency", "parameters", "flops"),
        ),
    ),
}


def convert(name: str, raw: Path, out: Path) -> None:
    """In a process of its own: convert and print what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    build(load_recipe(name), raw, out, report=lambda step: print(f"  {step}", flush=True))
    seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{seconds:.0f} s, {used.ru_utime:.0f} s of the processor, peak {used.ru_maxrss * 1024 / 1e9:.2f} GB "
        f"resident ({before * 1024 / 1e9:.2f} GB at the start)"
    )


def compare(name: str, out: Path) -> None:
    """Each file beside that layout: as it is, and only with what that layout has."""
    manifest, layout = read_manifest(out / name), LAYOUTS[name]
    theirs_in_all = 0
    for place, (task, entry) in enumerate(manifest.tasks.items()):
        cells = entry.configurations * layout.seeds * len(manifest.schema.fidelity.values)
        theirs = 4 * cells * layout.objectives
        theirs_in_all += theirs
        if place < SHOWN:
            sizes = column_sizes(out / name / entry.file)
            rest = sum(sizes.get(o.name, 0) for o in manifest.schema.objectives if o.name not in layout.ours)
            print(
                f"{task}: {entry.bytes / 1e6:.2f} MB, theirs {theirs / 1e6:.2f} MB: "
                f"{entry.bytes / theirs:.3f}, with their objectives {(entry.bytes - rest) / theirs:.3f}; "
                f"loaded in {loading(out / name, task):.2f} s"
            )
            print("  " + ", ".join(f"{column} {size / 1e6:.2f}" for column, size in sizes.items()))
    whole = sum(entry.bytes for entry in manifest.tasks.values())
    print(f"all: {whole / 1e6:.1f} MB, theirs {theirs_in_all / 1e6:.1f} MB: {whole / theirs_in_all:.3f}")


def column_sizes(file: Path) -> dict[str, int]:
    """Bytes of each column."""
    described = pq.read_metadata(file)
    sizes: dict[str, int] = {}
    for group in range(described.num_row_groups):
        for place in range(described.num_columns):
            column = described.row_group(group).column(place)
            name = column.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return sizes


def loading(folder: Path, task: str) -> float:
    """Seconds until a task can be asked; its file lies in the cache of the system."""
    start = time.perf_counter()
    load_blackbox(folder)[task]
    return time.perf_counter() - start


def main() -> None:
    """Write the raw files if they are not there, convert them in a child, compare."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    raw = folder / "raw" / name
    if "--child" in sys.argv:
        convert(name, raw, folder)
        return
    if not raw.is_dir():
        raw.mkdir(parents=True)
        WRITERS[name](raw)
    subprocess.run([sys.executable, __file__, name, str(folder), "--child"], check=True)
    compare(name, folder)


if __name__ == "__main__":
    main()
