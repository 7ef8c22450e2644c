"""What was downloaded to this machine; a file is named by its SHA-256, and visible once that was checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blackbox_repo.errors import InvalidOption, RootUnavailable
from blackbox_repo.roots.storage import Report, Storage
from blackbox_repo.store import atomic_file
from blackbox_repo.store.atomic_directory import FULL, sync_to_disk
from blackbox_repo.store.cache_folder import FOLDER_VARIABLE, check_private, downloads_folder, make_private
from blackbox_repo.store.lock import exclusive

OBJECTS = "objects"
_INDEXES = "indexes"
_LONGEST = 86_400.0  # seconds that a process waits for another one that downloads the same file


def find(sha256: str, size: int) -> Path | None:
    """The file of this hash, if it is on this machine; its content is to be checked when it is read.

    Raises:
        FolderNotPrivate: Others can write to the folder.
    """
    folder = downloads_folder()
    if folder is None or not (folder / OBJECTS / sha256).is_file():
        return None
    check_private(folder)
    path = folder / OBJECTS / sha256
    return path if path.stat().st_size == size else None


def fetch(storage: Storage, path: str, sha256: str, size: int, report: Report) -> Path:
    """The file of this hash; it is downloaded if it is not on this machine.

    If other processes want it at the same time, one of them downloads it.

    Args:
        storage: Where it is.
        path: Its path there.
        sha256: The SHA-256 that its content must have.
        size: Its size in bytes.
        report: Called while it is downloaded.

    Raises:
        RootUnavailable: It cannot be downloaded, or not be kept.
        IntegrityError: The file there is another one.
    """
    target = find(sha256, size) or _folder() / OBJECTS / sha256
    if find(sha256, size) is None:
        with _name_unwritable(target), _only_one(target):
            if find(sha256, size) is None:
                part = target.with_name(f".{sha256}.part")
                atomic_file.remove_irregular(part)
                atomic_file.remove_irregular(target)
                storage.download(path, part, sha256, size, report)
                sync_to_disk(part)
                part.replace(target)
    return target


def read(sha256: str) -> bytes | None:
    """The verified content of the file of this hash, if it is on this machine; a damaged one is removed."""
    folder = downloads_folder()
    if folder is None or not (folder / OBJECTS / sha256).is_file():
        return None
    check_private(folder)
    content = (folder / OBJECTS / sha256).read_bytes()
    if hashlib.sha256(content).hexdigest() == sha256:
        return content
    discard(sha256)
    return None


def keep(content: bytes) -> None:
    """Keep verified content that is small; where that is impossible, it is downloaded again next time."""
    sha256 = hashlib.sha256(content).hexdigest()
    _write(f"{OBJECTS}/{sha256}", content)


def discard(sha256: str) -> bool:
    """Remove a damaged file; whether there was one. It stays in a cache that cannot be written."""
    folder = downloads_folder()
    if folder is not None:
        with suppress(OSError):
            (folder / OBJECTS / sha256).unlink()
            return True
    return False


def remember_index(address: str, content: bytes) -> None:
    """Keep the index of a root, for when this machine is offline."""
    if recall_index(address) != content:
        _write(_index_path(address), f"{hashlib.sha256(content).hexdigest()}\n".encode() + content)


def recall_index(address: str) -> bytes | None:
    """The index that the root had when it was asked last; ``None`` if it never was, or a bit has changed."""
    folder = downloads_folder()
    if folder is None or not (folder / _index_path(address)).is_file():
        return None
    check_private(folder)
    digest, _, content = (folder / _index_path(address)).read_bytes().partition(b"\n")
    return content if hashlib.sha256(content).hexdigest().encode() == digest else None


def tidy_up() -> None:
    """Remove what processes that were killed have left, save downloads that can be continued."""
    folder = downloads_folder()
    if folder is not None:
        for name in (OBJECTS, _INDEXES):
            atomic_file.tidy_up(folder / name)


def files() -> list[Path]:
    """All files that were downloaded, also in part."""
    folder = downloads_folder()
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*/*") if path.is_file() and not path.name.endswith(".lock"))


def _folder() -> Path:
    folder = downloads_folder()
    if folder is None:
        raise InvalidOption(
            f"there is no folder for downloads: {FOLDER_VARIABLE} is empty, or this user has no home; set "
            f"{FOLDER_VARIABLE} to the path of a folder"
        )
    return folder


def _index_path(address: str) -> str:
    return f"{_INDEXES}/{hashlib.sha256(address.encode()).hexdigest()}.json"


def _write(path: str, content: bytes) -> None:
    target = _folder() / path
    try:
        with _only_one(target):
            atomic_file.remove_irregular(target)
            atomic_file.write(target, content)
    except OSError:
        return  # a cache that cannot be written, or a full disk


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    make_private(target.parents[1])
    target.parent.mkdir(exist_ok=True)
    with exclusive(target, timeout=_LONGEST):
        yield


@contextmanager
def _name_unwritable(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        remedy = "free some space" if err.errno in FULL else "make it writable"
        raise RootUnavailable(
            f"the download cannot be kept in {target.parents[1]}: {err.strerror}; {remedy}, or name another "
            f"folder in {FOLDER_VARIABLE}"
        ) from err
