"""Names of blackboxes, tasks, files and versions: they become names of files, so not every text will do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from blackbox_repo.errors import FormatError

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_DEVICE = re.compile(r"CON|PRN|AUX|NUL|(COM|LPT)[0-9]", re.IGNORECASE)
_LONGEST_NAME = 200  # of a file system's 255, as suffixes and hidden names come to it


def check_plain_name(what: str, name: str) -> None:
    """Refuse names that could leave their folder or hide in it, and those that some systems cannot store.

    Raises:
        FormatError: The name is not letters, digits and ``. _ + -``, starting with a letter or digit; it ends
            with a dot, is longer than 200 characters, or is one of Windows' devices, such as ``nul.txt``.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise FormatError(
            f"the {what} {name!a} must be letters, digits, '.', '_', '+' and '-' only, and begin with one of "
            f"the former two"
        )
    if len(name) > _LONGEST_NAME:
        raise FormatError(f"the {what} {name[:20]}... must have at most {_LONGEST_NAME} characters")
    if name.endswith(".") or _DEVICE.fullmatch(name.partition(".")[0]):
        raise FormatError(
            f"the {what} {name!r} cannot be stored on Windows: rename it so that it neither ends with a dot "
            f"nor is CON, PRN, AUX, NUL, COM1 or LPT1 up to its first dot"
        )


def is_plain_name(name: str) -> bool:
    """Whether :func:`check_plain_name` accepts a name."""
    try:
        check_plain_name("name", name)
    except FormatError:
        return False
    return True


def check_names(what: str, names: Iterable[str]) -> None:
    """Refuse names that are not plain, or differ by upper and lower case alone.

    Args:
        what: What they are names of, for messages.
        names: The names; one may occur several times.

    Raises:
        FormatError: :func:`check_plain_name` refuses a name, or two are the same file on some systems.
    """
    known: dict[str, str] = {}
    for name in names:
        check_plain_name(what, name)
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise FormatError(
                f"the {what}s {other!r} and {name!r} are the same file on systems that do not tell upper "
                f"from lower case; rename one of them"
            )
