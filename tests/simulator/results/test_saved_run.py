"""Runs on the disk: what was saved comes back exactly, or it is refused in one line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blackbox_repo import (
    Categorical,
    Constant,
    Fidelity,
    Float,
    Integer,
    Objective,
    Ordinal,
    Schema,
    Space,
    from_function,
    keyed_random,
)
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption
from blackbox_repo.space import Condition
from blackbox_repo.views import with_target
from simulator import ASHA, Conditions, RandomSearch, Run, Stop, simulate
from simulator.results.saved_run import FILES

ROOT = Path(__file__).parents[3]
HUGE, EPOCHS = 2**70, (1, 2, 3)
SPACE = Space(
    {
        "max_features": Categorical(("sqrt", 0.5, 1, True, "1")[:3]),
        "kind": Categorical(("1", 1, 0.5, False)),
        "size": Ordinal((1, 10, HUGE)),
        "count": Integer(1, HUGE),
        "rate": Float(0, 1),
        "fixed": Constant(7),
        "child": Categorical((1, "two")),
        "never": Integer(0, 3),
    },
    {"child": (Condition("fixed", (7,)),), "never": (Condition("kind", ("1",)), Condition("kind", (1,)))},
)


def made_of(space: Space, *more: Objective, target: str = "loss", seeds: tuple[int, ...] = (0,)) -> Blackbox:
    objectives = (Objective(target, "min"), Objective("elapsed_time", "none", "s", cumulative=True), *more)
    schema = Schema(space, Fidelity("epoch", EPOCHS), objectives, target=target, time="elapsed_time")

    def train(configuration: Any, seed: int) -> dict[str, Any]:
        level = len(repr(configuration)) / 100
        curves = {target: [level / (k + 1) for k in range(len(EPOCHS))]}
        return {
            **curves,
            "elapsed_time": [k + 1.0 for k in range(len(EPOCHS))],
            **{o.name: 1.5 for o in more},
        }

    return from_function(schema, train, name="made up", seeds=seeds)


def run_of(blackbox: Blackbox, **more: Any) -> Run:
    return simulate(blackbox, RandomSearch, **{"workers": 2, "stop": Stop(trials_started=12), **more})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "run"
    run_of(made_of(SPACE, Objective("size_mb", "none", "MB", constant=True))).save(folder)
    return folder


def pickled(run: Run) -> Any:
    return pickle.loads(pickle.dumps(run))  # noqa: S301, TID251  our own


def kinds(run: Run) -> list[list[tuple[str, str, Any]]]:
    trials = range(len(run.trial_columns["trial"]))
    return [[(n, type(v).__name__, v) for n, v in run.configuration(trial).items()] for trial in trials]


def test_choices_of_mixed_kinds_and_integers_beyond_64_bits_come_back_as_they_were(tmp_path: Path) -> None:
    run = run_of(made_of(SPACE, seeds=(HUGE,)), conditions=Conditions(training_seed=HUGE))
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert kinds(loaded) == kinds(run)
    assert {kind for trial in kinds(run) for _, kind, _ in trial} == {"str", "float", "int", "bool"}
    assert loaded.trial_columns == run.trial_columns
    assert loaded.trial_columns["seed"][0] == HUGE
    assert loaded.header == run.header
    assert loaded.best() == run.best()
    for table in ("trials", "segments", "reports", "calls"):
        assert getattr(loaded, table)().equals(getattr(run, table)(), check_metadata=True)


def test_a_run_without_a_trial_is_saved_too(tmp_path: Path) -> None:
    def nothing(schema: Schema, seed: int) -> Iterator[Any]:
        yield from ()

    run = simulate(made_of(SPACE), nothing, workers=1, stop=Stop(time=5))
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert (loaded.trial_columns, loaded.best(), len(loaded.reports())) == (run.trial_columns, None, 0)


def test_a_run_whose_target_is_constant_is_told_saved_and_loaded(tmp_path: Path) -> None:
    size = Objective("size_mb", "min", "MB", constant=True)
    blackbox = with_target(made_of(SPACE, size), "size_mb")
    run = run_of(blackbox)
    assert "no best size_mb" in repr(run)
    run.save(tmp_path / "run")
    assert Run.load(tmp_path / "run") == run


def test_folders_that_hold_no_run_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing", Path("/"), Path(__file__)):
        with pytest.raises(FormatError, match="does not hold a run"):
            Run.load(folder)


@pytest.mark.parametrize("target", ["code", "off_table", "config.rate", "checkpoint_of"])
def test_objectives_called_like_columns_of_the_results_do_not_collide(target: str, tmp_path: Path) -> None:
    run = run_of(made_of(SPACE, target=target))
    best = run.best()
    assert best is not None
    assert run.reports()[target].to_pylist()[0] > 0
    assert set(run.configuration(0)) <= set(SPACE.domains)
    run.save(tmp_path / "run")
    assert Run.load(tmp_path / "run").best() == best


def test_what_no_file_can_say_is_refused_before_anything_is_simulated() -> None:
    def callback() -> None: ...

    callback.__qualname__ = "\ud800"  # a function is told by its name

    def never(schema: Schema, seed: int) -> Any:
        class Never:
            def suggest(self) -> Any:
                raise AssertionError

        return Never()

    with pytest.raises(InvalidOption, match="the run could not be saved: its stop would hold"):
        simulate(made_of(SPACE), never, workers=1, stop=Stop(time=5, when=callback))
    objective = Objective("size_mb", "none", unit="\udc00", constant=True)
    with pytest.raises(InvalidOption, match="the run could not be saved: its schema would hold"):
        simulate(made_of(SPACE, objective), never, workers=1, stop=Stop(time=5))


def test_the_tables_say_of_which_run_they_are_and_in_which_units(saved: Path) -> None:
    run = Run.load(saved)
    for name in FILES:
        schema = pq.read_schema(saved / name)
        assert schema.metadata[b"run"].decode() == run.digest
        assert schema.metadata[b"scheduler"].decode() == run.header["scheduler"]
        assert schema.metadata[b"seed"] == b"0"
        assert schema.metadata[b"blackbox"] == b"made up"
    reports, trials = pq.read_schema(saved / "reports.parquet"), pq.read_schema(saved / "trials.parquet")
    assert reports.field("time").metadata[b"unit"] == b"s"
    assert reports.field("elapsed_time").metadata[b"unit"] == b"s"
    assert reports.field("loss").metadata[b"goal"] == b"min"
    assert reports.field("fidelity").metadata[b"name"] == b"epoch"
    assert trials.field("size_mb").metadata[b"unit"] == b"MB"


FULL = """
import resource, sys
from pathlib import Path
from blackbox_repo.errors import BlackboxRepoError
from simulator import RandomSearch, Stop, simulate
from simulator.testing import PROBLEMS
run = simulate(PROBLEMS["tiny"](), RandomSearch, workers=2, stop=Stop(trials_started=6))
for size in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        run.save(sys.argv[1])
    except OSError as err:
        print(f"{err.filename} {err.strerror or err}".replace("\\n", " | "))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to the size of files")
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    sizes = ("0", "100", "1500", "3000")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "new" / "run", *sizes],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(sizes)
    assert all(line.startswith(str(tmp_path / "new" / "run")) for line in done.stdout.splitlines())
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "new"])


def test_sha256sum_checks_the_header(saved: Path) -> None:
    program = shutil.which("sha256sum")
    if program is None:
        pytest.skip("there is no sha256sum here")
    subprocess.run([program, "--check", "run.sha256"], cwd=saved, check=True, capture_output=True)


# --- damage -------------------------------------------------------------------------------------------------


def refused_in_one_line(folder: Path) -> str:
    with pytest.raises(FormatError) as refusal:
        Run.load(folder)
    message = str(refusal.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


def check_flips(saved: Path, folder: Path, count: int) -> None:
    shutil.copytree(saved, folder)
    files = sorted(saved.iterdir())
    for number in range(count):
        original = files[number % len(files)]
        file = folder / original.name
        flip(file, keyed_random.integer(8 * original.stat().st_size, "flip", number))
        refused_in_one_line(folder)
        shutil.copy(original, file)
    assert Run.load(folder) == Run.load(saved)


def test_a_flipped_bit_in_any_file_is_refused(saved: Path, tmp_path: Path) -> None:
    check_flips(saved, tmp_path / "run", 70)


@pytest.mark.slow
def test_360_flipped_bits_are_refused(saved: Path, tmp_path: Path) -> None:
    check_flips(saved, tmp_path / "run", 360)


@pytest.mark.parametrize("name", [*FILES, "run.json", "run.sha256"])
def test_a_file_that_is_truncated_missing_or_no_file_is_refused(
    saved: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    file = folder / name
    content = file.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        refused_in_one_line(folder)
    file.write_bytes(content + b"\n")
    refused_in_one_line(folder)
    file.unlink()
    refused_in_one_line(folder)
    file.mkdir()
    refused_in_one_line(folder)


def signed(folder: Path) -> None:
    """Make the hashes those of the files as they are, as an attacker would."""
    header = json.loads((folder / "run.json").read_text())
    for name in header["files"]:
        content = (folder / name).read_bytes()
        header["files"][name] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    write_header(folder, json.dumps(header))


def write_header(folder: Path, text: str) -> None:
    (folder / "run.json").write_text(text)
    (folder / "run.sha256").write_text(f"{sha256(text.encode()).hexdigest()}  run.json\n")


WRONG_HEADERS = {
    "format": ["2", None, True, 2.5],
    "digest": [7, "x", "0" * 63, None],
    "reason": [7, None, {}],
    "end_ns": ["1", -1, 1.5, None],
    "files": [{}, [], {"trials.parquet": 7}, {"../x.parquet": {"sha256": "0" * 64, "bytes": 1}}],
    "workers": [0, "4", 1.5, None],
    "seed": ["0", None, 1.5, []],
    "stop": [[], None, "x"],
    "scheduler": [7, None],
    "numbers": ["2", None],
    "schema": [{}, [], None, {"space": {}}],
}


@pytest.mark.parametrize("key", WRONG_HEADERS)
def test_types_of_a_header_are_checked(saved: Path, tmp_path: Path, key: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    header = json.loads((folder / "run.json").read_text())
    for wrong in WRONG_HEADERS[key]:
        write_header(folder, json.dumps({**header, key: wrong}))
        refused_in_one_line(folder)
    write_header(folder, json.dumps({k: v for k, v in header.items() if k != key}))
    refused_in_one_line(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", '{"format": 2', "[" * 100_000, '{"format": 2, "format": 2}', "\x00"]
)
def test_what_is_no_header_is_refused(saved: Path, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    write_header(folder, text)
    refused_in_one_line(folder)


def places(value: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    """The ways to all values in parsed JSON."""
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, *before, key)


STRANGE: list[Any] = [None, True, 0, -1, 1.5, HUGE, "", "x", [], {}, [1], ["x"], {"x": 1}, [[]], 1e308, -0.0]


def mutated(header: dict[str, Any], number: int) -> dict[str, Any]:
    """The header with something added, left out or replaced in one place."""
    copied = json.loads(json.dumps(header))
    ways = [way for way in places(copied) if way and way[0] != "files"]
    *before, last = ways[keyed_random.integer(len(ways), "place", number)]
    inside = copied
    for key in before:
        inside = inside[key]
    strange = STRANGE[keyed_random.integer(len(STRANGE), "strange", number)]
    how = keyed_random.integer(5, "how", number)
    if how == 0 and isinstance(inside, dict):
        del inside[last]
    elif how == 1:
        inside.append(strange) if isinstance(inside, list) else inside.update(more=strange)
    else:
        inside[last] = strange
    return copied


def check_mutations(saved: Path, folder: Path, count: int) -> None:
    shutil.copytree(saved, folder)
    header = json.loads((folder / "run.json").read_text())
    for number in range(count):
        write_header(folder, json.dumps(mutated(header, number)))
        try:
            run = Run.load(folder)
        except FormatError as err:
            what = str(err)
            assert "\n" not in what
            continue
        assert repr(run)
        assert run.trials().num_rows == 12


def test_malicious_headers_are_refused_in_one_line_or_harmless(saved: Path, tmp_path: Path) -> None:
    check_mutations(saved, tmp_path / "run", 250)


@pytest.mark.slow
def test_5000_malicious_headers_are_refused_in_one_line_or_harmless(saved: Path, tmp_path: Path) -> None:
    check_mutations(saved, tmp_path / "run", 5000)


def changed(table: pa.Table, name: str, values: Any, kind: Any = None) -> pa.Table:
    column = pa.array(values, kind or table[name].type)
    return table.set_column(table.column_names.index(name), pa.field(name, column.type), column)


TEXT = pa.string()
WRONG_TABLES: dict[str, tuple[str, Callable[[pa.Table], pa.Table]]] = {
    "a column less": ("trials.parquet", lambda t: t.drop_columns(["status"])),
    "a column more": ("trials.parquet", lambda t: t.append_column("more", t["trial"])),
    "columns in another order": ("segments.parquet", lambda t: t.select(t.column_names[::-1])),
    "a status that is none": ("trials.parquet", lambda t: changed(t, "status", ["lost"] * len(t))),
    "no status": ("trials.parquet", lambda t: changed(t, "status", [None] * len(t))),
    "seeds as text": ("trials.parquet", lambda t: changed(t, "seed", ["0"] * len(t), TEXT)),
    "values outside their domain": ("trials.parquet", lambda t: changed(t, "config.rate", [7.0] * len(t))),
    "values of another kind": (
        "trials.parquet",
        lambda t: changed(t, "config.rate", ["x"] * len(t), TEXT),
    ),
    "trials in another order": ("trials.parquet", lambda t: t.take(list(range(len(t)))[::-1])),
    "a trial less": ("trials.parquet", lambda t: t.slice(0, len(t) - 1)),
    "times as text": ("segments.parquet", lambda t: changed(t, "ended", ["x"] * len(t), TEXT)),
    "an outcome that is none": ("segments.parquet", lambda t: changed(t, "outcome", ["x"] * len(t))),
    "a segment less": ("segments.parquet", lambda t: t.slice(1)),
    "a report less": ("reports.parquet", lambda t: t.slice(1)),
    "a loss that is missing": ("reports.parquet", lambda t: changed(t, "loss", [None] * len(t))),
    "losses as text": ("reports.parquet", lambda t: changed(t, "loss", ["x"] * len(t), TEXT)),
    "other losses": ("reports.parquet", lambda t: changed(t, "loss", [0.0] * len(t))),
    "an event less": ("trace.parquet", lambda t: t.slice(1)),
    "events as floats": (
        "trace.parquet",
        lambda t: changed(t, "time", t["time"].cast(pa.float64()), pa.float64()),
    ),
}


@pytest.mark.parametrize("what", WRONG_TABLES)
def test_tables_that_cannot_be_those_of_a_run_are_refused_though_their_hashes_hold(
    saved: Path, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    name, change = WRONG_TABLES[what]
    pq.write_table(change(pq.read_table(saved / name)), folder / name)
    signed(folder)
    assert name in refused_in_one_line(folder)


def test_a_run_of_the_format_before_is_refused_with_the_way_out(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    header = json.loads((folder / "run.json").read_text())
    del header["files"]
    (folder / "run.sha256").unlink()
    (folder / "run.json").write_text(json.dumps({**header, "format": 1}))
    assert "a run of format 1, whose files cannot be checked" in refused_in_one_line(folder)


# --- a run in memory ----------------------------------------------------------------------------------------


def test_runs_are_equal_by_their_digests_and_say_in_a_few_lines_what_they_are() -> None:
    blackbox = made_of(SPACE)
    one, same, other = (run_of(blackbox, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert len({one, same, other}) == 2
    assert one != "a run"
    assert pickled(one) == one
    assert repr(one).count("\n") == 2
    assert len(repr(one)) < 400
    assert one.digest[:12] in repr(one)


def test_nothing_that_a_run_hands_out_can_be_changed() -> None:
    run = run_of(made_of(SPACE))
    digest, first = run.digest, run.configuration(0)
    for again in (run, pickled(run)):
        for columns in (again.trial_columns, again.segment_columns, again.call_columns, again.header):
            with pytest.raises(TypeError):
                columns["more"] = []
        with pytest.raises(TypeError):
            again.trial_columns["status"][0] = "lost"
        with pytest.raises(TypeError):
            again.header["schema"]["objectives"].clear()
        for array in (*again.report_columns.values(), again.records):
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
        again.configuration(0)["rate"] = 7.0
        assert (again.configuration(0), again.digest) == (first, digest)


def test_a_scheduler_that_changes_what_it_was_handed_changes_no_result() -> None:
    def search(schema: Schema, seed: int) -> Iterator[Any]:
        configuration = schema.space.sample(seed, 0)
        for _ in range(8):
            for job in (yield configuration):
                job.configuration["rate"] = min(job.configuration["rate"] + 0.01, 1.0)
                configuration = job.configuration

    class Meddling(ASHA):
        def on_report(self, trial: Any, report: Any) -> Any:
            trial.configuration["rate"] = 0.5
            return super().on_report(trial, report)

        def on_end(self, trial: Any) -> None:
            trial.configuration.clear()
            super().on_end(trial)

    blackbox = made_of(Space({"rate": Float(0, 1)}))
    run = simulate(blackbox, search, workers=1, stop=Stop(trials_started=8))
    rates = run.trial_columns["config.rate"]
    assert rates == sorted(set(rates))
    runs = [simulate(blackbox, kind, workers=2, stop=Stop(trials_started=8)) for kind in (ASHA, Meddling)]
    assert runs[0] == runs[1]
    assert runs[0].trial_columns == runs[1].trial_columns


def test_the_schema_of_a_run_is_parsed_once_and_knows_the_candidates(saved: Path) -> None:
    from blackbox_repo import load_blackbox

    table = load_blackbox("nasbench-nlp")["wikitext-2"]
    run = simulate(table, RandomSearch, workers=2, stop=Stop(trials_started=3))
    assert run.schema is run.schema
    assert run.schema.space.candidates is table.schema.space.candidates
    assert run.schema == table.schema
    assert Run.load(saved).schema.space.candidates is None


def test_a_trial_that_does_not_exist_has_no_configuration(saved: Path) -> None:
    run = Run.load(saved)
    for trial in (-1, 12):
        with pytest.raises(InvalidOption, match=f"there is no trial {trial}: the run has the trials 0 to 11"):
            run.configuration(trial)


def test_a_header_of_which_no_checksum_tells_is_refused(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(saved, folder)
    (folder / "run.sha256").unlink()
    with pytest.raises(IntegrityError, match=r"lacks a readable run\.sha256"):
        Run.load(folder)
