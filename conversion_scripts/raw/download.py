"""Download raw files from where they are published. A file appears complete under its name, or not at all."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from blackbox_repo import __version__, deprecated
from blackbox_repo.errors import BlackboxRepoError, IntegrityError
from blackbox_repo.store.atomic_directory import name_full_disk
from blackbox_repo.store.lock import exclusive
from conversion_scripts.raw.connections import DEFAULT_POLICY, Failure, RateCheck, RetryPolicy, make_opener
from conversion_scripts.raw.file_type import find_mismatch
from conversion_scripts.raw.hashes import hash_file
from conversion_scripts.raw.locate import locate_files
from conversion_scripts.raw.raw_file import RawFile

Report: TypeAlias = Callable[[RawFile, int, int], None]
LARGEST = 1 << 37  # bytes of the largest file of unknown size that is downloaded
_SCHEMES = ("http", "https")
_TRANSIENT_STATUS = (408, 425, 429, 500, 502, 503, 504)
_PIECE = 1 << 16
_LONGEST_WAIT = 60.0  # seconds that a host may ask us to wait
_GZIPPED = (".gz", ".tgz")  # some hosts announce these as gzip-encoded, and mean the file itself
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:(\d+)|\*)", re.ASCII)
_BROKEN = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


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
    return any(_scheme(url) in _SCHEMES for url in (variant.url, *variant.mirrors))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:  # such as of brackets that are not closed
        return ""


def variant_to_download(file: RawFile) -> RawFile:
    """The first variant of the file that has an address; the file itself if none has."""
    return next((variant for variant in file.variants if variant.url), file)


def _is_there(root: Path, file: RawFile) -> bool:
    path = root / file.name
    if any(_is_there(root, variant) for variant in file.instead) or path.is_dir():
        return True
    if not path.exists():
        return Path(f"{path}.gz").exists()
    problem = _find_problem(path, file)
    if problem:
        raise IntegrityError(
            f"{path} is not the file that this recipe knows: it {problem}; "
            f"move it away, and run the same command again to fetch the right one"
        )
    return True


def _find_problem(path: Path, file: RawFile) -> str:
    """What shows that another file lies there; empty if nothing does."""
    if not file.sha256:
        return find_mismatch(path, file.name)
    found, _ = hash_file(path)
    return "" if found == file.sha256 else f"has the sha256 {found}, expected {file.sha256}"


def _fetch(file: RawFile, path: Path, retry: RetryPolicy, report: Report) -> None:
    part = path.with_name(f".{path.name}.part")
    if not file.sha256:
        part.unlink(missing_ok=True)  # without a hash it may be a part of any file
    reasons = []
    for url in filter(None, (file.url, *file.mirrors)):
        try:
            _Transfer(url, file, part, retry, report).complete()
        except Failure as err:
            reasons.append(f"{url}: {err}")
        else:
            part.replace(path)
            return
    raise DownloadFailed(_describe_failure(file, path, reasons))


class _Transfer:
    """Downloads one file from one address into ``part``, over as many connections as this takes."""

    def __init__(self, url: str, file: RawFile, part: Path, retry: RetryPolicy, report: Report) -> None:
        self._url, self._file, self._part, self._retry = url, file, part, retry
        self._report, self._rate = report, RateCheck(retry)
        self._validator = ""  # the ETag by which the host names this version of the file

    def complete(self) -> None:
        """Download what ``part`` lacks of the file, and check it.

        Raises:
            Failure: The address does not give the file, or gives another one. ``part`` is kept if it may be
                the beginning of the right one.
        """
        failures = 0
        while True:
            before = self._size()
            try:
                self._transfer(before)
                self._verify(resumed=before > 0)
            except Failure as err:
                failures = 1 if self._size() > before and not err.stalled else failures + 1
                if not err.transient:
                    raise
                if failures >= self._retry.tries:
                    raise Failure(f"{err} (tried {failures} times)") from err
                time.sleep(err.wait or self._retry.pause * 2 ** (failures - 1))
            else:
                return

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _transfer(self, start: int) -> None:
        if start and start == self._file.size:
            return
        try:
            with self._open(start) as response:
                start = start if self._is_resumed(response, start) else 0
                self._validator = response.headers.get("ETag") or ""
                self._receive(response, start)
        except HTTPError as err:
            if err.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and self._is_complete():
                return
            raise self._status_failure(err, start) from err
        except ValueError as err:
            raise Failure(f"is no address that can be fetched: {err}") from err
        except _BROKEN as err:
            raise Failure(_describe_error(err, self._retry.timeout), transient=True) from err

    def _is_resumed(self, response: Any, start: int) -> bool:
        """Whether the response continues where ``part`` ends, rather than sends the whole file."""
        packed = (response.headers.get("Content-Encoding") or "identity").strip().lower()
        if packed != "identity" and not self._file.name.endswith(_GZIPPED):
            raise Failure(f"sends the file packed ({packed}), though it was asked not to")
        if response.status not in (http.client.OK, http.client.PARTIAL_CONTENT):
            raise Failure(f"answers with HTTP {response.status}, not with the file")
        if response.status == http.client.OK:
            return False
        if not self._asks_for_part(start):
            raise Failure("sends a part of the file, though the whole was asked for")
        if not _continues_at(response, start):
            raise self._discard("sends another part of the file than was asked for")
        return True

    def _open(self, start: int) -> Any:
        if _scheme(self._url) not in _SCHEMES:
            raise Failure("only http and https addresses are fetched")
        headers = {"User-Agent": f"blackbox-repo/{__version__}", "Accept-Encoding": "identity"}
        if self._asks_for_part(start):
            headers["Range"] = f"bytes={start}-"
            if self._is_strong():
                headers["If-Range"] = self._validator
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310  the scheme is checked above
        return make_opener(self._rate).open(request, timeout=self._retry.timeout)

    def _asks_for_part(self, start: int) -> bool:
        return start > 0 and (bool(self._file.sha256) or self._is_strong())

    def _is_complete(self) -> bool:
        return bool(self._file.sha256) and not _find_problem(self._part, self._file)

    def _is_strong(self) -> bool:
        return self._validator.startswith('"')

    def _receive(self, response: Any, start: int) -> None:
        total = _stated_size(response)
        if total and self._file.size and total != self._file.size:
            raise Failure(f"the file there has {total} bytes, expected {self._file.size}")
        limit, done = self._file.size or total or LARGEST, start
        with name_full_disk(self._part), self._part.open("ab" if start else "wb") as stream:
            self._report(self._file, done, self._file.size or total)
            while piece := response.read(_PIECE):
                done += len(piece)
                if done > limit:
                    raise Failure(f"sends more than the {limit} bytes that the file should have")
                stream.write(piece)
                self._report(self._file, done, self._file.size or total)
        if done < (self._file.size or total):
            raise Failure(f"was cut off after {done} of {self._file.size or total} bytes", transient=True)

    def _status_failure(self, err: HTTPError, start: int) -> Failure:
        if err.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return self._discard("has no more of the file than the beginning that was there")
        asked = err.headers.get("Retry-After") or ""
        wait = min(float(asked), _LONGEST_WAIT) if asked.isdigit() else 0.0
        return Failure(f"HTTP {err.code} {err.reason}", transient=err.code in _TRANSIENT_STATUS, wait=wait)

    def _verify(self, *, resumed: bool) -> None:
        problem = _find_problem(self._part, self._file)
        if problem:
            failure = self._discard(f"the file there {problem}; it was not kept")
            failure.transient = resumed  # its beginning may have come from another file
            raise failure

    def _discard(self, reason: str) -> Failure:
        """Delete ``part``, which is of no use; the failure that says why."""
        self._part.unlink()
        return Failure(reason, transient=True)


def _continues_at(response: Any, start: int) -> bool:
    found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
    return found is not None and int(found[1]) == start


def _stated_size(response: Any) -> int:
    """The size of the whole file in bytes, as the host states it; 0 if it does not."""
    if response.status == http.client.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
        return int(found[2]) if found is not None and found[2] else 0
    length = response.headers.get("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else 0


def _describe_error(err: Exception, timeout: float) -> str:
    reason = err.reason if isinstance(err, URLError) else err
    if isinstance(reason, TimeoutError):
        return f"no answer for {timeout:g} s"
    return " ".join(str(reason).split()) or type(reason).__name__


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
