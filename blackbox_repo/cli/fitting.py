"""The command ``bb-repo fit``: surrogates of the tables of a blackbox, stored beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from blackbox_repo.cli.app import app
from blackbox_repo.cli.options import AsJson, Name, Offline, Roots, make_source
from blackbox_repo.errors import BlackboxRepoError, InvalidOption
from blackbox_repo.roots.find import locate
from blackbox_repo.roots.source import Source
from blackbox_repo.store.surrogate_entry import surrogate_folder
from blackbox_repo.text import console
from blackbox_repo.text.console import StrictCommand, examples
from blackbox_repo.text.plain_text import printable
from blackbox_repo.text.terminal import Column, Terminal
from blackbox_repo.user_folder import folder_for_new

if TYPE_CHECKING:
    from blackbox_repo.fit_tables import FitOrder
    from blackbox_repo.repository import LoadedBlackbox
    from blackbox_repo.store.manifest import Manifest
    from blackbox_repo.surrogate.options import Seeds


_ONE_SETTING = "A setting of the model; may be repeated."
_NAMES = (
    "forest, extra_trees: trees, kind, others, min_samples_leaf, max_features. knn: neighbours, weights. "
    "xgboost, by its own names: n_estimators, learning_rate, max_depth, max_leaves, grow_policy, "
    "min_child_weight, gamma, max_delta_step, subsample, colsample_bytree, colsample_bylevel, "
    "colsample_bynode, reg_lambda, reg_alpha, max_bin, num_parallel_tree."
)


@app.command(
    cls=StrictCommand,
    epilog=examples(
        "bb-repo fit icml-xgboost",
        "bb-repo fit fcnet --task protein_structure --space continuous --min-rank 0.8",
        "bb-repo fit nmt-hpo --model knn --set neighbours=3 --out ~/blackboxes",
    ),
)
def fit(  # noqa: PLR0913, PLR0917  a command line has as many options as it has
    name: Name,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="forest, knn, extra_trees or xgboost.")
    ] = "forest",
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Only this task; may be repeated.")
    ] = None,
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help="Which configurations can be asked: those of the table's space (table), or those between "
            "the values of a grid, too (continuous).",
        ),
    ] = "table",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help=f"A setting of the model; may be repeated. {_NAMES}"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="What is drawn while fitting.")] = 0,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Learn the mean over the seeds of a configuration (merged), or each for itself (separate).",
        ),
    ] = "merged",
    noise: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option("--noise", help="Let repeated trainings differ as those of the table do.")
    ] = False,
    max_samples: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Learn from at most N configurations. The default is 10000."),
    ] = None,
    min_rank: Annotated[
        float | None,
        typer.Option(
            min=-1, max=1, metavar="R", help="Store nothing if a rank correlation of the target is below R."
        ),
    ] = None,
    schedulers: Annotated[  # noqa: FBT002  a flag of the command line
        bool, typer.Option("--schedulers", help="Also compare schedulers on the tables and on surrogates.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write to FOLDER/NAME/surrogates/MODEL. The default is the user's own folder, where all "
            "commands find it.",
        ),
    ] = None,
    root: Roots = None,
    offline: Offline = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Fit surrogates to the tables of a blackbox, and store them.

    A surrogate predicts the learning curve of any configuration. A stored one is loaded in milliseconds,
    without the libraries that fitted it: bb-sim run NAME/TASK --off-table MODEL uses it, and so does
    load_blackbox(NAME, source=Source(surrogate=MODEL)). It is used only with the tables that it was fitted
    to.

    Each surrogate is judged by a cross-validation before it is stored. The rank correlation (Spearman's) and
    R2 are those of the tuned objective at the last fidelity, of configurations that were left out: 1 is
    exact, 0 no better than the mean. --min-rank 0.8 refuses a surrogate that ranks worse, and then nothing is
    written. --schedulers adds how schedulers rank on a surrogate that does not know their configurations,
    beside how they rank on the table. bb-repo info NAME shows the figures again, and bb-repo surrogate NAME
    TASK all others.

    What is fitted is kept at once in the user's cache, so the same command continues where it was stopped.
    """
    from blackbox_repo.fit_tables import FitOrder
    from blackbox_repo.repository import load_blackbox
    from blackbox_repo.surrogate.options import MAX_SAMPLES, FitOptions
    from blackbox_repo.surrogate.settings import choice

    choice("--space", space, ("table", "continuous"))
    choice("--seeds", seeds, ("merged", "separate"))
    options = FitOptions(seeds=cast("Seeds", seeds), noise=noise, max_samples=max_samples or MAX_SAMPLES)
    chosen = parse_settings(settings or ())
    order = FitOrder(model, space == "continuous", seed, options, chosen, min_rank, schedulers)
    tables = load_blackbox(name, source=make_source(root, offline=offline))
    folder = surrogate_folder((out or folder_for_new()) / tables.manifest.name, model)
    manifest = fit_and_store(tables, order, folder, task or (), command="bb-repo fit")
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "tasks": _figures(manifest)}))
        return
    show_stored(manifest, folder)


def fit_and_store(
    tables: LoadedBlackbox, order: FitOrder, folder: Path, tasks: Any, *, command: str
) -> Manifest:
    """Fit and store surrogates, with progress on stderr and a word about what stays if it is interrupted.

    Args:
        tables: The blackbox.
        order: How they are fitted.
        folder: The folder of the surrogates.
        tasks: The tasks; all if there are none.
        command: The command, as progress names it.
    """
    from blackbox_repo.fit_tables import fit_tables
    from blackbox_repo.text.progress import report_progress

    def kept() -> str:
        return (
            f"nothing was written to {folder}; what was fitted is kept, and the same command continues there"
        )

    recipe = describe_order(tables.manifest.name, order, tasks)
    with console.interruptible(kept), report_progress(command) as progress:
        return fit_tables(tables, order, folder, tasks=tasks, recipe=recipe, say=progress.step)


def describe_order(name: str, order: FitOrder, tasks: Any) -> str:
    """The command that fits surrogates in this way."""
    from blackbox_repo.surrogate.options import MAX_SAMPLES

    words = [f"bb-repo fit {name} --model {order.model}", *(f"--task {task}" for task in tasks)]
    words += ["--space continuous"] * order.continuous
    words += [f"--set {key}={json.dumps(value)}" for key, value in order.settings.items()]
    words += [f"--seed {order.seed}"] * bool(order.seed)
    words += ["--seeds separate"] * (order.options.seeds == "separate") + ["--noise"] * order.options.noise
    if order.options.max_samples != MAX_SAMPLES:
        words.append(f"--max-samples {order.options.max_samples}")
    words += ["--schedulers"] * order.schedulers
    return " ".join(words)


def parse_settings(given: Any) -> dict[str, Any]:
    """Settings as typed, ``NAME=VALUE``; a value that is JSON is what JSON says, and else text.

    Raises:
        InvalidOption: There is no ``=``, or a name occurs twice.
    """
    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key or key in found:
            raise InvalidOption(f"--set {each} must be NAME=VALUE, with each name once, such as trees=50")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def show_stored(manifest: Manifest, folder: Path) -> None:
    """Print how good stored surrogates are, and how they are used."""
    show_quality(manifest)
    size = sum(task.bytes for task in manifest.tasks.values())
    typer.echo(printable(f"{folder}: {size / 1e6:.2f} MB"))
    typer.echo(printable(explain_use(manifest, folder)))


def explain_use(manifest: Manifest, folder: Path) -> str:
    """How stored surrogates are used, and why their names alone do not do, where that is so."""
    entry, path = manifest.fitted(), f"load_blackbox({str(folder)!r}) loads it"
    name, first = entry.of.blackbox, next(iter(manifest.tasks))
    try:
        found = locate(name, Source(surrogate=entry.model))
    except BlackboxRepoError:  # as where its tables are in a root that is not searched
        return path
    if found.folder is None or not found.folder.samefile(folder):
        return f"{path}; that of {found.folder or found.origin} is found first by the names alone"
    by_name = f"load_blackbox({name!r}, source=Source(surrogate={entry.model!r}))"
    return f"bb-sim run {name}/{first} --off-table {entry.model} uses it; {by_name} loads it"


def show_quality(manifest: Manifest, title: str = "") -> None:
    """Print how good the surrogates of a manifest are, task by task."""
    shown = {"rank correlation": "rank", "R2": "r2", "schedulers": "schedulers"}
    rows = [
        (
            each["task"],
            each["objective"],
            *(_round(each[name]) for name in shown.values()),
            f"{each['rows']:,}",
        )
        for each in _figures(manifest)
    ]
    numbers = [Column(heading, right=True) for heading in (*shown, "fitted to")]
    Terminal().show_table([Column("task"), Column("objective", wraps=True), *numbers], rows, title)


def _figures(manifest: Manifest) -> list[dict[str, Any]]:
    found = []
    for task, fitted in manifest.fitted().tasks.items():
        report = fitted.quality
        agreement = report and report.schedulers
        figures = {
            "rank": report and report.rank,
            "r2": report and report.r2,
            "schedulers": agreement and agreement.spearman,
        }
        target = manifest.schema_of(task).target
        found.append({"task": task, "objective": target, **figures, "rows": fitted.rows, "of": fitted.of})
    return found


def _round(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
