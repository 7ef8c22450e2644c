"""Rows about fitted surrogates: curves of a forest and of one neighbour, alone and beside other packages.

The forest is fitted to 2,000 drawn configurations of yahpo-lcbench, with 50 epochs and 7 objectives. The one
of scikit-learn has as many trees, grown on the whole curves of all objectives as one output each; xgboost has
its defaults, and predicts the target at the last epoch alone. Both get encoded configurations.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Effort, Measured, Row, alone, cpu_seconds, in_turns

from blackbox_repo import fit_surrogate, load_blackbox
from blackbox_repo.curve import Array
from blackbox_repo.space import Configuration
from blackbox_repo.store.fitted_storage import save_surrogate
from blackbox_repo.surrogate.neighbours import NearestRows
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.table import TabularBlackbox
from blackbox_repo.tabulate import tabulate

NETWORK = ("yahpo-lcbench", "167200")
MANY = ("fcnet-final", "protein_structure")
ONE = {"neighbours": 1}
TREES = 100


def surrogate_rows(effort: Effort) -> Iterator[Row]:
    """Those that are measured in our own environment."""
    count, rows = effort.queries, 2 * effort.queries
    forest = f"forest of {TREES} trees, {rows:,} configurations x 50 epochs x 7 objectives"
    for how, mark in (("singly", 150.0), ("together", 50.0)):
        what = f"curve of a {forest}, {'one by one' if how == 'singly' else f'{count:,} together'}"
        yield Row(f"ours/forest-{how}", what, "us a curve", partial(predicting, rows, count, how), mark)
    yield Row("ours/forest-disk", f"{forest}, stored", "MB", partial(storing, rows), 10.0)
    for size in (rows, None):
        of = f"{rows:,}" if size else "62,208"
        what = f"curve of the nearest of {of} configurations, one by one"
        measure = partial(asking_neighbour, size, count)
        yield Row(f"ours/neighbour-{size or 'all'}", what, "us a curve", measure)
    what = f"finding the nearest of {rows:,} configurations, one by one"
    yield Row("ours/neighbour-search", what, "us", partial(searching, rows, count), 20.0)
    what = f"1-NN: 62,208 configurations beside {rows:,}; in proportion it would be {62_208 / rows:.1f} times"
    yield Row("ours/neighbour-growth", what, "times", partial(growing, rows, count), 62_208 / rows)
    yield from beside_libraries(rows, count)


def beside_libraries(rows: int, count: int) -> Iterator[Row]:
    """Our curves beside what scikit-learn and xgboost predict."""
    words = {"singly": "one by one", "together": "together"}
    for library, name in (("scikit-learn", "RandomForestRegressor"), ("xgboost", "XGBRegressor")):
        for how, number in (("singly", max(count // 10, 2)), ("together", count)):
            what = f"{number:,} curves of a forest {words[how]}, beside {name}.predict"
            yield Row(f"ours/{library}-{how}", what, "x", partial(beside, library, rows, number, how))


def syne_tune_rows(peer: str, effort: Effort) -> Iterator[Row]:
    """Those that are measured beside Syne Tune's surrogate, around a forest of scikit-learn."""
    number = max(effort.queries // 10, 2)
    what = (
        f"{number:,} curves of a forest, one by one, beside {peer}'s surrogate around RandomForestRegressor"
    )
    yield Row(f"{peer}/forest", what, "x", partial(beside_syne_tune, 2 * effort.queries, number))


# --- what is asked ------------------------------------------------------------------------------------------


@cache
def table(rows: int) -> TabularBlackbox:
    """The table that everything is fitted to."""
    name, task = NETWORK
    return tabulate(load_blackbox(name)[task], rows)


@cache
def forest(rows: int) -> SurrogateBlackbox:
    """Our default model."""
    return fit_surrogate(table(rows), settings={"trees": TREES})


def drawn(count: int) -> list[Configuration]:
    """Configurations that the table lacks."""
    return [table(2).schema.space.sample("surrogates", number) for number in range(count)]


def read(surrogate: SurrogateBlackbox, asked: Sequence[Configuration], how: str) -> None:
    """All objectives of all curves."""
    names = surrogate.schema.curve_names
    for curve in surrogate.curves(asked) if how == "together" else map(surrogate.curve, asked):
        for name in names:
            curve[name]


def predicting(rows: int, count: int, how: str, rounds: int) -> Measured:
    """Microseconds a curve."""
    surrogate, asked = forest(rows), drawn(count)
    return alone(lambda: read(surrogate, asked, how), lambda seconds: seconds / count * 1e6)(rounds)


def storing(rows: int, _rounds: int) -> Measured:
    """Megabytes of the file of the forest's task."""
    name, task = NETWORK
    with tempfile.TemporaryDirectory() as folder:
        save_surrogate(Path(folder) / "forest", load_blackbox(name).manifest, {task: forest(rows)})
        return Measured([sum(f.stat().st_size for f in Path(folder).rglob("*.parquet")) / 1e6])


@cache
def neighbour(rows: int | None) -> SurrogateBlackbox:
    """The nearest of all configurations of a large table, or of some that are drawn."""
    name, task = MANY
    options = FitOptions(max_samples=rows)
    return fit_surrogate(load_blackbox(name)[task], "knn", options=options, settings=ONE)


def drawn_of_many(count: int) -> list[Configuration]:
    """Configurations of the large table's space."""
    space = neighbour(2).schema.space
    return [space.sample("surrogates", number) for number in range(count)]


def asking_neighbour(rows: int | None, count: int, rounds: int) -> Measured:
    """Microseconds a curve."""
    surrogate, asked = neighbour(rows), drawn_of_many(count)
    return alone(lambda: read(surrogate, asked, "singly"), lambda seconds: seconds / count * 1e6)(rounds)


def searching(rows: int, count: int, rounds: int) -> Measured:
    """Microseconds to find the nearest row, without encoding and curve."""
    name, task = MANY
    data = TrainingData.of(load_blackbox(name)[task], max_samples=rows)
    index, asked = NearestRows.of(data.rows), neighbour(rows).encoding.rows(drawn_of_many(count))
    return alone(lambda: [index.nearest(row, 1) for row in asked], lambda seconds: seconds / count * 1e6)(
        rounds
    )


def growing(rows: int, count: int, rounds: int) -> Measured:
    """How many times as long a curve of the large table takes, in turns."""
    few, many, asked = neighbour(rows), neighbour(None), drawn_of_many(count)
    read(few, asked, "singly"), read(many, asked, "singly")
    jobs = [partial(read, each, asked, "singly") for each in (few, many)]
    pairs = [[cpu_seconds(job) for job in jobs] for _ in range(rounds)]
    return Measured([more / less for less, more in pairs])


# --- beside others ------------------------------------------------------------------------------------------


def beside(library: str, rows: int, count: int, how: str, rounds: int) -> Measured:
    """Our curves, and another library's predictions of the same configurations."""
    surrogate, asked = forest(rows), drawn(count)
    encoded = np.array(surrogate.encoding.rows(asked))
    predict = fitted(library, rows)
    theirs: Callable[[], object] = (
        partial(predict, encoded) if how == "together" else lambda: [predict(row[None]) for row in encoded]
    )
    return in_turns(lambda: read(surrogate, asked, how), theirs)(rounds)


@cache
def fitted(library: str, rows: int) -> Callable[[Array], Any]:
    """What predicts encoded configurations."""
    data, schema = TrainingData.of(table(rows)), table(rows).schema
    if library == "scikit-learn":
        from sklearn.ensemble import RandomForestRegressor

        whole = np.hstack([data.points[name] for name in schema.curve_names])
        return RandomForestRegressor(TREES, random_state=0).fit(data.rows, whole).predict  # type: ignore[no-any-return]
    from xgboost import XGBRegressor

    last = data.points[schema.target][:, -1]
    return XGBRegressor(n_jobs=1, random_state=0).fit(data.rows, last).predict  # type: ignore[no-any-return]


def beside_syne_tune(rows: int, count: int, rounds: int) -> Measured:
    """Its surrogate has the same curves to learn from, and a forest of as many trees."""
    ours, theirs, asked = forest(rows), their_surrogate(rows), drawn(count)
    return in_turns(
        lambda: read(ours, asked, "singly"),
        lambda: [theirs(configuration, seed=0) for configuration in asked],
    )(rounds)


@cache
def their_surrogate(rows: int) -> Any:
    """Fitted to the table as ``add_surrogate`` does."""
    import pandas as pd
    from sklearn.ensemble import RandomForestRegressor
    from syne_tune import config_space
    from syne_tune.blackbox_repository.blackbox_surrogate import BlackboxSurrogate

    blackbox = table(rows)
    names = list(blackbox.schema.curve_names)
    epochs = np.array(blackbox.schema.fidelity.values)
    curves = np.stack([blackbox.values(name)[:, 0, :] for name in names], axis=-1)
    space = {
        name: getattr(config_space, f"{'log' if domain.log else ''}{kind}")(domain.lower, domain.upper)
        for name, domain in blackbox.schema.space.domains.items()
        for kind in ["uniform" if type(domain).__name__ == "Float" else "randint"]
    }
    return BlackboxSurrogate(
        X=pd.DataFrame(list(blackbox.configurations())),
        y=pd.DataFrame(curves.reshape(len(curves), -1)),
        configuration_space=space,
        objectives_names=names,
        fidelity_space={"epoch": config_space.randint(1, int(epochs[-1]))},
        fidelity_values=epochs,
        surrogate=RandomForestRegressor(TREES, random_state=0),
        predict_curves=True,
    )
