from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blackbox_repo import Blackbox, describe, list_blackboxes, load_blackbox, verify
from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.keyed_random import Stream
from blackbox_repo.store import columns, parquet
from blackbox_repo.store.columns import is_worth_it, load_objectives, narrow, needed_parts, parts_of
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import Manifest, read_manifest, write_manifest
from blackbox_repo.store.parts import Hashed, Part, Parts, Range, footer_part, hashed, read_parts
from blackbox_repo.store.storage import rewrite
from blackbox_repo.table import TabularBlackbox
from tests.blackbox_repo import malicious
from tests.quick import few_and_the_rest

TABLES = [name for name in list_blackboxes() if describe(name).network is None]


@pytest.fixture(params=[4096, 2], ids=["one row group", "two row groups"])
def folder(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small blackbox with everything that a table can have, and the parts of its only task."""
    monkeypatch.setattr(parquet, "CONFIGURATIONS_A_ROW_GROUP", request.param)
    made = malicious.blackbox(tmp_path)
    assert pq.read_metadata(made / "a.parquet").num_row_groups == (1 if request.param > 2 else 2)
    write_manifest(made, with_parts(made))
    return made


def with_parts(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    tasks = {
        name: replace(task, parts=parts_of((folder / task.file).read_bytes(), manifest.schema))
        for name, task in manifest.tasks.items()
    }
    return replace(manifest, tasks=tasks)


class Remote:
    """A file elsewhere, of which ranges are read; it counts what was moved."""

    def __init__(self, path: Path) -> None:
        self.content, self.moved, self.requests = path.read_bytes(), 0, 0

    def load(self, manifest: Manifest, task: str, objectives: Sequence[str]) -> Blackbox:
        """As a root does it: the footer first, then everything else."""
        entry = manifest.tasks[task]
        assert entry.parts is not None
        footer = footer_part(entry.parts, entry.bytes)
        known = read_parts([footer], self.read, "a.parquet")
        needed = needed_parts(manifest, task, objectives, known[footer], "a.parquet")
        known |= read_parts(needed, self.read, "a.parquet")
        return load_objectives(manifest, task, objectives, known.__getitem__, "a.parquet")

    def read(self, ranges: Sequence[Range]) -> list[bytes]:
        found = [self.content[start:stop] for start, stop in ranges]
        self.moved += sum(map(len, found))
        self.requests += len(ranges)
        return found


def check_narrow(found: Blackbox, whole: Blackbox, objectives: Sequence[str]) -> None:
    """Check that it is the whole blackbox without its other objectives."""
    local = narrow(whole, objectives)
    assert (found.digest(), found.name, found.schema) == (local.digest(), local.name, local.schema)
    assert isinstance(found, TabularBlackbox)
    assert {*objectives} <= {objective.name for objective in found.schema.objectives}
    for objective in found.schema.objectives:
        ours, theirs = found.values(objective.name), whole.values(objective.name)
        assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes())


@pytest.mark.parametrize("name", few_and_the_rest(TABLES, 3))
def test_every_objective_read_alone_is_that_of_the_whole_table_bit_for_bit(name: str):
    source = load_blackbox(name)
    manifest = with_parts(source.folder)
    for task, whole in source.items():
        remote = Remote(source.folder / manifest.tasks[task].file)
        for objective in manifest.schema.objectives:
            if objective.goal == "none":
                continue
            found = remote.load(manifest, task, [objective.name])
            check_narrow(found, whole, [objective.name])


ASKED = [["loss"], ["score"], ["score", "loss"], ["loss", "elapsed_time"], ["params", "score"]]


@pytest.mark.parametrize("objectives", ASKED, ids=" ".join)
def test_runs_of_any_length_with_status_and_labels_are_those_of_the_whole_table(
    folder: Path, objectives: list[str]
):
    whole, remote = load_blackbox(folder)["a"], Remote(folder / "a.parquet")
    found = remote.load(read_manifest(folder), "a", objectives)
    check_narrow(found, whole, objectives)
    assert isinstance(found, TabularBlackbox)
    assert found.label("arch") == ["a", "b", "c"]
    status = [whole.curve(c, seed=1).status for c in whole.configurations()]
    assert [found.curve(c, seed=1).status for c in found.configurations()] == status
    assert found.name == f"mine/a | objectives({', '.join(sorted(objectives, key=list(ORDER).index))})"


ORDER = [objective.name for objective in malicious.SCHEMA.objectives]


def test_no_more_than_what_is_asked_for_is_moved():
    source = load_blackbox("fcnet-final")
    entry = source.manifest.tasks["slice_localization"]
    assert entry.parts is not None
    remote = Remote(source.folder / entry.file)
    remote.load(source.manifest, "slice_localization", ["valid_mse"])
    chosen = (entry.parts.footer, entry.parts.rows, entry.parts.objectives["valid_mse"])
    assert remote.moved == sum(part.bytes for part in chosen)
    assert remote.requests == 1 + pq.read_metadata(source.folder / entry.file).num_row_groups


@pytest.mark.parametrize("name", few_and_the_rest(["fcnet-final", "nasbench201-final"], 2))
def test_one_objective_of_one_task_moves_less_than_15_percent_of_the_blackbox(name: str):
    source = load_blackbox(name)
    manifest = source.manifest
    size = sum(task.bytes for task in manifest.tasks.values())
    for task, objective in [(task, o.name) for task in manifest.tasks for o in manifest.schema.objectives]:
        remote = Remote(source.folder / manifest.tasks[task].file)
        remote.load(manifest, task, [objective])
        assert is_worth_it(manifest, task, [objective])
        assert remote.moved + (source.folder / "manifest.json").stat().st_size < 0.15 * size


def test_what_is_not_worth_it_or_has_no_parts_is_read_as_a_whole(folder: Path):
    for name, task, objective in [
        ("icml-xgboost", "heart", "error"),
        ("tabrepo-lightgbm", "10090", "metric_error"),
        ("yahpo-lcbench", "3945", "val_accuracy"),
    ]:
        assert describe(name).tasks[task].parts is None
        assert not is_worth_it(describe(name), task, [objective])
    assert not is_worth_it(read_manifest(folder), "a", ["loss"])
    assert not is_worth_it(describe("fcnet-final"), "protein_structure", ["valid_mse", "elapsed_time"])
    with pytest.raises(
        FormatError, match=r"the manifest has no parts of heart.parquet; read the whole file$"
    ):
        load_objectives(describe("icml-xgboost"), "heart", ["error"], lambda part: b"", "heart.parquet")


@pytest.mark.parametrize(
    ("objectives", "error"),
    [
        (["lss"], UnknownName),
        (["params", "lss"], UnknownName),
        ([], InvalidOption),
        (["params"], InvalidOption),
    ],
)
def test_objectives_that_are_unknown_or_have_no_goal_are_refused_before_anything_is_read(
    folder: Path, objectives: list[str], error: type[Exception]
):
    def get(part: Part) -> bytes:
        raise AssertionError(part)

    manifest = read_manifest(folder)
    with pytest.raises(error):
        load_objectives(manifest, "a", objectives, get, "a.parquet")
    with pytest.raises(error):
        is_worth_it(manifest, "a", objectives)
    with pytest.raises(UnknownName):
        load_objectives(manifest, "b", ["loss"], get, "a.parquet")


def test_a_network_has_the_same_values_with_some_of_its_objectives():
    whole = load_blackbox("yahpo-lcbench")["3945"]
    found = narrow(whole, ["test_balanced_accuracy", "elapsed_time"])
    assert found.name == "yahpo-lcbench/3945 | objectives(test_balanced_accuracy, elapsed_time)"
    configuration = whole.schema.space.sample(0, "a network", 0)
    curve, known = found.curve(configuration), whole.curve(configuration)
    assert found.schema.target == "test_balanced_accuracy"
    for objective in found.schema.objectives:
        assert curve[objective.name].tobytes() == known[objective.name].tobytes()
    assert found.digest() not in ("", whole.digest())


def test_parts_that_contradict_their_file_are_found(folder: Path):
    assert [finding.problem for finding in verify(folder)] == [""]
    manifest = read_manifest(folder)
    for name, wrong in wrong_parts(manifest.tasks["a"].parts):
        write_manifest(folder, replace(manifest, tasks={"a": replace(manifest.tasks["a"], parts=wrong)}))
        (finding,) = verify(folder)
        assert finding.problem.startswith(f"the manifest says that {name} of {folder / 'a.parquet'} has ")
        with pytest.raises(IntegrityError, match=f"the manifest says that {name} of "):
            rewrite(folder)


def wrong_parts(parts: Parts | None) -> list[tuple[str, Parts]]:
    assert parts is not None
    score = parts.objectives["score"]
    longer = Hashed(score.bytes - 1, score.sha256)
    return [
        ("the footer", replace(parts, footer=hashed(b"x"))),
        ("what describes the rows", replace(parts, rows=replace(parts.rows, sha256="0" * 64))),
        ("the column 'score'", replace(parts, objectives={**parts.objectives, "score": longer})),
    ]


def test_a_blackbox_that_is_written_anew_gets_the_parts_that_are_useful(tmp_path: Path):
    source = load_blackbox("nasbench-nlp")
    (tmp_path / "mine").mkdir()
    for file in source.folder.iterdir():
        (tmp_path / "mine" / file.name).write_bytes(file.read_bytes())
    before = replace(
        source.manifest, tasks={"wikitext-2": replace(source.manifest.tasks["wikitext-2"], parts=None)}
    )
    write_manifest(tmp_path / "mine", before)
    made = rewrite(tmp_path / "mine").tasks["wikitext-2"]
    assert made.parts == parts_of((tmp_path / "mine" / made.file).read_bytes(), source.manifest.schema)


# --- files that somebody has tampered with, hashes and all --------------------------------------------------


def vouched(manifest: Manifest, footer: bytes, **sizes: int) -> Manifest:
    """The manifest of a file with another footer, and with other sizes of parts."""
    task = manifest.tasks["a"]
    assert task.parts is not None
    rows = replace(task.parts.rows, bytes=sizes.get("rows", task.parts.rows.bytes))
    objectives = {n: replace(h, bytes=sizes.get(n, h.bytes)) for n, h in task.parts.objectives.items()}
    size = task.bytes - task.parts.footer.bytes + len(footer)
    parts = Parts(hashed(footer), rows, objectives)
    return replace(manifest, tasks={"a": replace(task, bytes=size, parts=parts)})


@pytest.mark.parametrize("seed", few_and_the_rest(range(100), 4))
def test_no_footer_makes_us_read_outside_the_file_or_end_in_another_error(folder: Path, seed: int):
    original = read_manifest(folder)
    content = (folder / "a.parquet").read_bytes()
    footer = flipped(content[-footer_bytes(original) :], seed)

    def get(part: Part) -> bytes:
        if part.name == "the footer":
            return footer
        assert all(0 <= start <= stop <= len(content) - len(footer) for start, stop in part.ranges)
        return b"".join(content[start:stop] for start, stop in part.ranges)

    def load(manifest: Manifest) -> None:
        load_objectives(manifest, "a", ["score", "elapsed_time"], get, "a.parquet")

    refuses(load, vouched(original, footer))
    (folder / "a.parquet").write_bytes(content[: -len(footer)] + footer)
    digest = hashlib.sha256((folder / "a.parquet").read_bytes()).hexdigest()
    whole = replace(original, tasks={"a": replace(original.tasks["a"], sha256=digest, parts=None)})
    if not refuses(lambda manifest: load_task(folder, manifest, "a", cached=False), whole):
        refuses(load, vouched(original, footer, **sizes_in(footer)))


def test_statistics_of_other_columns_are_refused_and_do_not_abort_python(folder: Path):
    """A column of which the footer says, as an attacker may, that it has no nulls, beside counts of them."""
    original = read_manifest(folder)
    content = (folder / "a.parquet").read_bytes()
    assert content.count(b"\x25\x02\x18\x04rate") == 1  # optional, and its name in four letters
    made = content.replace(b"\x25\x02\x18\x04rate", b"\x25\x00\x18\x04rate")
    (folder / "a.parquet").write_bytes(made)
    task = replace(original.tasks["a"], sha256=hashlib.sha256(made).hexdigest())
    with pytest.raises(FormatError, match=r"a.parquet is not "):  # readable, or with wrong values
        load_task(folder, replace(original, tasks={"a": task}), "a", cached=False)
    changed = vouched(original, footer := made[-footer_bytes(original) :])

    def get(part: Part) -> bytes:
        return footer if part.name == "the footer" else b"".join(made[a:b] for a, b in part.ranges)

    with pytest.raises(FormatError, match=r"^a.parquet is not "):
        load_objectives(changed, "a", ["loss"], get, "a.parquet")


def flipped(footer: bytes, seed: int) -> bytes:
    """The footer with some bytes changed, but not its length."""
    stream = Stream("flipped", seed)
    made = bytearray(footer)
    for number in range((1, 1, 2, 8)[seed % 4]):
        place = stream.integer(len(made) - 8, number, 0)
        made[place] = (0, 1, 0x7F, 0xFF, stream.integer(256, number, 1))[stream.integer(5, number, 2)]
    return bytes(made)


def refuses(load: Callable[[Manifest], object], manifest: Manifest) -> bool:
    """Whether it is refused, in one line; an error that is not ours would not be caught."""
    try:
        load(manifest)
    except BlackboxRepoError as err:
        return "\n" not in str(err) or pytest.fail(str(err))
    return False


def sizes_in(footer: bytes) -> dict[str, int]:
    """The sizes of parts that a footer says itself."""
    ranges = columns._ranges(parquet.open_file(footer), malicious.SCHEMA)
    return {name or "rows": sum(stop - start for start, stop in found) for name, found in ranges.items()}


def test_a_footer_that_names_bytes_outside_the_file_is_refused(folder: Path):
    manifest = read_manifest(folder)
    footer = (folder / "a.parquet").read_bytes()[-footer_bytes(manifest) :]
    short = replace(manifest.tasks["a"], bytes=footer_bytes(manifest) + 10)
    beyond = replace(manifest, tasks={"a": short})
    with pytest.raises(FormatError, match=r"would lie at bytes 4 to \d+, but columns end at 10$"):
        needed_parts(beyond, "a", ["loss"], footer, "a.parquet")


def test_a_footer_whose_columns_have_other_sizes_than_the_manifest_says_is_refused(folder: Path):
    manifest = read_manifest(folder)
    footer = (folder / "a.parquet").read_bytes()[-footer_bytes(manifest) :]
    with pytest.raises(
        FormatError, match=r"^the column 'loss' of a.parquet has \d+ bytes, but the manifest says 3$"
    ):
        needed_parts(vouched(manifest, footer, loss=3), "a", ["loss"], footer, "a.parquet")
    with pytest.raises(FormatError, match=r"^the footer of a.parquet has another size than it says$"):
        needed_parts(manifest, "a", ["loss"], b"more" + footer, "a.parquet")


def footer_bytes(manifest: Manifest) -> int:
    parts = manifest.tasks["a"].parts
    assert parts is not None
    return footer_part(parts, manifest.tasks["a"].bytes).bytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.pop("rows"), "tasks['a'].parts: object missing required field rows"),
        (lambda p: p["footer"].update(bytes=-1), "tasks['a'].parts.footer.bytes = -1: expected int >= 0"),
        (
            lambda p: p["rows"].update(sha256="AB"),
            "tasks['a'].parts.rows.sha256 = 'AB': expected str matching",
        ),
        (lambda p: p["rows"].update(more=1), "more"),
        (lambda p: p["rows"].update(bytes=10**9), "the task 'a' has wrong parts: the parts have 10000"),
        (lambda p: p["objectives"].pop("loss"), "the task 'a' has wrong parts: there are parts of the obje"),
    ],
)
def test_what_is_wrong_with_the_parts_in_a_manifest_is_named(folder: Path, change: Any, message: str):
    manifest = read_manifest(folder).to_json()
    change(manifest["tasks"]["a"]["parts"])
    with pytest.raises(FormatError) as caught:
        Manifest.from_json(manifest, "manifest.json")
    assert message in str(caught.value)


def test_a_network_with_parts_is_refused():
    network, table = describe("yahpo-lcbench"), describe("nasbench-nlp")
    parts = table.tasks["wikitext-2"].parts
    tasks = {**network.tasks, "3945": replace(network.tasks["3945"], parts=parts)}
    with pytest.raises(FormatError, match=r"the task '3945' has parts, but a surrogate is read as a whole"):
        replace(network, tasks=tasks).check()
