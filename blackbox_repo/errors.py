"""The errors of this project, as one tree; each message names the thing, the value, the rule and the remedy.

BlackboxRepoError
├── UnknownName                  a blackbox, task, objective, scheduler, ... that does not exist
│   └── NotConverted             a blackbox that no root has, but that a recipe makes
├── InvalidSpace                 a search space or schema that contradicts itself
│   └── TooEntangled             conditions so entangled that configurations cannot be counted
├── InvalidConfiguration         a configuration that its space refuses
│   └── ConfigurationNotInTable  a configuration of the space that the table lacks
├── UnknownFidelity              a fidelity that the schema or the curve does not have
├── UnknownSeed                  a training seed that the table lacks
├── InvalidOption                an argument outside its range
├── FormatError                  a file that does not have the documented format
│   └── IntegrityError           a file whose hash differs from that in the manifest
│       └── PinMismatch          a blackbox that is not the one in the lock file
├── AlreadyLocked                a file or folder that another process is writing
├── RootUnavailable              a root of blackboxes that cannot be reached, or does not answer properly
│   ├── NotInRoot                something that the root does not have
│   └── NotDownloaded            something that would have to be downloaded, while offline
├── VersionExists                a version that has been published with other content
├── FolderNotPrivate             a folder of the cache to which other users can write
└── NotTabulated                 a request for the whole table of a blackbox without one

CacheWarning                     a cache that cannot be used, so that something takes longer
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from blackbox_repo.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUGGESTED = 3  # names that a message suggests at most
_LONGEST = 4000  # characters of a message
_TELLING = 3  # letters by which a part of a name is recognized


class BlackboxRepoError(Exception):
    """Base of all errors that this project raises on purpose.

    Its text may repeat what a file from outside holds; no character of it controls a terminal, and of a very
    long one the middle is left out.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
        return printable(text, keep="\n")


class UnknownName(BlackboxRepoError, LookupError):
    """A name that is not among the known ones.

    Args:
        kind: What the name should be, such as ``"objective"`` or ``"task of 'taskset'"``.
        name: The name that was given.
        known: All names that exist, in the order to show them.
        remedy: What to do instead, if listing the names does not say it.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str], remedy: str = "") -> None:
        self.kind, self.name, self.known, self.remedy = kind, name, tuple(known), remedy
        what, of, owner = kind.partition(" of ")
        message = f"unknown {what} {name!r}{of}{owner}{suggestion(name, self.known)}"
        if remedy:
            message += f" ({remedy})" if message.endswith("?") else f"; {remedy}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[UnknownName], tuple[object, ...]]:
        # an exception is rebuilt from its message alone unless told otherwise, and must cross processes
        return type(self), (self.kind, self.name, self.known, self.remedy)


class NotConverted(UnknownName):
    """A blackbox that no root has, but that a recipe makes.

    Args:
        name: The name that was given.
        remedy: How to get it, in a sentence that follows a colon.
        kind: What the name should be.
    """

    def __init__(self, name: str, remedy: str, kind: str = "blackbox") -> None:
        super().__init__(kind, name, (), remedy)
        self.args = (f"unknown {kind} {name!r}: {remedy}",)

    def __reduce__(self) -> tuple[type[NotConverted], tuple[object, ...]]:
        return type(self), (self.name, self.remedy, self.kind)


class InvalidSpace(BlackboxRepoError, ValueError):
    """A search space or a schema that contradicts itself."""


class TooEntangled(InvalidSpace):
    """Conditions between so many hyperparameters that the configurations of a space cannot be counted."""


class InvalidConfiguration(BlackboxRepoError, ValueError):
    """A configuration that its space refuses."""


class ConfigurationNotInTable(InvalidConfiguration, LookupError):
    """A configuration of the space that the table does not hold."""


class UnknownFidelity(BlackboxRepoError, LookupError):
    """A fidelity that the schema, or one curve, does not have."""


class UnknownSeed(BlackboxRepoError, LookupError):
    """A training seed that the table does not hold for a configuration."""


class InvalidOption(BlackboxRepoError, ValueError):
    """An argument outside its range."""


class FormatError(BlackboxRepoError):
    """A file that does not have the documented format."""


class IntegrityError(FormatError):
    """A file whose content differs from what the manifest describes."""


class PinMismatch(IntegrityError):
    """A blackbox that is not in the lock file, or not the one that the lock file names."""


class AlreadyLocked(BlackboxRepoError):
    """Another process, or another thread, is writing the same file or folder."""


class RootUnavailable(BlackboxRepoError):
    """A root cannot be reached, refuses access, or does not answer properly."""


class NotInRoot(RootUnavailable, LookupError):
    """A root does not have a file."""


class NotDownloaded(RootUnavailable, LookupError):
    """A file is not on this machine, and nothing may be downloaded."""


class VersionExists(BlackboxRepoError):
    """A version has been published with other content; versions never change."""


class FolderNotPrivate(BlackboxRepoError):
    """A folder of the cache to which other users can write, so that nothing in it can be believed."""


class CacheWarning(UserWarning):
    """The cache cannot be used, so that something takes longer; values are the same."""


class NotTabulated(BlackboxRepoError, TypeError):
    """The whole table was requested of a blackbox that can only be queried."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar known names, or a short list of all.

    Names are similar without regard to case and punctuation; a name that holds the given one is.
    """
    known = list(known)
    if not known:
        return "; there is none"
    near = _find_near(comparable(name), known)[:_SUGGESTED]
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    shown = ", ".join(map(repr, known[:12]))
    return f"; known: {shown}" + (f" and {len(known) - 12} more" if len(known) > 12 else "")


def comparable(name: object) -> str:
    """A name without case and punctuation, in which people differ: NAS-Bench-201 is nasbench201."""
    return "".join(filter(str.isalnum, str(name).casefold()))


def _find_near(word: str, known: list[str]) -> list[str]:
    """The names that hold the word, then the most similar ones; the word is comparable."""
    words: dict[str, list[str]] = {}
    for each in known:
        words.setdefault(comparable(each), []).append(each)
    similar = difflib.get_close_matches(word, words, n=_SUGGESTED, cutoff=0.5)
    holding = [each for each in words if len(word) >= _TELLING and word in each]
    return [each for found in dict.fromkeys((*holding, *similar)) for each in words[found]]
