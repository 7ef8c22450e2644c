from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Integer
from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError
from blackbox_repo.repository import load_blackbox, verify
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.store.manifest import Defect, Manifest, SourceFile, TuningDefaults, read_manifest
from blackbox_repo.store.storage import save_network, save_tables
from blackbox_repo.table import Coded, Table, TabularBlackbox


def described(space, goal="min", labels=()):
    schema = Schema(space, Fidelity("epoch", (1, 2)), (Objective("loss", goal),), "loss")
    return Manifest("mine", "1", "Mine", "CC0-1.0", "", "", "", schema, {}, labels=labels)


def table(columns, points=None, **more):
    rows = len(next(iter(columns.values())))
    return Table(
        {name: Coded.of(values) for name, values in columns.items()},
        more.pop("seeds", np.zeros(rows, dtype=int)),
        {"loss": np.arange(2.0 * rows) if points is None else points},
        np.full(rows, 2),
        **more,
    )


def kept(folder, space, saved, **options):
    """The blackbox before and after its way through files."""
    manifest = described(space, **options)
    save_tables(folder / "mine", manifest, {"a": saved})
    assert [finding.problem for finding in verify(folder / "mine")] == [""]
    return TabularBlackbox(manifest.schema, saved, name="mine/a"), load_blackbox(folder / "mine")["a"]


def typed(blackbox):
    return [{n: (type(v), v) for n, v in c.items()} for c in blackbox.configurations()]


@pytest.mark.parametrize(
    "choices",
    [
        ("sqrt", 0.5, 1),
        (True, "auto", False),
        (1, 100, 0.5),
        (2**70, 1, -(2**80)),
        ("a\0b", "\0", ""),
        ("1", 1),
    ],
    ids=repr,
)
def test_choices_of_any_kinds_come_back_exactly(tmp_path, choices):
    before, after = kept(tmp_path, Space({"x": Categorical(choices)}), table({"x": list(choices)}))
    assert typed(after) == typed(before) == [{"x": (type(choice), choice)} for choice in choices]
    assert after.digest() == before.digest()
    assert read_manifest(tmp_path / "mine").tasks["a"].best["loss"].configuration == {"x": choices[0]}


def test_labels_of_several_kinds_come_back_exactly(tmp_path):
    labels = [1, 1.0, True, "1", None, 2**70]
    space = Space({"x": Integer(1, 6)})
    saved = table({"x": list(range(1, 7))}, labels={"arch": Coded.of(labels)})
    _, after = kept(tmp_path, space, saved, labels=("arch",))
    assert [(type(label), label) for label in after.label("arch")] == [
        (type(label), label) for label in labels
    ]


def test_a_hyperparameter_that_a_task_never_uses_comes_back(tmp_path):
    space = Space(
        {"learner": Categorical(("svm", "tree")), "depth": Integer(1, 3)},
        {"depth": (Condition("learner", ("tree",)),)},
    )
    before, after = kept(tmp_path, space, table({"learner": ["svm"], "depth": [None]}))
    assert typed(after) == typed(before)
    assert after.digest() == before.digest()


@pytest.mark.parametrize("first", [2**63 + 5, -(2**63), 2**31, 3])
def test_seeds_of_64_bits_come_back(tmp_path, first):
    kind = np.uint64 if first > 2**63 else np.int64
    saved = table({"x": [1, 1]}, seeds=np.array([first, first + 2], dtype=kind))
    before, after = kept(tmp_path, Space({"x": Integer(1, 3)}), saved)
    assert before.seeds({"x": 1}) == after.seeds({"x": 1}) == (first, first + 2)
    assert after.digest() == before.digest()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint64, np.int8, np.float16, np.float32])
def test_the_best_of_a_column_to_maximize_is_its_largest_whatever_its_type(tmp_path, kind):
    saved = table({"x": [1, 2]}, points=np.array([0, 100, 90, 80], dtype=kind))
    save_tables(tmp_path / "mine", described(Space({"x": Integer(1, 2)}), goal="max"), {"a": saved})
    best = read_manifest(tmp_path / "mine").tasks["a"].best["loss"]
    assert (best.value, best.configuration, best.fidelity) == (100, {"x": 1}, 2)


@pytest.mark.parametrize(
    "names",
    [
        ["../evil"],
        ["../../evil"],
        ["/evil"],
        ["a/b"],
        ["a\\b"],
        [".hidden"],
        [""],
        ["a\n"],
        ["a:b"],
        ["é"],
        ["CON"],
        ["nul"],
        ["com1"],
        ["Lpt9.x"],
        ["aux.tar"],
        ["a."],
        ["a" * 201],
        ["A", "a"],
        ["b", "task", "Task"],
    ],
)
def test_names_that_leave_their_folder_or_that_some_systems_cannot_store_are_refused_unwritten(
    tmp_path, names
):
    manifest, saved = described(Space({"x": Integer(1, 2)})), table({"x": [1, 2]})
    with pytest.raises(FormatError, match="the task name"):
        save_tables(tmp_path / "boxes" / "mine", manifest, dict.fromkeys(names, saved))
    with pytest.raises(FormatError, match="the task name"):
        save_network(tmp_path / "boxes" / "mine", manifest, {}, dict.fromkeys(names))
    assert list(tmp_path.iterdir()) == []
    if len(names) == 1:
        with pytest.raises(FormatError, match="the blackbox name"):
            replace(manifest, name=names[0])


@pytest.mark.parametrize(
    "name", ["a", "A.b", "console", "nullable", "com", "com10", "1", "a-b_c+d.e", "a" * 200]
)
def test_names_that_every_system_can_store_are_fine(name):
    replace(described(Space({"x": Integer(1, 2)})), name=name)


def test_a_table_of_choices_of_several_kinds_is_a_frame_of_them(tmp_path):
    choices = ["sqrt", 0.5, 1, "1"]
    _, after = kept(tmp_path, Space({"x": Categorical(choices)}), table({"x": choices}))
    found = after.to_pandas()["x"].tolist()[::2]
    assert [(type(value), value) for value in found] == [(type(choice), choice) for choice in choices]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "larger"])
def test_what_is_no_file_of_the_size_that_the_manifest_says_is_not_read(tmp_path, kind):
    kept(tmp_path, Space({"x": Integer(1, 2)}), table({"x": [1, 2]}))
    file = tmp_path / "mine" / "a.parquet"
    content = file.read_bytes()
    file.unlink()
    makers = {
        "pipe": lambda: os.mkfifo(file),
        "device": lambda: file.symlink_to("/dev/zero"),
        "folder": file.mkdir,
        "larger": lambda: file.write_bytes(content + b"x"),
    }
    makers[kind]()
    with pytest.raises(IntegrityError, match="is corrupted|is not a regular file"):
        load_blackbox(tmp_path / "mine")["a"]
    (finding,) = verify(tmp_path / "mine")
    assert finding.problem


def test_a_manifest_whose_text_was_changed_is_refused_and_one_that_nobody_vouches_for_is_told(tmp_path):
    kept(tmp_path, Space({"x": Integer(1, 2)}), table({"x": [1, 2]}))
    path = tmp_path / "mine" / "manifest.json"
    path.write_text(path.read_text().replace('"title": "Mine"', '"title": "Mane"'))
    with pytest.raises(IntegrityError, match=r"does not match manifest.sha256 beside it: its sha256 is"):
        load_blackbox(tmp_path / "mine")
    (tmp_path / "mine" / "manifest.sha256").unlink()
    assert load_blackbox(tmp_path / "mine").manifest.title == "Mane"
    assert [finding.problem.partition(";")[0] for finding in verify(tmp_path / "mine")] == [
        "manifest.json has no checksum",
        "",
    ]


def test_no_flipped_bit_of_a_manifest_is_believed(tmp_path):
    kept(tmp_path, Space({"x": Integer(1, 2)}), table({"x": [1, 2]}))
    for name in ("manifest.json", "manifest.sha256"):
        path = tmp_path / "mine" / name
        whole = path.read_bytes()
        for place in range(0, len(whole) - 17, max(len(whole) // 60, 1)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
            if path.read_bytes().split()[:1] == whole.split()[:1] and name != "manifest.json":
                continue  # the name behind the digest
            with pytest.raises(FormatError):
                load_blackbox(tmp_path / "mine")
        path.write_bytes(whole)


def refused(folder, manifest, saved, message):
    with pytest.raises(BlackboxRepoError, match=message):
        save_tables(folder / "mine", manifest, {"a": saved})
    assert [path for path in folder.iterdir() if "lock" not in path.name] == []


@pytest.mark.parametrize("worst", [np.inf, -np.inf])
@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_best_value_that_is_infinite_is_refused(tmp_path, goal, worst):
    saved = table({"x": [1, 2]}, np.full(4, worst))
    refused(
        tmp_path, described(Space({"x": Integer(1, 3)}), goal), saved, rf"best 'loss' of 'a' is {worst}, but"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"default": TuningDefaults(workers=0)}, r"default\.workers = 0: expected int >= 1"),
        ({"default": TuningDefaults(seconds=-1.0)}, r"default\.seconds = -1\.0: expected float > 0"),
        (
            {"default": TuningDefaults(seconds=np.inf)},
            "of 'mine' cannot be written: Out of range float values",
        ),
        ({"title": "\ud800"}, "of 'mine' cannot be written: .*surrogates not allowed"),
        ({"card": (Defect("\ud800", ""),)}, "of 'mine' cannot be written: .*surrogates not allowed"),
        ({"sources": (SourceFile("raw", "abc", 1),)}, r"sources\[0\]\.sha256 = 'abc': expected str matching"),
        ({"network": {"a": object()}}, "of 'mine' cannot be written: .*is no text, number or bool"),
        ({"labels": ("code",)}, r"'a' has the labels \[\], but the manifest says \['code'\]"),
    ],
)
def test_what_no_reader_would_take_is_not_written(tmp_path, changes, message):
    manifest = replace(described(Space({"x": Integer(1, 3)})), **changes)
    refused(tmp_path, manifest, table({"x": [1, 2]}), message)


def test_texts_of_a_manifest_are_texts():
    with pytest.raises(FormatError, match="the version of 'mine' is 1, but must be text"):
        replace(described(Space({"x": Integer(1, 3)})), version=1)


def test_manifests_take_the_scalars_of_numpy(tmp_path):
    given = {
        "default": TuningDefaults(np.int64(2), np.float32(9)),
        "sources": (SourceFile("f", "a" * 64, np.int64(3)),),
    }
    manifest = replace(described(Space({"x": Integer(1, 3)})), **given)
    save_tables(tmp_path / "mine", manifest, {"a": table({"x": [1, 2]})})
    found = read_manifest(tmp_path / "mine")
    assert (found.default, found.sources[0].bytes) == (TuningDefaults(2, 9.0), 3)


@pytest.mark.parametrize("upper", [2**31, 2**70])
def test_the_values_of_a_wide_integer_are_not_counted_through(tmp_path, upper):
    before, after = kept(tmp_path, Space({"x": Integer(0, upper)}), table({"x": [0, upper]}))
    assert typed(before) == typed(after)


def test_labels_are_built_in_values():
    labels = {"code": Coded(("a", np.int64(3)), np.arange(2))}
    blackbox = TabularBlackbox(
        described(Space({"x": Integer(1, 3)}), labels=("code",)).schema, table({"x": [1, 2]}, labels=labels)
    )
    assert [type(label) for label in blackbox.label("code")] == [str, int]
