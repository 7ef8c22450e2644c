from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blackbox_repo.store.manifest import read_manifest
from conversion_scripts import cli
from conversion_scripts.build import build
from conversion_scripts.expected_size import ExpectedSize, describe_shortfall, note_shortfall
from conversion_scripts.recipe import Recipe
from conversion_scripts.registry import load_recipe

if TYPE_CHECKING:
    import pytest


def test_a_part_of_a_source_says_so_in_titles_and_card(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    made = build(replace(recipe, expected_size=ExpectedSize(tasks=3, configurations=1000)), raw, tmp_path)
    assert made == read_manifest(tmp_path / "tiny")
    assert made.tasks["digits"].title == "The digits (2 of 1,000 configurations)"
    assert [defect.what for defect in made.card] == [
        "it is tiny",
        "the source was incomplete: 1 of 3 tasks, 2 of 1,000 configurations of digits",
    ]


def test_a_whole_source_says_nothing(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    plain = build(recipe, raw, tmp_path / "a")
    assert build(replace(recipe, expected_size=ExpectedSize(1, 2)), raw, tmp_path / "b") == plain
    assert (describe_shortfall(ExpectedSize(1, 2), plain), note_shortfall(ExpectedSize(1, 2), plain)) == (
        "",
        plain,
    )


def test_of_many_tasks_some_are_named(changed: Callable[..., Recipe], raw: Path, tmp_path: Path) -> None:
    many = changed(lambda made: {f"t{i}": made.tables["digits"] for i in range(6)})
    made = build(replace(many, expected_size=ExpectedSize(configurations=3)), raw, tmp_path)
    assert describe_shortfall(ExpectedSize(configurations=3), made) == "2 of 3 configurations of each task"
    whole = replace(made.tasks["t0"], configurations=3)
    other = replace(made, tasks={**made.tasks, "t0": whole, "t1": replace(whole, configurations=1)})
    assert describe_shortfall(ExpectedSize(configurations=3), other) == (
        "1 of 3 configurations of t1, 2 of 3 configurations of t2, t3, t4 and 1 more"
    )
    assert {task.title for task in made.tasks.values()} == {f"t{i} (2 of 3 configurations)" for i in range(6)}


def test_the_expected_sizes_are_those_of_the_papers() -> None:
    known = {
        "nasbench201": ExpectedSize(4, 15_625),
        "nasbench201-hp12": ExpectedSize(4, 15_625),
        "nats-sss": ExpectedSize(4, 32_768),
        "nats-sss-hp12": ExpectedSize(4, 32_768),
        "fcnet": ExpectedSize(4, 62_208),
        "lcbench": ExpectedSize(35, 2000),
        "pd1": ExpectedSize(24),
    }
    assert {name: load_recipe(name).expected_size for name in known} == known


def test_the_command_warns(
    recipe: Recipe, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli._convert(
        replace(recipe, expected_size=ExpectedSize(configurations=10_000)), raw, tmp_path, "bb-convert tiny"
    )
    assert capsys.readouterr().err == (
        "bb-convert: warning: the raw files have only 2 of 10,000 configurations of digits\n"
    )
