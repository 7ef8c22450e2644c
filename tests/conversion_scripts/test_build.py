from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import weakref
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.errors import FormatError, InvalidOption
from blackbox_repo.repository import list_blackboxes
from blackbox_repo.roots.source import Source
from blackbox_repo.schema import Schema
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import read_manifest
from blackbox_repo.table import Table
from conversion_scripts.build import build, check_target
from conversion_scripts.raw import RawFile, RawFolder
from conversion_scripts.recipe import Conversion, Recipe

ROOT = Path(__file__).parents[2]
TINY_FILES = ("README.md", "digits.parquet", "manifest.json", "manifest.sha256")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_recipe_becomes_a_folder(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    manifest = build(recipe, raw, tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == [f"tiny/{name}" for name in TINY_FILES]
    assert manifest == read_manifest(tmp_path / "out" / "tiny")
    assert manifest.tasks["digits"].title == "The digits"
    assert manifest.card[0].what == "it is tiny"
    assert manifest.recipe == "bb-convert tiny"
    (source,) = manifest.sources
    assert (source.repository, source.commit) == ("someone/runs", "0123456789abcdef")
    assert source.bytes == (raw / "runs.json").stat().st_size
    best = manifest.tasks["digits"].best["loss"]
    assert (best.value, best.configuration, best.fidelity) == (0.125, {"x": 2}, 2)
    digits = load_task(tmp_path / "out" / "tiny", manifest, "digits")
    assert digits.curve({"x": 2})["loss"].tolist() == [0.75, 0.125]


def test_two_runs_give_the_same_bytes(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    for out in ("a", "b"):
        build(recipe, raw, tmp_path / out)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_steps_are_reported(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    build(recipe, raw, tmp_path / "out", report=steps.append)
    assert steps == [
        "reading and converting",
        "reading and converting digits (1 of 1)",
        "checking digits (1 of 1)",
        "writing digits (1 of 1)",
    ]


def test_bytes_read_are_reported(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    def convert(raw: RawFolder) -> Conversion:
        with raw.stream("runs.json") as stream:
            stream.read(10)
        return recipe.convert(raw)

    seen: list[tuple[str, int, int]] = []
    build(replace(recipe, convert=convert), raw, tmp_path, watch=lambda *read: seen.append(read))
    size = (raw / "runs.json").stat().st_size
    assert seen[0] == ("runs.json", size, size)


def test_one_table_is_in_memory_at_a_time(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    made: list[weakref.ref[Table]] = []

    def one_by_one(conversion: Conversion) -> LazyTables:
        digits = conversion.tables["digits"]

        def table(task: str) -> Table:
            assert [reference() for reference in made] == [None] * len(made)
            found = replace(digits)
            made.append(weakref.ref(found))
            return found

        return LazyTables(("a", "b", "c"), table)

    build(changed(one_by_one), raw, tmp_path / "out")
    assert len(made) == 3


def test_an_exception_leaves_nothing(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    def fail(raw: RawFolder) -> Conversion:
        raise KeyError(raw.json("runs.json")["x"][0])

    with pytest.raises(KeyError):
        build(replace(recipe, convert=fail), raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failure_while_writing_leaves_the_old_version(
    recipe: Recipe, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(recipe, raw, tmp_path / "out")
    before = content(tmp_path / "out")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("blackbox_repo.store.storage.write_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build(replace(recipe, title="Another"), raw, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_the_next_version_replaces_the_old(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    build(changed(lambda made: {"old": made.tables["digits"]}), raw, tmp_path / "out")
    build(recipe, raw, tmp_path / "out")
    assert sorted(content(tmp_path / "out")) == [f"tiny/{name}" for name in TINY_FILES]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]


def unhashed(recipe: Recipe) -> Recipe:
    return replace(recipe, files=tuple(replace(file, sha256="") for file in recipe.files))


def stumbling(recipe: Recipe, err: Exception) -> Recipe:
    def convert(raw: RawFolder) -> Conversion:
        raw.json("runs.json")
        raise err

    return replace(recipe, convert=convert)


@pytest.mark.parametrize(
    "err",
    [
        KeyError("x"),
        IndexError("list index out of range"),
        ValueError("max() arg is an empty sequence"),
        TypeError("'int' object is not iterable"),
        AttributeError("'list' object has no attribute 'items'"),
        ZeroDivisionError("division by zero"),
        OSError("Unable to synchronously open file (file signature not found)"),
        zipfile.BadZipFile("File is not a zip file"),
    ],
)
def test_an_error_of_a_recipe_names_its_line_and_the_file_of_unknown_hash(
    recipe: Recipe, raw: Path, tmp_path: Path, err: Exception
) -> None:
    with pytest.raises(FormatError) as caught:
        build(stumbling(unhashed(recipe), err), raw, tmp_path / "out")
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    place = next(number for number, text in enumerate(lines, start=1) if "raise err" in text)
    assert str(caught.value) == (
        f"the recipe 'tiny' fails in line {place} of test_build.py: {type(err).__name__}: {err} (--debug "
        f"shows where). If the recipe is right, runs.json is not what it expects. The SHA-256 of "
        f"{raw / 'runs.json'} is not known: if the file is truncated or is another one, delete it and fetch "
        f"it again"
    )
    assert caught.value.__cause__ is err
    with pytest.raises(type(err)) as bug:
        build(stumbling(recipe, err), raw, tmp_path / "out")
    assert bug.value is err


def test_of_several_files_any_may_be_the_reason(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    def convert(raw: RawFolder) -> Conversion:
        content = {name: raw.json(name) for name in raw}
        raise KeyError(len(content))

    (raw / "more.json").write_text("{}")
    more = RawFile("more.json")
    with pytest.raises(FormatError, match=r"right, more\.json or a file before it is not what it expects"):
        build(replace(recipe, files=(*unhashed(recipe).files, more), convert=convert), raw, tmp_path / "out")
    with pytest.raises(FormatError, match=r"right, more\.json is not what it expects"):
        build(replace(recipe, files=(*recipe.files, more), convert=convert), raw, tmp_path / "out")


def test_a_full_disk_and_a_bug_are_not_put_down_to_a_raw_file(
    recipe: Recipe, raw: Path, tmp_path: Path
) -> None:
    for err in (OSError(28, "No space left on device"), NameError("nq"), MemoryError()):
        with pytest.raises(type(err)) as caught:
            build(stumbling(unhashed(recipe), err), raw, tmp_path / "out")
        assert caught.value is err


def test_a_damaged_file_of_unknown_hash_should_be_fetched_again(
    recipe: Recipe, raw: Path, tmp_path: Path
) -> None:
    (raw / "runs.json").write_bytes(b'{"x": [1')
    with pytest.raises(FormatError, match=r"not readable as JSON: .*\. The SHA-256 of .*runs\.json is"):
        build(unhashed(recipe), raw, tmp_path / "out")
    (raw / "runs.json").write_bytes(b"<html>")
    with pytest.raises(
        FormatError, match=r"runs\.json begins with b'<html>', as no \.json file does: delete it"
    ):
        build(unhashed(recipe), raw, tmp_path / "out")


def test_an_error_in_a_table_that_is_made_while_it_is_written_is_explained_too(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    def table(task: str) -> Table:
        raise KeyError(task)

    made = unhashed(changed(lambda _: LazyTables(("digits",), table)))
    with pytest.raises(
        FormatError,
        match=r"^the recipe 'tiny' fails: KeyError: 'digits' .* right, runs\.json is not what it",
    ):
        build(made, raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_tasks_and_no_card_are_refused(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match="tiny has no tasks: its convert"):
        build(changed(lambda _: {}), raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(FormatError, match="the recipe 'tiny' has an empty card: give a Defect"):
        replace(recipe, card=())


def test_what_is_no_blackbox_is_not_replaced_and_nothing_read_for_it(
    recipe: Recipe, raw: Path, tmp_path: Path
) -> None:
    (tmp_path / "out" / "tiny").mkdir(parents=True)
    (tmp_path / "out" / "tiny" / "thesis.tex").write_text("precious")
    convert = stumbling(recipe, AssertionError("it was read"))
    for refused in (
        lambda: build(convert, raw, tmp_path / "out"),
        lambda: check_target(tmp_path / "out/tiny"),
    ):
        with pytest.raises(FormatError, match="it is not a blackbox"):
            refused()
    assert sorted(content(tmp_path / "out")) == ["tiny/thesis.tex"]


def test_a_table_that_breaks_a_rule_is_not_written(
    changed: Callable[..., Recipe], raw: Path, tmp_path: Path
) -> None:
    def with_nan(made: Conversion) -> dict[str, Table]:
        points = {**made.tables["digits"].points, "loss": np.array([np.nan, 0.25, 0.5, 0.75])}
        return {"digits": replace(made.tables["digits"], points=points)}

    with pytest.raises(FormatError, match="tiny/digits is refused: 1 row has NaN in 'loss'"):
        build(changed(with_nan), raw, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_are_those_of_the_recipe(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=re.escape("tiny/digits has the labels [], not ('official',)")):
        build(replace(recipe, labels=("official",)), raw, tmp_path / "out")


def test_an_objective_that_is_nan_throughout_has_no_best_value(
    recipe: Recipe, changed: Callable[..., Recipe], raw: Path, tmp_path: Path, schema: Schema
) -> None:
    def all_nan(made: Conversion) -> dict[str, Table]:
        points = {**made.tables["digits"].points, "loss": np.full(4, np.nan)}
        return {"digits": replace(made.tables["digits"], points=points)}

    manifest = build(replace(changed(all_nan), nan_allowed=("loss",)), raw, tmp_path / "out")
    assert list(manifest.tasks["digits"].best) == ["elapsed_time"]


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_while_writing_leaves_nothing(
    tmp_path: Path, raw: Path, number: int, status: int, word: str
) -> None:
    # the child says that it writes, and then waits to be stopped
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys, time, typer\n"
        "from pathlib import Path\n"
        "from blackbox_repo.text import console\n"
        "from blackbox_repo.store.atomic_directory import atomic_directory\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def convert() -> None:\n"
        "    with atomic_directory(Path(sys.argv[0]).parent / 'out' / 'tiny', print) as partial:\n"
        "        (partial / 'half.parquet').write_text('half')\n"
        "        print('writing', flush=True)\n"
        "        time.sleep(60)\n"
        "console.run(app, 'slow')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    child.send_signal(number)
    _, errors = child.communicate(timeout=20)
    assert (child.returncode, errors) == (status, f"slow: {word}\n")
    assert not (tmp_path / "out").exists()


SLOW = """
import sys, time
import numpy as np
from blackbox_repo.store import storage
from blackbox_repo.domains import Integer
from blackbox_repo.store.manifest import Defect
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.table import Coded, Table
from conversion_scripts.recipe import Conversion, Recipe

SCHEMA = Schema(Space({"x": Integer(1, 3)}), Fidelity("epoch", (1,)), (Objective("loss", "min"),), "loss")
X = {"x": Coded((1, 2), np.array([0, 1]))}
TABLE = Table(X, np.zeros(2, dtype=int), {"loss": np.ones(2)}, np.ones(2, dtype=int))
written = storage.write_manifest

def wait(now):
    if "MOMENT" == now:
        print(now, flush=True)
        time.sleep(60)

def convert(raw):
    wait("converting")
    return Conversion(SCHEMA, {"task": TABLE})

def write(folder, manifest):
    written(folder, manifest)
    wait("writing")

storage.write_manifest = write
TINY = Recipe("tiny", "Tiny", "MIT", "Nobody", "", "1", (), (Defect("two", "kept"),), convert)
"""


def bb_convert(folder: Path, moment: str) -> subprocess.Popen[str]:
    """A real ``bb-convert``, of a recipe that waits for ever at some moment."""
    (folder / "slow.py").write_text(SLOW.replace("MOMENT", moment))
    (folder / "raw").mkdir(exist_ok=True)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "conversion_scripts", "py:slow:TINY"),
            *("--raw", "raw", "--out", "out"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        cwd=folder,
    )


@pytest.mark.parametrize("moment", ["converting", "writing"])
@pytest.mark.parametrize("before", [[], ["tiny"]], ids=["nothing there", "an older version there"])
def test_what_was_killed_leaves_nothing_to_see_and_can_be_run_again(
    tmp_path: Path, moment: str, before: list[str]
) -> None:
    out = Source([tmp_path / "out"])
    if before:
        bb_convert(tmp_path, "never").communicate(timeout=60)
    old = content(tmp_path / "out") if before else {}
    child = bb_convert(tmp_path, moment)
    assert child.stdout is not None
    assert child.stdout.readline() == f"{moment}\n"
    child.kill()  # that is kill -9: no handler, no finally
    child.communicate(timeout=20)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."] == before
    assert list_blackboxes(out) == before
    assert {name: found for name, found in content(tmp_path / "out").items() if name[0] != "."} == old
    again = bb_convert(tmp_path, "never")
    said, complaint = again.communicate(timeout=60)
    assert said.splitlines()[0] == "out/tiny: 1 task, 2 training runs, 0.00 MB of parquet"
    assert complaint == ""
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]
    assert list_blackboxes(out) == ["tiny"]


def test_two_conversions_at_once_one_wins_and_the_other_says_so(tmp_path: Path) -> None:
    first = bb_convert(tmp_path, "converting")
    assert first.stdout is not None
    first.stdout.readline()
    second = bb_convert(tmp_path, "never")
    output, errors = second.communicate(timeout=60)
    assert (second.returncode, output) == (2, "")
    assert errors == (
        f"bb-convert: error: out/tiny is being written by another process (number {first.pid}); "
        f"wait until it has ended, or write to another folder\n"
    )
    first.kill()
    first.communicate(timeout=20)


def test_a_version_that_was_just_being_replaced_is_put_back(
    recipe: Recipe, raw: Path, tmp_path: Path
) -> None:
    build(recipe, raw, tmp_path / "out")
    old = content(tmp_path / "out")
    (tmp_path / "out" / "tiny").rename(tmp_path / "out" / ".tiny.old")
    others = [".tiny.more.old", ".tiny.older", "tiny.old"]
    for name in others:
        (tmp_path / "out" / name).mkdir()
    with pytest.raises(InvalidOption):
        build(recipe, tmp_path / "nowhere", tmp_path / "out")
    assert content(tmp_path / "out") == old
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*others, "tiny"])


def test_the_manifest_names_the_command_that_made_it(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    made = build(recipe, raw, tmp_path / "out", command="bb-convert py:mine:TINY")
    assert made.recipe == "bb-convert py:mine:TINY"


def test_a_recipe_whose_name_leads_elsewhere_is_refused(recipe: Recipe) -> None:
    with pytest.raises(FormatError, match="the blackbox name '../tiny' must be letters"):
        replace(recipe, name="../tiny")


def test_the_manifest_is_json_without_nan(recipe: Recipe, raw: Path, tmp_path: Path) -> None:
    build(recipe, raw, tmp_path / "out")
    text = (tmp_path / "out" / "tiny" / "manifest.json").read_text()
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
