"""Golden files: they lie beside their test, are written if they are missing, and never renewed silently."""

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
    """The file of this assertion: as given, from the test's folder, or named after the test.

    Raises:
        InvalidOption: No test of pytest is running, and no absolute path is given.
        AssertionError: A test of this session has written the file, so it has not been looked at yet; a
            second try (pytest --reruns) would compare the scheduler with itself.
    """
    __tracebackhide__ = True
    test = running()
    file = _place(given, suffix, test)
    if test is not None and file in test.written:
        raise AssertionError(test.written[file])
    return file


def _place(given: str | Path | None, suffix: str, test: RunningTest | None) -> Path:
    if given is not None and Path(given).is_absolute():
        return Path(given)
    if test is None:
        raise InvalidOption(
            "no test is running under pytest with this project's plugin, so there is no place to keep a "
            "golden file; give an absolute path"
        )
    if given is not None:
        return test.file.parent / given
    file = test.file.parent / FOLDER / test.file.stem / f"{_file_name(test.name)}{suffix}"
    number = 1 + sum(used == file for used in test.files)
    test.files.append(file)
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{suffix}")


def _file_name(name: str) -> str:
    """A test's name as the name of a file, the same on every system; a hash where letters had to go."""
    plain = re.sub(r"[^\w.\-\[\]=,]+", "-", name.replace("::", "."), flags=re.ASCII)
    test, bracket, parameters = name.partition("[")
    clear = plain == test.replace("::", ".") + bracket + parameters and parameters == parameters.lower()
    if clear and len(name) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def regenerating() -> bool:
    """Whether files are to be written anew."""
    test = running()
    return test is not None and test.regenerate


def written(file: Path, write: Callable[[Path], object], why: str) -> NoReturn:
    """Write the file, and fail for the rest of the session: it has to be looked at, and committed.

    Raises:
        AssertionError: Always.
    """
    __tracebackhide__ = True
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file)
    said = printable(f"{why}; {_shown(file)} was written: look at it, commit it, and run the test again")
    test = running()
    if test is not None:
        test.written[file] = said
    raise AssertionError(said)


def note(text: str) -> None:
    """Tell something even though the test passes."""
    test = running()
    if test is not None:
        test.notes.append(text)


def _shown(file: Path) -> str:
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(file)
