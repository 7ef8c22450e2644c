"""The command line ``bb-repo``: its commands, and what they show."""

from blackbox_repo.cli.commands import app, main

__all__ = ["app", "main"]
