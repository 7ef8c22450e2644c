"""Finds a blackbox by its name in the roots that are in force, and lists what they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from blackbox_repo.errors import IntegrityError, InvalidOption, PinMismatch, RootUnavailable, UnknownName
from blackbox_repo.recipes import convert_by_recipe, describe_recipe, make_unknown_blackbox
from blackbox_repo.roots.addresses import Address, parse_address
from blackbox_repo.roots.holding import FolderHolding, Holding
from blackbox_repo.roots.index import INDEX_FILE
from blackbox_repo.roots.packages import (
    PACKAGE_FOLDER,
    FolderRoot,
    PackagesRoot,
    UserRoot,
    find_missing_packages,
)
from blackbox_repo.roots.pins import Pin, Pins, read_pins
from blackbox_repo.roots.published import MANIFESTS, OBJECTS, PublishedRoot
from blackbox_repo.roots.settings import Settings, read_settings
from blackbox_repo.roots.source import DEFAULT, Source
from blackbox_repo.roots.storage import Storage
from blackbox_repo.store.manifest import MANIFEST_FILE
from blackbox_repo.store.surrogate_entry import surrogate_folder, surrogate_name
from blackbox_repo.surrogate.models import MODELS

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_SLASHES = 3  # in the address of a blackbox, at least


class Root(Protocol):
    """A place that holds blackboxes."""

    address: str

    def names(self) -> Iterable[str]:
        """The names of its blackboxes."""

    def find(self, name: str, version: str | None) -> Holding | None:
        """The blackbox of this name, in this version or the newest; ``None`` if the root does not have it."""


def find_roots(source: Source = DEFAULT) -> list[Root]:
    """The roots in force, in the order in which they are searched; nothing is opened yet.

    Raises:
        InvalidOption: A root is malformed, or needs a package that is not installed.
    """
    settings = read_settings(source)
    return [open_root(named.address, settings) for named in settings.roots]


def open_root(address: Address, settings: Settings) -> Root:
    """The root at an address.

    Raises:
        InvalidOption: It needs a package that is not installed.
    """
    if address.kind == "word":
        return _WORDS[address.text]()
    if address.kind == "folder" and not is_published(Path(address.text)):
        return FolderRoot(Path(address.text), address.text)
    return PublishedRoot(open_storage(address, settings), offline=settings.offline)


_WORDS: dict[str, Callable[[], Root]] = {
    "package": lambda: FolderRoot(PACKAGE_FOLDER, "package"),
    "user": UserRoot,
    "packages": PackagesRoot,
}


def is_published(folder: Path) -> bool:
    """Whether a folder is a published root, and not one whose subfolders are blackboxes."""
    has_files = (folder / OBJECTS).is_dir() and not (folder / OBJECTS / MANIFEST_FILE).exists()
    return (folder / INDEX_FILE).exists() or (folder / MANIFESTS).is_dir() or has_files


def open_storage(address: Address, settings: Settings) -> Storage:
    """The files below an address.

    Raises:
        InvalidOption: It needs a package that is not installed, or an option is not known.
    """
    if address.kind == "folder":
        from blackbox_repo.roots.folder_storage import FolderStorage

        return FolderStorage(Path(address.text))
    if address.kind == "http":
        from blackbox_repo.roots.http_storage import HttpStorage

        return HttpStorage(address, settings.options_for(address))
    from blackbox_repo.roots.fsspec_storage import FsspecStorage

    return FsspecStorage(address, settings.options_for(address))


def locate(name: str | Path, source: Source = DEFAULT, version: str | None = None) -> Holding:
    """A blackbox.

    Args:
        name: Its name; or the path of its folder; or its name behind the address of its root.
        source: Which roots are searched.
        version: The version; by default the newest of the first root that has the blackbox.

    Raises:
        UnknownName: No root has it, or not in this version; or it has no such surrogate as the source names.
        RootUnavailable: A root that would come first does not answer.
        IntegrityError: It is not the one that the root or a lock file names; or the surrogate is one of
            another table.
        FormatError: Its manifest is malformed.
    """
    if source.surrogate is not None:
        return _locate_surrogate(name, source, version)
    named, source = _split_address(name, source)
    pins = read_pins()
    if pins is not None and not _is_folder(named):
        return _locate_pinned(named, source, version, pins)
    found = search(named, source, version) or _in_folder(named) or _convert(named, source)
    if found is None:
        raise _unknown(named, source)
    if pins is not None:
        pins.check(found)
    return found


def _locate_surrogate(name: str | Path, source: Source, version: str | None) -> Holding:
    """The surrogate of a blackbox: beside its tables, else in the same root, else the user's own."""
    assert source.surrogate is not None
    model, source = source.surrogate, replace(source, surrogate=None)
    tables = locate(name, source, version)
    blackbox, files = tables.manifest.name, {task: t.sha256 for task, t in tables.manifest.tasks.items()}
    refused: list[IntegrityError] = []
    for found in _find_surrogates(tables, model, source):
        try:
            found.manifest.fitted().check_tables(blackbox, files)
        except IntegrityError as err:
            refused.append(err)  # another one may have been fitted since then
            continue
        return found
    if refused:
        raise refused[0]
    if model not in MODELS:
        raise UnknownName("surrogate", model, MODELS)
    raise UnknownName(
        f"surrogate of {blackbox!r}", model, (), f"fit it with bb-repo fit {blackbox} --model {model}"
    )


def _find_surrogates(tables: Holding, model: str, source: Source) -> Iterator[Holding]:
    name, version = surrogate_name(tables.manifest.name, model), tables.manifest.version
    if read_pins() is not None:  # which says what is right, wherever it is
        yield locate(name, source)
        return
    if tables.folder is not None:
        beside = surrogate_folder(tables.folder, model)
        if (beside / MANIFEST_FILE).is_file():
            yield FolderHolding(beside, tables.origin)
    for root in find_roots(source):
        if tables.folder is None and root.address == tables.origin:
            yield from _in_any_version(root, name, version)
    yield from _in_any_version(UserRoot(), name, version)


def _in_any_version(root: Root, name: str, version: str) -> Iterator[Holding]:
    """The surrogates with the version of their tables, else the newest ones."""
    try:
        found = root.find(name, version)
    except UnknownName:
        found = root.find(name, None)
    if found is not None:
        yield found


def locate_task(
    name: str | Path, source: Source = DEFAULT, version: str | None = None
) -> tuple[Holding, str | None]:
    """A blackbox, or one task of it.

    Args:
        name: As for :func:`locate`, and perhaps a slash and the name of a task.
        source: Which roots are searched.
        version: As for :func:`locate`.

    Returns:
        The blackbox, and the task; ``None`` if none is named.

    Raises:
        UnknownName: As :func:`locate`; or the blackbox has no such task.
    """
    text = str(name)
    owner, slash, task = text.rpartition("/")
    if not slash or not owner or "://" in text or _is_folder(text):
        return locate(name, source, version), None
    holding = locate(owner, source, version)
    holding.manifest.task(task)
    return holding, task


def find_names(source: Source = DEFAULT) -> list[str]:
    """The names of all blackboxes of the roots in force, sorted.

    Raises:
        RootUnavailable: A root does not answer.
    """
    return sorted({name for root in find_roots(source) for name in root.names()})


def _split_address(name: str | Path, source: Source) -> tuple[str, Source]:
    text = str(name)
    if _URL.match(text):
        address = parse_address(text, "the blackbox to load")
        text = address.text
        if address.kind != "folder" and text.count("/") < _SLASHES:
            raise InvalidOption(f"{text} is the address of a root, not of a blackbox; add /NAME")
    root, slash, last = text.rstrip("/").rpartition("/")
    if not slash or not ("://" in text or is_published(Path(root))):
        return text, source
    return last, Source((root,), offline=source.offline, objectives=source.objectives)


def _is_folder(name: str) -> bool:
    return "/" in name and (Path(name) / MANIFEST_FILE).is_file()


def search(name: str, source: Source = DEFAULT, version: str | None = None) -> Holding | None:
    """The blackbox of the first root that has it, whatever a lock file says; ``None`` if no root has it.

    Raises:
        UnknownName: The roots have it in other versions only.
        RootUnavailable: A root that would come first does not answer.
    """
    other: UnknownName | None = None
    for root in find_roots(source):
        try:
            found = root.find(name, version)
        except UnknownName as err:
            other = other or err
            continue
        if found is not None:
            return found
    if other is not None:
        raise other
    return None


def locate_any(name: str, source: Source = DEFAULT, version: str | None = None) -> Holding:
    """The blackbox of the first root that has it, whatever a lock file says.

    Raises:
        UnknownName: No root has it, or not in this version.
        RootUnavailable: A root that would come first does not answer.
    """
    found = search(name, source, version)
    if found is None:
        raise _unknown(name, source)
    return found


def _locate_pinned(name: str, source: Source, version: str | None, pins: Pins) -> Holding:
    pin = pins.pin(name, version)
    reasons: list[UnknownName | RootUnavailable] = []
    for look in _looks(source, name, pin):
        try:
            found = look()
        except (UnknownName, RootUnavailable) as err:
            reasons.append(err)  # another root may have it: the lock file says what is right
            continue
        if found is not None:
            pins.check(found)
            return found
    if not reasons:
        raise _unknown(name, source)
    down = [err for err in reasons if isinstance(err, RootUnavailable)]
    if down:
        raise down[0]
    raise PinMismatch(
        f"{pins.file} pins {name!r} to version {pin.version}, which no root has ({reasons[0]}); name a root "
        f"that has it, or write the file again with bb-repo lock"
    ) from reasons[0]


def _looks(source: Source, name: str, pin: Pin) -> Iterator[Callable[[], Holding | None]]:
    """The ways to look for what is pinned; those that need no request come first."""
    roots = find_roots(source)
    remote = [root for root in roots if isinstance(root, PublishedRoot) and root.is_remote]
    yield from (partial(root.find, name, pin.version) for root in roots if root not in remote)
    yield from (partial(root.find_digest, name, pin.manifest) for root in remote)
    yield from (partial(root.find, name, pin.version) for root in remote)
    yield partial(_convert, name, source)


def _convert(name: str, source: Source) -> Holding | None:
    """The blackbox that a recipe makes in the user's own folder, if the source permits it."""
    if not source.convert or describe_recipe(name) is None:
        return None
    from blackbox_repo.text.progress import report_progress  # rich takes long to import

    offline = read_settings(source).offline
    with report_progress(f"converting {name}") as report:
        return FolderHolding(convert_by_recipe(name, report, offline=offline), "user")


def _in_folder(name: str) -> Holding | None:
    with suppress(OSError):  # such as of a name that is too long for a file
        return FolderHolding(Path(name), name) if (Path(name) / MANIFEST_FILE).is_file() else None
    return None


def _unknown(name: str, source: Source) -> UnknownName:
    owner, slash, task = name.rpartition("/")
    holding = (search(owner, source) or _in_folder(owner)) if slash and owner else None
    if holding is not None:
        holding.manifest.task(task)  # which names the tasks if there is no such
        return UnknownName("blackbox", name, [owner], f"its task is load_blackbox({owner!r})[{task!r}]")
    if name.startswith((".", "/", "~")):
        return UnknownName("blackbox", name, (), f"the folder {name} holds no {MANIFEST_FILE}")
    missing = [f"the root {r.address} is no folder" for r in read_settings(source).roots if r.is_missing]
    remedy = "; ".join([*missing, *find_missing_packages()])
    return make_unknown_blackbox(name, find_names(source), remedy)
