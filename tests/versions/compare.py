"""Runs tests/digests.py with every CPython >= 3.10 that this machine has, and compares the digests.

Interpreters are looked for on PATH and among those of pyenv. Each gets what loading and simulating need, in
the newest versions that it can take, in a folder below the user's cache (BB_VERSIONS_CACHE names another
one); the oldest interpreter is tried once more with the oldest ones that pyproject.toml admits. This needs a
package index, so no test calls it; .ci/run does. Exit status 1 if digests differ or a version could not be
tried.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST = (3, 10)
PACKAGES = ("filelock", "msgspec", "numpy", "platformdirs", "pyarrow")
ASK = (
    "import json, os, platform, sys;"
    "print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]),"
    " os.path.realpath(sys.executable)]))"
)
VERSIONS = "import json, numpy, pyarrow; print(json.dumps([numpy.__version__, pyarrow.__version__]))"


class Untried(Exception):
    """A version could not be tried; the message says why."""


@dataclass(frozen=True)
class Interpreter:
    """A CPython of this machine."""

    version: tuple[int, int, int]
    executable: str

    @property
    def name(self) -> str:
        return ".".join(map(str, self.version))


def candidates() -> Iterator[Path]:
    """Programs that may be a Python: this one, ``python3.N`` on PATH, and those of pyenv."""
    yield Path(sys.executable)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from (
            path for path in Path(folder).glob("python3.*") if re.fullmatch(r"python3\.\d+", path.name)
        )
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from root.glob("versions/*/bin/python")


def interpreters() -> list[Interpreter]:
    """Every CPython >= 3.10, each version once, oldest first."""
    found: dict[tuple[int, ...], Interpreter] = {}
    for path in candidates():
        # a shim of pyenv may stand for a version that is not chosen here: then it fails, and is none
        answer = subprocess.run([path, "-I", "-c", ASK], capture_output=True, text=True, check=False)
        if answer.returncode != 0 or not answer.stdout.startswith("["):
            continue
        implementation, version, executable = json.loads(answer.stdout)
        if implementation == "CPython" and tuple(version[:2]) >= OLDEST:
            found.setdefault(tuple(version), Interpreter(tuple(version), executable))
    return [found[version] for version in sorted(found)]


def oldest_requirements() -> list[str]:
    """``numpy>=1.26`` of pyproject.toml as ``numpy==1.26.*``."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    bounds = {name: re.search(rf'"{name}>=([\d.]+)"', text) for name in PACKAGES}
    return [f"{name}=={bound[1]}.*" for name, bound in bounds.items() if bound is not None]


def installed(interpreter: Interpreter, requirements: list[str]) -> Path:
    """The folder with those packages for an interpreter, made if it is not there."""
    cache = os.environ.get("BB_VERSIONS_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "blackbox-repo", "versions"
    )
    folder = Path(cache, "-".join([interpreter.name, *requirements]).replace("*", "x"))
    if (folder / "complete").is_file():
        return folder
    pip = [sys.executable, "-m", "pip", "--python", interpreter.executable, "--quiet"]
    options = ["--disable-pip-version-check", "--only-binary=:all:", "--upgrade", "--target", str(folder)]
    for past_the_cache in ([], ["--no-cache-dir"], ["--no-cache-dir"]):  # a download may arrive damaged
        finished = subprocess.run(
            [*pip, "install", *options, *past_the_cache, *requirements],
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode == 0:
            break
    else:
        raise Untried(f"pip: {(finished.stderr.strip().splitlines() or ['no message'])[-1]}")
    (folder / "complete").touch()
    return folder


def output(interpreter: Interpreter, packages: Path, *command: str) -> str:
    """What the interpreter prints, with nothing importable but the packages and this project."""
    paths = os.pathsep.join([str(ROOT), str(packages)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = (interpreter.executable, "-s", *command)
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if finished.returncode != 0:
        raise Untried((finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"])[-1])
    return finished.stdout


def compare(interpreter: Interpreter, requirements: list[str], expected: dict[str, list[str]]) -> str:
    """One line of the table: versions, seconds, and whether the digests are those of the first line."""
    began = time.perf_counter()
    try:
        packages = installed(interpreter, requirements)
        versions = json.loads(output(interpreter, packages, "-c", VERSIONS))
        found = json.loads(output(interpreter, packages, str(ROOT / "tests" / "digests.py")))
    except Untried as err:
        return f"{interpreter.name:9} {'?':9} {'?':9} not tried: {err}"
    if not expected:
        expected.update(found)
    different = [name for name in expected if found.get(name) != expected[name]]
    verdict = "DIFFERENT: " + ", ".join(different) if different else "equal"
    seconds = f"{time.perf_counter() - began:7.1f}"
    return f"{interpreter.name:9} {versions[0]:9} {versions[1]:9} {seconds}  {verdict}"


def main() -> int:
    """Print the table; 0 if all is well."""
    present = interpreters()
    tried = [(interpreter, list(PACKAGES)) for interpreter in present]
    tried.insert(1, (present[0], oldest_requirements()))
    print(f"{'CPython':9} {'numpy':9} {'pyarrow':9} seconds  digests")  # noqa: T201
    expected: dict[str, list[str]] = {}
    verdicts = []
    for interpreter, requirements in tried:
        verdicts.append(compare(interpreter, requirements, expected))
        print(verdicts[-1], flush=True)  # noqa: T201
    return 0 if all(verdict.endswith("equal") for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
