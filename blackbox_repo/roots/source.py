"""From where a blackbox may come, as an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blackbox_repo.errors import InvalidOption
from blackbox_repo.roots.addresses import parse_address
from blackbox_repo.store.names import is_plain_name


@dataclass(frozen=True)
class Source:
    """From where :func:`blackbox_repo.load_blackbox` may take a blackbox, and what it may do to get it.

    Args:
        roots: The roots to search, in order, and no others: paths of folders, addresses such as
            ``s3://bucket/prefix`` and ``https://host/prefix``, or the words ``package``, ``user`` and
            ``packages``. By default those that ``BLACKBOX_ROOTS`` or the configuration file names, and then
            what ships with the code, the user's own folder, and other installed packages.
        offline: Whether to use only what is on this machine; ``BLACKBOX_OFFLINE=1`` says so for all.
        convert: Whether to download raw files and convert them if no root has the blackbox but a recipe
            makes it.
        objectives: Only these objectives are read; where the root is remote, only their columns are
            downloaded if that moves fewer bytes. Name the time of training too, if a simulation needs it. By
            default all.
        surrogate: Instead of the tables of the blackbox, the surrogates that were fitted to them with this
            model, such as ``"forest"``: those beside the tables, else those of the same root, else the user's
            own, which ``bb-repo fit`` writes. They are refused if a table has changed since then.

    Raises:
        InvalidOption: An argument has another type, or a root is malformed or holds a secret.
    """

    roots: Sequence[str | Path] | None = None
    offline: bool = False
    convert: bool = False
    objectives: Sequence[str] | None = None
    surrogate: str | None = None

    def __post_init__(self) -> None:
        for name, kind in (("roots", str | Path), ("objectives", str)):
            given = getattr(self, name)
            if given is None:
                continue
            found = type(given).__name__  # a value is not shown, as addresses may hold secrets
            if isinstance(given, str) or not isinstance(given, Sequence) or not given:
                what = f"is of the type {found}" if given else f"is an empty {found}"
                raise InvalidOption(f"{name} {what}, but must be a list with one or more, or None")
            if strange := [type(each).__name__ for each in given if not isinstance(each, kind)]:
                raise InvalidOption(f"{name} is a {found} with a {strange[0]}, but must hold text only")
            object.__setattr__(self, name, tuple(given))
        for root in self.roots or ():
            parse_address(root, "--root")
        for name in ("offline", "convert"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidOption(f"{name} is {getattr(self, name)!r}, but must be True or False")
        if self.surrogate is not None and not (
            isinstance(self.surrogate, str) and is_plain_name(self.surrogate)
        ):
            raise InvalidOption(
                f"surrogate is {self.surrogate!r}, but must be the name of a model, such as 'forest', or None"
            )


DEFAULT = Source()
