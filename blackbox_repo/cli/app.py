"""The command line to which the files of this folder add their commands."""

from __future__ import annotations

from blackbox_repo.text import console

app = console.command_line(
    "bb-repo",
    "List, describe, check, fetch and publish blackboxes: tabulated benchmarks with their learning curves. "
    "Some come with the code; others lie in roots, such as a folder, s3://bucket/prefix or "
    "https://host/prefix, which --root, BLACKBOX_ROOTS or the configuration file names (see bb-repo config).",
)


def main() -> None:
    """The console script."""
    app()
