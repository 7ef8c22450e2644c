"""The files that tests compare with: they lie beside the test, and a changed file makes the test fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import NoReturn

from blackbox_repo.errors import InvalidOption
from blackbox_repo.pytest_plugin import RunningTest, running
from blackbox_repo.text.plain_text import printable

FOLDER = "goldens"
_LONGEST = 100


def golden_file(given: str | Path | None, suffix: str) -> Path:
    """The file of an assertion.

    Args:
        given: A path, relative to the folder of the test; ``None`` for a file that is named after the test.
        suffix: The end of that name.

    Raises:
        InvalidOption: No test of pytest is running, and no absolute path is given.
        AssertionError: A test of this session has written the file, so it has not been looked at yet; a
            second try (pytest --reruns) would compare the scheduler with itself.
    """
    __tracebackhide__ = True
    test = running()
    file = _path(given, suffix, test)
    if test is not None and file in test.written:
        raise AssertionError(test.written[file])
    return file


def _path(given: str | Path | None, suffix: str, test: RunningTest | None) -> Path:
    if given is not None and Path(given).is_absolute():
        return Path(given)
    if test is None:
        raise InvalidOption(
            "no test is running under pytest with this project's plugin, so there is no folder for a "
            "golden file; give an absolute path"
        )
    if given is not None:
        return test.file.parent / given
    file = test.file.parent / FOLDER / test.file.stem / f"{_file_name(test.name)}{suffix}"
    number = 1 + sum(used == file for used in test.files)
    test.files.append(file)
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{suffix}")


def _file_name(name: str) -> str:
    """The name of a test as a file name that is valid on every system; with a hash if it was changed."""
    plain = re.sub(r"[^\w.\-\[\]=,]+", "-", name.replace("::", "."), flags=re.ASCII)
    test, bracket, parameters = name.partition("[")
    clear = plain == test.replace("::", ".") + bracket + parameters and parameters == parameters.lower()
    if clear and len(name) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def regenerating() -> bool:
    """Whether the running test may rewrite its files."""
    test = running()
    return test is not None and test.regenerate


def write_and_fail(file: Path, write: Callable[[Path], object], why: str) -> NoReturn:
    """Write a file and fail, now and for the rest of the session: somebody has to look at it and commit it.

    Args:
        file: The file.
        write: Writes it.
        why: The reason, for the message.

    Raises:
        AssertionError: Always.
    """
    __tracebackhide__ = True
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file)
    message = printable(
        f"{why}; {_short_path(file)} was written: look at it, commit it, and run the test again"
    )
    test = running()
    if test is not None:
        test.written[file] = message
    raise AssertionError(message)


def note(text: str) -> None:
    """Note a message that is shown even if the test passes.

    Args:
        text: The message.
    """
    test = running()
    if test is not None:
        test.notes.append(text)


def _short_path(file: Path) -> str:
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(file)
