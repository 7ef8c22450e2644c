"""Tests and runs the schedulers of HPO libraries, each library in a virtual environment of its own.

    tests/libraries/run                all of them, about half an hour
    tests/libraries/run nni hyperopt   these
    tests/libraries/run --floors       the tests only, with the lowest versions that pyproject.toml allows

For each library it runs the tests of its adapter, and then each of its schedulers of schedulers.py twice: one
fixed run in two processes with different hash seeds. What it saw goes to docs/libraries.json, where only the
rows of these libraries are replaced; docs/generate.py makes the table in docs/schedulers.md of it.

The environments lie below the user's cache (BB_LIBRARIES_CACHE names another folder), and are made anew when
pyproject.toml asks for something else. This needs a package index, so no test calls it. Exit status 1 if a
library cannot be installed, a test fails, or a run fails, differs from its repetition, or from the digest
that docs/libraries.json had for the same version.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schedulers import LIBRARIES, Fixed, Library

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "libraries.json"
TESTING = ("pytest>=8.0", "hypothesis>=6.100")
INSTALLING, TESTS, RUNNING = 1800, 900, 600
"""Real seconds."""
PASSED = re.compile(r"\d+ passed(, \d+ (deselected|skipped|warnings?))*")


class Failed(Exception):
    """Something could not be installed or run; the message says why."""


def run_command(command: Sequence[str | Path], seconds: float, hash_seed: str = "0") -> str:
    """Run a command and return what it prints.

    Raises:
        Failed: With the last line that it printed.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise Failed(f"not finished after {seconds:g} s") from err
    if done.returncode != 0:
        said = (done.stdout if "pytest" in command else done.stderr) or done.stdout
        lines = [line.strip() for line in said.splitlines()]
        errors = [line for line in lines if line and not line.startswith(("WARNING", "[notice]"))]
        failures = [line for line in lines if line.startswith("FAILED")]
        print(*failures, sep="\n", end="\n" * bool(failures))  # noqa: T201
        raise Failed((errors or [f"exit status {done.returncode}"])[-1][:300])
    return done.stdout


def requirements_of(library: Library, *, floors: bool = False) -> list[str]:
    """The packages to install: the requirements of the extra in pyproject.toml, and what the library lists.

    Args:
        library: The library that is run.
        floors: Install the lowest versions that are allowed.
    """
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    line = re.search(rf"^{re.escape(library.extra)} = \[(.*?)\] *(#.*?)?$", text, re.MULTILINE | re.DOTALL)
    if line is None:
        raise Failed(f"pyproject.toml has no extra {library.extra!r}")
    core = re.search(r"^dependencies = \[(.*)\]$", text, re.MULTILINE)
    assert core is not None
    replaced = {_package(requirement) for requirement in library.also}
    extra = line[1].replace(">=", "==") if floors else line[1]
    found = re.findall(r'"([^"]+)"', core[1] + extra)
    return [*(one for one in found if _package(one) not in replaced), *library.also, *TESTING]


def _package(requirement: str) -> str:
    return re.split(r"[<>=\[]", requirement)[0]


def make_environment(name: str, *, floors: bool = False) -> Path:
    """Make the environment of a library, if it is not there, and return its interpreter."""
    cache = os.environ.get("BB_LIBRARIES_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackbox-repo", "libraries"
    )
    kind = "-floors" * floors
    folder = Path(cache, f"{name}{kind}-{sys.version_info.major}.{sys.version_info.minor}")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    requirements, complete = requirements_of(LIBRARIES[name], floors=floors), folder / "complete"
    if not complete.is_file() or complete.read_text(encoding="utf-8").splitlines() != requirements:
        venv.create(folder, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run_command([*pip, *requirements], INSTALLING)
        complete.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    return python


def run_tests(python: Path, library: Library) -> str:
    """Run the tests of an adapter and return the last line of pytest."""
    files = sorted(
        path.relative_to(ROOT) for path in ROOT.glob(f"tests/simulator/adapters/{library.tests}*.py")
    )
    if not files:
        return "no tests"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=line", *files]
    try:
        last = run_command(command, TESTS).strip().splitlines()[-1]
    except Failed as err:
        last = str(err)
    return re.sub(r" in [\d.]+s.*", "", last.strip("= "))


def run_twice(python: Path, fixed: Fixed) -> dict[str, Any]:
    """Run a scheduler in two processes and return its row."""
    script = Path(__file__).with_name("one_run.py")
    command = [python, script, json.dumps(dataclasses.asdict(fixed))]
    row = dataclasses.asdict(fixed)
    try:
        first, second = (
            json.loads(run_command(command, RUNNING, hash_seed).splitlines()[-1]) for hash_seed in ("1", "2")
        )
    except Failed as err:
        return {**row, "error": str(err)}
    return {**row, **first, "twice": first["digest"] == second["digest"]}


def examine(name: str) -> dict[str, Any]:
    """Test and run one library, print each result, and return all of them."""
    library = LIBRARIES[name]
    ours: dict[str, Any] = {"package": library.package, "python": platform.python_version()}
    try:
        python = make_environment(name)
        code = f"from importlib.metadata import version; print(version({library.package!r}))"
        ours["version"] = run_command([python, "-c", code], 60).strip()
    except Failed as err:
        print(f"{name} cannot be installed: {err}", flush=True)  # noqa: T201
        return {**ours, "error": f"cannot be installed: {err}", "schedulers": []}
    ours["tests"] = run_tests(python, library)
    print(f"{name} {ours['version']}: {ours['tests']}", flush=True)  # noqa: T201
    ours["schedulers"] = []
    for fixed in library.schedulers:
        ours["schedulers"].append(run_twice(python, fixed))
        print(f"  {fixed.scheduler:35} {verdict(ours['schedulers'][-1])}", flush=True)  # noqa: T201
    return ours


def verdict(row: dict[str, Any]) -> str:
    """A row in a few words."""
    if "error" in row:
        return f"FAILED: {row['error']}"
    return f"{row['digest'][:12]} {'twice' if row['twice'] else 'DIFFERENT'}, {row['seconds']} s"


def is_fine(library: dict[str, Any]) -> bool:
    """Whether all tests passed and all runs agree."""
    passed = PASSED.fullmatch(library.get("tests", ""))
    return bool(passed) and all(row.get("twice") for row in library["schedulers"])


def changed_schedulers(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The schedulers whose digest is another one than before, with the same version of the library."""
    if before.get("version") != after.get("version"):
        return []
    digests = {_key(row): row["digest"] for row in before.get("schedulers", ()) if "digest" in row}
    rows = [row for row in after["schedulers"] if _key(row) in digests]
    return [row["scheduler"] for row in rows if row.get("digest") != digests[_key(row)]]


def _key(row: dict[str, Any]) -> str:
    return json.dumps([row["scheduler"], row["settings"], row["blackbox"], row["trials"]], sort_keys=True)


def check_floor(name: str) -> bool:
    """Whether the adapter's tests pass with the lowest versions; nothing is kept of it."""
    try:
        said = run_tests(make_environment(name, floors=True), LIBRARIES[name])
    except Failed as err:
        said = f"cannot be installed: {err}"
    print(f"{name} at its lowest: {said}", flush=True)  # noqa: T201
    return bool(PASSED.fullmatch(said))


def main() -> int:
    """Read the command line; 0 if all is well."""
    parser = argparse.ArgumentParser(description="Test and run the schedulers of HPO libraries.")
    parser.add_argument("library", nargs="*", choices=[[], *LIBRARIES], help="by default all")
    parser.add_argument("--floors", action="store_true", help="test the lowest versions, and run nothing")
    options = parser.parse_args()
    if options.floors:
        held = {name: check_floor(name) for name in options.library or LIBRARIES}
        return 0 if all(held.values()) else 1
    return run_all(options.library or list(LIBRARIES))


def run_all(names: Sequence[str]) -> int:
    """Test and run these libraries, and write what was seen after each; 0 if all is well."""
    well = True
    for name in names:
        found = examine(name)
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        others = changed_schedulers(results.get(name, {}), found)
        if others:
            print(f"  other digests than before: {', '.join(others)}", flush=True)  # noqa: T201
        results[name] = found
        text = json.dumps({key: results[key] for key in LIBRARIES if key in results}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")
        well = well and is_fine(found) and not others
    print("docs/libraries.json is written; now run: python docs/generate.py")  # noqa: T201
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
