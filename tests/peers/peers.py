"""Runs the tests against other simulators, each in a virtual environment of its own.

    tests/peers/run                    all of them, about six minutes
    tests/peers/run mfhpo-simulator    one

The environments lie below the user's cache (BB_PEERS_CACHE names another folder) and are made if they are not
there. This needs a package index, so no test calls it. Exit status 1 if a test fails or a peer is not tried.
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
OURS = ["numpy", "pyarrow", "typer", "rich", "pytest", "hypothesis"]


@dataclass(frozen=True)
class Peer:
    """What is installed, and which tests need it; without any, only its speed is measured (benchmarks/)."""

    requirements: tuple[str, ...]
    tests: str = ""


PEERS = {
    "syne-tune": Peer(("syne-tune>=0.16", "huggingface_hub", "fastparquet"), "test_syne_tune.py"),
    # the last one with schedulers that pause; it wants numpy 1, for which newer pyarrows are not made
    "syne-tune-0.13": Peer(
        ("syne-tune[blackbox-repository,gpsearchers]==0.13.0", "scikit-learn", "fastparquet", "pyarrow<22"),
        "test_syne_tune.py",
    ),
    "mfhpo-simulator": Peer(("mfhpo-simulator>=1.4.6",), "test_mfhpo_simulator.py"),
    "yahpo-gym": Peer(("yahpo_gym>=1.0.2", "onnxruntime", "pyarrow<22")),  # it wants numpy 1
}
TESTED = [name for name, peer in PEERS.items() if peer.tests]


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
    if not (folder / "complete").is_file():
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = {re.split(r"[<>=\[]", text)[0] for text in PEERS[name].requirements}
        ours = [package for package in OURS if package not in wanted]
        done = subprocess.run(
            [*pip, *ours, *PEERS[name].requirements], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Untried((done.stderr.strip().splitlines() or ["no message"])[-1])
        (folder / "complete").touch()
    return python


def run(name: str) -> str:
    """One line: the peer and what pytest said at its end."""
    try:
        python = python_of(name)
    except Untried as err:
        return f"{name:17} NOT TRIED: {err}"
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        Path("tests", "peers", PEERS[name].tests),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-200:]])[-1].strip("= ")
    fine = done.returncode == 0 and "skipped" not in last
    if not fine:
        print(done.stdout)  # noqa: T201
    return f"{name:17} {'equal' if fine else 'DIFFERENT'}: {last}"


def main() -> int:
    """Print a line for each peer; 0 if all is well."""
    parser = argparse.ArgumentParser(description="Compare runs with those of other simulators.")
    parser.add_argument("peer", nargs="*", choices=[[], *TESTED], help="by default all")
    lines = []
    for name in parser.parse_args().peer or TESTED:
        lines.append(run(name))
        print(lines[-1], flush=True)  # noqa: T201
    return 0 if all(" equal: " in line for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
