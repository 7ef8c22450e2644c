"""Published roots that somebody has tampered with, hashes and all: what was changed, what must be said."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blackbox_repo import publish
from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Manifest, read_manifest
from blackbox_repo.store.storage import save_tables
from blackbox_repo.table import Coded, Table

ESCAPES = "\x1b[31m\x1b]0;owned\x07\u202e\x00<script>alert(1)</script> # **x** [x](http://x)"
"""What would colour a terminal, name its window, turn the text around, or run in a browser."""
SCHEMA = Schema(
    Space({"x": Integer(1, 4000)}),
    Fidelity("epoch", tuple(range(1, 21))),
    (
        Objective("loss", "min"),
        Objective("score", "max"),
        Objective("elapsed_time", "none", "s", cumulative=True),
    ),
    "loss",
    "elapsed_time",
)
ROWS = 700
Change = Callable[[Any], object]


@dataclass(frozen=True)
class Attack:
    """Something that was done to a root.

    Args:
        name: What was done.
        harm: Does it to the folder of the root.
        says: What one of the messages must say, as a regular expression.
        loads: Whether the blackbox can be loaded nevertheless, as only a text was changed.
    """

    name: str
    harm: Callable[[Path], object]
    says: str
    loads: bool = False


def make_root(scratch: Path) -> Path:
    """A root with the blackbox ``mine`` in version 1, whose only task ``a`` is read by parts, too."""
    steps = np.arange(1.0, ROWS * 20 + 1)
    points = {objective.name: np.sin(steps * k) ** 2 for k, objective in enumerate(SCHEMA.objectives, 1)}
    points["elapsed_time"] = points["elapsed_time"].reshape(-1, 20).cumsum(axis=1).ravel()
    table = Table(
        hyperparameters={"x": Coded.of(range(1, ROWS + 1))},
        seeds=np.zeros(ROWS, dtype=np.int64),
        points=points,
        lengths=np.full(ROWS, 20),
    )
    manifest = Manifest("mine", "1", "Mine", "CC0-1.0", "", "", "", SCHEMA, {})
    save_tables(scratch / "mine", manifest, {"a": table})
    publish(scratch / "mine", scratch / "root")
    assert read_manifest(scratch / "mine").task("a").parts is not None
    return scratch / "root"


# --- what is changed ----------------------------------------------------------------------------------------


def index_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda root: (root / "index.json").write_bytes(content)


def index_text(change: Callable[[str], str]) -> Callable[[Path], object]:
    """The text of an index without a checksum."""

    def harm(root: Path) -> None:
        data = json.loads((root / "index.json").read_text())
        del data["sha256"]
        (root / "index.json").write_text(change(json.dumps(data)))

    return harm


def index(change: Change) -> Callable[[Path], object]:
    """The JSON of an index, whose checksum is made right again."""

    def harm(root: Path) -> None:
        data = json.loads((root / "index.json").read_text())
        change(data)
        if "sha256" in data and isinstance(data.get("blackboxes"), dict):
            text = json.dumps(data["blackboxes"], sort_keys=True)
            data["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        (root / "index.json").write_text(json.dumps(data))

    return harm


def entry(change: Change) -> Callable[[Path], object]:
    return index(lambda data: change(data["blackboxes"]["mine"]["1"]))


def named(name: str) -> Callable[[Path], object]:
    return index(lambda data: data["blackboxes"].update({name: data["blackboxes"]["mine"]}))


def versioned(version: str) -> Callable[[Path], object]:
    return index(lambda data: data["blackboxes"]["mine"].update({version: data["blackboxes"]["mine"]["1"]}))


def manifest_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """The manifest, for which the index vouches."""

    def harm(root: Path) -> None:
        path = root / "manifests/mine/1.json"
        content = change(path.read_bytes())
        path.write_bytes(content)
        entry(lambda data: data.update(manifest=hashlib.sha256(content).hexdigest()))(root)

    return harm


def manifest(change: Change) -> Callable[[Path], object]:
    def changed(content: bytes) -> bytes:
        data = json.loads(content)
        change(data)
        return json.dumps(data).encode()

    return manifest_bytes(changed)


def task(change: Change) -> Callable[[Path], object]:
    return manifest(lambda data: change(data["tasks"]["a"]))


def parts(change: Change) -> Callable[[Path], object]:
    return task(lambda data: change(data["parts"]))


def object_path(root: Path) -> Path:
    return next((root / "objects").iterdir())


def object_bytes(change: Callable[[bytes], bytes], **more: Any) -> Callable[[Path], object]:
    """The file of the task, for which the manifest vouches."""

    def harm(root: Path) -> None:
        path = object_path(root)
        content = change(path.read_bytes())
        path.unlink()
        sha256 = hashlib.sha256(content).hexdigest()
        (root / "objects" / sha256).write_bytes(content)
        facts = {"sha256": sha256, "bytes": len(content) or 1, **more}
        task(lambda data: data.update(facts))(root)

    return harm


def table(change: Callable[[pa.Table], pa.Table], **options: Any) -> Callable[[Path], object]:
    """The table of the task, for which the manifest vouches part by part."""

    def changed(content: bytes) -> bytes:
        sink = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(content))), sink, **options)
        return sink.getvalue()

    return object_bytes(changed, parts=None)


def replaced_object(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the place of the file."""

    def harm(root: Path) -> None:
        path = object_path(root)
        path.unlink()
        make(path)

    return harm


def sparse(size: int) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        with path.open("ab") as file:
            file.truncate(size)

    return make


def column(values: Any) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index("loss"), "loss", [values])


# --- indexes ------------------------------------------------------------------------------------------------

TOO_LARGE = "is not proper JSON: '10.* is not a finite number"
NOT_JSON = "index.json is not proper JSON"
INDEX_NAME = "the blackbox name .* must be letters, digits"
INDEX_VERSION = "the version .* must be letters, digits"
COUNT = r"index.json is malformed: blackboxes\['mine'\]\['1'\].bytes = .*: expected"


def index_attacks() -> Iterator[Attack]:
    portal = b"<!DOCTYPE html><html><title>Log in</title><script>alert(1)</script></html>"
    for name, content in {
        "empty": b"",
        "a page to log in": portal,
        "a byte order mark": b'\xef\xbb\xbf{"format": 1, "blackboxes": {}}',
        "UTF-16": '{"format": 1, "blackboxes": {}}'.encode("utf-16"),
        "gzip": gzip.compress(b'{"format": 1, "blackboxes": {}}'),
        "NUL bytes": bytes(1000),
        "control characters": b'{"format": 1, "blackboxes": {"\x1b[31m": {}}}',
        "deep": b'{"format": 1, "blackboxes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "not closed": b'{"format": 1, "blackboxes": ' + b'{"a":' * 100_000,
        "quotes without an end": b'"' + b'\\"' * 300_000 + b"[" * 100,
        "a key twice at the end": b'{"format": 1, "blackboxes": {'
        + b"".join(b'"k%d": {}, ' % k for k in range(50_000))
        + b'"k49999": {}}}',
        "NaN": b'{"format": NaN, "blackboxes": {}}',
        "a number of 100,000 digits": b'{"format": ' + b"1" * 100_000 + b', "blackboxes": {}}',
        "half a character": b'{"format": 1, "blackboxes": {"\\ud800": {}}}',
        "cut off": b'{"format": 1, "blackboxes": {"mine"',
    }.items():
        yield Attack(f"index: {name}", index_bytes(content), NOT_JSON)
    for name, content, says in (
        ("a list", b"[]", "no integer 'format'"),
        ("null", b"null", "no integer 'format'"),
        ("format true", b'{"format": true, "blackboxes": {}}', "no integer 'format'"),
        ("format as text", b'{"format": "1", "blackboxes": {}}', "no integer 'format'"),
        ("format 1.0", b'{"format": 1.0, "blackboxes": {}}', "format = 1.0: expected int|no integer"),
        ("format 0", b'{"format": 0, "blackboxes": {}}', "no integer 'format'"),
        ("format 2", b'{"format": 2, "blackboxes": {}}', "has format 2, but this version .* upgrade"),
        ("format 10**30", b'{"format": 1' + b"0" * 30 + b', "blackboxes": {}}', "has format 10{30}"),
        ("no blackboxes", b'{"format": 1}', "missing required field blackboxes"),
        (
            "a list of blackboxes",
            b'{"format": 1, "blackboxes": []}',
            "blackboxes: expected object, got array",
        ),
        ("an unknown key", b'{"format": 1, "blackboxes": {}, "\\u001b[31m": 1}', r"unknown field .x1b\[31m"),
        ("no versions but text", b'{"format": 1, "blackboxes": {"mine": "1"}}', r"'mine'.* = '1': expected"),
    ):
        yield Attack(f"index: {name}", index_bytes(content), says)
    wrong_sum = index_text(lambda text: json.dumps({**json.loads(text), "sha256": "0" * 64}))
    yield Attack("index: another checksum", wrong_sum, "index.json is damaged.*0{64}")
    yield from (
        Attack(f"index: the name {name[:20]!a}", named(name), INDEX_NAME)
        for name in ("../x", "a/b", "C:x", "a\0b", "..", ".x", "", "a b", ESCAPES, "<b>", "mine\n", "\u0661")
    )
    yield Attack("index: a name of Windows", named("CON"), "'CON' cannot be stored on Windows")
    yield Attack("index: a dot at the end", named("a."), "'a.' cannot be stored on Windows")
    yield Attack("index: a long name", named("a" * 300), "aaa... must have at most 200 characters")
    yield Attack("index: names that differ by case", named("MINE"), "'mine' and 'MINE'|'MINE' and 'mine'")
    yield from (
        Attack(f"index: the version {version[:20]!a}", versioned(version), INDEX_VERSION)
        for version in ("1.0/../../x", "..", "", " 1", "\u00b2", "\u0663", "1\n", ESCAPES, "-1")
    )
    yield Attack(
        "index: a version of 10**5 digits", versioned("1" * 10**5), "must have at most 200 characters"
    )
    for name, digest in {
        "in upper case": "A" * 64,
        "of 63 digits": "a" * 63,
        "with a line end": "a" * 64 + "\n",
        "as a number": 5,
        "null": None,
        "as a path": "../" * 21 + "x",
    }.items():
        change = entry(lambda data, digest=digest: data.update(manifest=digest))
        yield Attack(f"index: a digest {name}", change, r"\['1'\].manifest = .*: expected")
    for size in (-1, 2**63, 10**30, 1.5, True, "1", None, 1e300):
        yield Attack(f"index: {size!r} bytes", entry(lambda data, s=size: data.update(bytes=s)), COUNT)
    huge = entry(lambda data: data.update(tasks=10**400))
    yield Attack("index: 10**400 tasks", huge, TOO_LARGE)
    yield Attack(
        "index: an entry is null", index(lambda d: d["blackboxes"]["mine"].update({"1": None})), "null"
    )
    yield Attack("index: one more key", entry(lambda d: d.update(url="http://x")), "unknown field url")
    yield Attack("index: one key less", entry(lambda d: d.pop("title")), "missing required field title")
    yield Attack("index: a title is a list", entry(lambda d: d.update(title=[])), "title: expected str")
    lost = index(lambda d: d["blackboxes"]["mine"].update({"2": d["blackboxes"]["mine"]["1"]}))
    yield Attack("index: a version without manifest", lost, "has no manifests/mine/2.json")
    other = entry(lambda data: data.update(manifest="0" * 64))
    yield Attack("index: another manifest", other, r"manifests/mine/1.json has the sha256 .* says 0{64}")
    texts = entry(
        lambda data: data.update(dict.fromkeys(("title", "license", "fidelity", "target"), ESCAPES))
    )
    yield Attack("index: escapes in texts", texts, r"x1b\[31m", loads=True)


# --- manifests ----------------------------------------------------------------------------------------------

MANIFEST = "manifests/mine/1.json"
TASK = rf"{MANIFEST} is malformed: tasks\['a'\]"


def _set(**values: Any) -> Change:
    return lambda data: data.update(values)


def manifest_attacks() -> Iterator[Attack]:
    for name, change in {
        "empty": lambda _: b"",
        "a page to log in": lambda _: b"<html>Log in</html>",
        "UTF-16": lambda content: content.decode().encode("utf-16"),
        "gzip": gzip.compress,
        "cut off": lambda content: content[:-10],
        "deep": lambda _: b"[" * 100_000 + b"]" * 100_000,
        "a key twice": lambda content: content.replace(b'"version"', b'"name"'),
        "NaN bytes": lambda content: content.replace(b'"bytes": ', b'"bytes": NaN, "x": '),
        "half a character": lambda content: content.replace(b'"Mine"', b'"\\ud800"'),
    }.items():
        yield Attack(f"manifest: {name}", manifest_bytes(change), f"{MANIFEST} is not proper JSON")
    for name, change, says in (
        ("no format", lambda d: d.pop("format"), "no integer 'format'"),
        ("format 3", _set(format=3), "has format 3, but this version"),
        ("another name", _set(name="other"), f"{MANIFEST} describes 'other' '1', but lies under another"),
        ("a name as a path", _set(name="../mine"), "name '../mine' must be letters"),
        ("another version", _set(version="2"), f"{MANIFEST} describes 'mine' '2', but lies under another"),
        ("a number as version", _set(version=1), "version = 1: expected str"),
        ("no tasks", _set(tasks={}), "it has no tasks"),
        ("an unknown key", lambda d: d.update({ESCAPES: 1}), r"unknown field .x1b\[31m"),
        ("a title as a list", _set(title=[]), "title: expected str"),
        ("labels twice", _set(labels=["l", "l"]), "the label 'l' is taken"),
        ("a hundred thousand labels", _set(labels=["l"] * 10**5), "the label 'l' is taken"),
        ("a label of an objective", _set(labels=["loss"]), "the label 'loss' is taken"),
        ("an unknown target", lambda d: d["default"].update(objective="los"), "los"),
        ("no workers", lambda d: d["default"].update(workers=0), "default.workers = 0: expected"),
        ("10**400 seconds", lambda d: d["default"].update(seconds=10**400), TOO_LARGE),
        (
            "an unknown kind of domain",
            lambda d: d["space"].update(hyperparameters={"x": {"type": "y"}}),
            "space",
        ),
        ("objectives twice", lambda d: d["objectives"].append(d["objectives"][0]), "loss"),
        ("fidelities twice", lambda d: d["fidelity"]["values"].append(1), "fidelity|epoch"),
        ("an endless fidelity", lambda d: d["fidelity"].update(values=[1, 1e308 * 10]), "not proper JSON"),
        ("a network of nothing", _set(network={}), "parts|network"),
        ("a source without hash", _set(sources=[{"file": "x", "bytes": 1}]), "missing required field sha256"),
        ("a source of 10**400 bytes", _set(sources=[_source(10**400)]), TOO_LARGE),
    ):
        yield Attack(f"manifest: {name}", manifest(change), says)
    for name in ("../a", "a/b", "", "C:a", "a\0", ESCAPES):
        change = manifest(lambda d, n=name: d["tasks"].update({n: d["tasks"]["a"]}))
        yield Attack(f"manifest: the task {name[:20]!a}", change, "the task name .* must be letters")
    other = manifest(lambda d: d["tasks"].update(A=d["tasks"]["a"]))
    yield Attack("manifest: tasks that differ by case", other, "task names 'a' and 'A' are the same")
    two = manifest(lambda d: d["tasks"].update(b={**d["tasks"]["a"], "sha256": "0" * 64}))
    yield Attack("manifest: one file, two hashes", two, "the file 'a.parquet' .*0{64}")
    for name in ("../../etc/passwd", "/etc/passwd", "a\\b", "", ".hidden", "a\n"):
        change = task(lambda d, n=name: d.update(file=n))
        yield Attack(f"manifest: the file {name!a}", change, "the file name .* must be letters")
    yield Attack(
        "manifest: the file NUL", task(_set(file="NUL.txt")), "'NUL.txt' cannot be stored on Windows"
    )
    for key, value in (
        *(("bytes", size) for size in (0, -1, 2**63, 10**30, 1.5, True, "5", None)),
        *(("rows", size) for size in (-1, 1.5, 2**63, True)),
        *(("configurations", size) for size in (-1, "5")),
        *(("sha256", sha) for sha in ("A" * 64, "a" * 63, "a" * 64 + "\n", "../" * 21 + "x", None)),
        ("code", -1),
        ("title", 5),
    ):
        says = rf"{TASK}.{key}( = .*)?: expected"
        yield Attack(f"manifest: {key} = {str(value)[-12:]!a}", task(_set(**{key: value})), says)
    for name, change, says in (
        ("another hash", _set(sha256="0" * 64), "has no objects/0{64}|0{64} is listed .* cannot be read"),
        ("one byte too many", lambda d: d.update(bytes=d["bytes"] + 1), "bytes"),
        ("one byte too few", lambda d: d.update(bytes=d["bytes"] - 1), "bytes"),
        ("more bytes than any disk has", _set(bytes=1 << 53), "bytes"),
        ("a row too many", _set(rows=ROWS + 1), f"{ROWS} rows, but the manifest says {ROWS + 1}"),
        ("rows that fill the memory", _set(rows=1 << 53), "rows, but the manifest says"),
        ("a best value of no objective", _set(best={"x": _best(1)}), "x"),
        ("a best value out of the space", _set(best={"loss": _best(1, x=5000)}), "5000"),
        ("a best value of 10**400", _set(best={"loss": _best(10**400)}), TOO_LARGE),
        ("ranges of no objective", _set(ranges={"x": [0, 1]}), "x"),
        ("ranges upside down", _set(ranges={"loss": [1, 0]}), "loss"),
        ("a target of its own", _set(target="x"), "x"),
        ("an unknown key of a task", _set(url="http://x"), "unknown field url"),
    ):
        yield Attack(f"manifest: {name}", task(change), says)
    texts = manifest(_set(title=ESCAPES, license=ESCAPES, citation=ESCAPES, homepage=ESCAPES))
    yield Attack("manifest: escapes in texts", texts, r"x1b\[31m", loads=True)


def parts_attacks() -> Iterator[Attack]:
    for name, change, says in (
        ("no footer", lambda d: d.pop("footer"), "missing required field footer"),
        ("a footer of -1 bytes", lambda d: d["footer"].update(bytes=-1), "footer.bytes = -1"),
        ("a footer of no bytes", lambda d: d["footer"].update(bytes=0), "footer"),
        ("a footer of 10**30 bytes", lambda d: d["footer"].update(bytes=10**30), "footer.bytes"),
        ("a footer larger than the file", lambda d: d["footer"].update(bytes=10**9), "the parts have"),
        ("a footer one byte longer", _longer("footer"), "footer"),
        ("rows one byte longer", _longer("rows"), "what describes the rows"),
        ("a column one byte longer", lambda d: _longer("loss")(d["objectives"]), "'loss'"),
        ("another hash of the footer", lambda d: d["footer"].update(sha256="0" * 64), "footer.*0{64}"),
        (
            "another hash of a column",
            lambda d: d["objectives"]["loss"].update(sha256="0" * 64),
            "loss.*0{64}",
        ),
        ("a hash in upper case", lambda d: d["rows"].update(sha256="A" * 64), "rows.sha256"),
        ("one objective less", lambda d: d["objectives"].pop("score"), "parts of the objectives"),
        (
            "one objective more",
            lambda d: d["objectives"].update({ESCAPES: d["rows"]}),
            "parts of the objectives",
        ),
        ("columns as a list", _set(objectives=[]), "objectives: expected object"),
        ("an unknown key", _set(url="http://x"), "unknown field url"),
    ):
        yield Attack(f"parts: {name}", parts(change), says)


def _longer(key: str) -> Change:
    return lambda data: data[key].update(bytes=data[key]["bytes"] + 1)


def _source(size: int) -> dict[str, object]:
    return {"file": "x", "sha256": "0" * 64, "bytes": size}


def _best(value: object, x: int = 1) -> dict[str, object]:
    return {"value": value, "configuration": {"x": x}, "seed": 0, "fidelity": 1}


# --- files --------------------------------------------------------------------------------------------------

UNREADABLE = "is not readable parquet"


def file_attacks() -> Iterator[Attack]:
    for name, change in {
        "empty": lambda _: b"",
        "a page to log in": lambda _: b"<html>Log in</html>",
        "a pickle": lambda _: pickle.dumps(print),
        "a zip archive with a path": lambda _: _zip("../../escaped"),
        "gzip": gzip.compress,
        "cut off": lambda content: content[:-1000],
        "without a head": lambda content: content[1000:],
        "a footer longer than the file": lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1",
        "a footer of no bytes": lambda content: content[:-8] + b"\0\0\0\0PAR1",
        "a footer of garbage": lambda content: content[:-508] + bytes(500) + content[-8:],
        "an encrypted footer": lambda content: content[:-4] + b"PARE",
    }.items():
        yield Attack(f"file: {name}", object_bytes(change, parts=None), f"{UNREADABLE}|corrupted")
    for name, change, says in (
        ("one row less", lambda t: t.slice(1), f"has {ROWS - 1} rows, but the manifest says {ROWS}"),
        (
            "a column too many",
            lambda t: t.append_column(ESCAPES, t["loss"]),
            "x1b.*the manifest does not list",
        ),
        ("a column too few", lambda t: t.drop_columns(["score"]), r"lacks the columns \['score'\]"),
        ("a column twice", lambda t: t.append_column("loss", t["loss"]), "'loss' 2 times"),
        ("text instead of numbers", column(["x"] * ROWS), "'loss' .* must be a number"),
        ("a list in a list", column([[[1.0]]] * ROWS), "'loss' .* must be a number"),
        ("a list of a million", column([[0.0] * 10**6] + [[0.0]] * (ROWS - 1)), "'loss'.* values, but"),
        ("a configuration outside", lambda t: t.set_column(0, "x", [[5000] * ROWS]), "5000|x"),
        ("a configuration twice", lambda t: t.set_column(0, "x", [[1] * ROWS]), "twice|x"),
    ):
        yield Attack(f"file: {name}", table(change), says)
    delta = {"use_dictionary": False, "column_encoding": {"status": "DELTA_BYTE_ARRAY"}}
    status = table(lambda t: t.append_column("status", [["ok"] * ROWS]), **delta)
    yield Attack("file: a prefix for each value", status, "DELTA_BYTE_ARRAY, which is not read")
    for name, make, says in (
        ("not there", lambda path: None, "objects/|cannot be read"),
        ("a folder", lambda path: path.mkdir(), "objects/|not a regular file"),
        ("a pipe", os.mkfifo, "objects/|not a regular file"),
        ("a link to nothing", lambda path: path.symlink_to("nothing"), "objects/|cannot be read"),
        ("a link to a device", lambda path: path.symlink_to("/dev/zero"), "objects/|not a regular file"),
        ("a link to another file", lambda path: path.symlink_to("/etc/hostname"), "objects/|corrupted"),
        ("of a terabyte", sparse(1 << 40), "bytes|larger"),
        ("of five NUL bytes", sparse(5), "objects/|corrupted"),
    ):
        yield Attack(f"file: {name}", replaced_object(make), says)
    for name, make in {"a pipe": os.mkfifo, "a folder": Path.mkdir, "a device": _to_zero}.items():
        yield Attack(f"manifest: {name}", _replaced(MANIFEST, make), f"{MANIFEST}")
        yield Attack(f"index: {name}", _replaced("index.json", make), "index.json")


def _to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _replaced(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def harm(root: Path) -> None:
        (root / name).unlink()
        make(root / name)

    return harm


def _zip(name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(name, b"x" * 100)
    return sink.getvalue()


def all_attacks() -> list[Attack]:
    return [*index_attacks(), *manifest_attacks(), *parts_attacks(), *file_attacks()]


__all__ = ["ESCAPES", "Attack", "all_attacks", "make_root"]
