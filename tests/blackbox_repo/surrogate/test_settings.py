"""The settings of models are named where people look for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackbox_repo.cli import fitting
from blackbox_repo.surrogate.boosting import BoosterSettings
from blackbox_repo.surrogate.growth import ForestSettings
from blackbox_repo.surrogate.knn import KnnSettings

PAGE = Path(__file__).parents[3] / "docs" / "surrogates.md"


@pytest.mark.parametrize(
    ("model", "settings"),
    [("extra_trees", ForestSettings), ("knn", KnnSettings), ("xgboost", BoosterSettings)],
)
def test_every_setting_is_in_the_help_and_on_the_page(model, settings):
    names = set(settings.__dataclass_fields__)
    row = next(line for line in PAGE.read_text("utf-8").splitlines() if f"`{model}` | " in line)
    assert {word for word in names if f"`{word}` (" in row} == names
    of_model = next(part for part in fitting._NAMES.split(". ") if model in part.partition(":")[0])
    assert set(of_model.partition(": ")[2].rstrip(".").split(", ")) == names
