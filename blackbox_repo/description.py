"""A manifest as a page for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from blackbox_repo.domains import Domain, Float, Integer
from blackbox_repo.manifest import Manifest, Task
from blackbox_repo.schema import Objective


def print_description(manifest: Manifest) -> None:
    """Print everything that a user must know before using the blackbox."""
    console = Console(highlight=False)
    fidelity = manifest.schema.fidelity
    console.print(f"[bold]{manifest.name}[/] {manifest.version}  {manifest.title}")
    console.print(f"licence {manifest.license}, {manifest.homepage}")
    console.print(f"cite: {manifest.citation}")
    console.print(f"fidelity: {fidelity.name} {fidelity.describe()} ({fidelity.kind})")
    if manifest.schema.time is None:
        console.print("time: none in the source; a simulation needs --time-model constant:SECONDS")
    _print_table(
        console, "space", ("hyperparameter", "values"), [(n, _domain(d)) for n, d in _domains(manifest)]
    )
    objectives = [(o.name, _role(manifest, o), o.unit, o.description) for o in manifest.schema.objectives]
    _print_table(console, "objectives", ("objective", "role", "unit", "description"), objectives)
    tasks = [(name, *_task(manifest, task)) for name, task in manifest.tasks.items()]
    _print_table(console, "tasks", ("task", "", "configurations", "runs", "target", "best"), tasks)
    defects = [(defect.what, defect.rule) for defect in manifest.card]
    _print_table(console, "known defects", ("what", "how it is treated"), defects)
    sources = [(s.file, s.repository or s.url, s.commit[:12], s.sha256[:12]) for s in manifest.sources]
    _print_table(console, "sources", ("file", "from", "commit", "sha256"), sources)


def _domains(manifest: Manifest) -> list[tuple[str, Domain]]:
    return list(manifest.schema.space.domains.items())


def _domain(domain: Domain) -> str:
    if isinstance(domain, Float | Integer):
        kind = "float" if isinstance(domain, Float) else "integer"
        return f"{kind} {domain.lower:g} .. {domain.upper:g}" + (" (log)" if domain.log else "")
    shown = ", ".join(map(str, domain.values[:8]))
    return f"{shown}, ... ({domain.size} values)" if domain.size > 8 else shown


def _role(manifest: Manifest, objective: Objective) -> str:
    roles: list[str] = [objective.goal if objective.goal != "none" else ""]
    roles += ["target"] * (objective.name == manifest.schema.target)
    roles += ["time"] * (objective.name == manifest.schema.time)
    roles += ["constant"] * objective.constant
    roles += [objective.provenance] * (objective.provenance != "measured")
    return ", ".join(filter(None, roles))


def _task(manifest: Manifest, task: Task) -> tuple[str, ...]:
    target = task.target or manifest.schema.target
    best = task.best.get(target)
    counts = [f"{count:,}" if count else "any" for count in (task.configurations, task.rows)]
    return task.title, *counts, target, "-" if best is None else f"{best.value:.6g}"


def _print_table(
    console: Console, title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> None:
    table = Table(
        box=None, padding=(0, 2, 0, 0), header_style="dim", title_justify="left", title=f"\n{title}"
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if rows:
        console.print(table)
