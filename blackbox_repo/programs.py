"""The three programs that an installation has; each imports its command line, which takes most of a second.

Ctrl-C within that time is no traceback either.
"""

from __future__ import annotations

import importlib
import sys


def bb_convert() -> None:
    """Run ``bb-convert``."""
    _run("bb-convert", "conversion_scripts.cli")


def bb_repo() -> None:
    """Run ``bb-repo``."""
    _run("bb-repo", "blackbox_repo.cli")


def bb_sim() -> None:
    """Run ``bb-sim``."""
    _run("bb-sim", "simulator.cli")


def _run(program: str, module: str) -> None:
    try:
        command_line = importlib.import_module(module)
    except KeyboardInterrupt:
        print(f"{program}: interrupted before it began", file=sys.stderr)  # noqa: T201  nothing else is there
        sys.exit(130)
    command_line.main()
