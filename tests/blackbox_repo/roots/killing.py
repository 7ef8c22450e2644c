"""Kills a command of ``bb-repo`` at a point, and looks at what is left and what the next one makes of it.

    python killing.py COMMAND steps|times POINTS FOLDER ADDRESS    prints a JSON list: what came of each point

A point is a change on the disk, or a moment; the points are drawn. Commands: ``fetch`` from the root at
ADDRESS/POINT, ``mirror`` of that root into a folder, ``publish``, ``gc`` and ``remove`` in ADDRESS/POINT,
or in a folder if ADDRESS is empty.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackbox_repo import Source, cli, keyed_random, list_blackboxes, load_blackbox
from blackbox_repo.errors import NotDownloaded, UnknownName
from blackbox_repo.roots import downloads
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.find import open_storage
from blackbox_repo.roots.index import INDEX_FILE, parse_index
from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.publish import publish, read_index
from blackbox_repo.roots.published import manifest_path, manifests, object_path
from blackbox_repo.roots.settings import read_settings
from blackbox_repo.roots.storage import Storage
from blackbox_repo.store.manifest import parse_manifest
from tests.kill_points import count_steps, forked, killed_after

NAMES = ("nasbench-macro", "nmt-hpo")
PUBLISHED = (*NAMES, "nmt-hpo.forest")  # with the surrogate that the latter has
GARBAGE = 3
_READY = 1.2  # seconds


@dataclass(frozen=True)
class Work:
    """One kind of command on one root."""

    command: str
    root: str

    def run(self) -> None:
        use_cache()
        target = [self.root]
        sys.argv = [
            "bb-repo",
            *{
                "fetch": ["fetch", *NAMES, "--root", self.root],
                "mirror": ["mirror", self.root, "copy"],
                "publish": ["publish", *NAMES, *target],
                "gc": ["gc", *target, "--hours", "0"],
                "remove": ["remove", NAMES[0], "1.0", *target],
            }[self.command],
        ]
        cli.main()

    def prepare(self) -> None:
        """What is there before the command."""
        if self.command not in ("gc", "remove"):
            return
        use_cache()
        for name in NAMES:
            publish(name, self.root, source=Source(("package",)))
        for number in range(GARBAGE):
            content = str(number).encode() * 1000
            storage_of(self.root).write(object_path(hashlib.sha256(content).hexdigest()), content)
        for path in Path(self.root).glob("objects/*"):
            os.utime(path, (0, 0))
        if not Path(self.root).exists():
            time.sleep(_READY)  # the clock of a bucket counts in whole seconds

    def look(self) -> None:
        """Write down what a reader would find wrong now, and what is there."""
        use_cache()
        found = look_at_cache(self.root) if self.command == "fetch" else look_at_root(self.place)
        locked = [str(path) for path in Path().rglob(".*.lock") if is_locked(path)]
        Path("look.json").write_text(json.dumps({"wrong": found + locked, "left": self.left()}))

    @property
    def place(self) -> str:
        return "copy" if self.command == "mirror" else self.root

    def left(self) -> dict[str, str]:
        """Every file with its SHA-256, hidden ones, too."""
        folder = Path("cache") if self.command == "fetch" else Path(self.place)
        if "://" in str(self.place) and self.command != "fetch":
            storage = storage_of(self.place)
            content = {entry.path: storage.read(entry.path, 1 << 28) for entry in storage.list("")}
        else:
            files = [path for path in folder.rglob("*") if path.is_file()]
            content = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        return {path: hashlib.sha256(each).hexdigest() for path, each in sorted(content.items())}


def use_cache() -> None:
    """Let this process have the cache of its working folder."""
    Path("cache").mkdir(mode=0o700, exist_ok=True)
    os.environ["BLACKBOX_CACHE"] = str(Path("cache").absolute())


def storage_of(root: str) -> Storage:
    return open_storage(parse_address(root, "the test"), read_settings(Source()))


def is_locked(path: Path) -> bool:
    import fcntl  # which Windows does not have; tests import this module there, too

    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def digests(source: Source, names: tuple[str, ...] = PUBLISHED) -> dict[str, str]:
    """The digests of all tables that a source has, task by task; those that are missing are left out."""
    found = {}
    for name in names:
        try:
            loaded = load_blackbox(name, source=source)
        except (NotDownloaded, UnknownName):
            continue
        for task in loaded:
            try:
                found[f"{name}/{task}"] = loaded[task].digest()
            except NotDownloaded:
                continue
    return found


def wrong_values(source: Source, names: tuple[str, ...] = PUBLISHED) -> list[str]:
    right = json.loads(Path("../right.json").read_text())
    return [task for task, digest in digests(source, names).items() if digest != right[task]]


def look_at_cache(root: str) -> list[str]:
    """What is wrong with what was downloaded."""
    folder = Path("cache/downloads") / downloads.OBJECTS
    shown = [path for path in folder.glob("[!.]*") if path.is_file()]
    wrong = [path.name for path in shown if hashlib.sha256(path.read_bytes()).hexdigest() != path.name]
    return wrong + wrong_values(Source((root,), offline=True))


def look_at_root(root: str) -> list[str]:
    """What is wrong with a published root."""
    storage, wrong = storage_of(root), []
    for (name, version), entry in manifests(storage).items():
        manifest = parse_manifest(storage.read(entry.path, 1 << 28), entry.path)
        for task in manifest.tasks.values():
            found = storage.look(object_path(task.sha256))
            if found is None or found.size != task.bytes:
                wrong.append(f"{name} {version} lacks {task.file}")
    content = storage.look(INDEX_FILE) and storage.read(INDEX_FILE, 1 << 28)
    for name, versions in parse_index(content, INDEX_FILE).blackboxes.items() if content else ():
        for version, listed in versions.items():
            if storage.look(manifest_path(name, version)) is None:
                wrong.append(f"{name} {version} is only in the index")
                continue
            found = storage.read(manifest_path(name, version), 1 << 28)
            if hashlib.sha256(found).hexdigest() != listed.manifest:
                wrong.append(f"{name} {version} has another digest in the index")
    names = tuple(name for name, _ in manifests(storage))
    source = Source((root,))
    assert set(list_blackboxes(source)) == {name for name, _ in read_index(storage).versions()} or not content
    return wrong + wrong_values(source, names)


def outcome(folder: Path, work: Work, kill: Callable[[Path], int]) -> dict[str, Any]:
    """What is there after a command was killed, and after the next one."""
    assert forked(folder, work.prepare) == 0
    killed = kill(folder)
    seen = look(folder, work)
    status = forked(folder, work.run)
    after = look(folder, work)
    return {"killed": killed, "seen": seen, "status": status, "after": after}


def look(folder: Path, work: Work) -> dict[str, Any]:
    (folder / "look.json").unlink(missing_ok=True)
    status = forked(folder, work.look)
    if status:
        return {"wrong": [f"a reader fails with {status}"], "left": {}}
    found: dict[str, Any] = json.loads((folder / "look.json").read_text())
    return found


def main(command: str, kind: str, points: int, place: Path, address: str) -> None:
    def work(point: object) -> Work:
        return Work(command, f"{address}/{point}" if address else "root")

    def new(point: object) -> Path:
        folder = place / str(point)
        folder.mkdir(parents=True)
        return folder

    def measure(point: object) -> float:
        folder = new(point)
        assert forked(folder, work(point).prepare) == 0
        begun = time.perf_counter()
        assert forked(folder, work(point).run) == 0
        return time.perf_counter() - begun

    def write_down() -> None:
        Path("right.json").write_text(json.dumps(digests(Source(("package",)))))

    assert forked(place, write_down) == 0
    repeats = 3 if points > 10 else 1
    seconds = min(measure(f"timed-{repeat}") for repeat in range(repeats))
    whole = look(place / "timed-0", work("timed-0"))
    steps = 0
    if kind == "steps":
        assert forked(new("steps"), work("steps").prepare) == 0
        steps = count_steps(place / "steps", work("steps").run)

    def kill(point: int) -> Callable[[Path], int]:
        if kind == "steps":
            step = 1 + keyed_random.integer(steps, command, point)
            return lambda folder: forked(folder, work(point).run, step)
        after = seconds * keyed_random.unit(command, point)
        return lambda folder: killed_after(folder, work(point).run, after)

    outcomes = [outcome(new(point), work(point), kill(point)) for point in range(points)]
    sys.stdout.write(json.dumps({"steps": steps, "seconds": seconds, "whole": whole, "outcomes": outcomes}))


if __name__ == "__main__":
    os.environ["no_proxy"] = "*"
    assert PACKAGE_FOLDER.is_dir()
    if importlib.util.find_spec("s3fs"):
        import s3fs  # noqa: F401  before processes are forked
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
