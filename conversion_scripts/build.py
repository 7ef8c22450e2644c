"""Carry out a recipe: read the raw files, convert and check them, and save the blackbox."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from blackbox_repo.errors import BlackboxRepoError, FormatError, IntegrityError
from blackbox_repo.schema import Schema
from blackbox_repo.store.atomic_directory import reserve
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.manifest import Manifest, SourceFile, Task
from blackbox_repo.store.storage import check_replaced, save_network, save_tables
from blackbox_repo.table import Table
from blackbox_repo.text.plain_text import printable
from conversion_scripts.checks import check_table
from conversion_scripts.expected_size import note_shortfall
from conversion_scripts.raw import RawFolder
from conversion_scripts.raw.file_type import find_mismatch
from conversion_scripts.recipe import Conversion, Recipe

# errors that no raw file can cause
_BUGS = (AssertionError, ImportError, MemoryError, NameError, NotImplementedError)


def build(
    recipe: Recipe,
    raw: Path,
    out: Path,
    *,
    command: str = "",
    report: Callable[[str], None] = lambda step: None,
    watch: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Manifest:
    """Convert a blackbox into the folder ``out / recipe.name``, which appears complete or not at all.

    Args:
        recipe: The recipe to carry out.
        raw: The folder with the raw files.
        out: The folder in which the blackbox's own folder is written; an older one of that name is replaced.
        command: The command that the manifest names; ``bb-convert NAME`` if this is empty.
        report: Called with each step in a few words, when it begins.
        watch: Called while a raw file or folder is read with its name, the number of bytes that have been
            read, and the number of all its bytes.

    Returns:
        The manifest as written.

    Raises:
        InvalidOption: Raw files are missing.
        IntegrityError: A raw file is not the one that the recipe knows.
        FormatError: A raw file is damaged or of another format, the result breaks a rule, or the folder that
            would be replaced is not a blackbox.
        AlreadyLocked: Another process is converting into the same folder.
    """
    target = out / recipe.name
    with reserve(target, check_replaced):
        report("reading and converting")
        folder = RawFolder(raw, recipe.files, watch)
        with _explain_failure(recipe, folder):
            conversion = recipe.convert(folder)
        manifest = _make_manifest(recipe, conversion, folder, command or f"bb-convert {recipe.name}")
        if conversion.network is not None:
            return save_network(target, manifest, conversion.network.arrays, conversion.network.codes)
        tables = LazyTables(conversion.tables, partial(_convert_task, recipe, conversion, folder, report))
        return save_tables(target, manifest, tables, finish=partial(note_shortfall, recipe.expected_size))


def check_target(target: Path) -> None:
    """Refuse a folder that no blackbox can be written to, before any work is done.

    Args:
        target: The folder of the blackbox.

    Raises:
        FormatError: Something is there that is not a blackbox.
        AlreadyLocked: Another process is converting into it.
        OSError: Its parent folder cannot be made.
    """
    with reserve(target, check_replaced):
        pass


@contextmanager
def _explain_failure(recipe: Recipe, folder: RawFolder) -> Iterator[None]:
    """Turn an error of a recipe into one that names its line and the raw file that may be the cause.

    That file is the last one whose hash is not known. If all hashes are known, the recipe itself is wrong,
    and its error is raised as it is.
    """
    try:
        yield
    except IntegrityError:
        raise
    except FormatError as err:
        if folder.unverified is None:
            raise
        raise FormatError(f"{err}. {_advice(folder.unverified)}") from err
    except (BlackboxRepoError, *_BUGS):
        raise
    except Exception as err:
        if folder.unverified is None or getattr(err, "errno", None) is not None:
            raise
        raise FormatError(_describe_failure(recipe, folder.sources, folder.unverified, err)) from err


def _describe_failure(
    recipe: Recipe, sources: tuple[SourceFile, ...], unverified: Path, err: Exception
) -> str:
    known = {variant.name for file in recipe.files for variant in file.variants if variant.sha256}
    several = sum(source.file not in known for source in sources) > 1
    earlier = " or a file before it" if several else ""
    return (
        f"the recipe {recipe.name!r} fails{_describe_line(recipe, err)}: {type(err).__name__}: "
        f"{printable(err)} (--debug shows where). If the recipe is right, {unverified.name}{earlier} is not "
        f"what it expects. {_advice(unverified)}"
    )


def _describe_line(recipe: Recipe, err: Exception) -> str:
    """Where in the recipe's own file it failed; empty if the traceback does not lead there."""
    function = recipe.convert
    while isinstance(function, partial):
        function = function.func
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    lines = [frame.lineno for frame in traceback.extract_tb(err.__traceback__) if frame.filename == file]
    return f" in line {lines[-1]} of {Path(file).name}" if lines else ""


def _advice(path: Path) -> str:
    problem = find_mismatch(path, path.name) if path.is_file() else ""
    if problem:
        return f"{path} {problem}: delete it and fetch it again"
    return (
        f"The SHA-256 of {path} is not known: if the file is truncated or is another one, delete it and "
        f"fetch it again"
    )


def _convert_task(
    recipe: Recipe, conversion: Conversion, folder: RawFolder, report: Callable[[str], None], task: str
) -> Table:
    tasks = list(conversion.tables)
    which = f"{task} ({tasks.index(task) + 1} of {len(tasks)})"
    report(f"reading and converting {which}")
    with _explain_failure(recipe, folder):
        table = conversion.tables[task]
    report(f"checking {which}")
    _check(recipe, conversion.schema, f"{recipe.name}/{task}", table)
    report(f"writing {which}")
    return table


def _check(recipe: Recipe, schema: Schema, name: str, table: Table) -> None:
    if set(table.labels) != set(recipe.labels):
        raise FormatError(f"{name} has the labels {list(table.labels)!r}, not {recipe.labels!r}")
    check_table(name, schema, table, recipe.nan_allowed, recipe.bounds)


def _make_manifest(recipe: Recipe, conversion: Conversion, folder: RawFolder, command: str) -> Manifest:
    network = conversion.network
    tasks = network.codes if network is not None else conversion.tables
    if not tasks:
        raise FormatError(
            f"{recipe.name} has no tasks: its convert() must return at least one table, or a network"
        )
    unwritten = {
        task: Task(
            file="unwritten",
            sha256="",
            bytes=0,
            title=conversion.titles.get(task, ""),
            ranges=conversion.ranges.get(task, {}),
            target=conversion.targets.get(task, ""),
        )
        for task in tasks
    }
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        title=recipe.title,
        license=recipe.license,
        citation=recipe.citation,
        homepage=recipe.homepage,
        recipe=command,
        schema=conversion.schema,
        tasks=unwritten,
        sources=folder.sources,
        card=recipe.card,
        default=recipe.default,
        labels=recipe.labels,
        network=None if network is None else network.spec,
    )
