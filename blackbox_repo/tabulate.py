"""Tables of the values that a surrogate or a function has for some configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidConfiguration, InvalidOption
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.repository import load_blackbox
from blackbox_repo.sampling import Sampler
from blackbox_repo.space import CanonicalKey, Configuration, Space
from blackbox_repo.store.atomic_directory import reserve
from blackbox_repo.store.lazy_tables import LazyTables
from blackbox_repo.store.manifest import Defect, Manifest, Task
from blackbox_repo.store.storage import check_replaced, save_tables
from blackbox_repo.table import STATUSES, Coded, Table, TabularBlackbox

_BATCH = 64
_ATTEMPTS = 1000  # blocks of draws after which no further configurations are expected


def tabulate(
    blackbox: Blackbox, configurations: int | Sequence[Configuration], *, seed: int = 0
) -> TabularBlackbox:
    """A table of exactly the values that a blackbox has for some configurations, with all their seeds.

    Args:
        blackbox: Usually a surrogate or a function.
        configurations: The configurations, or how many different ones to draw from the space. If a finite
            space does not have more, all of it is taken, in the order of its grid.
        seed: The seed with which configurations are drawn.

    Returns:
        A blackbox whose ``table`` :func:`blackbox_repo.store.storage.save_tables` can write.

    Raises:
        InvalidOption: Less than one configuration, or more than there are.
        InvalidConfiguration: The space refuses one, or it occurs twice.

    Example:
        >>> table = tabulate(load_blackbox("yahpo-lcbench")["3945"], 1000)
    """
    space, seed = blackbox.schema.space, whole("seed", seed)
    if isinstance(configurations, Sequence):
        chosen = _check(space, configurations)
    else:
        chosen = _draw(space, whole("configurations", configurations, 1), seed)
    schema = replace(blackbox.schema, space=replace(space, candidates=None))
    return TabularBlackbox(schema, _evaluate(blackbox, chosen), name=f"{blackbox.name} | tabulated")


def save_tabulated(
    name: str | Path,
    configurations: int,
    out: Path,
    *,
    seed: int = 0,
    tasks: Sequence[str] = (),
    report: Callable[[str], None] = lambda step: None,
) -> Manifest:
    """Write ``NAME-N``, a tabulated blackbox of N configurations of another, the same for each task.

    Args:
        name: The name of a blackbox, or its folder.
        configurations: N; if there are fewer, N becomes their number.
        out: The folder in which the folder of the new blackbox is written; an older version is replaced.
        seed: The seed with which configurations are drawn.
        tasks: The tasks to tabulate; all by default.
        report: Called with a short text before each task.

    Returns:
        The manifest as written.

    Raises:
        UnknownName: There is no such blackbox or task.
        InvalidOption: As :func:`tabulate`.
        FormatError: The folder that would be replaced is no blackbox.
        AlreadyLocked: Another process is writing it.
    """
    configurations, seed = whole("configurations", configurations, 1), whole("seed", seed)
    source = load_blackbox(name).manifest
    given = {task: source.task(task) for task in tasks or source.tasks}
    size = source.schema.space.size if source.network else max(of.configurations for of in given.values())
    made = _describe(source, given, min(configurations, size or configurations), seed)

    def table(task: str) -> Table:
        report(f"evaluating {task} ({list(given).index(task) + 1} of {len(given)})")
        return tabulate(load_blackbox(name)[task], configurations, seed=seed).table

    with reserve(out / made.name, check_replaced):
        return save_tables(out / made.name, made, LazyTables(given, table))


def _describe(source: Manifest, given: Mapping[str, Task], count: int, seed: int) -> Manifest:
    return replace(
        source,
        name=f"{source.name}-{count}",
        title=f"{source.title}; a table of {count:,} configurations",
        recipe=f"bb-repo tabulate {source.name} --configurations {count} --seed {seed}",
        card=(*source.card, _describe_cut(source, count, seed)),
        tasks={
            task: Task("unwritten", "", 0, title=of.title, ranges=of.ranges, target=of.target)
            for task, of in given.items()
        },
        labels=(),
        network=None,
    )


def _describe_cut(source: Manifest, count: int, seed: int) -> Defect:
    if source.network:
        what = f"{source.name} answers any configuration of its space; this table has {count:,} of them"
    else:
        what = (
            f"of the configurations that {source.name} has of a task, this table has {count:,}, or all if "
            f"there are no more"
        )
    left_out = f"; its labels are left out: {', '.join(source.labels)}" if source.labels else ""
    return Defect(
        f"{what}, drawn with the seed {seed}", f"the values are those of {source.name}, bit by bit{left_out}"
    )


def _draw(space: Space, count: int, seed: int) -> list[Configuration]:
    if space.size is not None and space.size <= count:
        return [space.configuration(index) for index in range(space.size)]
    chosen: dict[CanonicalKey, Configuration] = {}
    sampler = Sampler(space, "tabulate", seed)
    for _ in range(_ATTEMPTS):
        for drawn in sampler.take(count - len(chosen)):
            if len(chosen) < count:
                chosen.setdefault(space.identity(drawn), drawn)
        if len(chosen) == count:
            return list(chosen.values())
    raise InvalidOption(f"configurations={count} is more than the {len(chosen)} that were found in the space")


def _check(space: Space, configurations: Sequence[Configuration]) -> list[Configuration]:
    known: dict[tuple[object, ...], Configuration] = {}
    for configuration in configurations:
        if known.setdefault(space.key(configuration), configuration) is not configuration:
            raise InvalidConfiguration(f"{dict(configuration)!r} occurs twice; leave the second out")
    if not known:
        raise InvalidOption("configurations=[] must be 1 or more")
    return [space.check(configuration) for configuration in known.values()]


def _evaluate(blackbox: Blackbox, chosen: Sequence[Configuration]) -> Table:
    rows = [
        (configuration, curve)
        for start in range(0, len(chosen), _BATCH)
        for configuration, first in _first_curves(blackbox, chosen[start : start + _BATCH])
        for curve in (first, *_other_curves(blackbox, configuration))
    ]
    curves = [curve for _, curve in rows]
    schema = blackbox.schema
    status = np.array([STATUSES.index(curve.status) for curve in curves], dtype=np.uint8)
    return Table(
        hyperparameters={
            name: Coded.of(configuration.get(name) for configuration, _ in rows)
            for name in schema.space.domains
        },
        seeds=np.array([curve.seed for curve in curves], dtype=np.int64),
        points={name: np.concatenate([curve[name] for curve in curves]) for name in schema.curve_names},
        lengths=np.array([len(curve) for curve in curves], dtype=np.int64),
        constants={name: np.array([c.constant(name) for c in curves]) for name in schema.constant_names},
        status=status if status.any() else None,
    )


def _first_curves(
    blackbox: Blackbox, batch: Sequence[Configuration]
) -> list[tuple[Configuration, LearningCurve]]:
    return list(zip(batch, blackbox.curves(batch), strict=True))


def _other_curves(blackbox: Blackbox, configuration: Configuration) -> list[LearningCurve]:
    return [blackbox.curve(configuration, seed=seed) for seed in blackbox.seeds(configuration)[1:]]
