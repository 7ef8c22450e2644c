"""The schedulers of the registry, described."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass

from rich.table import Table

from simulator.schedulers.registry import SCHEDULERS


@dataclass(frozen=True)
class Setting:
    """What a scheduler can be told beside schema and seed."""

    name: str
    default: object
    meaning: str

    @property
    def assigned(self) -> str:
        """``name=default``, as one would write it."""
        default = [] if self.default == () else self.default
        return f"{self.name}={default}"


def described_schedulers() -> list[tuple[str, str, list[Setting]]]:
    """Name, what it does, and its settings, of each scheduler."""
    described = []
    for name, target in SCHEDULERS.items():
        module, _, attribute = target.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        parameters = list(inspect.signature(factory).parameters.values())[2:]
        text = inspect.getdoc(factory) or ""
        meanings = _meanings(text)
        settings = [Setting(p.name, p.default, meanings.get(p.name, "")) for p in parameters]
        described.append((name, text.partition("\n")[0], settings))
    return described


def _meanings(docstring: str) -> dict[str, str]:
    """The arguments of a docstring in Google style, each with what is said of it in one line."""
    section = docstring.partition("\nArgs:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(meaning.split()).rstrip(".") for name, meaning in entries}


def scheduler_table() -> Table:
    """The schedulers for a terminal: under each its settings."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
        caption_justify="left",
        caption_style="dim",
        caption="change a setting with --set scheduler.NAME=VALUE",
    )
    table.add_column("scheduler", no_wrap=True)
    table.add_column("what it does, and its settings")
    for name, what, settings in described_schedulers():
        table.add_row(name, what)
        for setting in settings:
            table.add_row(f"  {setting.assigned}", setting.meaning, style="dim")
    return table
