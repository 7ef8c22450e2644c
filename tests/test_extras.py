"""Each extra of pyproject.toml switches something on: the project imports what it installs, or says why."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="tomllib came with CPython 3.11")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {
    extra: requirements
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra not in {"all", "docs", "test"}
}
MODULES = {"ax-platform": "ax", "scikit-learn": "sklearn", "syne-tune": "syne_tune"}
NEEDED_BY_LIBRARIES = {
    "aiobotocore": "s3fs leaves conditions of a write out, silently, if an older one does not know them",
    "cmaes": "Optuna's CmaEsSampler imports it",
    "huggingface_hub": "Syne Tune imports it with its schedulers, and does not require it",
    "pyarrow": "a core dependency, here with a cap",
    "s3fs": "fsspec opens s3:// with it",
}


def distribution(requirement: str) -> str:
    matched = re.match(r"[\w.-]+", requirement)
    assert matched is not None
    return matched[0]


def imported_modules() -> set[str]:
    found: set[str] = set()
    for package in ("blackbox_repo", "conversion_scripts", "simulator"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    module = node.args[0]
                    if node.func.id == "require" and isinstance(module, ast.Constant):
                        found.add(module.value.split(".")[0])
    return found


IMPORTED = imported_modules()


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_an_extra_installs_is_imported(extra: str) -> None:
    needed = [distribution(requirement) for requirement in EXTRAS[extra]]
    unused = [
        name for name in needed if MODULES.get(name, name) not in IMPORTED and name not in NEEDED_BY_LIBRARIES
    ]
    assert not unused, f"nothing imports what the extra {extra!r} installs: {unused}"
    assert {MODULES.get(name, name) for name in needed} & IMPORTED, f"the extra {extra!r} switches nothing on"


def test_core_dependencies_are_imported() -> None:
    needed = {distribution(requirement) for requirement in PROJECT["dependencies"]}
    assert needed <= IMPORTED


def test_every_requirement_states_its_lowest_version() -> None:
    stated = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    named = [line for line in stated if distribution(line) not in NEEDED_BY_LIBRARIES]
    assert [line for line in named if ">=" not in line and "==" not in line] == []
