"""The surrogates that ship with the code: small, judged, evaluated with numpy, and what fitting gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import data_cache
from blackbox_repo import Source, fit_surrogate, load_blackbox, verify, views
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox

FOLDER = Path(data_cache.__file__).parent
NAMES = ("nmt-hpo", "icml-deepar")
FOREST = Source(["package"], surrogate="forest")


def test_these_blackboxes_have_one() -> None:
    found = {path.parents[1].name: path.name for path in FOLDER.glob("*/surrogates/*")}
    assert found == dict.fromkeys(NAMES, "forest")


def test_they_take_less_than_5_megabytes() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*/surrogates/**/*") if path.is_file()]
    assert 500_000 < sum(sizes) < 5_000_000


@pytest.mark.parametrize("name", NAMES)
def test_all_tasks_have_one_with_its_quality(name: str) -> None:
    tables, found = load_blackbox(name, source=Source(["package"])), load_blackbox(name, source=FOREST)
    assert list(found) == list(tables)
    entry = found.manifest.fitted()
    assert found.manifest.recipe == f"bb-repo fit {name} --model forest --schedulers"
    for task, fitted in entry.tasks.items():
        assert fitted.table == tables[task].digest()
        assert fitted.quality is not None
        assert fitted.quality.schedulers is not None
        assert fitted.quality.rank is not None
        assert fitted.quality.rank > 0.3, task
    problems = [finding.problem for finding in verify(name, source=Source(["package"]))]
    assert problems == [""] * 2 * len(tables)


@pytest.mark.parametrize("name", NAMES)
def test_they_answer_for_what_the_tables_lack(name: str) -> None:
    table = load_blackbox(name)[next(iter(load_blackbox(name)))]
    surrogate = load_blackbox(name, source=FOREST)[table.name.partition("/")[2]]
    assert isinstance(surrogate, SurrogateBlackbox)
    combined = views.with_surrogate(table, surrogate)
    known = table.configurations()[0]
    assert (
        combined.curve(known)[table.schema.target].tolist()
        == table.curve(known)[table.schema.target].tolist()
    )


def test_neither_scikit_learn_nor_xgboost_is_needed_to_use_them() -> None:
    program = """
import sys
sys.modules["sklearn"] = sys.modules["xgboost"] = sys.modules["scipy"] = None
from blackbox_repo import Source, load_blackbox
for name in ("nmt-hpo", "icml-deepar"):
    for task, surrogate in load_blackbox(name, source=Source(surrogate="forest")).items():
        configuration = load_blackbox(name)[task].configurations()[3]
        print(surrogate.evaluate(configuration)[surrogate.schema.target])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(run.stdout.split()) == 6 + 11


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_they_are_what_fitting_gives(name: str) -> None:
    sklearn = pytest.importorskip("sklearn")
    tables, stored = load_blackbox(name, source=Source(["package"])), load_blackbox(name, source=FOREST)
    version = stored.manifest.fitted().versions["scikit-learn"]
    if sklearn.__version__ != version:
        pytest.skip(f"they were fitted with scikit-learn {version}")
    for task in tables:
        assert fit_surrogate(tables[task], "forest").digest() == stored[task].digest(), task
