"""Surrogates of the tables of a blackbox: fitted, judged, and then stored, completely or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption
from blackbox_repo.repository import LoadedBlackbox
from blackbox_repo.scheduler_agreement import find_measurement
from blackbox_repo.store.atomic_directory import reserve
from blackbox_repo.store.fitted_storage import save_surrogate
from blackbox_repo.store.loading import load_task
from blackbox_repo.store.manifest import MANIFEST_FILE, Manifest, read_manifest
from blackbox_repo.store.surrogate_cache import fit_once, keep
from blackbox_repo.surrogate.fit import Fitting
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.quality import judge
from blackbox_repo.surrogate.report import check_rank
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox


@dataclass(frozen=True)
class FitOrder:
    """How all tables of a blackbox are fitted.

    Args:
        model: The name of the model.
        continuous: Whether ordinals of numbers become the numbers between them.
        seed: What is drawn.
        options: What is learnt.
        settings: The settings of the model.
        min_rank: The least rank correlation of the target with which a surrogate is stored.
        schedulers: Whether schedulers are run on tables and surrogates, and compared.
    """

    model: str = "forest"
    continuous: bool = False
    seed: int = 0
    options: FitOptions = field(default_factory=FitOptions)
    settings: Mapping[str, Any] = field(default_factory=dict)
    min_rank: float | None = None
    schedulers: bool = False

    def fitting(self, table: Blackbox) -> Fitting:
        """The order for one table; what can be checked at once is."""
        space = table.schema.space.continuous() if self.continuous else None
        return Fitting.of(
            table, self.model, space=space, seed=self.seed, options=self.options, settings=self.settings
        )


def fit_tables(
    tables: LoadedBlackbox,
    order: FitOrder,
    folder: Path,
    *,
    tasks: Sequence[str] = (),
    recipe: str = "",
    say: Say = lambda step: None,
) -> Manifest:
    """Fit surrogates to tables, judge them by cross-validation, and store them in a folder.

    What was fitted and judged is in the user's cache at once, so that it is not lost if this is stopped.
    Surrogates of other tasks in the folder stay there if they were fitted in the same way.

    Args:
        tables: The blackbox.
        order: How they are fitted.
        folder: The folder of the surrogates, which appears completely or not at all.
        tasks: The tasks; all by default.
        recipe: The command that fits them.
        say: Called with what is done now.

    Returns:
        The manifest as written.

    Raises:
        UnknownName: There is no such task, model or setting.
        NotTabulated: The blackbox has no tables.
        InvalidOption: A surrogate is worse than ``order.min_rank``, cannot be fitted, or would replace others
            that were fitted in another way; nothing was written.
        AlreadyLocked: Another process is writing the folder.
    """
    if order.schedulers:
        find_measurement()  # it says what is missing
    fittings = {task: order.fitting(tables[task]) for task in tasks or tables.manifest.tasks}
    with reserve(folder, read_manifest):
        kept = _others(folder, tables.manifest, fittings)
        made = {}
        for number, (task, fitting) in enumerate(fittings.items(), 1):
            beginning = f"{task} ({number} of {len(fittings)}): "
            made[task] = _fit(fitting, order, partial(_say_after, say, beginning))
        every = kept | made
        ordered = {task: every[task] for task in tables.manifest.tasks if task in every}
        return save_surrogate(folder, tables.manifest, ordered, recipe)


def _say_after(say: Say, beginning: str, step: str) -> None:
    say(f"{beginning}{step}")


def _fit(fitting: Fitting, order: FitOrder, say: Say) -> SurrogateBlackbox:
    say("fitting")
    surrogate = fit_once(fitting, say)
    known = surrogate.info.quality
    report = known or judge(fitting, say=say).report
    if order.min_rank is not None:
        check_rank(report, order.min_rank, f"the surrogate {fitting.model!r} of {fitting.blackbox.name!r}")
    if order.schedulers and report.schedulers is None:
        report = replace(report, schedulers=find_measurement()(fitting, say=say))
    if report is known:
        return surrogate
    surrogate = surrogate.judged(report)
    keep(fitting, surrogate)
    return surrogate


def _others(folder: Path, tables: Manifest, fittings: Mapping[str, Fitting]) -> dict[str, SurrogateBlackbox]:
    """The surrogates in the folder of tasks that are not fitted now.

    Raises:
        InvalidOption: They were fitted in another way.
    """
    if not (folder / MANIFEST_FILE).exists():
        return {}
    manifest = read_manifest(folder)
    entry = manifest.fitted()
    files = {task: each.sha256 for task, each in tables.tasks.items()}
    others = [t for t, each in entry.tasks.items() if t not in fittings and files.get(t) == each.sha256]
    fitting = next(iter(fittings.values()))
    found = (entry.model, entry.seed, dict(entry.settings), entry.options, dict(entry.versions))
    wanted = (fitting.model, fitting.seed, fitting.settings, fitting.options, fitting.prepared()[1])
    if others and (found != wanted or manifest.schema.space != replace(fitting.space, candidates=None)):
        raise InvalidOption(
            f"{folder} has surrogates of {', '.join(others)} that were fitted in another way "
            f"({', '.join([manifest.recipe, *map(' '.join, entry.versions.items())])}); "
            f"fit all tasks again, or write to another --out"
        )
    return {
        task: surrogate
        for task in others
        if isinstance(surrogate := load_task(folder, manifest, task), SurrogateBlackbox)
    }
