"""Lets processes do things at the same moment, round by round, each in a root of its own.

    python racing.py WHAT ROUNDS FOLDER ADDRESS    prints a JSON list: what came of each round

Roots are ADDRESS/ROUND, or folders if ADDRESS is empty. WHAT is a key of ``RACES``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from blackbox_repo import Source, load_blackbox, publish
from blackbox_repo.errors import BlackboxRepoError
from blackbox_repo.roots.garbage import collect_garbage
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.publish import read_index, remove
from blackbox_repo.roots.published import manifest_path, manifests
from blackbox_repo.store.manifest import CHECKSUM_FILE, MANIFEST_FILE
from tests.blackbox_repo.roots.killing import digests, look_at_root, storage_of
from tests.kill_points import forked

NAME, OTHER = "nasbench-macro", "nmt-hpo"
PACKAGE = Source(("package",))
Act: TypeAlias = Callable[[str], object]


def publish_version(name: str, version: str) -> Act:
    return lambda root: publish(name, root, version=version, source=PACKAGE)


def publish_edited(title: str) -> Act:
    """Publish a blackbox under a title of its own, so with a manifest of its own."""

    def act(root: str) -> object:
        folder = Path(title) / NAME
        shutil.copytree(PACKAGE_FOLDER / NAME, folder)
        content = json.dumps({**json.loads((folder / MANIFEST_FILE).read_bytes()), "title": title}).encode()
        (folder / MANIFEST_FILE).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        (folder / CHECKSUM_FILE).write_text(f"{digest}  {MANIFEST_FILE}\n")
        return publish(folder, root)

    return act


def fetch(root: str) -> object:
    os.environ["BLACKBOX_CACHE"] = str(Path("cache").absolute())
    return [load_blackbox(NAME, source=Source((root,)))["cifar10"].digest()]


def collect_without_grace(root: str) -> object:
    return collect_garbage(root, grace=0.0)


RACES: dict[str, tuple[list[Act], list[Act], list[Act]]] = {
    "the same": ([], [publish_version(NAME, "1.0")] * 2, []),
    "different content": ([], [publish_edited("a"), publish_edited("b")], []),
    "two versions": ([], [publish_version(NAME, "1.0"), publish_version(NAME, "1.1")], []),
    "eight versions": ([], [publish_version(NAME, f"1.{number}") for number in range(8)], []),
    "different names": ([], [publish_version(NAME, "1.0"), publish_version(OTHER, "1.0")], []),
    "with gc": (
        [publish_version(NAME, "0.9"), lambda root: remove(NAME, "0.9", root)],
        [publish_version(NAME, "1.0"), collect_garbage],
        [],
    ),
    "with gc without grace": (
        [publish_version(NAME, "0.9"), lambda root: remove(NAME, "0.9", root)],
        [publish_version(NAME, "1.0"), collect_without_grace],
        [publish_version(NAME, "1.0")],  # again, as files that it has just written may be gone
    ),
    "removed while fetched": (
        [publish_version(NAME, "1.0"), publish_version(NAME, "1.1")],
        [fetch, lambda root: remove(NAME, "1.1", root)],
        [],
    ),
}
"""What happens before, one after the other; what happens at once; and what happens afterwards."""


def run_at_once(folder: Path, acts: list[Callable[[], object]]) -> list[str]:
    """Run each in a process of its own, all from the same moment on; what became of each."""
    reading, writing = os.pipe()
    children = []
    for number, act in enumerate(acts):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.chdir(folder)
            os.read(reading, 1)  # which ends when the parent lets go
            try:
                act()
                said = "done"
            except BlackboxRepoError as err:
                said = f"{type(err).__name__}: {err}"
            except BaseException as err:
                said = f"crashed: {err!r}"
            Path(f"said-{number}").write_text(said)
            os._exit(0)
        children.append(child)
    os.close(reading)
    os.close(writing)
    for child in children:
        os.waitpid(child, 0)
    return [(folder / f"said-{number}").read_text() for number in range(len(acts))]


def look(folder: Path, root: str) -> dict[str, Any]:
    def act() -> None:
        storage = storage_of(root)
        wrong = [each for each in look_at_root(root) if "edited" not in each]
        index = sorted(read_index(storage).versions())
        title = ""
        if (NAME, "1.0") in manifests(storage):
            title = json.loads(storage.read(manifest_path(NAME, "1.0"), 1 << 28))["title"]
        seen = {"wrong": wrong, "index": index, "manifests": sorted(manifests(storage)), "title": title}
        Path("seen").write_text(json.dumps(seen))

    status = forked(folder, act)
    return json.loads((folder / "seen").read_text()) if status == 0 else {"wrong": [f"fails with {status}"]}


def main(what: str, rounds: int, place: Path, address: str) -> None:
    def write_down() -> None:
        (place / "right.json").write_text(json.dumps(digests(PACKAGE)))

    place.mkdir(exist_ok=True)
    assert forked(place, write_down) == 0
    found = []
    before, acts, after = RACES[what]
    for number in range(rounds):
        folder = place / str(number)
        folder.mkdir()
        root = f"{address}/{number}" if address else str(folder / "root")
        for act in before:
            assert forked(folder, lambda act=act, root=root: act(root)) == 0
        for path in Path(root).glob("objects/*"):
            os.utime(path, (0, 0))  # old enough to be removed, where that can be set
        said = run_at_once(folder, [lambda act=act, root=root: act(root) for act in acts])
        for act in after:
            assert forked(folder, lambda act=act, root=root: act(root)) == 0
        found.append({"said": said, **look(folder, root)})
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    os.environ["no_proxy"] = "*"
    if importlib.util.find_spec("s3fs"):
        import s3fs  # noqa: F401  before processes are forked
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
