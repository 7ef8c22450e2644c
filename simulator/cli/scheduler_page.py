"""The schedulers of the registry as a page for people."""

from __future__ import annotations

from blackbox_repo.text.terminal import Terminal, facts
from simulator.cli.scheduler_list import (
    Described,
    described_libraries,
    described_plugins,
    described_schedulers,
)


def print_schedulers(terminal: Terminal) -> None:
    """Each with what it does and needs, and its settings."""
    terminal.say(
        "Change a setting with --set scheduler.NAME=VALUE. Of a library, any scheduler can be named."
    )
    for described in (*described_schedulers(), *described_plugins(), *described_libraries()):
        terminal.say("")
        terminal.say(described.name, "bold")
        terminal.say(_plain(described.what))
        terminal.show(facts(terminal, _told(described), indent=2))


def _told(described: Described) -> list[tuple[str, object]]:
    told: list[tuple[str, object]] = [("needs", described.needs)] if described.needs else []
    return told + [(setting.assigned, _plain(setting.meaning)) for setting in described.settings]


def _plain(text: str) -> str:
    return text.replace("``", "")
