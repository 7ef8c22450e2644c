"""Small or endless files that would fill the memory or take for ever are refused within limits on both."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.blackbox_repo.roots import attacks
from tests.blackbox_repo.transfer.host import Page, serving
from tests.quick import few_and_the_rest
from tests.servers import proxy as faults
from tests.servers.proxy import FaultyProxy

MEMORY = 3 << 30  # bytes of address space, of which pyarrow alone reserves one and a half
SECONDS = 60  # of the processor; each takes five at most on an idle machine
BUSY = """
import sys, resource
from blackbox_repo import Source, load_blackbox
from blackbox_repo.errors import BlackboxRepoError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for objectives in (None, ["loss"]):
    try:
        list(load_blackbox("mine", source=Source((sys.argv[1],), objectives=objectives)).values())
        print("loaded")
    except BlackboxRepoError as err:
        print(err)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def load(root: str, tmp_path: Path) -> tuple[str, int]:
    """What a process with limits says to the blackbox of a root, and by how many kB its memory grew."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 26, 1 << 26))

    (tmp_path / "cache").mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BUSY, root],
        env={**os.environ, "BLACKBOX_CACHE": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[3],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *said, grown = done.stdout.splitlines()
    return "\n".join(said), int(grown)


def many(key: str, entries: Callable[[int], object], count: int) -> Callable[[Path], object]:
    return attacks.manifest(lambda data: data.update({key: [entries(number) for number in range(count)]}))


def many_versions(root: Path) -> None:
    data = json.loads((root / "index.json").read_text())
    (entry,) = data["blackboxes"]["mine"].values()
    one = json.dumps(entry)
    versions = ", ".join(f'"1.{number}": {one}' for number in range(10**5))
    text = f'{{"format": 1, "blackboxes": {{"mine": {{{versions}}}}}}}'
    (root / "index.json").write_text(text)


def repeated(rows: int) -> Callable[[Path], object]:
    """A table of many equal rows, which are a few bytes in the file, and a manifest that vouches for them."""

    def change(table: pa.Table) -> pa.Table:
        return table.take([0] * rows)

    def harm(root: Path) -> None:
        attacks.table(change, compression="zstd", use_dictionary=True)(root)
        attacks.task(lambda data: data.update(rows=rows))(root)

    return harm


def long_texts(root: Path) -> None:
    """A column of labels that are each a megabyte, all equal, so that they are packed into little."""
    labels = pa.array(["x" * (1 << 20)] * attacks.ROWS)
    packed = {"use_dictionary": False, "compression": "zstd"}
    attacks.table(lambda table: table.append_column("label", labels), **packed)(root)
    attacks.manifest(lambda data: data.update(labels=["label"]))(root)


BOMBS = {
    "an index of a gigabyte": (
        lambda root: attacks.sparse(1 << 30)(root / "index.json"),
        "index.json is larger than the 16777216 bytes",
    ),
    "a manifest of a gigabyte": (
        lambda root: attacks.sparse(1 << 30)(root / attacks.MANIFEST),
        "1.json is larger than the 16777216 bytes",
    ),
    "a hundred thousand versions": (many_versions, "index.json is larger than the 16777216 bytes"),
    "millions of empty lists": (
        attacks.index_bytes(b"[" + b"[]," * (1 << 22) + b"0]"),
        "no integer 'format'",
    ),
    "a text of 16 MB": (
        attacks.index_bytes(b'["' + b"a" * 16_000_000 + b'"' + b",[]" * 99 + b"]"),
        "no integer 'format'",
    ),
    "a text of quotes": (attacks.index_bytes(b'"' + b'\\"' * 8_000_000 + b"[" * 99), "is not proper JSON"),
    "a key twice after a million": (
        attacks.index_bytes(b"{" + b"".join(b'"%d":0,' % k for k in range(10**6)) + b'"999999":0}'),
        "the key '999999' occurs twice",
    ),
    "a hundred thousand labels": (many("labels", lambda k: f"l{k}", 10**5), "lacks the columns"),
    "a million fidelities": (
        attacks.manifest(lambda data: data["fidelity"].update(values=list(range(1, 10**6)))),
        "loss|columns|bytes|rows",
    ),
    "fifty thousand objectives": (
        many("objectives", lambda k: {"name": f"o{k}", "goal": "min"}, 50_000),
        "loss|unknown",
    ),
    "a table of equal rows": (repeated(10**6), "rows would take|twice|has .* values|bytes for"),
    "labels of a megabyte": (long_texts, "bytes for|encoding"),
}


@pytest.mark.parametrize("name", few_and_the_rest(BOMBS, 3))
def test_a_bomb_is_refused_in_proportion(name: str, tmp_path: Path) -> None:
    harm, says = BOMBS[name]
    root = attacks.make_root(tmp_path / "scratch")
    harm(root)
    said, grown = load(str(root), tmp_path)
    assert re.search(says, said), said[:1000]
    assert "loaded" not in said
    assert grown < 1 << 20  # a gigabyte
    assert len(said) < 10_000


@pytest.mark.parametrize("path", ["index.json", "manifests/", "objects/"])
def test_an_answer_without_an_end_is_left(path: str, tmp_path: Path) -> None:
    root = attacks.make_root(tmp_path / "scratch")
    with serving() as host, FaultyProxy(host.address) as proxy:
        for file in root.rglob("*"):
            if file.is_file():
                host.pages[f"/{file.relative_to(root).as_posix()}"] = Page(file.read_bytes())
        proxy.plan(faults.endless(), "GET", path)
        said, grown = load(proxy.address, tmp_path)
        received = proxy.received
    assert "larger than" in said or "more than the" in said or "bytes" in said
    assert grown < 1 << 19
    assert received < 1 << 28
