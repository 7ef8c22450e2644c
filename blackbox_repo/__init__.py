"""Meaning: configurations and their learning curves, where they come from, whether they are intact.

May import ``data_cache`` (in ``roots.py``); nothing else of ours.
"""

__version__ = "0.1.0"
