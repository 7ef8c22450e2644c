"""Who may write the folder of a run of bb-sim, and what is kept of a run that was given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from blackbox_repo.store.atomic_folder import reserve
from simulator.cli.command import UnfinishedRun
from simulator.errors import RunError
from simulator.results.run import Run


@contextmanager
def claimed(folder: Path | None, check: Callable[[Path], object]) -> Iterator[None]:
    """Be the only one to write a folder, from before anything is simulated until its results are there.

    Args:
        folder: Where the results go; ``None`` if that is not known yet.
        check: Called with the folder if it exists; raises if it must not be written.

    Raises:
        AlreadyLocked: Another process is at it.
    """
    if folder is None:
        yield
        return
    with reserve(folder, check):
        yield


def kept(error: RunError, folder_of: Callable[[Run], Path], log: UnfinishedRun | None) -> RunError:
    """Save what there is of a run that was given up; the error, which says where it is.

    Args:
        error: Why it was given up.
        folder_of: Where a run is saved.
        log: The log from which it can go on, if there is one; only a finished run takes its place.
    """
    run = error.run
    finished = run is not None and run.reason != "error"
    if log is not None and not finished:
        remedy = f"; {left(log)}"
    elif run is None:
        return error
    else:
        run.save(folder_of(run), None if log is None else log.check_replaced)
        remedy = f"; the {'finished run' if finished else 'run so far'} is in {folder_of(run)}"
    told = type(error)(f"{error}{remedy}")
    told.run = run
    return told


def left(log: UnfinishedRun | None) -> str:
    """What is left of a run that was cut off, and how to go on.

    Args:
        log: Its log, if it has one.
    """
    if log is None:
        return "nothing was kept; a run that is begun with --log --out FOLDER can be resumed"
    return f"the scheduler's answers so far are kept: go on with bb-sim run --resume {log.folder}"
