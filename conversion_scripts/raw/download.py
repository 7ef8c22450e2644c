"""Download raw files from where they are published. A file appears complete under its name, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from blackbox_repo import deprecated
from blackbox_repo.errors import BlackboxRepoError, IntegrityError
from blackbox_repo.store.lock import exclusive
from blackbox_repo.transfer.connections import SCHEMES, scheme_of
from blackbox_repo.transfer.download import Expected
from blackbox_repo.transfer.download import download as fetch
from blackbox_repo.transfer.http import HttpFile
from blackbox_repo.transfer.retry import DEFAULT_POLICY, Failure, RateCheck, RetryPolicy
from conversion_scripts.raw.file_type import find_mismatch
from conversion_scripts.raw.locate import locate_files
from conversion_scripts.raw.raw_file import RawFile

Report: TypeAlias = Callable[[RawFile, int, int], None]


class DownloadFailed(BlackboxRepoError):
    """A raw file could not be fetched; the message says how to do it by hand."""


@deprecated.arguments
def download(
    files: Iterable[RawFile],
    root: Path,
    *,
    retry: RetryPolicy = DEFAULT_POLICY,
    report: Report = lambda file, done, total: None,
) -> list[RawFile]:
    """Download the files that a folder lacks.

    A download that was interrupted continues where it ended, if the host supports this and the file's hash is
    known.

    Args:
        files: The files that the folder should hold.
        root: The raw folder; a file may also lie there compressed, as ``name.gz``.
        retry: How often and how long each address is tried.
        report: Called with a file, the number of bytes that have been downloaded, and the number that it will
            have in the end, which is 0 if it is unknown.

    Returns:
        The files that were downloaded.

    Raises:
        DownloadFailed: None of a file's addresses gave it.
        IntegrityError: The folder holds another file of that name, or one that is visibly of another type.
        AlreadyLocked: Another process is fetching the same file.
    """
    files = list(files)
    there = locate_files(root, files)  # conversions find them in other places, too
    missing = [
        variant_to_download(file) for file in files if not (_is_there(root, file) or file.name in there)
    ]
    for file in missing:
        path = root / file.name
        with exclusive(path):
            _fetch(file, path, retry, report)
    return missing


def can_download(file: RawFile) -> bool:
    """Whether one of the file's variants has an address that :func:`download` accepts."""
    variant = variant_to_download(file)
    return any(scheme_of(url) in SCHEMES for url in (variant.url, *variant.mirrors))


def variant_to_download(file: RawFile) -> RawFile:
    """The first variant of the file that has an address; the file itself if none has."""
    return next((variant for variant in file.variants if variant.url), file)


def _is_there(root: Path, file: RawFile) -> bool:
    path = root / file.name
    if any(_is_there(root, variant) for variant in file.instead) or path.is_dir():
        return True
    if not path.exists():
        return Path(f"{path}.gz").exists()
    problem = _expected(file).find_problem(path)
    if problem:
        raise IntegrityError(
            f"{path} is not the file that this recipe knows: it {problem}; "
            f"move it away, and run the same command again to fetch the right one"
        )
    return True


def _fetch(file: RawFile, path: Path, retry: RetryPolicy, report: Report) -> None:
    part = path.with_name(f".{path.name}.part")
    if not file.sha256:
        part.unlink(missing_ok=True)  # without a hash it may be a part of any file
    reasons = []
    for url in filter(None, (file.url, *file.mirrors)):
        source = HttpFile(url, file.name, RateCheck(retry))
        try:
            fetch(source, part, _expected(file), retry=retry, report=partial(report, file))
        except Failure as err:
            reasons.append(f"{url}: {err}")
        else:
            part.replace(path)
            return
    raise DownloadFailed(_describe_failure(file, path, reasons))


def _expected(file: RawFile) -> Expected:
    return Expected(file.sha256, file.size, partial(find_mismatch, name=file.name))


def source_url(file: RawFile) -> str:
    """The address of a file, or of the page that shows it in its repository; empty if neither is known."""
    if file.url or not file.repository:
        return file.url
    kind = "blob" if file.path else "tree"
    return f"https://github.com/{file.repository}/{kind}/{file.commit or 'HEAD'}/{file.path}".rstrip("/")


def _describe_failure(file: RawFile, path: Path, reasons: list[str]) -> str:
    tried = "; ".join(reasons) or "it has no address that can be fetched"
    hash_text = f"; its sha256 is {file.sha256}" if file.sha256 else ""
    others = " or ".join(repr(variant.name) for variant in file.instead)
    others_text = f"; {others} in the raw folder will do too" if others else ""
    return (
        f"the raw file {file.name!r} could not be downloaded: {tried}. By hand: get it from "
        f"{source_url(file) or 'its publisher'} and put it at {path}{hash_text}{others_text}"
    )
