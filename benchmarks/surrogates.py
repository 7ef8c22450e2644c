"""Measures how well surrogates predict what they were not fitted to, beside scikit-learn and xgboost.

    python benchmarks/surrogates.py                          all 30 tasks, hours
    python benchmarks/surrogates.py nmt-hpo/zh-en 'taskset*' chosen tasks: names or patterns
    python benchmarks/surrogates.py --list                   their names
    python benchmarks/surrogates.py --write                  also writes benchmarks/surrogates.json, task by
                                                             task, and the table of docs/surrogates.md from it
    python benchmarks/surrogates.py --page                   writes the table alone
    python benchmarks/surrogates.py --compare knn xgboost    some of our models alone, each with a line of its
                                                             mean rank correlation and median R2

Each task is cross-validated in the folds of :mod:`blackbox_repo.surrogate.report`, drawn anew in each repeat.
In each fold our model learns whole curves; ``RandomForestRegressor()`` of scikit-learn and ``XGBRegressor()``
of xgboost, with their defaults, learn the target at the last fidelity from the same features. All are judged
by the target at the last fidelity.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from measuring import ROOT

from blackbox_repo import load_blackbox
from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import Array
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.metrics import r2, spearman
from blackbox_repo.surrogate.models import MODELS, prepare
from blackbox_repo.surrogate.report import draw_folds
from blackbox_repo.surrogate.training_data import TrainingData
from blackbox_repo.tabulate import tabulate

RESULTS, PAGE = ROOT / "benchmarks" / "surrogates.json", ROOT / "docs" / "surrogates.md"
BLOCK = re.compile(r"(<!-- measured: surrogates -->\n).*?(<!-- end -->)", re.DOTALL)
REPEATS = 5
ALLOWED = 0.02
"""By so much, and the spread of the repeats, a model may be worse than the better of the two on a task."""
TABLES: Mapping[str, int | None] = {
    "nmt-hpo": None,
    "taskset": None,
    "icml-deepar": 4,
    "icml-xgboost": 3,
    "tabrepo-lightgbm": 4,
    "yahpo-lcbench": 10,
}
"""Blackbox -> how many of its tasks, the first ones; None for all."""
TABULATED = 1000
OTHERS = ("scikit-learn", "xgboost")
Predict = Callable[[Array], Array]
Fit = Callable[[TrainingData, Schema, int], Predict]


@dataclass(frozen=True)
class Task:
    """What was measured on a task.

    Args:
        examples: How many configurations the table has.
        features: How many numbers describe one.
        spearman: Model -> Spearman's rank correlation in each repeat.
        r2: Model -> the coefficient of determination in each repeat.
        seconds: Model -> seconds of the processor to fit it once, on average.
        versions: Version of each library that fitted a model.
        date: When.
    """

    examples: int
    features: int
    spearman: Mapping[str, Sequence[float]]
    r2: Mapping[str, Sequence[float]]
    seconds: Mapping[str, float]
    versions: Mapping[str, str]
    date: str


def names() -> list[str]:
    """All tasks, ``BLACKBOX/TASK``."""
    return [
        f"{blackbox}/{task}"
        for blackbox, count in TABLES.items()
        for task in list(load_blackbox(blackbox))[:count]
    ]


def load(name: str) -> Blackbox:
    """The table of a task; of a surrogate network one of 1,000 drawn configurations."""
    blackbox, _, task = name.partition("/")
    found = load_blackbox(blackbox)[task]
    return tabulate(found, TABULATED) if blackbox == "yahpo-lcbench" else found


# --- models -------------------------------------------------------------------------------------------------


def ours(model: str) -> Fit:
    """One of our models; of what it predicts the target at the last fidelity."""

    def fit(data: TrainingData, schema: Schema, seed: int) -> Predict:
        fitted = prepare(model, {})[0](data, schema, seed, lambda step: None)
        return lambda rows: fitted.predict(rows)[schema.target][:, -1]

    return fit


def random_forest(data: TrainingData, schema: Schema, seed: int) -> Predict:
    """scikit-learn's, with its defaults."""
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(random_state=seed)
    return model.fit(data.rows, data.points[schema.target][:, -1]).predict


def boosted_trees(data: TrainingData, schema: Schema, seed: int) -> Predict:
    """xgboost's, with its defaults."""
    from xgboost import XGBRegressor

    model = XGBRegressor(n_jobs=1, random_state=seed)
    return model.fit(data.rows, data.points[schema.target][:, -1]).predict


def models(model: str) -> dict[str, Fit]:
    """Those that are compared; ours is the first."""
    name = f"our {model}" if model in OTHERS else model
    return {name: ours(model), "scikit-learn": random_forest, "xgboost": boosted_trees}


# --- measuring ----------------------------------------------------------------------------------------------


def measure(name: str, model: str, repeats: int) -> Task:
    """Cross-validate all models on a task."""
    table = load(name)
    data, schema = TrainingData.of(table), table.schema
    true = data.points[schema.target][:, -1]
    found: dict[str, list[tuple[float, float, float]]] = {}
    for repeat in range(repeats):
        for each, fit in models(model).items():
            found.setdefault(each, []).append(judge(data, schema, fit, repeat, true))
    figures = {each: list(zip(*rows, strict=True)) for each, rows in found.items()}
    return Task(
        examples=len(data),
        features=data.rows.shape[1],
        spearman={each: rows[0] for each, rows in figures.items()},
        r2={each: rows[1] for each, rows in figures.items()},
        seconds={each: round(statistics.mean(rows[2]), 3) for each, rows in figures.items()},
        versions={
            name: importlib.import_module(name).__version__ for name in ("numpy", "sklearn", "xgboost")
        },
        date=date.today().isoformat(),
    )


def judge(
    data: TrainingData, schema: Schema, fit: Fit, repeat: int, true: Array
) -> tuple[float, float, float]:
    """Rank correlation and R2 of held-out predictions, and seconds to fit once."""
    predicted, tested, seconds = np.full(len(data), np.nan), [], 0.0
    folds = draw_folds(len(data), repeat)
    for fold in folds:
        began = time.process_time()
        predict = fit(data.take(np.setdiff1d(np.arange(len(data)), fold)), schema, repeat)
        seconds += time.process_time() - began
        predicted[fold] = predict(data.rows[fold])
        tested.append(fold)
    chosen = np.concatenate(tested)
    pair = true[chosen], predicted[chosen]
    return spearman(*pair), r2(*pair), seconds / len(folds)


def compare(chosen: Sequence[str], tasks: Sequence[str], repeats: int) -> None:
    """Print the figures of some of our models over tasks; nothing is kept."""
    found: dict[str, list[tuple[float, float, float]]] = {model: [] for model in chosen}
    for name in tasks:
        blackbox = load(name)
        data = TrainingData.of(blackbox)
        true = data.points[blackbox.schema.target][:, -1]
        for model in chosen:
            figures = [judge(data, blackbox.schema, ours(model), r, true) for r in range(repeats)]
            found[model].append(tuple(map(statistics.mean, zip(*figures, strict=True))))  # type: ignore[arg-type]
            print(name, model, *(f"{figure:.3f}" for figure in found[model][-1]), flush=True)
    print(row(["model", "mean rank correlation", "median R2", "s to fit, median"]))
    for model, figures in found.items():
        ranks, shares, seconds = zip(*figures, strict=True)
        middle = (statistics.mean(ranks), statistics.median(shares), statistics.median(seconds))
        print(row([model, *(f"{figure:.3f}" for figure in middle)]))


# --- results ------------------------------------------------------------------------------------------------


def keep(name: str, task: Task, file: Path) -> None:
    """Add the results of a task to those that a file has of others."""
    known = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    order = {each: place for place, each in enumerate(names())}
    known = dict(sorted({**known, name: asdict(task)}.items(), key=lambda item: order[item[0]]))
    file.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


@dataclass(frozen=True)
class Gap:
    """How much better our model is than the better of the others, which may be negative.

    Args:
        mean: Over the repeats.
        spread: The standard deviation over the repeats of the difference.
    """

    mean: float
    spread: float

    @property
    def holds(self) -> bool:
        """Whether it is no worse than is allowed."""
        return self.mean >= -ALLOWED - self.spread

    @classmethod
    def of(cls, figures: Mapping[str, Sequence[float]]) -> Gap:
        """The gap of one figure of a task; our model is the first."""
        mine, *others = figures.values()
        better = max(others, key=statistics.mean)
        differences = [one - other for one, other in zip(mine, better, strict=True)]
        spread = statistics.stdev(differences) if len(differences) > 1 else 0.0
        return cls(statistics.mean(differences), spread)


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The results as a table of Markdown, with the figures that count below it."""
    model = next(iter(next(iter(results.values()))["spearman"]))
    sides = (model, *OTHERS)
    heading = ["task", "configurations", *(f"rank: {side}" for side in sides)]
    heading += ["gap", *(f"R2: {side}" for side in sides), "gap"]
    lines = [row(heading), row(["---", *["---:"] * (len(heading) - 1)])]
    for name, task in results.items():
        cells = [name, f"{task['examples']:,}"]
        for figures in (task["spearman"], task["r2"]):
            gap = Gap.of(figures)
            cells += [f"{statistics.mean(figures[side]):.3f}" for side in sides]
            cells.append(f"{gap.mean:+.3f}{'' if gap.holds else ' (too large)'}")
        lines.append(row(cells))
    return "\n".join([*lines, "", *summary(results, sides)])


def summary(results: Mapping[str, Mapping[str, Any]], sides: Sequence[str]) -> Iterator[str]:
    """Mean rank correlation, median R2, and the worst gap of each."""
    rank = {
        side: statistics.mean(statistics.mean(t["spearman"][side]) for t in results.values())
        for side in sides
    }
    share = {
        side: statistics.median(statistics.mean(t["r2"][side]) for t in results.values()) for side in sides
    }
    yield f"- Mean rank correlation of {len(results)} tasks: {listed(rank)}."
    yield f"- Median R2: {listed(share)}."
    for what, key in (("rank correlation", "spearman"), ("R2", "r2")):
        gaps = {name: Gap.of(task[key]) for name, task in results.items()}
        worst = min(gaps, key=lambda name: gaps[name].mean)
        wrong = [name for name, gap in gaps.items() if not gap.holds]
        yield (
            f"- Worst gap of the {what}: {gaps[worst].mean:+.3f} on {worst} (spread "
            f"{gaps[worst].spread:.3f}); too large on {', '.join(wrong) or 'no task'}."
        )


def listed(figures: Mapping[str, float]) -> str:
    """Each side with its figure."""
    return ", ".join(f"{side} {figure:.3f}" for side, figure in figures.items())


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def page() -> str:
    """The page with its table as the committed results have it."""
    block = table(json.loads(RESULTS.read_text("utf-8")))
    return BLOCK.sub(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", PAGE.read_text("utf-8"))


def main() -> None:
    """Measure the chosen tasks; each is kept when it is known."""
    parser = argparse.ArgumentParser(description="Measure the quality of surrogates beside other regressors.")
    parser.add_argument("tasks", nargs="*", help="names or patterns, such as 'nmt-hpo/*'; by default all")
    parser.add_argument("--model", default="forest", choices=list(MODELS), help="ours")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="cross-validations of each task")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the results to this file")
    parser.add_argument("--list", action="store_true", help="print the names of the tasks and do nothing")
    parser.add_argument("--compare", nargs="+", metavar="MODEL", choices=list(MODELS), help="ours alone")
    parser.add_argument("--write", action="store_true", help="update the committed results and the page")
    parser.add_argument("--page", action="store_true", help="update the page alone")
    options = parser.parse_args()
    if options.compare:
        compare(options.compare, [n for n in names() if matches(n, options.tasks)], options.repeats)
        return
    chosen = [] if options.page else [n for n in names() if matches(n, options.tasks)]
    files = [file for file in (options.json, RESULTS if options.write else None) if file is not None]
    for name in chosen:
        if options.list:
            print(name)
            continue
        task = measure(name, options.model, options.repeats)
        print(table({name: asdict(task)}).splitlines()[2], dict(task.seconds), flush=True)
        for file in files:
            keep(name, task, file)
    if options.write or options.page:
        PAGE.write_text(page(), "utf-8")


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns means the task; without any, all are meant."""
    return not patterns or any(fnmatch(name, pattern) for pattern in patterns)


if __name__ == "__main__":
    main()
