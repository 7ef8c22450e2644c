"""Writes what in the documentation follows from the code, between ``<!-- generated: NAME -->`` marks.

Run ``python docs/generate.py`` after a change; the tests say when it is due.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from blackbox_repo import Manifest, Objective, describe, list_blackboxes
from blackbox_repo.benchmark import available_benchmarks
from blackbox_repo.cli.description import describe_domain
from conversion_scripts.raw.download import can_download
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import all_recipes
from simulator.cli.scheduler_list import list_schedulers

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("blackbox_repo", "conversion_scripts", "simulator")
PAGES = ("README.md", "docs/architecture.md", "docs/blackboxes.md", "docs/format.md", "docs/schedulers.md")
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(name: str) -> str:
    """A page with its generated blocks as they should be now."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return BLOCK.sub(lambda block: f"{block[1]}\n{BLOCKS[block[2]]()}\n\n{block[3]}", text)


def comparable(text: str) -> str:
    """The text of a page without what differs from run to run: how long the computer took."""
    return re.sub(r"^│ +(real +\S+ m?s|[\d,]+ times faster) +│$", "", text, flags=re.MULTILINE)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    cells = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '¦') for cell in row)} |" for row in cells)


# --- README.md ----------------------------------------------------------------------------------------------


def picture() -> str:
    """What ``bb-sim run`` prints on a terminal of 80 columns."""
    environment = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "simulator", "run"]
        done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S603
    return f"```text\n{done.stdout.decode('utf-8').rstrip()}\n```"


def overview() -> str:
    """The blackboxes in a table."""
    rows = []
    for manifest in map(describe, list_blackboxes()):
        schema = manifest.schema
        configurations = max(task.configurations for task in manifest.tasks.values())
        rows.append(
            (
                f"[{manifest.name}](docs/blackboxes.md#{manifest.name})",
                str(len(manifest.tasks)),
                f"{configurations:,}" if configurations else "any",
                f"{schema.fidelity.name} {schema.fidelity.describe()}",
                "yes" if schema.time else "no",
                schema.target,
            )
        )
    return table(("blackbox", "tasks", "configurations", "fidelity", "time", "target"), rows)


# --- docs/architecture.md -----------------------------------------------------------------------------------


def tree() -> str:
    """The packages, folders and modules, each with the first sentence of its docstring."""
    lines = [line for package in PACKAGES for line in _branch(ROOT / package, 0)]
    return "```text\n" + "\n".join(lines) + "\n```"


def _branch(folder: Path, depth: int) -> list[str]:
    lines = [_leaf(f"{folder.name}/", folder / "__init__.py", depth)]
    modules = [file for file in sorted(folder.glob("*.py")) if not file.name.startswith("__")]
    lines += [_leaf(file.name, file, depth + 1) for file in modules]
    for inner in sorted(folder.iterdir()):
        if (inner / "__init__.py").exists():
            lines += _branch(inner, depth + 1)
    return lines


def _leaf(name: str, file: Path, depth: int) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = docstring.partition("\n\n")[0].replace("\n", " ").replace("``", "")
    first = re.sub(r":\w+:`~?([^`]*)`", r"\1", first)
    return f"{'  ' * depth + name:<32} {first}"


def layers() -> str:
    """What each folder may import, from the rules that the architecture test checks."""
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "tests" / "test_architecture.py")
    assert spec is not None
    assert spec.loader is not None
    test = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(test)
    rows = []
    for folder, allowed in test.RULES.items():
        types = set(test.TYPES) if set(test.TYPES) <= set(allowed) else set()
        others = _grouped([name for name in allowed if name not in types | {folder}])
        rows.append((f"`{folder}`", ", ".join(["*types*"] * bool(types) + others)))
    heading = "may import of ours, besides itself"
    return f"*types*: {', '.join(_grouped(test.TYPES))}\n\n" + table(("folder or module", heading), rows)


def _grouped(names: Sequence[str]) -> list[str]:
    """Names of modules, those of one parent written as ``parent.{one, another}``."""
    parents: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        parent, _, last = name.rpartition(".")
        parents.setdefault(parent, []).append(last)
    return [
        f"`{parent}.{{{', '.join(lasts)}}}`"
        if len(lasts) > 1
        else f"`{'.'.join(filter(None, (parent, lasts[0])))}`"
        for parent, lasts in parents.items()
    ]


# --- docs/format.md -----------------------------------------------------------------------------------------


def manifest() -> str:
    """A manifest, shortened to the first item of its long lists."""
    full = describe("nasbench-macro").to_json()
    full["sources"] = full["sources"][:1]
    full["card"] = full["card"][:1]
    full["space"] = {"hyperparameters": full["space"]["hyperparameters"][:1]}
    full["objectives"] = full["objectives"][:1]
    for task in full["tasks"].values():
        task["best"] = dict(list(task["best"].items())[:1])
    return f"```json\n{json.dumps(full, indent=2, ensure_ascii=False)}\n```"


# --- docs/blackboxes.md -------------------------------------------------------------------------------------


def blackboxes() -> str:
    """Everything that a user must know before using a blackbox, from the manifests."""
    return "\n\n".join(map(_blackbox, map(describe, list_blackboxes())))


def _blackbox(manifest: Manifest) -> str:
    schema = manifest.schema
    time = f"`{schema.time}`" if schema.time else "none in the source: a simulation needs a time model"
    facts = [
        f"- **Fidelity:** {schema.fidelity.name} {schema.fidelity.describe()} ({schema.fidelity.kind})",
        f"- **Time:** {time}",
        f"- **Licence:** {manifest.license}",
        f"- **Cite:** {manifest.citation}",
        f"- **Source:** <{manifest.homepage}>",
    ]
    domains = schema.space.domains.items()
    parts = [
        f"### {manifest.name}\n\n{manifest.title}.",
        "\n".join(facts),
        table(
            ("hyperparameter", "values"), [(f"`{name}`", describe_domain(domain)) for name, domain in domains]
        ),
        _objectives(manifest),
        _tasks(manifest),
        "Known defects of the source, and how they are treated:",
        table(("what", "rule"), [(defect.what, defect.rule) for defect in manifest.card]),
    ]
    return "\n\n".join(parts)


def _objectives(manifest: Manifest) -> str:
    def row(objective: Objective) -> tuple[str, ...]:
        notes = ["target"] * (objective.name == manifest.schema.target)
        notes += ["constant"] * objective.constant
        notes += [objective.provenance]
        goal = "" if objective.goal == "none" else objective.goal
        return f"`{objective.name}`", goal, objective.unit, ", ".join(notes), objective.description

    return table(("objective", "goal", "unit", "role", "what"), list(map(row, manifest.schema.objectives)))


def _tasks(manifest: Manifest) -> str:
    target = manifest.schema.target
    if manifest.network is not None:
        return f"Tasks, one network for all: {', '.join(f'`{task}`' for task in manifest.tasks)}."
    rows = [
        (f"`{name}`", f"{task.configurations:,}", f"{task.rows:,}", f"{task.best[target].value:.6g}")
        for name, task in manifest.tasks.items()
    ]
    return table(("task", "configurations", "training runs", f"best {target}"), rows)


def benchmarks() -> str:
    """The tuning problems that have a name."""
    rows = [
        (
            f"`{b.name}`",
            b.title,
            f"`{b.blackbox}/{b.task}`",
            ", ".join(b.objectives),
            str(b.workers),
            b.budget,
        )
        for b in available_benchmarks()
    ]
    return table(("benchmark", "what", "blackbox and task", "objective", "workers", "budget"), rows)


def convertible() -> str:
    """The recipes whose blackboxes are not in the package."""
    embedded = set(list_blackboxes())
    rows = [
        (f"`{name}`", recipe.title, recipe.license, _fetched(recipe), f"<{recipe.homepage}>")
        for name, recipe in all_recipes().items()
        if name not in embedded
    ]
    return table(("recipe", "what", "licence", "`--download`", "source"), rows)


def _fetched(recipe: Recipe) -> str:
    return "yes" if all(map(can_download, recipe.files)) else "by hand"


def schedulers() -> str:
    """The schedulers that come with the simulator."""
    rows = [
        (
            f"`{each.name}`",
            each.what,
            each.needs,
            ", ".join(f"`{setting.assigned}`" for setting in each.settings),
        )
        for each in list_schedulers()
    ]
    return table(("scheduler", "what it does", "what it needs", "settings and their defaults"), rows)


# --- docs/schedulers.md -------------------------------------------------------------------------------------


def libraries() -> str:
    """What tests/libraries/run saw of the schedulers of HPO libraries."""
    seen = json.loads((ROOT / "docs" / "libraries.json").read_text(encoding="utf-8"))
    rows = []
    for library in seen.values():
        name = f"{library['package']} {library.get('version', '')}".strip()
        if "error" in library:
            rows.append((name, "", library["error"], "", "", "", ""))
        rows += [(name, *_scheduler(row)) for row in library["schedulers"]]
    return table(("library", "scheduler", "digest", "trials", "best", "duplicates", "real seconds"), rows)


def _scheduler(row: dict[str, Any]) -> tuple[str, ...]:
    settings = " ".join(f"{name}={_json(value)}" for name, value in row["settings"].items())
    name = f"`{row['scheduler']}`" + (f" `{settings}`" if settings else "")
    if "error" in row:
        return name, f"fails: {row['error']}", "", "", "", ""
    digest = f"`{row['digest'][:12]}`" + ("" if row["twice"] else " (another one in a second process!)")
    duplicates = f"{row['statistics']['duplicates']:.0%}"
    return name, digest, str(row["started"]), f"{row['best']:g}", duplicates, f"{row['seconds']:g}"


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


BLOCKS: dict[str, Callable[[], str]] = {
    "picture": picture,
    "overview": overview,
    "tree": tree,
    "layers": layers,
    "manifest": manifest,
    "blackboxes": blackboxes,
    "benchmarks": benchmarks,
    "convertible": convertible,
    "schedulers": schedulers,
    "libraries": libraries,
}


def main() -> None:
    """Bring every page up to date; one that only took another time to compute stays as it is."""
    for name in PAGES:
        path, text = ROOT / name, page(name)
        if comparable(text) != comparable(path.read_text(encoding="utf-8")):
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
