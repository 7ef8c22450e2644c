"""The repr of a scheduler, which headers keep, is made from its settings, and stays what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import InvalidOption
from simulator import (
    ASHA,
    MOASHA,
    PBT,
    GridSearch,
    Hyperband,
    MedianStopping,
    RandomSearch,
    SuccessiveHalving,
)
from tests.simulator.schedulers.problems import TINY, schema_of

SCHEMA = schema_of(TINY, epochs=9)


@pytest.mark.parametrize(
    ("kind", "settings", "written"),
    [
        (ASHA, {}, "ASHA(seed=0, eta=3, r_min=None, brackets=1)"),
        (
            ASHA,
            {"seed": np.int64(5), "eta": np.float32(2.5)},
            "ASHA(seed=5, eta=2.5, r_min=None, brackets=1)",
        ),
        (ASHA, {"rungs": (2, np.int64(4))}, "ASHA(seed=0, eta=3, r_min=None, rungs=[2, 4], brackets=1)"),
        (ASHA, {"brackets": 2.0}, "ASHA(seed=0, eta=3, r_min=None, brackets=2.0)"),
        (GridSearch, {}, "GridSearch(seed=0, points=3, shuffle=False)"),
        (GridSearch, {"points": 4.0, "repeat": 2}, "GridSearch(seed=0, points=4, shuffle=False, repeat=2)"),
        (Hyperband, {"overlap": np.True_}, "Hyperband(seed=0, eta=3, r_min=None, overlap=True)"),
        (MedianStopping, {"grace": 2}, "MedianStopping(seed=0, grace=2, min_trials=5)"),
        (MOASHA, {}, "MOASHA(seed=0, objectives=['score', 'size'], eta=3, r_min=None)"),
        (PBT, {}, "PBT(seed=0, population=10, interval=None, quantile=0.25, resample=0.25)"),
        (RandomSearch, {"repeat": 1.0}, "RandomSearch(seed=0)"),
        (RandomSearch, {"duplicates": True, "repeat": 3}, "RandomSearch(seed=0, duplicates=True, repeat=3)"),
        (SuccessiveHalving, {}, "SuccessiveHalving(seed=0, eta=3, r_min=None, trials=None)"),
    ],
)
def test_a_header_has_the_settings_and_omits_some_at_their_default(
    kind: Any, settings: dict[str, Any], written: str
) -> None:
    assert repr(kind(SCHEMA, **settings)) == written


def test_initial_configurations_are_written_complete() -> None:
    middle = SCHEMA.space.completed({})
    assert repr(ASHA(SCHEMA, initial=[{}])).endswith(f"brackets=1, initial=[{middle!r}])")


def test_a_subclass_that_adds_no_settings_is_written_as_the_scheduler_that_it_changes() -> None:
    class Louder(ASHA):
        pass

    assert repr(Louder(SCHEMA, 3)) == repr(ASHA(SCHEMA, 3))


def test_settings_are_keywords_and_are_checked() -> None:
    with pytest.raises(TypeError):
        ASHA(SCHEMA, 0, 3)  # type: ignore[misc]
    with pytest.raises(InvalidOption, match=r"seed is 1\.5, but must be a whole number"):
        ASHA(SCHEMA, 1.5)  # type: ignore[arg-type]
