"""Raw files fetched from where they are published: complete under their names, or not there at all."""

from __future__ import annotations

import hashlib
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

from blackbox_repo import __version__
from blackbox_repo.errors import BlackboxRepoError, IntegrityError
from blackbox_repo.store.atomic_folder import name_full_disk
from blackbox_repo.store.lock import exclusive
from conversion_scripts.raw.connections import PATIENT, Failure, Pace, Patience, opener
from conversion_scripts.raw.file_type import mismatch
from conversion_scripts.raw.folder import RawFile, present

Report: TypeAlias = Callable[[RawFile, int, int], None]
LARGEST = 1 << 37  # bytes that are fetched of a file whose size nobody says
_SCHEMES = ("http", "https")
_PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)
_PIECE = 1 << 16
_LONGEST_WAIT = 60.0  # seconds that a host may ask us to wait
_GZIPPED = (".gz", ".tgz")  # which some hosts announce as packed, meaning the file itself
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:(\d+)|\*)", re.ASCII)
_BROKEN = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


class DownloadFailed(BlackboxRepoError):
    """A raw file could not be fetched; the message says how to do it by hand."""


def download(
    files: Iterable[RawFile],
    root: Path,
    *,
    patience: Patience = PATIENT,
    report: Report = lambda file, done, total: None,
) -> list[RawFile]:
    """Fetch the files that a folder lacks.

    A download that was cut goes on where it ended, if the host can do so and the file's hash is known.

    Args:
        files: What the folder should hold.
        root: The folder; a file in it may also be there gzipped, as ``name.gz``.
        patience: How long to try.
        report: Told of a file how many bytes there are, and how many there will be (0 if nobody knows).

    Returns:
        The files that were fetched.

    Raises:
        DownloadFailed: No address of a file gave it.
        IntegrityError: The folder holds another file of that name, or one that is visibly not what it should
            be.
        AlreadyLocked: Another process is fetching the same file.
    """
    files = list(files)
    there = present(root, files)  # where else conversions find them
    missing = [packing_fetched(file) for file in files if not (_is_there(root, file) or file.name in there)]
    for file in missing:
        path = root / file.name
        with exclusive(path):
            _fetch(file, path, patience, report)
    return missing


def can_download(file: RawFile) -> bool:
    """Whether the file, in one of its packings, has an address that :func:`download` takes."""
    packing = packing_fetched(file)
    return any(_scheme(url) in _SCHEMES for url in (packing.url, *packing.mirrors))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:  # such as of brackets that are not closed
        return ""


def packing_fetched(file: RawFile) -> RawFile:
    """The first packing of the file that has an address."""
    return next((packing for packing in (file, *file.instead) if packing.url), file)


def _is_there(root: Path, file: RawFile) -> bool:
    path = root / file.name
    if any(_is_there(root, packing) for packing in file.instead) or path.is_dir():
        return True
    if not path.exists():
        return Path(f"{path}.gz").exists()
    problem = _problem(path, file)
    if problem:
        raise IntegrityError(
            f"{path} is not the file that this recipe knows: it {problem}; "
            f"move it away, and run the same command again to fetch the right one"
        )
    return True


def _problem(path: Path, file: RawFile) -> str:
    """What tells that another file lies there; empty if nothing does."""
    if not file.sha256:
        return mismatch(path, file.name)
    found = _sha256(path)
    return "" if found == file.sha256 else f"has the sha256 {found}, expected {file.sha256}"


def _fetch(file: RawFile, path: Path, patience: Patience, report: Report) -> None:
    part = path.with_name(f".{path.name}.part")
    if not file.sha256:
        part.unlink(missing_ok=True)  # nobody can tell which file it is a part of
    reasons = []
    for url in filter(None, (file.url, *file.mirrors)):
        try:
            _Transfer(url, file, part, patience, report).complete()
        except Failure as err:
            reasons.append(f"{url}: {err}")
        else:
            part.replace(path)
            return
    raise DownloadFailed(_by_hand(file, path, reasons))


class _Transfer:
    """One file from one address into ``part``, piece by piece over as many connections as it takes."""

    def __init__(self, url: str, file: RawFile, part: Path, patience: Patience, report: Report) -> None:
        self._url, self._file, self._part, self._patience = url, file, part, patience
        self._report, self._pace = report, Pace(patience)
        self._validator = ""  # the host's name for this version of the file

    def complete(self) -> None:
        """Fetch what is missing of ``part``, and check it.

        Raises:
            Failure: It could not be had, or is another file; ``part`` is kept if it may be a beginning.
        """
        failures = 0
        while True:
            before = self._size()
            try:
                self._transfer(before)
                self._verify(resumed=before > 0)
            except Failure as err:
                failures = 1 if self._size() > before and not err.idle else failures + 1
                if not err.passing:
                    raise
                if failures >= self._patience.tries:
                    raise Failure(f"{err} (tried {failures} times)") from err
                time.sleep(err.wait or self._patience.pause * 2 ** (failures - 1))
            else:
                return

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _transfer(self, start: int) -> None:
        if start and start == self._file.size:
            return
        try:
            with self._opened(start) as response:
                start = start if self._is_resumed(response, start) else 0
                self._validator = response.headers.get("ETag") or ""
                self._receive(response, start)
        except HTTPError as err:
            if err.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and self._is_complete():
                return
            raise self._refused(err, start) from err
        except ValueError as err:
            raise Failure(f"is no address that can be fetched: {err}") from err
        except _BROKEN as err:
            raise Failure(_words(err, self._patience.timeout), passing=True) from err

    def _is_resumed(self, response: Any, start: int) -> bool:
        """Whether the answer begins where ``part`` ends, and not with the whole file."""
        packed = (response.headers.get("Content-Encoding") or "identity").strip().lower()
        if packed != "identity" and not self._file.name.endswith(_GZIPPED):
            raise Failure(f"sends the file packed ({packed}), though it was asked not to")
        if response.status not in (http.client.OK, http.client.PARTIAL_CONTENT):
            raise Failure(f"answers with HTTP {response.status}, not with the file")
        if response.status == http.client.OK:
            return False
        if not self._asks_for_part(start):
            raise Failure("sends a part of the file, though the whole was asked for")
        if not _starts_at(response, start):
            raise self._discarded("sends another part of the file than was asked for")
        return True

    def _opened(self, start: int) -> Any:
        if _scheme(self._url) not in _SCHEMES:
            raise Failure("only http and https addresses are fetched")
        headers = {"User-Agent": f"blackbox-repo/{__version__}", "Accept-Encoding": "identity"}
        if self._asks_for_part(start):
            headers["Range"] = f"bytes={start}-"
            if self._is_strong():
                headers["If-Range"] = self._validator
        request = urllib.request.Request(self._url, headers=headers)  # noqa: S310  the scheme is checked above
        return opener(self._pace).open(request, timeout=self._patience.timeout)

    def _asks_for_part(self, start: int) -> bool:
        return start > 0 and (bool(self._file.sha256) or self._is_strong())

    def _is_complete(self) -> bool:
        return bool(self._file.sha256) and not _problem(self._part, self._file)

    def _is_strong(self) -> bool:
        return self._validator.startswith('"')

    def _receive(self, response: Any, start: int) -> None:
        total = _total(response)
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
            raise Failure(f"was cut after {done} of {self._file.size or total} bytes", passing=True)

    def _refused(self, err: HTTPError, start: int) -> Failure:
        if err.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return self._discarded("has no more of the file than the beginning that was there")
        asked = err.headers.get("Retry-After") or ""
        wait = min(float(asked), _LONGEST_WAIT) if asked.isdigit() else 0.0
        return Failure(f"HTTP {err.code} {err.reason}", passing=err.code in _PASSING_STATUS, wait=wait)

    def _verify(self, *, resumed: bool) -> None:
        problem = _problem(self._part, self._file)
        if problem:
            failure = self._discarded(f"the file there {problem}; it was not kept")
            failure.passing = resumed  # the beginning may have been another file's
            raise failure

    def _discarded(self, reason: str) -> Failure:
        """The failure of a transfer whose beginning is of no use."""
        self._part.unlink()
        return Failure(reason, passing=True)


def _starts_at(response: Any, start: int) -> bool:
    found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
    return found is not None and int(found[1]) == start


def _total(response: Any) -> int:
    """The bytes of the whole file as the host says; 0 if it does not."""
    if response.status == http.client.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
        return int(found[2]) if found is not None and found[2] else 0
    length = response.headers.get("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else 0


def _words(err: Exception, timeout: float) -> str:
    reason = err.reason if isinstance(err, URLError) else err
    if isinstance(reason, TimeoutError):
        return f"no answer for {timeout:g} s"
    return " ".join(str(reason).split()) or type(reason).__name__


def place(file: RawFile) -> str:
    """The address of a file, or of the page that shows it in its repository; empty if neither is known."""
    if file.url or not file.repository:
        return file.url
    kind = "blob" if file.path else "tree"
    return f"https://github.com/{file.repository}/{kind}/{file.commit or 'HEAD'}/{file.path}".rstrip("/")


def _by_hand(file: RawFile, path: Path, reasons: list[str]) -> str:
    tried = "; ".join(reasons) or "it has no address that can be fetched"
    hash_text = f"; its sha256 is {file.sha256}" if file.sha256 else ""
    others = " or ".join(repr(packing.name) for packing in file.instead)
    others_text = f"; {others} in the raw folder will do too" if others else ""
    return (
        f"the raw file {file.name!r} could not be downloaded: {tried}. By hand: get it from "
        f"{place(file) or 'its publisher'} and put it at {path}{hash_text}{others_text}"
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
