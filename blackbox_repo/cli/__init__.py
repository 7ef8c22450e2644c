"""The command line ``bb-repo``: its commands, and what they show."""

from blackbox_repo.cli import caches, commands, fetching, fitting, judging, listing, publishing
from blackbox_repo.cli.app import app, main

__all__ = ["app", "caches", "commands", "fetching", "fitting", "judging", "listing", "main", "publishing"]
