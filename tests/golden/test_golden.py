"""Runs of every scheduler are, event by event, those that are kept beside this file."""

from __future__ import annotations

import pytest

from simulator.registry import SCHEDULERS
from tests.golden.traces import FOLDER, file_of, texts


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_runs_are_those_that_are_kept(scheduler: str) -> None:
    """After a change that is meant: python tests/golden/traces.py, and say in CHANGELOG.md what changed."""
    file, found = file_of(scheduler), texts(scheduler)
    if not file.exists():
        file.write_text(found, encoding="utf-8")
        pytest.fail(f"{file.name} was missing and is written now: look at it, and commit it")
    assert found.splitlines() == file.read_text(encoding="utf-8").splitlines()


def test_nothing_is_kept_of_schedulers_that_are_gone_and_all_is_small() -> None:
    kept = list(FOLDER.glob("*.csv"))
    assert {file.stem for file in kept} == set(SCHEDULERS)
    assert sum(file.stat().st_size for file in kept) < 100_000
