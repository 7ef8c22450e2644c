"""The command line ``bb-sim``: its commands, and what they show."""

from simulator.cli.commands import app, main

__all__ = ["app", "main"]
