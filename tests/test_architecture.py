"""The arrows between the packages (docs/architecture.md), and what importing them costs."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("blackbox_repo", "conversion_scripts", "data_cache", "simulator")
MAY_IMPORT = {
    "data_cache": set(),
    "blackbox_repo": {"data_cache"},
    "conversion_scripts": {"blackbox_repo"},
    "simulator": {"blackbox_repo"},
}
TYPES = (
    *(
        "blackbox_repo.__version__",
        "blackbox_repo.deprecated",
        "blackbox_repo.numeric",
        "blackbox_repo.frozen",
    ),
    *(f"blackbox_repo.{m}" for m in ("blackbox", "curve", "distance", "domains", "errors")),
    *(f"blackbox_repo.{m}" for m in ("schema", "space", "numeric_domain")),
    *(f"blackbox_repo.{m}" for m in ("keyed_random", "permutation", "sampling")),
)
"""What configurations, curves and draws are; nothing that loads, saves or prints."""
FILES = ("blackbox_repo.store", "blackbox_repo.text.plain_text", "blackbox_repo.typed_json")
TABLES = tuple(f"blackbox_repo.{m}" for m in ("configuration_list", "lookup", "row_index", "rows", "table"))
RECIPE = tuple(f"conversion_scripts.{m}" for m in ("bounds", "expected_size", "recipe", "replicates"))
SEAM = ("simulator.clock", "simulator.errors", "simulator.run_state", "simulator.scheduler")
RULES = {
    "blackbox_repo.numeric": ("blackbox_repo.errors",),
    "blackbox_repo.text": (
        *("blackbox_repo.__version__", "blackbox_repo.deprecated", "blackbox_repo.errors"),
        "blackbox_repo.printable",
    ),
    "blackbox_repo.surrogate": (*TYPES, "blackbox_repo.typed_json"),
    "blackbox_repo.views": (*TYPES, "blackbox_repo.surrogate"),
    "blackbox_repo.store": (*TYPES, *TABLES, *FILES, "blackbox_repo.surrogate"),
    "blackbox_repo.transfer": (
        *("blackbox_repo.__version__", "blackbox_repo.errors", "blackbox_repo.text.plain_text"),
        *("blackbox_repo.store.atomic_directory", "blackbox_repo.store.lock"),
    ),
    "blackbox_repo.families": (*TYPES, *TABLES),
    "conversion_scripts.readers": ("blackbox_repo",),
    "conversion_scripts.raw": ("blackbox_repo", "conversion_scripts.readers"),
    "conversion_scripts.recipe": ("blackbox_repo", *RECIPE, "conversion_scripts.raw"),
    "conversion_scripts.recipes": (
        "blackbox_repo",
        *RECIPE,
        "conversion_scripts.raw",
        "conversion_scripts.readers",
    ),
    "simulator.clock": TYPES,
    "simulator.scheduler": TYPES,
    "simulator.settings": (*TYPES, *SEAM),
    "simulator.kernel": (*TYPES, *SEAM, "simulator.settings"),
    "simulator.callbacks": (*TYPES, *SEAM, "simulator.results", "simulator.settings"),
    "simulator.results": (
        *TYPES,
        *FILES,
        *SEAM,
        "simulator.kernel",
        "simulator.settings",
        "simulator.versions",
    ),
    "simulator.global_state": (),
    "simulator.scheduler_settings": TYPES,
    "simulator.wrappers": (*TYPES, *FILES, *SEAM, "simulator.global_state"),
    "simulator.schedulers": (*TYPES, "simulator.scheduler", "simulator.scheduler_settings"),
    "simulator.adapters": (
        *TYPES,
        *SEAM,
        "blackbox_repo.typed_json",
        "simulator.global_state",
        "simulator.scheduler_settings",
    ),
}
"""What the modules of a folder may import of ours, apart from one another."""
HPO_LIBRARIES = {
    "ConfigSpace",
    "ax",
    "dehb",
    "hyperopt",
    "nevergrad",
    "nni",
    "optuna",
    "ray",
    "smac",
    "syne_tune",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))}
INITS = [name for name, path in MODULES.items() if path.name == "__init__.py"]


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported anywhere in the tree: at its top, in functions, and for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES or alias.name == "__version__" else str(node.module)


ARROWS = {name: set(imported(ast.parse(path.read_text("utf-8")))) for name, path in MODULES.items()}


def package(module: str) -> str:
    return module.partition(".")[0]


def ours(module: str) -> set[str]:
    return {target for target in ARROWS[module] if package(target) in PACKAGES}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_only_those_below_it(name):
    wrong = [
        (module, target)
        for module in MODULES
        for target in ours(module)
        if package(module) == name and package(target) not in {name, *MAY_IMPORT[name]}
    ]
    assert wrong == []


def test_the_data_are_found_in_one_file():
    finders = [m for m in MODULES if package(m) == "blackbox_repo" and "data_cache" in map(package, ours(m))]
    assert set(finders) <= {"blackbox_repo.roots.packages"}


def is_in(module: str, *folders: str) -> bool:
    return any(module == folder or module.startswith(f"{folder}.") for folder in folders)


@pytest.mark.parametrize("folder", RULES)
def test_a_folder_imports_what_is_below_it(folder):
    modules = [module for module in MODULES if is_in(module, folder)]
    assert modules
    wrong = [(m, target) for m in modules for target in ours(m) if not is_in(target, folder, *RULES[folder])]
    assert wrong == []


def module_itself(module: str) -> str:
    return module


def folder_of(module: str) -> str:
    """The folder of the package that holds a module; a module beside the folders stands for itself."""
    parts = module.split(".")
    return ".".join(parts[:2]) + "/" if len(parts) > 2 or (len(parts) == 2 and module in INITS) else module


def cycle_in(arrows: Mapping[str, set[str]]) -> list[str]:
    """Some cycle of a graph, node by node from the last one to the first, or an empty list."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []


@pytest.mark.parametrize("unit", [module_itself, folder_of])
@pytest.mark.parametrize("name", PACKAGES)
def test_no_chain_of_imports_leads_back_types_included(name, unit: Callable[[str], str]):
    arrows: dict[str, set[str]] = {}
    for module in MODULES:
        if package(module) == name:
            found = {unit(target) for target in ours(module) & MODULES.keys() if package(target) == name}
            arrows.setdefault(unit(module), set()).update(found - {unit(module)})
    assert arrows
    assert cycle_in(arrows) == []


def test_a_cycle_of_imports_is_found():
    assert cycle_in({"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": set()}) == ["a", "c", "b", "a"]
    assert {folder_of(m) for m in ("blackbox_repo", "blackbox_repo.views", "blackbox_repo.views.base")} == {
        "blackbox_repo",
        "blackbox_repo.views/",
    }


RECIPE_FILES = [m for m in MODULES if is_in(m, "conversion_scripts.recipes")]


def test_recipes_leave_archives_and_pickles_to_the_modules_that_check_and_limit_them():
    unchecked = {"bz2", "gzip", "lzma", "pickle", "tarfile", "zipfile"}
    assert {m: ARROWS[m] & unchecked for m in RECIPE_FILES if ARROWS[m] & unchecked} == {}


def test_recipes_share_code_in_one_folder_and_do_not_import_one_another():
    shared = "conversion_scripts.recipes.shared"
    of_recipes = {(m, target) for m in RECIPE_FILES for target in ours(m) if target in RECIPE_FILES}
    assert len(of_recipes) > 3
    assert [(module, target) for module, target in of_recipes if not is_in(target, shared)] == []


def test_only_results_and_the_edges_of_the_simulator_touch_files():
    heavy = ("pyarrow", "pandas", "fsspec")
    touching = [m for m in MODULES if package(m) == "simulator" and set(map(package, ARROWS[m])) & set(heavy)]
    edges = ("simulator.results", "simulator.quality", "simulator.cli", "simulator.testing")
    assert [module for module in touching if not is_in(module, *edges)] == []


def test_nobody_imports_the_adapters():
    users = [m for m in MODULES if any(t.startswith("simulator.adapters.") for t in ours(m))]
    assert [module for module in users if not module.startswith("simulator.adapters")] == []


# --- what an import loads --------------------------------------------------------------------------------


AT_FIRST_USE = {
    *("filelock", "fsspec", "matplotlib", "pandas", "platformdirs", "sklearn", "xgboost"),
    *HPO_LIBRARIES,
}
"""Libraries that are imported when they are first used."""


def loaded_by(package_name: str, then: str = "pass") -> set[str]:
    code = f"import sys, json, {package_name}; {then}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [
        ("blackbox_repo", {"pyarrow.dataset", *AT_FIRST_USE}),
        ("simulator", {"pyarrow", *AT_FIRST_USE}),
        ("simulator.cli", {"importlib.metadata", "pyarrow", "rich.console", *AT_FIRST_USE}),
    ],
)
def test_importing_is_cheap(name, unwanted):
    modules = loaded_by(name, f"[getattr({name}, word) for word in {name}.__all__]")
    assert f"{name.partition('.')[0]}.errors" in modules
    assert modules & {*unwanted, "conversion_scripts"} == set()


@pytest.mark.parametrize(
    ("name", "task"),
    [("nasbench-nlp", "wikitext-2"), ("nasbench201-final", "cifar100"), ("yahpo-lcbench", "3945")],
)
def test_loading_a_task_does_not_import_pandas(name, task):
    modules = loaded_by("blackbox_repo", f"blackbox_repo.load_blackbox({name!r})[{task!r}]")
    assert "pyarrow.parquet" in modules
    assert modules & {"pandas", "pyarrow.dataset"} == set()


# --- what a package offers -------------------------------------------------------------------------------


def bound(tree: ast.Module) -> Iterator[str]:
    """The public names of ours that the top of a module binds, those for type checkers included."""
    tops = [node.body if isinstance(node, ast.If) else [node] for node in tree.body]
    for node in [node for top in tops for node in top]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.ImportFrom) and package(str(node.module)) in PACKAGES:
            yield from (alias.asname or alias.name for alias in node.names)


@pytest.mark.parametrize("name", INITS)
def test_a_package_offers_what_it_binds(name):
    offered = list(getattr(importlib.import_module(name), "__all__", []))
    public = {word for word in bound(ast.parse(MODULES[name].read_text("utf-8"))) if not word.startswith("_")}
    assert sorted(public - set(offered)) == []
    assert sorted(word for word in set(offered) - public if not word.startswith("__")) == []
    assert len(set(offered)) == len(offered)
    for word in offered:
        assert hasattr(importlib.import_module(name), word)


@pytest.mark.parametrize("name", INITS)
def test_a_package_says_what_it_is(name):
    assert ast.get_docstring(ast.parse(MODULES[name].read_text("utf-8")))


# --- how long things are -----------------------------------------------------------------------------------


def test_no_file_has_more_than_400_lines():
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > 400} == {}


@pytest.mark.parametrize("name", [package for package in PACKAGES if package != "data_cache"])
def test_half_of_the_functions_have_6_lines_or_fewer(name):
    """Lines of the body, without its docstring."""
    lengths = []
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if package(module) == name else ():
            if isinstance(node, ast.FunctionDef):
                first, *_ = node.body[ast.get_docstring(node) is not None :] or node.body
                lengths.append(int(node.end_lineno or 0) - first.lineno + 1)
    assert median(lengths) <= 6
