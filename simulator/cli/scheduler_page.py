"""The list of schedulers as a page for people."""

from __future__ import annotations

from blackbox_repo.text.terminal import Terminal, facts
from simulator.cli.scheduler_list import SchedulerInfo, list_libraries, list_plugins, list_schedulers


def print_schedulers(terminal: Terminal) -> None:
    """Print what each scheduler does and needs, and its settings.

    Args:
        terminal: Where it is printed.
    """
    terminal.say(
        "Change a setting with --set scheduler.NAME=VALUE. Of a library, any scheduler can be named."
    )
    for info in (*list_schedulers(), *list_plugins(), *list_libraries()):
        terminal.say("")
        terminal.say(info.name, "bold")
        terminal.say(_without_markup(info.what))
        terminal.show(facts(terminal, _facts(info), indent=2))


def _facts(info: SchedulerInfo) -> list[tuple[str, object]]:
    needs: list[tuple[str, object]] = [("needs", info.needs)] if info.needs else []
    return needs + [(setting.assigned, _without_markup(setting.meaning)) for setting in info.settings]


def _without_markup(text: str) -> str:
    return text.replace("``", "")
