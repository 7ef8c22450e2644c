"""Some objectives of a table, read from parts of its parquet file that were verified one by one."""

from __future__ import annotations

import io
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import FormatError, IntegrityError, InvalidConfiguration
from blackbox_repo.schema import Schema
from blackbox_repo.store.arrow_table import from_arrow
from blackbox_repo.store.manifest import Manifest, Task
from blackbox_repo.store.parquet import name_unreadable, open_file
from blackbox_repo.store.parquet_checks import check_columns, check_sizes, column_rules
from blackbox_repo.store.parts import Hashed, Part, Parts, Range, footer_part, hashed, merged, saves
from blackbox_repo.surrogate.blackbox import NetworkBlackbox
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.table import TabularBlackbox

_LENGTH_AND_MAGIC = 8  # bytes at the end of a parquet file
_ROWS = ""  # what the columns that say what the rows are have in place of an objective's name


def parts_of(content: bytes, schema: Schema) -> Parts:
    """The parts of a parquet file that :func:`~blackbox_repo.store.parquet.write_table` wrote."""
    size = int.from_bytes(content[-_LENGTH_AND_MAGIC:-4], "little") + _LENGTH_AND_MAGIC
    footer = content[-size:]
    ranges = _ranges(open_file(footer), schema)

    found = {
        name: hashed(b"".join(content[start:stop] for start, stop in where)) for name, where in ranges.items()
    }
    return Parts(footer=hashed(footer), rows=found.pop(_ROWS), objectives=found)


def useful_parts(content: bytes, schema: Schema) -> Parts | None:
    """As :func:`parts_of`; ``None`` where no objective is worth being read on its own."""
    found = parts_of(content, schema)
    return found if any(saves(found, len(content), [name]) for name in found.objectives) else None


def check_parts(content: bytes, task: Task, schema: Schema, path: Path) -> None:
    """Refuse a manifest whose parts are not those of the file.

    Raises:
        IntegrityError: A size or an SHA-256 differs.
    """
    if task.parts is None:
        return
    with name_unreadable(path):
        found = parts_of(content, schema)
    for (name, said), there in zip(_named(task.parts).items(), _named(found).values(), strict=True):
        if there != said:
            raise IntegrityError(
                f"the manifest says that {name} of {path} has {said.bytes} bytes and the sha256 "
                f"{said.sha256}, but it has {there.bytes} and {there.sha256}: restore the manifest, or "
                f"convert or download the blackbox again"
            )


def is_worth_it(manifest: Manifest, name: str, objectives: Sequence[str]) -> bool:
    """Whether some objectives of a task should be read by its parts, rather than from its whole file.

    Raises:
        UnknownName: There is no such task or objective.
        InvalidOption: None of the objectives has a goal.
    """
    task = manifest.task(name)
    chosen = [o.name for o in manifest.schema_of(name).with_objectives(objectives).objectives]
    return task.parts is not None and saves(task.parts, task.bytes, chosen)


def needed_parts(
    manifest: Manifest, name: str, objectives: Sequence[str], footer: bytes, where: Path | str
) -> list[Part]:
    """The parts of a task's file beside its footer that :func:`load_objectives` asks for.

    Args:
        manifest: The manifest; its entry of the task has ``parts``.
        name: The name of the task.
        objectives: The objectives to read.
        footer: The verified bytes of the footer.
        where: What messages call the file.

    Raises:
        UnknownName: There is no such task or objective.
        FormatError: The footer does not fit the manifest, or names bytes outside the file.
    """
    task, schema = manifest.task(name), manifest.schema_of(name)
    with name_unreadable(where):
        file = _checked(footer, task, schema, manifest.labels, where)
        ranges = _ranges(file, schema)
    said = {_ROWS: parts(task).rows, **parts(task).objectives}
    chosen = [_ROWS, *(objective.name for objective in schema.with_objectives(objectives).objectives)]
    return [_part(column, ranges[column], said[column], task, where) for column in chosen]


def load_objectives(
    manifest: Manifest,
    name: str,
    objectives: Sequence[str],
    get: Callable[[Part], bytes],
    where: Path | str,
) -> Blackbox:
    """One task with some of its objectives, as :func:`narrow` makes it of the whole one.

    Args:
        manifest: The manifest; its entry of the task has ``parts``.
        name: The name of the task.
        objectives: The objectives to read.
        get: Called with the footer first, then with each of :func:`needed_parts`; gives its verified bytes.
        where: What messages call the file.

    Raises:
        UnknownName: There is no such task or objective.
        InvalidOption: None of the objectives has a goal.
        FormatError: The file does not have the documented format.
    """
    task, whole = manifest.task(name), manifest.schema_of(name)
    schema = whole.with_objectives(objectives)
    footer = get(footer_part(parts(task), task.bytes))
    needed = needed_parts(manifest, name, objectives, footer, where)
    source = _Ranges(task.bytes, dict(_pieces({part: get(part) for part in needed})))
    with name_unreadable(where):
        file = open_file(footer, source)
        dropped = {objective.name for objective in whole.objectives} - {o.name for o in schema.objectives}
        chosen = [index for index, column in enumerate(file.schema_arrow.names) if column not in dropped]
        columns = file.reader.read_all(column_indices=chosen, use_threads=False)
        columns.validate(full=True)
        table = from_arrow(columns, schema, manifest.labels)
    try:
        return TabularBlackbox(schema, table, name=_name(f"{manifest.name}/{name}", schema))
    except InvalidConfiguration as err:
        raise FormatError(f"{where} is not what the manifest says: {err}") from err


def narrow(blackbox: Blackbox, objectives: Sequence[str]) -> Blackbox:
    """A task, as it was loaded, with some of its objectives only.

    Its digest is that of what is left, whether or not there were further columns.

    Raises:
        UnknownName: There is no such objective.
        InvalidOption: None of the objectives has a goal.
    """
    schema = blackbox.schema.with_objectives(objectives)
    name = _name(blackbox.name, schema)
    assert isinstance(blackbox, NetworkBlackbox | SurrogateBlackbox | TabularBlackbox)
    return blackbox.under(schema, name)


def parts(task: Task) -> Parts:
    """The parts of a task's file.

    Raises:
        FormatError: The manifest does not have them.
    """
    if task.parts is None:
        raise FormatError(f"the manifest has no parts of {task.file}; read the whole file")
    return task.parts


def _name(name: str, schema: Schema) -> str:
    return f"{name} | objectives({', '.join(objective.name for objective in schema.objectives)})"


def _named(found: Parts) -> dict[str, Hashed]:
    objectives = {_label(name): part for name, part in sorted(found.objectives.items())}
    return {"the footer": found.footer, _label(_ROWS): found.rows, **objectives}


def _label(column: str) -> str:
    return f"the column {column!r}" if column else "what describes the rows"


def _checked(footer: bytes, task: Task, schema: Schema, labels: Sequence[str], where: Path | str) -> Any:
    """The footer as a file, whose columns and sizes fit the manifest."""
    rules, file = column_rules(schema, labels), open_file(footer)
    if file.metadata.serialized_size + _LENGTH_AND_MAGIC != len(footer):
        raise FormatError(f"the footer of {where} has another size than it says")
    check_columns(file, rules, ("status",), where)
    check_sizes(file, rules, task.rows, where, task.bytes)
    return file


def _ranges(file: Any, schema: Schema) -> dict[str, tuple[Range, ...]]:
    """Objective -> where its column lies; ``_ROWS`` -> where those that describe the rows lie."""
    found: dict[str, list[Range]] = {_ROWS: [], **{objective.name: [] for objective in schema.objectives}}
    for group in range(file.metadata.num_row_groups):
        for index, column in enumerate(file.schema_arrow.names):
            chunk = _chunk_range(file.metadata.row_group(group).column(index))
            found[column if column in found else _ROWS].append(chunk)
    return {name: merged(ranges) for name, ranges in found.items()}


def _chunk_range(chunk: Any) -> Range:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page:
        start = min(start, chunk.dictionary_page_offset or start)
    return start, start + chunk.total_compressed_size


def _part(column: str, ranges: tuple[Range, ...], said: Hashed, task: Task, where: Path | str) -> Part:
    """A part whose ranges lie in the file and have the size that the manifest says."""
    last = task.bytes - parts(task).footer.bytes
    for start, stop in ranges:
        if not 0 <= start <= stop <= last:
            raise FormatError(
                f"{_label(column)} of {where} would lie at bytes {start} to {stop}, but columns end at {last}"
            )
    size = sum(stop - start for start, stop in ranges)
    if size != said.bytes:
        raise FormatError(f"{_label(column)} of {where} has {size} bytes, but the manifest says {said.bytes}")
    return Part(_label(column), ranges, size, said.sha256)


def _pieces(contents: Mapping[Part, bytes]) -> Iterator[tuple[Range, bytes]]:
    """The ranges of parts, each with its bytes."""
    for part, content in contents.items():
        begin = 0
        for start, stop in part.ranges:
            yield (start, stop), content[begin : begin + stop - start]
            begin += stop - start


class _Ranges(io.RawIOBase):
    """A file of which only some ranges are known; reading other bytes is an error."""

    def __init__(self, size: int, known: Mapping[Range, bytes]) -> None:
        self._size, self._known, self._at = size, sorted(known.items()), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        start, stop = self._at, self._at + size
        place = bisect(self._known, start, key=lambda known: known[0][0]) - 1
        (first, last), content = self._known[max(place, 0)]
        if size < 0 or not first <= start <= stop <= last:
            raise OSError(f"bytes {start} to {stop} were not fetched")
        self._at = stop
        return content[start - first : stop - first]


__all__ = [
    "check_parts",
    "is_worth_it",
    "load_objectives",
    "narrow",
    "needed_parts",
    "parts",
    "parts_of",
    "useful_parts",
]
