"""What the adapters of libraries share."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import InvalidOption
from simulator.adapters.library import (
    check_callable,
    check_kind,
    check_objectives,
    check_settings,
    describe_error,
    make,
    missing_packages,
    name_of,
    require,
)
from simulator.global_state import library_seed

PARTIAL = """
try:
    from surely_absent.parts import Part
    import json
    from another_absent import Other
except ImportError:
    pass


class Lacking:
    def __init__(self):
        Part()
"""


class Thing:
    def __init__(self, size: int = 3, seed: int = 0, mode: str = "min") -> None:
        if size < 1:
            raise RuntimeError("too small")
        self.given = size, seed, mode


def test_seeds_of_runs_are_different_seeds_of_libraries_from_1_to_2_to_the_31() -> None:
    seeds = [*range(-500, 500), *(2**power + more for power in (31, 32, 63, 64, 200) for more in (-1, 0, 1))]
    hashed = [library_seed(seed) for seed in seeds]
    assert len(set(hashed)) == len(seeds)
    assert 0 < min(hashed) < max(hashed) < 2**31
    assert library_seed(np.int64(5)) == library_seed(5) == 744236378


def test_settings_go_to_the_class_and_beside_them_what_it_takes() -> None:
    assert make(Thing, {}, supplied={"seed": 7, "other": 1}, size=5).given == (5, 7, "min")
    assert make(Thing, {"size": 9, "mode": "min"}, supplied={"mode": "min"}, size=5).given == (9, 0, "min")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "max"}, "Thing: the setting mode='max' contradicts mode='min', which follows from"),
        ({"seed": True}, "Thing: the setting seed=True contradicts seed=1, which follows from"),
        ({"sise": 3}, "Thing cannot be made with the settings {'sise': 3}: TypeError: .*'sise'"),
        ({"size": 0}, "Thing cannot be made with the settings {'size': 0}: RuntimeError: too small"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make(Thing, settings, supplied={"mode": "min", "seed": 1})


@pytest.mark.parametrize("given", [5, "x=1", ["x"], {1: 2}])
def test_settings_are_names_and_values(given: Any) -> None:
    with pytest.raises(InvalidOption, match="settings is .*, but must be names and their values"):
        check_settings("settings", given)


def test_no_settings_are_none() -> None:
    assert check_settings("settings", None) == {}
    assert check_settings("settings", {"x": 1}) == {"x": 1}


@pytest.mark.parametrize("given", ["loss", ["loss", "loss"], [1], 5, None])
def test_objectives_are_a_list_of_different_names(given: Any) -> None:
    with pytest.raises(InvalidOption, match="objectives is .*, but must be a list of different names"):
        check_objectives(given)
    assert check_objectives(["loss", "size"]) == ("loss", "size")


def test_a_name_has_no_address() -> None:
    assert name_of(Thing) == "Thing"
    assert name_of(functools.partial(Thing, size=4)) == "Thing"
    assert name_of(Thing()) == "Thing"
    assert describe_error(RuntimeError(f"of {object()}\n twice")) == "RuntimeError: of <object object> twice"
    assert describe_error(AssertionError()) == "AssertionError"


def test_a_part_that_a_library_has_passed_over_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "partial_library.py").write_text(PARTIAL)
    monkeypatch.syspath_prepend(tmp_path)
    lacking = importlib.import_module("partial_library").Lacking
    with pytest.raises(InvalidOption, match="it needs surely_absent, another_absent, which is not installed"):
        make(lacking, {})
    assert missing_packages(NameError("never raised")) == []


@pytest.mark.parametrize("given", [5, None, ["x"]])
def test_who_makes_nothing_is_refused(given: Any) -> None:
    with pytest.raises(InvalidOption, match="the sampler is .*, but must be a name, or a class or function"):
        check_callable("the sampler", given)


def test_what_is_made_is_of_the_librarys_kind() -> None:
    assert check_kind(3, int, Thing) == 3
    with pytest.raises(InvalidOption, match="Thing made a str, which is no int"):
        check_kind("3", int, Thing)


def test_a_library_that_is_absent_or_breaks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of Ray and Nevergrad use what pyarrow and numpy have no longer."""
    (tmp_path / "too_old.py").write_text("import math\nmath.gone\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidOption, match="needs too_old, which cannot be imported .AttributeError:"):
        require("too_old", "old")
    with pytest.raises(InvalidOption, match=r"needs surely-absent, .*; install it with .*\[absent\]'"):
        require("surely_absent.parts", "absent", "surely-absent")
