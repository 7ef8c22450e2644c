"""Runs the tests that need other simulators or loaders, each of these in a virtual environment of its own.

    tests/peers/run                    all of them, about ten minutes
    tests/peers/run mfhpo-simulator    one

The environments lie below the user's cache (BB_PEERS_CACHE names another folder) and are made if they are not
there, or were made of something else. This needs a package index, so no test calls it, but .ci/run does for
YAHPO Gym. Exit status 1 if a test fails or a peer is not tried.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = [
    *("filelock", "msgspec", "numpy", "platformdirs", "pyarrow", "rich", "typer"),
    *("h5py", "hypothesis", "onnx", "pandas", "pytest"),
]
CONVERSIONS = "tests/conversion_scripts"


@dataclass(frozen=True)
class Peer:
    """What is installed, and which tests need it."""

    requirements: tuple[str, ...]
    tests: tuple[str, ...]


PEERS = {
    "syne-tune": Peer(
        ("syne-tune>=0.16", "huggingface_hub", "fastparquet", "scikit-learn"),
        (
            "tests/peers/test_syne_tune.py",
            f"{CONVERSIONS}/recipes/test_fcnet.py::test_a_loader_on_pypi_reads_these_files_and_finds_the_same",
            f"{CONVERSIONS}/recipes/test_hpob.py::test_syne_tune_reads_the_same_from_these_files",
            f"{CONVERSIONS}/recipes/test_lcbench.py::test_the_official_loader_reads_these_files_and_finds_the_same",
            f"{CONVERSIONS}/recipes/test_pd1.py::test_syne_tune_reads_the_same_curves_from_these_files",
        ),
    ),
    # the last one with schedulers that pause; it wants numpy 1, for which newer pyarrows are not made
    "syne-tune-0.13": Peer(
        ("syne-tune[blackbox-repository,gpsearchers]==0.13.0", "scikit-learn", "fastparquet", "pyarrow<22"),
        ("tests/peers/test_syne_tune.py",),
    ),
    "mfhpo-simulator": Peer(("mfhpo-simulator>=1.4.6",), ("tests/peers/test_mfhpo_simulator.py",)),
    "yahpo-gym": Peer(
        ("yahpo_gym>=1.0.2", "onnxruntime", "pyarrow<22"),  # it wants numpy 1
        (
            f"{CONVERSIONS}/recipes/test_yahpo.py::test_the_official_package_reads_these_files_and_finds_the_same",
        ),
    ),
    "mf-prior-bench": Peer(
        ("mf-prior-bench>=1.10", "pyarrow<22"),  # it wants numpy 1
        (f"{CONVERSIONS}/recipes/test_pd1.py::test_mf_prior_bench_reads_these_files",),
    ),
}


class Untried(Exception):
    """A peer could not be installed; the message says why."""


def python_of(name: str) -> Path:
    """The interpreter of a peer's environment, made if it is not there."""
    cache = os.environ.get("BB_PEERS_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackbox-repo", "peers"
    )
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(cache, f"{name}-{version}")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = {re.split(r"[<>=\[]", text)[0] for text in PEERS[name].requirements}
    installed = [*(package for package in OURS if package not in wanted), *PEERS[name].requirements]
    complete = folder / "complete"
    if not complete.is_file() or complete.read_text().split() != installed:
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, *installed], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Untried((done.stderr.strip().splitlines() or ["no message"])[-1])
        complete.write_text("\n".join(installed))
    return python


def run(name: str) -> str:
    """One line: the peer and what pytest said at its end."""
    try:
        python = python_of(name)
    except Untried as err:
        return f"{name:17} NOT TRIED: {err}"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PEERS[name].tests]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]])[-1].strip("= ")
    fine = done.returncode == 0 and "skipped" not in last
    if not fine:
        print(done.stdout)  # noqa: T201
    return f"{name:17} {'equal' if fine else 'DIFFERENT'}: {last}"


def main() -> int:
    """Print a line for each peer; 0 if all is well."""
    parser = argparse.ArgumentParser(description="Compare with other simulators and loaders.")
    parser.add_argument("peer", nargs="*", choices=[[], *PEERS], help="by default all")
    lines = []
    for name in parser.parse_args().peer or PEERS:
        lines.append(run(name))
        print(lines[-1], flush=True)  # noqa: T201
    return 0 if all(" equal: " in line for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
