"""Runs the project with exactly the lowest versions of its direct dependencies that pyproject.toml admits.

A fresh environment of the oldest CPython >= 3.10 on this machine gets the core and the extras below, each
direct dependency at its lower bound, and the newest of what those need themselves. There the main job, the
commands and the tests of what the extras are for must pass. This needs a package index, so no test calls it;
.ci/run does. The floors of libraries with schedulers are tried by tests/libraries/run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # CPython 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "versions"))
from compare import interpreters  # noqa: E402

EXTRAS = ("convert", "pandas", "s3", "surrogates")
BUILDS = {"xgboost": "xgboost-cpu"}  # the same module without what GPUs need
TESTS = (
    "tests/blackbox_repo/surrogate/test_boosting.py",
    "tests/blackbox_repo/surrogate/test_estimator.py",
    "tests/blackbox_repo/surrogate/test_fit.py",
    "tests/blackbox_repo/test_fitted.py",
    "tests/blackbox_repo/test_table.py",
    "tests/blackbox_repo/roots/test_fsspec_storage.py",
    *(
        f"tests/blackbox_repo/roots/test_s3.py::test_{promise}"
        for promise in (
            "what_is_published_is_listed_and_loads_the_same",
            "a_version_is_never_overwritten",
            "a_forked_process_asks_the_bucket_by_itself",
        )
    ),
    "tests/blackbox_repo/roots/test_s3_faults.py::test_what_passes_is_waited_for",
    "tests/blackbox_repo/roots/test_s3_faults.py::test_a_file_that_has_changed_is_not_replaced",
    "tests/blackbox_repo/store/test_lock.py",
    "tests/conversion_scripts/recipes/test_fcnet.py",
    "tests/conversion_scripts/readers/test_onnx_network.py",
    "tests/simulator/test_cli.py",
    "tests/simulator/results/test_run.py",
)
COMMANDS = (
    ("bb-sim", "--help"),
    ("bb-sim", "run", "--help"),
    ("bb-sim", "schedulers"),
    ("bb-repo", "list"),
    ("bb-repo", "info", "nasbench201-final"),
    ("bb-repo", "verify"),
    ("bb-convert", "--list"),
    ("bb-sim", "run", "--out", "run"),
    ("bb-sim", "replay", "run"),
)


def direct_requirements() -> list[str]:
    """The direct dependencies of the core and of the extras, as pyproject.toml states them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in EXTRAS for line in optional[extra])]


def lowest(requirement: str) -> str:
    """``numpy>=1.26`` as ``numpy==1.26``, which pip takes for 1.26.0; what is for old Pythons only, too."""
    matched = re.fullmatch(r"([\w.-]+)>=([\w.]+)(; python_version < .*)?", requirement)
    if matched is None:
        raise SystemExit(f"{requirement!r} in pyproject.toml states no lowest version: write 'name>=version'")
    return f"{BUILDS.get(matched[1], matched[1])}=={matched[2]}"


def main() -> int:
    """Make the environment and run everything in it; 0 if all is well."""
    floors = sorted({lowest(requirement) for requirement in direct_requirements()})
    oldest = interpreters()[0]
    print(f"CPython {oldest.name}:", *floors, flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as scratch:
        environment = Path(scratch, "environment")
        subprocess.run([oldest.executable, "-m", "venv", environment], check=True)
        python = environment / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *floors, "pytest", "hypothesis"], check=True)
        subprocess.run([*install, "--no-deps", ROOT], check=True)
        for command, *arguments in COMMANDS:
            done = subprocess.run(
                [environment / "bin" / command, *arguments],
                cwd=scratch,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                print(done.stdout)  # noqa: T201
                print(f"{command} {' '.join(arguments)}: exit status {done.returncode}")  # noqa: T201
                return 1
        path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        # old versions warn of what newer ones of others will drop; that is not what is tested here
        lenient = ["-o", "filterwarnings=", "-p", "no:cacheprovider"]
        tests = [python, "-m", "pytest", "-q", *lenient, *TESTS]
        return subprocess.run(tests, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
