"""The version of the numbers that this version of the project gives."""

from __future__ import annotations

NUMBERS = 2
"""Raised in every step that changes what some run gives: its draws, its rungs, its times.

Runs, baselines and golden traces say under which version they were made. Those of another version are no
measure of a scheduler: it may have stayed the same, and the numbers below it have changed.
"""
