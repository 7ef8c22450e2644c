"""The one unpickler of this project: plain containers, numbers, text and numpy arrays, nothing that acts."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np

from blackbox_repo.errors import FormatError

TORCH_LIMIT = 1 << 30
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_PLAIN = (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
_CORES = ("numpy.core", "numpy._core")  # numpy 1 and numpy 2 name the same functions differently

ALLOWED: dict[tuple[str, str], Any] = {
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in _PLAIN},
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    **{(f"{core}.multiarray", "_reconstruct"): _RECONSTRUCT for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _SCALAR for core in _CORES},
}


def find_plain(module: str, name: str) -> Any:
    """What a pickle means by a name.

    Raises:
        FormatError: The name is not in ``ALLOWED``.
    """
    try:
        return ALLOWED[module, name]
    except KeyError:
        raise FormatError(
            f"the pickle names {module}.{name}, which is not among the plain containers, numbers and "
            f"numpy arrays that are read; nothing of it was run"
        ) from None


def refuse_outside(pid: object) -> Any:
    """Refuse what lies outside the pickle.

    Raises:
        FormatError: Always.
    """
    raise FormatError(f"the pickle refers to the outside object {pid!r}; only self-contained ones are read")


class _SafeUnpickler(pickle.Unpickler):
    find_class = staticmethod(find_plain)
    persistent_load = staticmethod(refuse_outside)


def unpickle(content: bytes, name: str = "the pickle") -> Any:
    """What a pickle holds, if that is plain data.

    Args:
        content: The pickle.
        name: What messages call it.

    Raises:
        FormatError: It names anything that could act, refers outside, or is damaged.
    """
    try:
        return _SafeUnpickler(io.BytesIO(content)).load()
    except FormatError as err:
        raise FormatError(f"{name}: {err}") from err
    except Exception as err:  # a damaged pickle raises almost anything
        raise FormatError(f"{name} is no readable pickle: {err}") from err


def unpickle_torch(content: bytes, name: str = "the torch file", limit: int = TORCH_LIMIT) -> Any:
    """What a file of ``torch.save`` holds, if that is plain lists and dicts; torch is not needed.

    Args:
        content: The zip file; its member ``*/data.pkl`` is read, and nothing else.
        name: What messages call it.
        limit: The most bytes that the member may unpack to.

    Raises:
        FormatError: No such zip file, a member above the limit, or a pickle that :func:`unpickle` refuses.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
            if len(members) != 1:
                raise FormatError(f"{name} has {len(members)} members */data.pkl, but a torch file has one")
            if members[0].file_size > limit:
                raise FormatError(
                    f"{name} unpacks to {members[0].file_size} bytes, more than the {limit} that are read"
                )
            return unpickle(archive.read(members[0]), name)
    except (zipfile.BadZipFile, EOFError) as err:
        raise FormatError(f"{name} is no readable torch file: {err}") from err
