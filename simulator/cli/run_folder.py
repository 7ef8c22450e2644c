"""The folder of a run of bb-sim: one process at a time writes it, and it keeps a run that did not finish."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo.store.atomic_directory import reserve
from simulator.cli.command import UnfinishedRun
from simulator.errors import RunError
from simulator.results.run import Run


@contextmanager
def claim(folder: Path | None, check: Callable[[Path], object]) -> Iterator[None]:
    """Within this, no other process of bb-sim writes the folder.

    Args:
        folder: The folder of the results; ``None`` if it is not known yet, then nothing is locked.
        check: Called with the folder if it exists; raises if it must not be written.

    Raises:
        AlreadyLocked: Another process writes it.
    """
    if folder is None:
        yield
        return
    with reserve(folder, check):
        yield


def save_failed(error: RunError, folder_of: Callable[[Run], Path], log: UnfinishedRun | None) -> RunError:
    """Save the results so far of a run that failed, and return the error with a note where they are.

    Args:
        error: Why the run failed.
        folder_of: Gives the folder of a run's results.
        log: The unfinished run, if a log is kept; only a finished run replaces it.
    """
    run = error.run
    finished = run is not None and run.reason != "error"
    if log is not None and not finished:
        remedy = f"; {describe_resume(log)}"
    elif run is None:
        return error
    else:
        run.save(folder_of(run), None if log is None else log.check_replaced)
        remedy = f"; the {'finished run' if finished else 'run so far'} is in {folder_of(run)}"
    with_remedy = type(error)(f"{error}{remedy}")
    with_remedy.run = run
    return with_remedy


def describe_resume(log: UnfinishedRun | None) -> str:
    """What is kept of an interrupted run, and how it is resumed.

    Args:
        log: The unfinished run, if a log is kept.
    """
    if log is None:
        return "nothing was kept; a run that is started with --log --out FOLDER can be resumed"
    return f"the scheduler's answers so far are kept; continue with bb-sim run --resume {log.folder}"
