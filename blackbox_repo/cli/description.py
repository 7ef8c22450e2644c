"""A manifest as a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blackbox_repo.domains import Domain, Float, Integer
from blackbox_repo.schema import Objective
from blackbox_repo.store.manifest import Manifest, Task
from blackbox_repo.store.surrogate_entry import SurrogateEntry
from blackbox_repo.text.terminal import Column, Row, Terminal, facts


def print_description(manifest: Manifest) -> None:
    """Print everything that a user must know before using the blackbox.

    Args:
        manifest: Its manifest.
    """
    terminal = Terminal()
    terminal.say(f"{manifest.name} {manifest.version}", "bold")
    terminal.say(manifest.title)
    terminal.say("")
    terminal.show(facts(terminal, _facts(manifest)))
    for title, columns, rows in _tables(manifest):
        if rows:
            terminal.show_table(columns, rows, title)


def _tables(manifest: Manifest) -> Iterator[tuple[str, list[Column], Sequence[Row]]]:
    """Title, columns and rows of each table of the page."""
    space = manifest.schema.space
    domains = [(name, describe_domain(domain)) for name, domain in space.domains.items()]
    yield "space", [Column("hyperparameter"), _wrapping("values")], domains
    headings = [Column(heading) for heading in ("objective", "unit", "role")]
    objectives = [(o.name, o.unit, _role(manifest, o), o.description) for o in manifest.schema.objectives]
    yield "objectives", [*headings, _wrapping("description")], objectives
    counts = [Column(heading, right=True) for heading in ("configurations", "runs", "best")]
    tasks = [(name, *_task(manifest, task)) for name, task in manifest.tasks.items()]
    yield "tasks", [Column("task"), *counts, Column("target"), _wrapping("title")], tasks
    defects = [(defect.what, defect.rule) for defect in manifest.card]
    yield "known defects", [_wrapping("what"), _wrapping("how it is treated")], defects
    headings = [Column(heading) for heading in ("file", "commit", "SHA-256")]
    sources = [(s.file, s.commit[:12], s.sha256[:12], s.repository or s.url) for s in manifest.sources]
    yield "sources", [*headings, _wrapping("from")], sources


def _facts(manifest: Manifest) -> list[tuple[str, object]]:
    fidelity = manifest.schema.fidelity
    pairs: list[tuple[str, object]] = [
        ("licence", manifest.license),
        ("homepage", manifest.homepage),
        ("cite", " ".join(manifest.citation.split())),
        ("fidelity", f"{fidelity.name} {fidelity.describe()} ({fidelity.kind})"),
    ]
    if manifest.surrogate is not None:
        pairs += _fit(manifest.surrogate)
    if manifest.schema.time is None:
        pairs.append(("time", "none in the source; a simulation needs --time-model constant:SECONDS"))
    return pairs


def _fit(entry: SurrogateEntry) -> list[tuple[str, object]]:
    how = {
        "model": entry.model,
        "seed": entry.seed,
        **entry.settings,
        **entry.options.unusual(),
        **entry.versions,
    }
    return [
        ("surrogate of", f"{entry.of.blackbox} {entry.of.version}"),
        ("fitted with", ", ".join(f"{name} {value}" for name, value in how.items())),
    ]


def _wrapping(heading: str) -> Column:
    return Column(heading, wraps=True)


def describe_domain(domain: Domain) -> str:
    """The values of a hyperparameter in a few words: ``float, 0.1 to 1, logarithmic``.

    Args:
        domain: The hyperparameter's domain; of more than eight choices the first eight are named.
    """
    if isinstance(domain, Float | Integer):
        kind = "float" if isinstance(domain, Float) else "integer"
        return f"{kind}, {domain.lower:g} to {domain.upper:g}" + (", logarithmic" if domain.log else "")
    first = ", ".join(map(str, domain.values[:8]))
    return f"{first}, ... ({domain.size} values)" if domain.size > 8 else first


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
