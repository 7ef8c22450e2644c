"""Measures the conversion of full-size tables: memory, time, and size beside the layout of Syne Tune.

    python benchmarks/conversions.py fcnet FOLDER       4 tasks x 62,208 configurations x 4 seeds x 100 epochs
    python benchmarks/conversions.py lcbench FOLDER     35 tasks x 2,000 configurations x 52 points
    python benchmarks/conversions.py nasbench201 FOLDER 4 tasks x 15,625 cells x 2 or 3 seeds x 200 epochs

The raw files are made up, in the official layouts, and written to FOLDER once. NAS-Bench-201's records are
made up in memory, from the real ones in the folder that the variable NATS_BENCH names. Run it from the root
of the project, with PYTHONPATH=. and some gigabytes of disk.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from blackbox_repo import load_blackbox
from blackbox_repo.families.nasbench201 import architecture_of
from blackbox_repo.manifest import read_manifest
from conversion_scripts import nats_bench
from conversion_scripts.build import build
from conversion_scripts.fcnet import ARCHIVE
from conversion_scripts.lcbench import FILE
from conversion_scripts.raw import RawFolder
from conversion_scripts.registry import load_recipe
from conversion_scripts.safe_pickle import unpickle
from tests.conversion_scripts.official import (
    lcbench_run,
    noise,
    write_fcnet_archive,
    write_fcnet_task,
    write_lcbench,
)


def write_fcnet(folder: Path) -> None:
    """One HDF5 file of full size, four times in the archive; its last points are real."""
    final = load_blackbox("fcnet-final")["protein_structure"]
    valid, seconds = final.values("valid_mse"), final.values("elapsed_time")
    decay = 1 + 5 * np.exp(-np.arange(99, -1, -1) / 20)[::-1] - 5 * np.exp(-99 / 20)

    def runs() -> Iterator[tuple[Any, Any]]:
        for index, configuration in enumerate(final.configurations()):
            rough = 1 + 0.04 * noise((2, 4, 100), "fcnet", index)
            curves = (valid[index] * decay * rough).astype(np.float32)
            columns = {
                "valid_mse": curves[0],
                "train_mse": curves[1],
                "runtime": seconds[index].ravel().astype(np.float32),
                "final_test_error": curves[0][:, -1],
                "n_params": np.full(4, float(index)),
            }
            yield configuration, columns

    task = folder / "task.hdf5"
    write_fcnet_task(task, runs())
    names = load_blackbox("fcnet-final")
    write_fcnet_archive(folder / ARCHIVE, dict.fromkeys(names, task))
    task.unlink()


def write_lcbench_folder(folder: Path) -> None:
    """A zip file whose JSON is about 1 GB."""
    data = {
        f"data-set-{task}": ((i, lcbench_run(f"data-set-{task}", i)) for i in range(2000))
        for task in range(35)
    }
    write_lcbench(folder / FILE, FILE.replace(".zip", ".json"), data)


def made_up_records(raw: RawFolder, name: str, take: Any) -> None:
    """Records of all cells: the accuracies of real ones, shifted by some images and roughened."""
    real = [
        unpickle(nats_bench.unpacked(member.stream, member.name).read(), member.name)["200"]
        for member in raw.members(name)
        if "meta" not in member.name
    ]
    space = nats_bench.TOPOLOGY.space
    for index in range(nats_bench.TOPOLOGY.whole):
        record = real[index % len(real)]
        text = architecture_of(space.configuration(index))
        results = {
            key: varied(run, index, key[1])
            for key, run in record["all_results"].items()
            if key[1] != 999 or index % 2
        }
        take({"arch_index": index, "arch_str": text, "all_results": results})


def varied(run: dict[str, Any], index: int, seed: int) -> dict[str, Any]:
    """One run with other numbers of images right, and the rounding errors of the original."""
    changed = dict(run)
    for column in ("train_acc1es", "eval_acc1es"):
        values = np.array(list(run[column].values()))
        images = 5e4 if column == "train_acc1es" or run["name"] == "cifar10-valid" else 6e3
        errors = values - 100 * np.round(values * images / 100) / images
        shift = np.round((noise(values.shape, index, seed, column) - 0.5) * images / 50)
        right = np.round(values * images / 100) + shift
        order = np.argsort(noise(values.shape, seed, index, column))
        changed[column] = dict(zip(run[column], (100 * right / images + errors[order]).tolist(), strict=True))
    scale = 0.5 + float(noise((1,), index)[0])
    changed["train_times"] = {epoch: seconds * scale for epoch, seconds in run["train_times"].items()}
    return changed


def convert(name: str, raw: Path, out: Path) -> None:
    """In a process of its own: convert and print what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if name == "nasbench201":
        nats_bench._each_record = made_up_records  # noqa: SLF001
        raw = Path(os.environ["NATS_BENCH"])
    start = time.perf_counter()
    build(load_recipe(name), raw, out, report=lambda step: print(f"  {step}", flush=True))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{seconds:.0f} s, peak {peak / 1e6:.2f} GB resident ({before / 1e6:.2f} GB at the start)")


def compare(name: str, out: Path) -> None:
    """Sizes of the tasks beside float32 of (configurations, seeds, fidelities, objectives)."""
    manifest = read_manifest(out / name)
    for task, entry in list(manifest.tasks.items())[:4]:
        blackbox = load_blackbox(out / name)[task]
        seeds = max(len(blackbox.seeds(configuration)) for configuration in blackbox.configurations())
        cells = entry.configurations * seeds * len(manifest.schema.fidelity.values)
        theirs = 4 * cells * len(manifest.schema.objectives)
        print(f"{task}: {entry.bytes / 1e6:.1f} MB, theirs {theirs / 1e6:.1f} MB: {entry.bytes / theirs:.3f}")


def main() -> None:
    """Write the raw files if they are not there, convert them in a child, compare."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    raw = folder / "raw" / name
    if "--child" in sys.argv:
        convert(name, raw, folder)
        return
    writers = {"fcnet": write_fcnet, "lcbench": write_lcbench_folder, "nasbench201": lambda folder: None}
    if not raw.is_dir():
        raw.mkdir(parents=True)
        writers[name](raw)
    subprocess.run([sys.executable, __file__, name, str(folder), "--child"], check=True)
    compare(name, folder)


if __name__ == "__main__":
    main()
