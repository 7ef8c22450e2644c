"""The three programs of an installation; each imports its command line first.

The import takes a noticeable time, and Ctrl-C within that time ends in one line too.
"""

from __future__ import annotations

import gc
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
    gc.freeze()  # modules stay to the end: not visiting them in collections saves 10 % of a short run
    command_line.main()
