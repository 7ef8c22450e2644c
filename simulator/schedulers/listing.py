"""The schedulers of the registry as a table."""

from __future__ import annotations

import importlib
import inspect

from rich.table import Table

from simulator.schedulers.registry import SCHEDULERS


def scheduler_table() -> Table:
    """Name, what it does, and its settings with their defaults."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for heading in ("scheduler", "what it does", "settings (--set scheduler.NAME=VALUE)"):
        table.add_column(heading, overflow="fold")
    for name, target in SCHEDULERS.items():
        module, _, attribute = target.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        parameters = list(inspect.signature(factory).parameters.values())[2:]
        settings = ", ".join(f"{parameter.name}={parameter.default}" for parameter in parameters)
        table.add_row(name, (inspect.getdoc(factory) or "").splitlines()[0], settings)
    return table
