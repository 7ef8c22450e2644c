"""Measures what is moved when one objective of one task is fetched, and how long this takes.

    python benchmarks/objectives.py            the tables as they stand in docs/performance.md
    python benchmarks/objectives.py --bytes    the first two, which are the same on every machine

The last table has seconds on the wall: a server on this machine waits before it answers, and sends all its
answers together no faster than a line would.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from measuring import figure, machine_in_words, markdown_row

from blackbox_repo import list_blackboxes, load_blackbox
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.roots.http_storage import HttpStorage
from blackbox_repo.store.columns import is_worth_it, load_objectives, needed_parts, parts_of
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import MANIFEST_FILE, Manifest, Task
from blackbox_repo.store.parquet import DICTIONARY_BYTES
from blackbox_repo.store.parts import GAP, Part, Parts, Range, footer_part, merged, read_parts

WAIT, LINES = 0.03, (10, 100)
"""Seconds until the server answers, and the lines behind which it is, in Mbit/s."""
ROUNDS, PIECE = 5, 1 << 14
WITH_PARTS = ("fcnet-final", "nasbench201-final", "nasbench-nlp", "taskset")
Read: TypeAlias = Callable[[Sequence[Range]], Iterable[bytes]]


@dataclass(frozen=True)
class Chosen:
    """The objective that is tuned by default, of the task of a blackbox that has the largest file."""

    folder: Path
    manifest: Manifest
    task: str

    @classmethod
    def of(cls, name: str) -> Chosen:
        """That of a blackbox; its manifest has parts of this task, whether or not they are worth it."""
        source = load_blackbox(name)
        tasks = source.manifest.tasks
        task = max(tasks, key=lambda task: tasks[task].bytes)
        content = (source.folder / tasks[task].file).read_bytes()
        changed = replace(tasks[task], parts=parts_of(content, source.manifest.schema))
        return cls(source.folder, replace(source.manifest, tasks={**tasks, task: changed}), task)

    @property
    def entry(self) -> Task:
        return self.manifest.tasks[self.task]

    @property
    def parts(self) -> Parts:
        assert self.entry.parts is not None
        return self.entry.parts

    @property
    def objective(self) -> str:
        return self.manifest.schema_of(self.task).target

    @property
    def file(self) -> Path:
        return self.folder / self.entry.file

    def blackbox_bytes(self) -> int:
        return sum(task.bytes for task in self.manifest.tasks.values())

    def needed(self) -> list[Part]:
        footer = self.file.read_bytes()[-self.parts.footer.bytes :]
        found = needed_parts(self.manifest, self.task, [self.objective], footer, self.file)
        return [footer_part(self.parts, self.entry.bytes), *found]

    def load(self, read: Read) -> None:
        """Read the footer, then everything else, and decode it."""
        footer = footer_part(self.parts, self.entry.bytes)
        known = read_parts([footer], read, self.file)
        needed = needed_parts(self.manifest, self.task, [self.objective], known[footer], self.file)
        known |= read_parts(needed, read, self.file)
        load_objectives(self.manifest, self.task, [self.objective], known.__getitem__, self.file)


def moved_row(name: str) -> list[str]:
    """What is moved for one objective; the share of the blackbox counts the manifest."""
    chosen = Chosen.of(name)
    manifest_bytes = (chosen.folder / MANIFEST_FILE).stat().st_size
    footer, *needed = chosen.needed()
    ranges = merged([found for part in needed for found in part.ranges], GAP)
    moved = footer.bytes + sum(stop - start for start, stop in ranges)
    worth = is_worth_it(chosen.manifest, chosen.task, [chosen.objective])
    whole = chosen.blackbox_bytes()
    return [
        *(f"`{name}`", f"`{chosen.task}`", f"`{chosen.objective}`", f"{1 + len(ranges)}"),
        percent(moved, chosen.entry.bytes),
        percent(moved + manifest_bytes, whole + manifest_bytes),
        "parts" if worth else "whole file",
    ]


def percent(part: int, whole: int) -> str:
    """A share with one digit after the point."""
    return f"{100 * part / whole:.1f} %"


def alternatives_row(name: str) -> list[str]:
    """What other ways of hashing or storing objectives would take."""
    chosen = Chosen.of(name)
    moved = sum(part.bytes for part in chosen.needed())
    rows, files = own_files(chosen)
    sizes = [manifest_bytes(chosen, kind) for kind in ("none", "column", "row group")]
    return [
        f"`{name}`",
        *(f"{size / 1000:.1f} kB" for size in sizes),
        percent(moved, chosen.entry.bytes),
        percent(rows + files[chosen.objective], chosen.entry.bytes),
        percent(rows + sum(files.values()), chosen.entry.bytes),
    ]


def manifest_bytes(chosen: Chosen, hashes: str) -> int:
    """The size of the manifest with one hash for each objective, one for each row group of it, or none."""
    tasks = {name: replace(task, parts=None) for name, task in chosen.manifest.tasks.items()}
    without = len(replace(chosen.manifest, tasks=tasks).to_text())
    if hashes == "none":
        return without
    if hashes == "column":
        return (chosen.folder / MANIFEST_FILE).stat().st_size
    columns = 1 + len(chosen.manifest.schema.objectives)
    entry = {"bytes": 50_000, "sha256": chosen.entry.sha256}
    files = [pq.read_metadata(chosen.folder / task.file) for task in tasks.values()]
    groups = sum(file.num_row_groups for file in files)
    return without + groups * columns * len(json.dumps(entry, indent=1))


def own_files(chosen: Chosen) -> tuple[int, dict[str, int]]:
    """The sizes of a file of what describes the rows, and of one of each objective."""
    table, metadata = pq.read_table(chosen.file), pq.read_metadata(chosen.file)
    objectives = [objective.name for objective in chosen.manifest.schema.objectives]
    others = [name for name in table.column_names if name not in objectives]
    return packed(table.select(others), metadata), {
        n: packed(table.select([n]), metadata) for n in objectives
    }


def packed(table: pa.Table, metadata: pq.FileMetaData) -> int:
    """The size of a file of some columns, each in the encoding that it has in the whole file."""
    group = metadata.row_group(0)
    chunks = [group.column(index) for index in range(group.num_columns)]
    here = [chunk for chunk in chunks if chunk.path_in_schema.partition(".list.")[0] in table.column_names]
    split = [chunk.path_in_schema for chunk in here if "BYTE_STREAM_SPLIT" in chunk.encodings]
    dictionary = [chunk.path_in_schema for chunk in here if chunk.has_dictionary_page]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=group.num_rows,
        compression="zstd",
        compression_level=19,
        use_dictionary=dictionary,
        use_byte_stream_split=split,
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=False,
    )
    return int(sink.getvalue().size)


def seconds_row(name: str, line: int) -> list[str]:
    """How long it takes to fetch the whole file, and to fetch and decode one objective, at a line's speed."""
    chosen = Chosen.of(name)
    with slow_server(chosen.folder, line) as address:
        storage = HttpStorage(parse_address(address, "the benchmark"), {})

        def together(ranges: Sequence[Range]) -> list[bytes]:
            return storage.read_ranges(chosen.entry.file, ranges)

        def in_turn(ranges: Sequence[Range]) -> list[bytes]:
            return [found for one in ranges for found in together([one])]

        def whole() -> None:
            together([(0, chosen.entry.bytes)])
            load_task(chosen.folder, chosen.manifest, chosen.task, cached=False)

        fetches = (whole, lambda: chosen.load(together), lambda: chosen.load(in_turn))
        walls = [median(wall_seconds(fetch) for _ in range(ROUNDS)) for fetch in fetches]
    return [f"`{name}`", f"{line} Mbit/s", *(f"{figure(seconds)} s" for seconds in walls)]


def wall_seconds(action: Callable[[], object]) -> float:
    """Seconds on the wall that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@contextmanager
def slow_server(folder: Path, mbits: int) -> Iterator[str]:
    """A web server of a folder behind a slow line, which knows ranges."""
    line = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = (folder / self.path.rpartition("/")[2]).read_bytes()
            first, _, last = (self.headers["Range"] or "bytes=0-").removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last or len(content)) + 1, len(content))
            time.sleep(WAIT)
            self.send_response(206 if self.headers["Range"] else 200)
            self.send_header("Content-Length", str(stop - start))
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
            self.end_headers()
            for at in range(start, stop, PIECE):
                piece = content[at : min(at + PIECE, stop)]
                with line:
                    time.sleep(8e-6 * len(piece) / mbits)
                self.wfile.write(piece)

        def log_request(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{folder.name}"
    finally:
        server.shutdown()
        server.server_close()


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> None:
    """Print Markdown; only the first ``left`` columns are text."""
    rules = ["---"] * left + ["---:"] * (len(headings) - left)
    lines = [markdown_row(headings), markdown_row(rules), *map(markdown_row, rows)]
    sys.stdout.write("\n".join(lines) + "\n\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bytes", action="store_true")
    chosen = parser.parse_args()
    tables = [name for name in list_blackboxes() if load_blackbox(name).manifest.network is None]
    headings = ["blackbox", "task", "objective", "requests", "of the file", "of the blackbox", "read by"]
    print_table(headings, map(moved_row, tables), 3)
    headings = ["blackbox", "manifest without", "hashes of columns", "hashes of chunks"]
    headings += ["parts move", "own files move", "own files take"]
    print_table(headings, map(alternatives_row, WITH_PARTS), 1)
    if not chosen.bytes:
        headings = ["blackbox", "line", "whole file", "parts", "parts, in turn"]
        print_table(headings, [seconds_row(name, line) for name in WITH_PARTS for line in LINES], 2)
        sys.stdout.write(f"{machine_in_words()}\n")


if __name__ == "__main__":
    main()
