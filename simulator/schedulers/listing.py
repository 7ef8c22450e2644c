"""The schedulers of the registry, described."""

from __future__ import annotations

import importlib
import inspect

from rich.table import Table

from simulator.schedulers.registry import SCHEDULERS


def described_schedulers() -> list[tuple[str, str, list[str]]]:
    """Name, what it does, and its settings as ``name=default``, of each scheduler."""
    described = []
    for name, target in SCHEDULERS.items():
        module, _, attribute = target.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        parameters = list(inspect.signature(factory).parameters.values())[2:]
        settings = [f"{parameter.name}={parameter.default}" for parameter in parameters]
        described.append((name, (inspect.getdoc(factory) or "").splitlines()[0], settings))
    return described


def scheduler_table() -> Table:
    """The schedulers for a terminal."""
    table = Table(
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
        caption_justify="left",
        caption_style="dim",
        caption="change a setting with --set scheduler.NAME=VALUE",
    )
    table.add_column("scheduler", no_wrap=True)
    table.add_column("what it does")
    table.add_column("settings", no_wrap=True)
    for name, what, settings in described_schedulers():
        table.add_row(name, what, ", ".join(settings))
    return table
