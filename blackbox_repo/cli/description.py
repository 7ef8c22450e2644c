"""A manifest as a page for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from blackbox_repo.domains import Domain, Float, Integer
from blackbox_repo.schema import Objective
from blackbox_repo.store.manifest import Manifest, Task
from blackbox_repo.text.terminal import Column, Row, Terminal, facts, table


def print_description(manifest: Manifest) -> None:
    """Print everything that a user must know before using the blackbox."""
    terminal = Terminal()
    terminal.say(f"{manifest.name} {manifest.version}", "bold")
    terminal.say(manifest.title)
    terminal.say("")
    terminal.show(facts(terminal, _facts(manifest)))
    objectives = [(o.name, o.unit, _role(manifest, o), o.description) for o in manifest.schema.objectives]
    tasks = [(name, *_task(manifest, task)) for name, task in manifest.tasks.items()]
    sources = [(s.file, s.commit[:12], s.sha256[:12], s.repository or s.url) for s in manifest.sources]
    domains = [(name, _domain(domain)) for name, domain in manifest.schema.space.domains.items()]
    _show(terminal, "space", [Column("hyperparameter"), _wrapping("values")], domains)
    _show(
        terminal,
        "objectives",
        [Column("objective"), Column("unit"), Column("role"), _wrapping("description")],
        objectives,
    )
    _show(
        terminal,
        "tasks",
        [
            Column("task"),
            *(Column(heading, right=True) for heading in ("configurations", "runs", "best")),
            Column("target"),
            _wrapping("title"),
        ],
        tasks,
    )
    _show(
        terminal,
        "known defects",
        [_wrapping("what"), _wrapping("how it is treated")],
        [(defect.what, defect.rule) for defect in manifest.card],
    )
    _show(
        terminal,
        "sources",
        [Column("file"), Column("commit"), Column("SHA-256"), _wrapping("from")],
        sources,
    )


def _facts(manifest: Manifest) -> list[tuple[str, object]]:
    fidelity = manifest.schema.fidelity
    told: list[tuple[str, object]] = [
        ("licence", manifest.license),
        ("homepage", manifest.homepage),
        ("cite", " ".join(manifest.citation.split())),
        ("fidelity", f"{fidelity.name} {fidelity.describe()} ({fidelity.kind})"),
    ]
    if manifest.schema.time is None:
        told.append(("time", "none in the source; a simulation needs --time-model constant:SECONDS"))
    return told


def _wrapping(heading: str) -> Column:
    return Column(heading, wraps=True)


def _show(terminal: Terminal, title: str, columns: list[Column], rows: Iterable[Row]) -> None:
    rows = list(rows)
    if rows:
        terminal.show(["", Text(title, "bold underline"), *table(terminal, columns, rows)])


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
    return *counts, "-" if best is None else f"{best.value:.6g}", target, task.title
