"""What is kept of the runs of HPO libraries, and what is noticed; ``tests/libraries/run`` makes them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SEEN = json.loads((ROOT / "docs" / "libraries.json").read_text(encoding="utf-8"))


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import libraries

    return libraries


def result(digest: str, started: int) -> dict[str, Any]:
    return {"digest": digest, "seconds": 0.1, "started": started}


def row(libraries: ModuleType, monkeypatch: pytest.MonkeyPatch, *printed: dict[str, Any]) -> dict[str, Any]:
    """The row of a scheduler whose two processes print these results."""
    results = iter(printed)
    monkeypatch.setattr(libraries, "run_command", lambda *_: "a warning\n" + json.dumps(next(results)))
    fixed = libraries.Fixed("ray:PopulationBasedTraining", {"num_samples": 8})
    found = libraries.run_twice(Path("python"), fixed)
    assert isinstance(found, dict)
    return found


def test_another_digest_is_noticed_also_where_another_number_of_trials_was_started(
    libraries: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = row(libraries, monkeypatch, result("a1", 29), result("a1", 29))
    after = row(libraries, monkeypatch, result("b2", 30), result("b2", 30))
    assert (before["trials"], before["started"]) == (40, 29)
    known = {"version": "2.60.0", "schedulers": [before]}
    assert libraries.changed_schedulers(known, {"version": "2.60.0", "schedulers": [after]}) == [
        "ray:PopulationBasedTraining"
    ]
    assert libraries.changed_schedulers(known, {"version": "2.61.0", "schedulers": [after]}) == []
    assert libraries.changed_schedulers(known, known) == []


def test_a_run_that_differs_in_a_second_process_is_not_fine(
    libraries: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = row(libraries, monkeypatch, result("a1", 40), result("a1", 40))
    differs = row(libraries, monkeypatch, result("a1", 40), result("b2", 40))
    assert libraries.is_fine({"tests": "2 passed, 1 skipped", "schedulers": [same]})
    assert not libraries.is_fine({"tests": "2 passed, 1 skipped", "schedulers": [same, differs]})
    assert not libraries.is_fine({"tests": "1 failed, 2 passed", "schedulers": [same]})


def test_the_kept_rows_are_those_of_the_listed_schedulers_and_all_is_well(libraries: ModuleType) -> None:
    assert list(SEEN) == list(libraries.LIBRARIES)
    for name, library in libraries.LIBRARIES.items():
        asked = [dataclasses.asdict(fixed) for fixed in library.schedulers]
        kept = SEEN[name]["schedulers"]
        assert [{key: one[key] for key in asked[0]} for one in kept] == asked
        assert libraries.is_fine(SEEN[name]), name
