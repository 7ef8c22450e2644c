"""Surrogates that were fitted on this machine, kept in the user's cache: each is fitted once.

The name of a file is the SHA-256 of everything that the fit depends on: the table's digest, the model with
its settings, options, seed and space, and the versions of the libraries. The file begins with the SHA-256 of
what follows, so that a damaged one is fitted again: a line of JSON that says how the arrays are evaluated,
and the arrays as parquet.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.errors import AlreadyLocked, FolderNotPrivate, FormatError
from blackbox_repo.numeric.scalars import plain
from blackbox_repo.store import atomic_file
from blackbox_repo.store.cache_folder import check_private, make_private, surrogates_folder, warn_unusable
from blackbox_repo.store.lock import exclusive
from blackbox_repo.store.surrogate_entry import FORMAT
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.flat import flatten, unflatten
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox

_SUFFIX = ".surrogate"
_NAME = re.compile(rf"[0-9a-f]{{64}}{re.escape(_SUFFIX)}")
_PATIENCE = 3600.0  # seconds to wait for a process that fits the same surrogate
_MOST_BYTES = 1 << 31
_DIGEST = 64


@dataclass(frozen=True)
class _Header:
    info: SurrogateInfo
    spec: dict[str, Any]


def fit_once(fitting: Fitting, say: Say = lambda step: None) -> SurrogateBlackbox:
    """The surrogate from the user's cache; one that is not there is fitted and kept.

    If several processes want it at once, one fits it, and the others wait for it. Where nothing can be kept,
    each fits it for itself, and a warning says why.

    Args:
        fitting: What is to be fitted; a foreign estimator, or a table without a digest, is always fitted.
        say: Called with what is done, if it is fitted.
    """
    path = path_of(fitting)
    if path is None:
        return fitting.fit(say)
    found = _find(path, fitting)
    if found is not None:
        return found
    with ExitStack() as stack:
        try:
            make_private(path.parent)
            atomic_file.remove_irregular(path)  # what a link names is not ours to lock
            stack.enter_context(exclusive(path, timeout=_PATIENCE))
        except (OSError, FolderNotPrivate, AlreadyLocked) as err:
            _tell(path, err)
            return fitting.fit(say)
        return _find(path, fitting) or _fit_and_keep(path, fitting, say)


def keep(fitting: Fitting, surrogate: SurrogateBlackbox) -> None:
    """Keep a surrogate in place of the one that is kept, as when its quality has been measured."""
    path = path_of(fitting)
    if path is None:
        return
    try:
        make_private(path.parent)
        with exclusive(path, timeout=_PATIENCE):
            atomic_file.write(path, _content(surrogate))
    except (OSError, FolderNotPrivate, AlreadyLocked) as err:
        _tell(path, err)


def path_of(fitting: Fitting) -> Path | None:
    """Where the surrogate is kept; ``None`` if it is not, or if there is no cache."""
    folder, table = surrogates_folder(), fitting.blackbox.digest()
    if folder is None or not table or not isinstance(fitting.model, str) or fitting.left_out:
        return None
    meant = {
        "format": FORMAT,
        "table": table,
        "schema": fitting.schema.meaning(),
        "model": fitting.model,
        "settings": fitting.settings,
        "options": asdict(fitting.options),
        "seed": fitting.seed,
        "versions": fitting.prepared()[1],
    }
    key = hashlib.sha256(json.dumps(meant, sort_keys=True, default=plain).encode()).hexdigest()
    return folder / f"{key}{_SUFFIX}"


def kept() -> list[Path]:
    """All surrogates that are kept; other files in the folder are left out."""
    folder = surrogates_folder()
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())


def _find(path: Path, fitting: Fitting) -> SurrogateBlackbox | None:
    """The surrogate that is kept; ``None`` if there is none, or it is damaged."""
    try:
        check_private(path.parent)
        content = typed_json.read_regular(path, _MOST_BYTES)
        return _read(content, path, fitting)
    except (FolderNotPrivate, OSError, FormatError):
        return None


def _read(content: bytes, path: Path, fitting: Fitting) -> SurrogateBlackbox:
    from blackbox_repo.store.flat_arrays import read_flat_arrays

    digest, rest = content[:_DIGEST], content[_DIGEST + 1 :]
    if hashlib.sha256(rest).hexdigest().encode() != digest:
        raise FormatError(f"{path} is damaged")
    told, _, arrays = rest.partition(b"\n")
    header = typed_json.decode(told, _Header, path)
    name = fitted_name(fitting)
    return unflatten(header.spec, read_flat_arrays(arrays, path), fitting.schema, header.info, name)


def fitted_name(fitting: Fitting) -> str:
    """What a surrogate is called that was just fitted."""
    return f"{fitting.blackbox.name} | surrogate {fitting.model}"


def _fit_and_keep(path: Path, fitting: Fitting, say: Say) -> SurrogateBlackbox:
    surrogate = fitting.fit(say)
    try:
        with suppress(OSError):
            atomic_file.tidy_up(path.parent)
        atomic_file.write(path, _content(surrogate))
    except OSError as err:
        _tell(path, err)
    return surrogate


def _content(surrogate: SurrogateBlackbox) -> bytes:
    from blackbox_repo.store.flat_arrays import flat_arrays_content

    spec, arrays = flatten(surrogate)
    told = json.dumps({"info": asdict(surrogate.info), "spec": spec}, default=plain).encode()
    rest = told + b"\n" + flat_arrays_content(arrays)
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _tell(path: Path, err: Exception) -> None:
    warn_unusable(path.parent, err, "each process fits surrogates for itself")
